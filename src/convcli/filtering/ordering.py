"""Windows whose cells are put in order, or compared, where not all of them are seen.

What is not seen has no say: a cell of no data or of alpha 0 is left out of the order. A cell of which
something is seen counts whole: an order has no halves. What lies outside the picture is left out as well
where the border is "ignore". Where a window sees nothing at all, the pixel stays as it is, hidden if it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import WORKSPACES
from convcli.engine.plane.planes import Block, Frame, Plane
from convcli.engine.ranks.ranks import any_of
from convcli.engine.workspace import Workspace
from convcli.errors import ShapeError
from convcli.filtering.laying import AlphaPlane
from convcli.filtering.picture import Kind, Picture, Stored, pointwise
from convcli.filtering.reading_ahead import seen_through, veil_ahead
from convcli.filtering.visibility import DerivedVeil, Veil, opaque_of
from convcli.filtering.windows import Windowed
from convcli.shapes import Pair, Window

Pixels: TypeAlias = NDArray[Any]
Respond: TypeAlias = Callable[[Pixels, Pixels | None, Pixels, Workspace], None]

MOST_PADDED = 2**27  # cells of a picture and its border, where that is much larger

IGNORE = "ignore"
"""The border where nothing outside a picture counts (scikit-image's name)."""


class Seeing(Windowed):
    """What a function makes of the windows around each pixel, which is told what is seen of them.

    `respond` is called with cells (c, h + f_h − 1, w + f_w − 1), how much is seen of each, from 0 to 1
    (h + f_h − 1, w + f_w − 1) or None for all, `out` and a `Workspace`.
    """

    def __init__(
        self,
        source: Picture,
        size: Pair,
        respond: Respond,
        *,
        border: str,
        fill: float,
        anchor: Pair,
        **differing: Any,
    ) -> None:
        (up, left), (down, right) = anchor, (size[0] - 1 - anchor[0], size[1] - 1 - anchor[1])
        window = Window.of(size, padding=((up, down), (left, right)))
        rows, columns = (n + f - 1 for n, f in zip(source.shape, size, strict=True))
        if rows * columns > max(MOST_PADDED, 4 * source.shape[0] * source.shape[1]):
            raise ShapeError(
                f"A window of {size[0]} × {size[1]} is too large for a picture of "
                f"{source.shape[0]} × {source.shape[1]}: with its border that would be {rows} × {columns}."
            )
        known, self.tell = "constant" if border == IGNORE else border, respond
        # What stands around a picture without a cell is seen, unless it is ignored.
        self.shares = Frame.of(source.shape, window.padding, "constant" if known == "zero" else known, 1.0)
        if border == IGNORE:
            self.shares = Frame.of(source.shape, window.padding, "zero", 0.0)
        limits = source.veil is not None and source.veil.limits
        self.veiled, self.told = source.veil if limits else None, limits or border == IGNORE
        frame = Frame.of(source.shape, window.padding, known, fill)
        super().__init__(source, window, lambda *_: None, frame, **differing)

    def _answer(self, block: Block, cells: Pixels, out: Pixels, scratch: Workspace) -> None:
        shares = self._shares(block, scratch) if self.told else None
        self.tell(cells, shares, out, scratch)

    def _shares(self, block: Block, scratch: Workspace) -> Pixels:
        """Return how much is seen of the cells that a block's windows see."""
        down, across = seen_through(self.window, block)
        shape = down.stop - down.start, across.stop - across.start
        shares = scratch.array("window shares", shape, np.float64)
        with WORKSPACES.lent() as workspace:
            plane: Plane = _All(self.source.shape)
            if self.veiled is not None:
                plane = veil_ahead(self.veiled, self.shares, self.window, block, workspace)
            self.shares.gather(plane, down, across, shares)
        return shares


class _All:
    """A plane that is seen everywhere."""

    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, shape: Pair) -> None:
        self.shape = shape

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        out[...] = 1


def ordered(
    picture: Picture,
    footprint: Pixels,
    respond: Respond,
    *,
    anchor: Pair,
    border: str,
    fill: float,
    alpha: str,
    kind: Kind | None = None,
    cost: float = 10.0,
) -> Picture:
    """Return the picture of an order statistic of the cells under a footprint.

    Parameters
    ----------
    picture
        What it is made of.
    footprint
        (f_h, f_w) of bool, as it is laid on.
    respond
        Called for one channel, with cells (h + f_h − 1, w + f_w − 1), which of them are seen or None for all,
        `out` (h, w) and a `Workspace`.
    anchor
        The footprint's cell that lies on the pixel.
    border, fill
        As in `filter2d`, or `IGNORE`; `fill` is then what stands for what is ignored where all else is seen.
    alpha
        "filter" makes the same of alpha; else a pixel keeps its own.
    kind, cost
        As in `windowed`.
    """
    size = footprint.shape[0], footprint.shape[1]
    own = bool(footprint[anchor])

    def all_channels(cells: Pixels, shares: Pixels | None, out: Pixels, workspace: Workspace) -> None:
        seen = None if shares is None else shares > 0
        nothing = None
        if seen is not None:
            nothing = ~any_of(seen, footprint, out.shape[1:], workspace)
            nothing = nothing if nothing.any() else None
        for plane, target in zip(cells, out, strict=True):
            if nothing is not None:
                middle = plane[anchor[0] :, anchor[1] :][: target.shape[0], : target.shape[1]]
                kept = middle[nothing]
            respond(plane, seen, target, workspace)
            if nothing is not None:
                target[nothing] = kept

    veil = picture.veil if picture.veil is not None and picture.veil.limits else None
    if border == IGNORE and veil is None and own and not np.isfinite(fill):
        # Every window sees its own pixel, and the infinity outside is never the extreme that is wanted.
        border = "constant"
    around: dict[str, Any] = {"border": border, "fill": fill, "anchor": anchor}
    seeing = Seeing(picture, size, all_channels, **around, kind=kind, cost=cost)
    if veil is not None:
        filtered = None
        if alpha == "filter" and veil.alpha_dtype is not None:
            opaque = opaque_of(veil.alpha_dtype)
            if border in ("zero", "constant"):  # what stands around a picture without a cell is opaque
                around = {**around, "border": "constant", "fill": opaque}
            stored = Stored([AlphaPlane(veil, veil.alpha_dtype)], veil.alpha_dtype)
            made = Seeing(stored, size, all_channels, **around, cost=cost)

            def limited(cells: Pixels, out: Pixels) -> None:
                np.clip(cells, 0, opaque, out=out)

            filtered = pointwise(made, limited)
        seeing.veil = OrderedVeil(veil, seeing, footprint, filtered)
    return seeing


class OrderedVeil(DerivedVeil):
    """What hides parts of such a picture: alpha of the pixels, or the same made of alpha.

    Pixels of no data whose window has some get its number.
    """

    def __init__(self, source: Veil, seeing: Seeing, footprint: Pixels, filtered: Picture | None) -> None:
        super().__init__(source.shape, source, None if filtered is None else filtered.read)
        self.seeing, self.footprint = seeing, footprint

    def put_seen(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Look for anything that is seen under the footprint."""
        with WORKSPACES.lent() as workspace:
            shares = self.seeing._shares(Block(rows, columns), workspace)
            out[...] = any_of(shares > 0, self.footprint, out.shape, workspace)

    def put_moved(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Take the pixels'."""
        self.source.alpha(rows, columns, out)
