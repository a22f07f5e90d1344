"""A picture that is computed where it is looked at: what steps make of each other, and none keeps.

A chain of steps is pulled: whoever wants rows and columns of the last picture asks it (`read`), which asks
the one that it is made of, down to the image. So between steps there are floats, never pixels, and of each no
more than what one block's windows see.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from convcli.engine.arguments import computing_dtype
from convcli.engine.plane.blocks import WORKSPACES, Effort, blocks_of, over_blocks
from convcli.engine.plane.planes import ArrayPlane, Block, Frame, Plane, runs
from convcli.engine.workspace import Workspace
from convcli.filtering.ranges import limits_of
from convcli.filtering.visibility import Veil
from convcli.shapes import Pair, Window

Pixels: TypeAlias = NDArray[Any]
Kind: TypeAlias = Literal["pixels", "signed", "magnitude", "angle", "hue"]
Result = TypeVar("Result")

CELLS = 2**19  # that are computed at a time, of all channels: a third-level cache holds them
BAND_CELLS = 2**23  # of a channel, at most, where windows reach far beyond a block
LEAST_HALOS = 4  # a band has as many rows as its windows see beyond it, times this: 25 % is computed again
POINT_COST = 1.0  # nanoseconds that a sample of a point step takes


@dataclass(frozen=True)
class Setting:
    """What a command says to each of its steps."""

    border: str = "reflect"  # of steps that name none
    fill: float = 0
    alpha: str = "keep"  # what a kernel does with it: "keep", "filter" or "ignore"
    threads: int | None = None


class Picture(ABC):
    """A picture of (rows, columns), in floats.

    Attributes
    ----------
    shape
        Rows and columns.
    channels
        How many: 1, 3 for RGB, or any number.
    dtype
        float32 or float64: what it is computed in.
    levels
        The image's dtype, whose black and white are its units' (see `white`).
    kind
        What its values are, by which range "auto" makes pixels of them: "pixels"; "signed", whose size
        counts; "magnitude", which is never negative; "angle", radians; "hue", a direction as a colour, whose
        channels are too bright together.
    veil
        What hides parts of it, alpha and pixels of no data; None if nothing does.
    planes
        Its channels one by one, where that is no more work than all at once: of an image in memory.
    effort, halo, block
        What it takes to compute all of it; how many rows and columns of it beyond a block are computed for
        the block; and the block that is best where nothing is computed twice, None for any.
    """

    planes: Sequence[Plane] | None = None

    def __init__(
        self,
        shape: Pair,
        channels: int,
        dtype: np.dtype[Any],
        levels: np.dtype[Any],
        *,
        kind: Kind = "pixels",
        veil: Veil | None = None,
        effort: Effort | None = None,
        halo: tuple[float, float] = (0, 0),
        block: Pair | None = None,
    ) -> None:
        self.shape, self.channels, self.dtype, self.levels = shape, channels, dtype, levels
        self.kind, self.veil = kind, veil
        self.effort, self.halo, self.block = effort or Effort(), halo, block

    @property
    def white(self) -> float:
        """What is white in the image's units: 255, 65535, 1.0."""
        return limits_of(self.levels)[1]

    @property
    def black(self) -> float:
        """What is black in the image's units: 0 but for signed integers."""
        return limits_of(self.levels)[0]

    @abstractmethod
    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Put `rows` and `columns` of all channels into `out` (c, h, w); several threads may at once."""

    def read_seen(self, rows: slice, columns: slice, out: Pixels, sees: Pixels) -> None:
        """Do the same, and put into `sees` (h, w) where anything stands behind the values."""
        self.read(rows, columns, out)
        assert self.veil is not None
        self.veil.sees(rows, columns, sees)


class Stored(Picture):
    """An image in memory: its planes, in whatever dtype."""

    def __init__(
        self,
        planes: Sequence[Plane],
        levels: np.dtype[Any],
        *,
        kind: Kind = "pixels",
        veil: Veil | None = None,
    ) -> None:
        super().__init__(
            planes[0].shape, len(planes), computing_dtype(planes[0].dtype), levels, kind=kind, veil=veil
        )
        self.planes: Sequence[Plane] = planes

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Copy them."""
        for plane, own in zip(self.planes, out, strict=True):
            plane.read(rows, columns, own)


