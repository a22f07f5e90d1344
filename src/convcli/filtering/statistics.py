"""What there is to know of all values of a picture: extremes, a histogram. Each is one pass over its chain.

Only what is seen and finite counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.filtering.passes import measured
from convcli.filtering.picture import Picture, pointwise
from convcli.filtering.shares import Progress

Pixels: TypeAlias = NDArray[Any]

ROUNDING = 8.0
"""Steps of the dtype, at its largest value, that sums may make of what is equal: a blur of a flat picture."""

FINE = 2**16
"""Bins where a share of all pixels is looked for: as many as 16 bits tell apart."""


@dataclass(frozen=True)
class Extremes:
    """Of the values of a picture."""

    low: float  # ∞ and −∞ if there are none
    high: float
    whole: bool  # whether all are integers
    eps: float = 0.0  # of the dtype that they are computed in

    @property
    def flat(self) -> bool:
        """Whether there is nothing between them, or nothing but rounding."""
        if self.whole:
            return not self.low < self.high
        return not self.high - self.low > ROUNDING * self.eps * max(abs(self.low), abs(self.high))


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many values lie in each bin: (bins,), and where the bins' middles and edges are."""

    counts: Pixels
    middles: Pixels
    edges: Pixels

    def quantile(self, share: float) -> float:
        """Return the value that a share of all lies below, between two edges in proportion."""
        below = np.concatenate(([0], np.cumsum(self.counts)))
        return float(np.interp(share * below[-1], below, self.edges))


def extremes_of(picture: Picture, threads: int | None, progress: Progress | None = None) -> Extremes:
    """Return the least and the largest value of all channels."""

    def look(cells: Pixels, sees: Pixels | None) -> Extremes:
        values = _counted(cells, sees)
        if not values.size:
            return Extremes(np.inf, -np.inf, True)
        return Extremes(float(values.min()), float(values.max()), bool((values == np.rint(values)).all()))

    found = measured(picture, look, threads, progress)
    return Extremes(
        min(one.low for one in found),
        max(one.high for one in found),
        all(one.whole for one in found),
        float(np.finfo(picture.dtype).eps),
    )


def histogram_of(
    picture: Picture, extremes: Extremes, bins: int, threads: int | None, progress: Progress | None = None
) -> Histogram:
    """Return the histogram of all channels from the least value to the largest, as NumPy cuts the bins.

    Integers of no larger range than `FINE` have a bin each, as scikit-image and OpenCV count those of images.
    """
    if extremes.whole and extremes.high - extremes.low < FINE:
        first, last = round(extremes.low), round(extremes.high)
        edges = np.arange(first, last + 2) - 0.5
        middles = np.arange(first, last + 1).astype(np.float64)
    else:
        edges = np.histogram_bin_edges(np.zeros(0, picture.dtype), bins, (extremes.low, extremes.high))
        middles = (edges[:-1] + edges[1:]) / 2
    limits = (float(edges[0]), float(edges[-1]))

    def count(cells: Pixels, sees: Pixels | None) -> Pixels:
        return np.histogram(_counted(cells, sees), len(middles), limits)[0]

    return Histogram(reduce(add, measured(picture, count, threads, progress)), middles, edges)


def mean_of(picture: Picture, threads: int | None, progress: Progress | None = None) -> float:
    """Return the mean of all values of all channels."""

    def look(cells: Pixels, sees: Pixels | None) -> tuple[float, int]:
        values = _counted(cells, sees)
        return float(values.sum(dtype=np.float64)), values.size

    found = measured(picture, look, threads, progress)
    return math.fsum(total for total, _ in found) / max(sum(count for _, count in found), 1)


def channel_of(picture: Picture, number: int) -> Picture:
    """Return one channel of a picture."""

    def chosen(cells: Pixels, out: Pixels) -> None:
        np.copyto(out[0], cells[number])

    return picture if picture.channels == 1 else pointwise(picture, chosen, channels=1)


def _counted(cells: Pixels, sees: Pixels | None) -> Pixels:
    """Return the values (n) that count."""
    values = cells.reshape(len(cells), -1) if sees is None else cells[:, sees]
    finite = np.isfinite(values)
    return values.ravel() if finite.all() else values[finite]
