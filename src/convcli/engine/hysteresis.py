"""Weak edges that hang together with strong ones: whole connected curves, of any length, are kept or dropped.

Pixels are joined as runs of rows, far fewer than pixels; runs that touch are united by their least number.
"""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array


def connected_to_strong(classes: Array) -> None:
    """Keep in `classes` (h, w), uint8, what hangs together with a 2: 1 for that, 0 for all else.

    1 and 2 are pixels of edges, weak and strong; they hang together with their eight neighbours.

    >>> edges = np.array([[1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 0, 1]], np.uint8)
    >>> connected_to_strong(edges)
    >>> edges.tolist()
    [[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    """
    first, last = _runs(classes)
    if not len(first):
        return
    width = classes.shape[1]
    strong = np.maximum.reduceat(classes.ravel(), first) == 2  # up to the next run there are only zeros
    upper, lower = _touching(first, last, width)
    labels = _united(len(first), upper, lower)
    kept = np.zeros(len(first), bool)
    kept[labels[strong]] = True
    _fill(classes, first, last, kept[labels])


def _runs(classes: Array) -> tuple[Array, Array]:
    """Return where runs of pixels of edges begin and end (the last one's place), in the order of rows.

    Places count from 0 through all rows; no run goes on in the next row.
    """
    starts, ends = list[Array](), list[Array]()
    width = classes.shape[1]
    edge = np.zeros((1, width + 2), bool)
    for row, line in enumerate(classes):  # a row has few runs, and the whole would need a copy
        edge[0, 1:-1] = line
        changes = np.flatnonzero(edge[0, 1:] != edge[0, :-1])
        if len(changes):
            starts.append(changes[::2] + row * width)
            ends.append(changes[1::2] + (row * width - 1))
    if not starts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(starts), np.concatenate(ends)


def _touching(first: Array, last: Array, width: int) -> tuple[Array, Array]:
    """Return the numbers of runs that touch, the upper one's and the lower one's."""
    row = first // width
    # A run touches those of the next row that end no sooner than a column before it and begin no later than
    # one behind it; both are in order, so that they follow each other.
    low = np.maximum(first - 1, row * width) + width
    high = np.minimum(last + 1, row * width + width - 1) + width
    begin, end = np.searchsorted(last, low, "left"), np.searchsorted(first, high, "right")
    counts = np.maximum(end - begin, 0)
    upper = np.repeat(np.arange(len(first)), counts)
    places = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return upper, np.repeat(begin, counts) + places


def _united(count: int, ones: Array, others: Array) -> Array:
    """Return for each of `count` things the least number of those that it is joined with, be it by others.

    Each round hooks roots to lesser ones that they are joined with, and then lets all point at their root: a
    number of rounds as the logarithm of the longest chain.
    """
    root = np.arange(count)
    while True:
        left, right = root[ones], root[others]
        apart = left != right
        if not apart.any():
            return root
        ones, others, left, right = ones[apart], others[apart], left[apart], right[apart]
        np.minimum.at(root, np.maximum(left, right), np.minimum(left, right))
        while True:
            above = root[root]
            if np.array_equal(above, root):
                break
            root = above


def _fill(classes: Array, first: Array, last: Array, kept: Array) -> None:
    """Put 1 into the runs that are kept and 0 into all others."""
    width = classes.shape[1]
    rows = first // width
    bounds = np.searchsorted(rows, np.arange(len(classes) + 1))
    change = np.zeros(width + 1, np.int8)
    for row, line in enumerate(classes):
        some = slice(bounds[row], bounds[row + 1])
        own = kept[some]
        if not own.any():
            line[...] = 0
            continue
        change[...] = 0
        change[first[some][own] - row * width] = 1
        change[last[some][own] - row * width + 1] = -1
        np.cumsum(change[:-1], out=change[:-1])
        line[...] = change[:-1]
