"""Pictures of what a function makes of the window around each pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from numpy.typing import NDArray

from convcli.engine.plane.blocks import WORKSPACES
from convcli.engine.plane.planes import Block, Frame
from convcli.engine.workspace import Workspace
from convcli.filtering.picture import Derived, Kind, Picture
from convcli.filtering.reading_ahead import read_ahead, seen_through
from convcli.shapes import Pair, Window

Pixels: TypeAlias = NDArray[Any]

CELLS = 2**19  # that are worked on at a time, of all channels: a third-level cache holds them

Respond: TypeAlias = Callable[[Pixels, Pixels, Workspace], None]


class Windowed(Derived):
    """What a function makes of the windows around each pixel."""

    def __init__(
        self,
        source: Picture,
        window: Window,
        respond: Respond,
        frame: Frame,
        **differing: Any,
    ) -> None:
        super().__init__(source, window=window, **differing)
        self.window, self.respond, self.frame = window, respond, frame

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        step = max(CELLS // (out.shape[0] * out.shape[2]), 2 * self.window.span[0], 1)
        with self.kept.lent() as workspace:
            planes = read_ahead(self.source, self.frame, self.window, Block(rows, columns), workspace)
            for top in range(rows.start, rows.stop, step):
                block = Block(slice(top, min(top + step, rows.stop)), columns)
                down, across = seen_through(self.window, block)
                shape = down.stop - down.start, across.stop - across.start
                cells = workspace.array("window cells", (len(planes), *shape), self.source.dtype)
                for plane, own in zip(planes, cells, strict=True):
                    self.frame.gather(plane, down, across, own)
                some = out[:, block.rows.start - rows.start : block.rows.stop - rows.start]
                with WORKSPACES.lent() as scratch:
                    self._answer(block, cells, some, scratch)

    def _answer(self, block: Block, cells: Pixels, out: Pixels, scratch: Workspace) -> None:
        """Put what the function makes of the cells that a block's windows see into `out`."""
        self.respond(cells, out, scratch)


def windowed(
    picture: Picture,
    size: Pair,
    respond: Respond,
    *,
    border: str = "reflect",
    fill: float = 0,
    anchor: Pair | None = None,
    channels: int | None = None,
    kind: Kind | None = None,
    cost: float = 10.0,
) -> Picture:
    """Return the picture of what a function makes of the window around each pixel, as large as `picture`.

    Parameters
    ----------
    picture
        What it is made of. What is hidden of it (alpha, no data) counts as all else does, and the result is
        hidden where the pixel is; `ordering.py` has windows that leave it out.
    size
        Rows and columns of the window.
    respond
        Called with ``cells`` (c, h + f_h − 1, w + f_w − 1), border included, which it may overwrite,
        ``out`` (channels, h, w), both of the picture's dtype, and a `Workspace`: any block, by any thread.
    border, fill
        What stands around the picture, as in `filter2d`.
    anchor
        The window's cell (row, column), from 0, that lies on the pixel; (f − 1) // 2 without.
    channels, kind
        Of the result, if they differ.
    cost
        Nanoseconds that a sample of the result takes, roughly: small pictures are not shared by threads.
    """
    up, left = anchor or ((size[0] - 1) // 2, (size[1] - 1) // 2)
    window = Window.of(size, padding=((up, size[0] - 1 - up), (left, size[1] - 1 - left)))
    frame = Frame.of(picture.shape, window.padding, border, fill)
    return Windowed(picture, window, respond, frame, channels=channels, kind=kind, cost=cost)
