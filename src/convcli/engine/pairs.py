"""Rows added in a fixed tree of neighbours, ((r0 + r1) + (r2 + r3)) + …, whoever adds up which part of it.

At each level the first is added to the second, the third to the fourth, and so on; an odd last one passes up
as it is. So the shape depends on the number of rows alone, and whoever holds some that follow each other can
add up the whole subtrees among them by himself: what all come to is the same to the last bit.
"""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array, Workspace

# Numbers that are added up level by level while a cache has them: with many rows, fewer of each.
BLOCK = 1 << 18
SHORTEST = 1024  # of each row; below, calls cost more than additions


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
    kept = scratch.array("sums", ((count + 1) // 2, min(together, width)), rows.dtype)
    for start in range(0, width, together):
        level = rows[:, start : start + together]
        sums = kept[:, : level.shape[1]]
        while (left := len(level)) > 2:
            half = left // 2
            np.add(level[0 : 2 * half : 2], level[1 : 2 * half : 2], out=sums[:half])
            if left % 2:
                sums[half] = level[-1]
            level = sums[: half + left % 2]
        np.add(level[0], level[1], out=out[start : start + together])