class StoredImage(Stored):
    """An image in memory as one array: `pixels` (h, w) or (h, w, c)."""

    def __init__(self, pixels: Pixels, veil: Veil | None = None) -> None:
        self.pixels = pixels
        channels = [pixels] if pixels.ndim == 2 else [pixels[:, :, c] for c in range(pixels.shape[2])]
        super().__init__([ArrayPlane(one) for one in channels], pixels.dtype, veil=veil)


class Derived(Picture):
    """A picture made of another: as that, but for what is said otherwise.

    `window` is what it looks through at `source`, `cost` what a sample takes, in nanoseconds.
    """

    def __init__(
        self,
        source: Picture,
        *,
        shape: Pair | None = None,
        channels: int | None = None,
        dtype: np.dtype[Any] | None = None,
        kind: Kind | None = None,
        veil: Veil | None = None,
        window: Window | None = None,
        effort: Effort | None = None,
        block: Pair | None = None,
        cost: float = POINT_COST,
    ) -> None:
        self.source = source
        shape, channels = shape or source.shape, channels or source.channels
        halo = source.halo
        if window is not None:
            down, across = (
                (own + span - 1) / stride
                for own, span, stride in zip(source.halo, window.span, window.stride, strict=True)
            )
            halo = down, across
        super().__init__(
            shape,
            channels,
            dtype or source.dtype,
            source.levels,
            kind=kind or source.kind,
            veil=source.veil if veil is None else veil,
            effort=source.effort + (effort or Effort(cost * channels * math.prod(shape))),
            halo=halo,
            block=block,
        )


class _Pointwise(Derived):
    """What a function makes of each pixel."""

    def __init__(
        self,
        source: Picture,
        function: Callable[[Pixels, Pixels], None],
        channels: int | None,
        kind: Kind | None,
    ) -> None:
        super().__init__(source, channels=channels, kind=kind)
        self.function = function

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        self._put(self.source.read, rows, columns, out)

    def read_seen(self, rows: slice, columns: slice, out: Pixels, sees: Pixels) -> None:
        def read(rows: slice, columns: slice, cells: Pixels) -> None:
            self.source.read_seen(rows, columns, cells, sees)

        self._put(read, rows, columns, out)

    def _put(
        self, read: Callable[[slice, slice, Pixels], None], rows: slice, columns: slice, out: Pixels
    ) -> None:
        with WORKSPACES.lent() as workspace:
            cells = workspace.array("points", (self.source.channels, *out.shape[1:]), self.source.dtype)
            read(rows, columns, cells)
            self.function(cells, out)


def pointwise(
    picture: Picture,
    function: Callable[[Pixels, Pixels], None],
    *,
    channels: int | None = None,
    kind: Kind | None = None,
) -> Picture:
    """Return the picture that a function makes of each pixel by itself.

    Parameters
    ----------
    picture
        What it is made of.
    function
        Called with ``cells`` (c, h, w), which it may overwrite, and ``out`` (channels, h, w), both of the
        picture's dtype: any block, by any thread.
    channels, kind
        Of the result, if they differ.
    """
    return _Pointwise(picture, function, channels, kind)


class _Exact(Derived):
    """A picture in double precision."""

    def __init__(self, source: Picture) -> None:
        super().__init__(source, dtype=np.dtype(np.float64))

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        with WORKSPACES.lent() as workspace:
            cells = workspace.array("single", out.shape, self.source.dtype)
            self.source.read(rows, columns, cells)
            np.copyto(out, cells)


def exact(picture: Picture) -> Picture:
    """Return a picture in float64: of an image, its own values; of a step's result, what it computes."""
    if picture.dtype == np.float64:
        return picture
    if isinstance(picture, Stored):
        same = Stored(picture.planes, picture.levels, kind=picture.kind, veil=picture.veil)
        same.dtype = np.dtype(np.float64)
        return same
    return _Exact(picture)


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
        with WORKSPACES.lent() as workspace:
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
        What it is made of. What is hidden of it (alpha, no data) is as it is; the result is hidden where the
        pixel is.
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


