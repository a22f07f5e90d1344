"""Rows added in a fixed tree of neighbours, ((r0 + r1) + (r2 + r3)) + …, whoever adds up which part of it.

At each level the first is added to the second, the third to the fourth, and so on; an odd last one passes up
as it is. So the shape depends on the number of rows alone, and whoever holds some that follow each other can
add up the whole subtrees among them by himself: what all come to is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convcli.engine.workspace import Array, Workspace

# Numbers that are added up level by level while a cache has them: with many rows, fewer of each.
BLOCK = 1 << 18
SHORTEST = 1024  # of each row; below, calls cost more than additions
JOINED = 1 << 14  # of sums that are joined, which lie apart


def add_in_pairs(rows: Array, out: Array, scratch: Workspace) -> None:
    """Write the sum of `rows` (n, k), n at least 1, to `out` (k,). The rows stay as they are.

    >>> rows, out = np.array([[1e8], [1], [-1e8], [1]], np.float32), np.empty(1, np.float32)
    >>> add_in_pairs(rows, out, Workspace())
    >>> out.tolist()
    [0.0]
    """
    count, width = rows.shape
    if count == 1:
        out[:] = rows[0]
        return
    together = max(SHORTEST, BLOCK // count)
    # Of two arrays in turn: where what is added lay in what it is written to, NumPy would copy it first.
    kept = [
        scratch.array(name, (-(-count // rows_each), min(together, width)), rows.dtype)
        for name, rows_each in (("sums", 2), ("sums of sums", 4))
    ]
    for start in range(0, width, together):
        level, (sums, others) = rows[:, start : start + together], kept
        while (left := len(level)) > 2:
            half = left // 2
            level_sums = sums[: half + left % 2, : level.shape[1]]
            np.add(level[0 : 2 * half : 2], level[1 : 2 * half : 2], out=level_sums[:half])
            if left % 2:
                level_sums[half] = level[-1]
            level, sums, others = level_sums, others, sums
        np.add(level[0], level[1], out=out[start : start + together])


def subtrees(held: range, count: int) -> list[range]:
    """Return the whole subtrees, as few as there are, that the rows `held` of `count` consist of, in order.

    >>> subtrees(range(0, 8), 16), subtrees(range(5, 11), 11)
    ([range(0, 8)], [range(5, 6), range(6, 8), range(8, 11)])
    """
    found, start = [], held.start
    while start < held.stop:
        size = 1
        while start % (2 * size) == 0 and start + size < held.stop >= min(start + 2 * size, count):
            size *= 2
        found.append(range(start, min(start + size, held.stop)))
        start += size
    return found


def joins(subtrees: Sequence[range], count: int) -> list[tuple[int, int]]:
    """Return which two sums of `subtrees`, which are all of `count` rows, are added one after the other.

    The second is added to the first, in its place; what they all come to is in the place of the first of all.

    >>> joins([range(0, 4), range(4, 6), range(6, 7)], 7)
    [(1, 2), (0, 1)]
    """
    order: list[tuple[int, int]] = []
    open_ones: list[tuple[int, range]] = []  # by their places: those whose neighbour is still to come
    for place, rows in enumerate(subtrees):
        while open_ones:
            first, left = open_ones[-1]
            span = 2 * len(left)
            if left.start % span or rows.stop != min(left.start + span, count):
                break
            order.append((first, place))
            place, rows = first, range(left.start, rows.stop)
            open_ones.pop()
        open_ones.append((place, rows))
    return order


def join(sums: Sequence[Array], order: Sequence[tuple[int, int]], out: Array) -> None:
    """Write what `sums` (k,) come to by `joins` to `out` (k,); they are overwritten."""
    if not order:
        out[:] = sums[0]
    for start in range(0, out.size, JOINED):
        block = slice(start, start + JOINED)
        for first, second in order[:-1]:
            np.add(sums[first][block], sums[second][block], out=sums[first][block])
        for first, second in order[-1:]:
            np.add(sums[first][block], sums[second][block], out=out[block])
