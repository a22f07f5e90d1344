"""Values that part black from white, found in a histogram."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from convcli.filtering.statistics import Histogram

COARSE = 256
"""Bins that scikit-image cuts the range of floats in."""


def otsu(histogram: Histogram) -> float:
    """Return the value that parts a histogram so that the two sides' means lie furthest apart.

    Source: N. Otsu, A threshold selection method from gray-level histograms, 1979; the middle of a bin, as
    ``skimage.filters.threshold_otsu`` has it.
    """
    counts, middles = histogram.counts.astype(np.float64), histogram.middles
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    mean_below = np.cumsum(counts * middles) / below
    mean_above = (np.cumsum((counts * middles)[::-1]) / above[::-1])[::-1]
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(middles[int(np.argmax(between))])


def triangle(histogram: Histogram) -> float:
    """Return the value where a histogram lies furthest below the line from its peak to its longer end.

    Source: G. Zack, W. Rogers and S. Latt, 1977; as ``skimage.filters.threshold_triangle`` has it.
    """
    counts, middles = histogram.counts, histogram.middles
    peak, (low, high) = int(np.argmax(counts)), np.flatnonzero(counts)[[0, -1]]
    turned = peak - low < high - peak
    if turned:
        counts, low, peak = counts[::-1], len(counts) - high - 1, len(counts) - peak - 1
    width, height = float(peak - low), float(counts[peak])
    length = math.hypot(width, height)
    steps = np.arange(peak - low)
    heights = counts[low:peak]
    if not len(steps):
        return float(middles[peak])
    level = int(np.argmax((height * steps - width * heights) / length)) + low
    return float(middles[len(counts) - level - 1 if turned else level])


def isodata(histogram: Histogram) -> float:
    """Return the least value that lies halfway between the means of what is below and of what is above it.

    Source: T. Ridler and S. Calvard, Picture thresholding using an iterative selection method, 1978; within
    a bin, as ``skimage.filters.threshold_isodata`` has it.
    """
    counts, middles = histogram.counts.astype(np.float64), histogram.middles
    count, total = np.cumsum(counts), np.cumsum(counts * middles)
    below = total[:-1] / count[:-1]
    above = (total[-1] - total[:-1]) / (count[-1] - count[:-1])
    beyond = (below + above) / 2 - middles[:-1]  # it begins above 0, and no step takes more than a bin of it
    return float(middles[int(np.argmax(beyond < middles[1] - middles[0]))])


def yen(histogram: Histogram) -> float:
    """Return the value whose two sides have the most entropic correlation together.

    Source: J. Yen, F. Chang and S. Chang, A new criterion for automatic multilevel thresholding, 1995; as
    ``skimage.filters.threshold_yen`` has it.
    """
    share = histogram.counts / histogram.counts.sum()
    below, squares = np.cumsum(share)[:-1], share**2
    sides = np.cumsum(squares)[:-1] * np.cumsum(squares[::-1])[::-1][1:]
    return float(histogram.middles[int(np.argmax((below * (1 - below)) ** 2 / sides))])


def li(histogram: Histogram) -> float:
    """Return the value whose two means describe a histogram with the least cross entropy.

    Source: C. Li and P. Tam, An iterative algorithm for minimum cross entropy thresholding, 1998; as
    ``skimage.filters.threshold_li`` has it of integers.
    """
    counts, values = histogram.counts.astype(np.float64), histogram.middles - histogram.middles[0]
    width = float(values[1])
    following, found = float(np.average(values, weights=counts)), -math.inf
    while abs(following - found) > width / 2:
        found = following
        above = values > found
        low, high = (float(np.average(values[side], weights=counts[side])) for side in (~above, above))
        if low == 0:
            break
        following = (low - high) / (math.log(low) - math.log(high))
    return following + float(histogram.middles[0])


METHODS: Mapping[str, Callable[[Histogram], float]] = {
    "otsu": otsu,
    "li": li,
    "yen": yen,
    "isodata": isodata,
    "triangle": triangle,
}
