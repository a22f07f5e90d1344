"""Which place in the order of a window's cells is wanted: not all windows have as many that are seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UsageError


@dataclass(frozen=True)
class Order:
    """A place among the sorted cells of a window.

    Attributes
    ----------
    rank
        From 0, the least; negative from the greatest, −1. Where a window has fewer cells, its last.
    percentile
        Instead of a rank, 0 to 100: of n cells the place int(n · percentile / 100), 100 the last
        (`scipy.ndimage.percentile_filter`).
    """

    rank: int | None = None
    percentile: float | None = None

    def __post_init__(self) -> None:
        if (self.rank is None) == (self.percentile is None):
            raise UsageError("Expected a rank or a percentile, and not both.")
        if self.percentile is not None and not 0 <= self.percentile <= 100:
            raise UsageError(f"percentile: expected 0 to 100, found {self.percentile:g}.")

    def check(self, cells: int) -> None:
        """Raise `UsageError` if a window of so many cells has no such place."""
        if self.rank is not None and not -cells <= self.rank < cells:
            raise UsageError(
                f"rank: expected 0 to {cells - 1}, or −1 to −{cells} from the greatest, of {cells} "
                f"cells, found {self.rank}."
            )

    def is_extreme(self, cells: int) -> bool:
        """Whether it is the least or the greatest of so many."""
        return self.of(cells) in (0, cells - 1)

    @overload
    def of(self, cells: int) -> int: ...
    @overload
    def of(self, cells: Array) -> Array: ...
    def of(self, cells: int | Array) -> int | Array:
        """Return the place from 0, of windows of so many cells, of which each has one at least.

        >>> Order(percentile=50).of(9), Order(percentile=50).of(np.array([8, 1])).tolist()
        (4, [4, 0])
        """
        counts = np.asarray(cells)
        if self.percentile is not None:
            places = (counts * float(self.percentile) / 100).astype(np.int64)
        else:
            assert self.rank is not None
            places = np.where(self.rank < 0, counts + self.rank, self.rank)
        places = np.clip(places, 0, np.maximum(counts - 1, 0))
        return places if isinstance(cells, np.ndarray) else int(places)


MEDIAN = Order(percentile=50)
"""The middle; of an even number the greater of the two in the middle, a value of the image (SciPy's)."""
