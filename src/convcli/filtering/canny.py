"""Canny's edges: gradients thinned to crests, which are strong or weak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import Effort, blocks_of, over_blocks
from convcli.engine.plane.filter import allocated
from convcli.engine.plane.planes import Block
from convcli.engine.thinning import crests_between, crests_in_sectors, gradient
from convcli.engine.workspace import Workspace
from convcli.errors import UsageError
from convcli.filtering.picture import Picture
from convcli.filtering.shares import Progress

Pixels: TypeAlias = NDArray[Any]
Sizes: TypeAlias = Callable[[Pixels, Pixels], Pixels]

BAND = 2**18  # pixels that are classified at a time: some twenty arrays of them are in use
COST = 60.0  # nanoseconds a pixel, roughly
BEYOND = 2  # rows that a pixel's class depends on, to each side


def length(across: Pixels, down: Pixels) -> Pixels:
    """Return √(x² + y²)."""
    size: Pixels = across * across
    size += down * down
    return np.sqrt(size, out=size)


def sum_of_sizes(across: Pixels, down: Pixels) -> Pixels:
    """Return |x| + |y|."""
    return np.abs(across) + np.abs(down)


class Crests:
    """The crests of a smooth picture's gradients.

    Parameters
    ----------
    picture
        Of one channel.
    interpolated
        Whether they are compared with what lies between pixels, and the outermost pixels are none, as
        scikit-image has it; else with one of eight neighbours, as OpenCV has it, beyond the image with 0.
    sizes
        What of a gradient counts: `length` or `sum_of_sizes`.
    """

    def __init__(
        self,
        picture: Picture,
        *,
        interpolated: bool,
        sizes: Sizes,
        threads: int | None,
        progress: Progress | None = None,
    ) -> None:
        self.picture, self.interpolated, self.sizes = picture, interpolated, sizes
        self.threads, self.progress = threads, progress

    def over_bands(self, task: Callable[[Block, Pixels, Pixels, Pixels], Any]) -> list[Any]:
        """Return what `task` makes of each band, in order.

        It is called with the band, the sizes of gradients (h + 2, w + 2) there and around, and the gradients
        (h, w) across and down.
        """
        rows, columns = self.picture.shape
        height = max(BAND // columns, 4 * BEYOND, round(4 * self.picture.halo[0]))
        bands = blocks_of(self.picture.shape, (min(height, rows), columns))

        def work(block: Block, _: Workspace) -> Any:
            return task(block, *self._gradients(block))

        effort = self.picture.effort + Effort(COST * rows * columns)
        return over_blocks(bands, work, effort, self.threads, self.progress)

    def _gradients(self, block: Block) -> tuple[Pixels, Pixels, Pixels]:
        rows, columns = self.picture.shape
        first, last = max(block.rows.start - BEYOND, 0), min(block.rows.stop + BEYOND, rows)
        cells = np.empty((1, last - first, columns), self.picture.dtype)
        self.picture.read(slice(first, last), slice(0, columns), cells)
        if not np.isfinite(cells).all():
            raise UsageError(
                "NaN and infinite values have no edges; leave them out (--nodata nan --nodata inf, a sigma "
                "above 0)."
            )
        missing = first - (block.rows.start - BEYOND), block.rows.stop + BEYOND - last
        across, down = gradient(np.pad(cells[0], (missing, (BEYOND, BEYOND)), "edge"))
        size = self.sizes(across, down)
        if not self.interpolated:  # beyond the image there is no gradient
            size[:, [0, -1]] = 0
            if block.rows.start == 0:
                size[0] = 0
            if block.rows.stop == rows:
                size[-1] = 0
        return size, across[1:-1, 1:-1], down[1:-1, 1:-1]

    def largest(self) -> float:
        """Return the largest size of a gradient that is finite, 0 if there is none."""

        def look(_: Block, size: Pixels, *__: Pixels) -> float:
            own = size[1:-1, 1:-1]
            return float(own.max(initial=0.0, where=np.isfinite(own)))

        return float(max(self.over_bands(look)))

    def histogram(self, bins: int, most: float) -> Pixels:
        """Return how many gradients are of which size, in `bins` from 0 to `most`."""

        def count(_: Block, size: Pixels, *__: Pixels) -> Pixels:
            return np.histogram(size[1:-1, 1:-1], bins, (0, most))[0]

        total: Pixels = np.sum(self.over_bands(count), axis=0)
        return total

    def classes(self, low: float, high: float) -> Pixels:
        """Return (h, w) of uint8: 2 for crests from `high` on, 1 from `low` on, 0 for the rest."""
        rows, columns = self.picture.shape
        classes = allocated((rows, columns), np.dtype(np.uint8))

        def classify(block: Block, size: Pixels, across: Pixels, down: Pixels) -> None:
            own, out = size[1:-1, 1:-1], classes[block.rows]
            large = (own >= low) & (own > 0) if self.interpolated else own > low
            if self.interpolated:
                large[:, [0, -1]] = False
                if block.rows.start == 0:
                    large[0] = False
                if block.rows.stop == rows:
                    large[-1] = False
            where = np.flatnonzero(large)  # few pixels of a picture are as large
            find = crests_between if self.interpolated else crests_in_sectors
            where = where[find(size, across, down, where)]
            largest = np.take(own, where)
            strong = largest >= high if self.interpolated else largest > high
            out[...] = 0
            out.reshape(-1)[where] = 1 + strong

        self.over_bands(classify)
        return classes