def seen_through(window: Window, block: Block) -> tuple[slice, slice]:
    """Return the rows and columns of the padded plane that a block's windows see."""
    down, across = (
        slice(part.start * stride, (part.stop - 1) * stride + span)
        for part, stride, span in zip((block.rows, block.columns), window.stride, window.span, strict=True)
    )
    return down, across


@dataclass(frozen=True, eq=False)
class Held:
    """A part of a plane that has been read: some of its rows and columns, in order."""

    shape: Pair  # the plane's
    rows: Pixels
    columns: Pixels
    cells: Pixels

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the cells."""
        return self.cells.dtype

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Copy `rows` and `columns`, all of which are held."""
        row, column = np.searchsorted(self.rows, rows.start), np.searchsorted(self.columns, columns.start)
        np.copyto(
            out, self.cells[row : row + out.shape[0], column : column + out.shape[1]], casting="same_kind"
        )


def read_ahead(
    picture: Picture, frame: Frame, window: Window, block: Block, workspace: Workspace
) -> Sequence[Plane]:
    """Return the channels of a picture as planes that know what a block's windows see: computed once."""
    if picture.planes is not None:
        return picture.planes
    rows, columns = _places(frame, window, block)
    cells = workspace.array("read ahead", (picture.channels, len(rows), len(columns)), picture.dtype)
    for at_row, row_run in runs(rows):
        for at_column, column_run in runs(columns):
            picture.read(row_run, column_run, cells[:, at_row, at_column])
    return [Held(picture.shape, rows, columns, own) for own in cells]


def veil_ahead(veil: Veil, frame: Frame, window: Window, block: Block, workspace: Workspace) -> Plane:
    """Return how much is seen as such a plane."""
    if veil.at_hand:
        return veil
    rows, columns = _places(frame, window, block)
    shares = workspace.array("shares ahead", (len(rows), len(columns)), np.float64)
    for at_row, row_run in runs(rows):
        for at_column, column_run in runs(columns):
            veil.read(row_run, column_run, shares[at_row, at_column])
    return Held(veil.shape, rows, columns, shares)


def _places(frame: Frame, window: Window, block: Block) -> tuple[Pixels, Pixels]:
    """Return the rows and columns of the plane that a block's windows see, be it through the border."""
    rows, columns = (
        np.unique(axis[part][axis[part] >= 0])
        for axis, part in zip((frame.rows, frame.columns), seen_through(window, block), strict=True)
    )
    return rows, columns


def blocks(picture: Picture) -> list[Block]:
    """Return the blocks in which all of a picture is computed.

    So high that what is computed for two of them, as windows reach beyond a block, stays a small part of all.
    They do not depend on the number of threads, and so neither does the result.
    """
    if picture.block is not None:
        return blocks_of(picture.shape, picture.block)
    rows, columns = picture.shape
    usual = max(CELLS // (columns * picture.channels), 1)
    needed = min(math.ceil(LEAST_HALOS * picture.halo[0]), max(BAND_CELLS // columns, 1))
    return blocks_of(picture.shape, (min(max(usual, needed), rows), columns))


def measured(
    picture: Picture,
    task: Callable[[Pixels, Pixels | None], Result],
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Result]:
    """Return what `task` makes of every block of a picture, in order, for whoever combines them.

    One pass over all that it is made of: computing that twice costs time, keeping it would cost memory.
    `task` is called with cells (c, h, w) and where anything stands behind them, (h, w) of bool, or None for
    everywhere.
    """

    def measure(block: Block, workspace: Workspace) -> Result:
        cells = workspace.array("measured", (picture.channels, *block.shape), picture.dtype)
        if picture.veil is None or not picture.veil.limits:
            picture.read(block.rows, block.columns, cells)
            return task(cells, None)
        sees = np.empty(block.shape, bool)
        picture.read_seen(block.rows, block.columns, cells, sees)
        return task(cells, sees)

    return over_blocks(blocks(picture), measure, picture.effort, threads, progress)
