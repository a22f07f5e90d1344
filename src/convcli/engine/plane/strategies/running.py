"""Sums of all windows along an axis, in a time that does not depend on how long they are.

Nothing is subtracted, as in cumulative sums it is: a large cell leaves no rounding in windows that lack it.
Source: the two halves of a window are van Herk's (1992, doi:10.1016/0167-8655(92)90069-C); their sums, and
the windows' middles, are found for groups of cells at a time, so that products do the work.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convcli.engine.plane.strategies.bands import product_down
from convcli.engine.workspace import Array, Workspace

GROUP = 16  # cells, and windows that begin among them
AT_ONCE = 4  # groups in one call: what lies between two steps stays in the second-level cache


class RunningSum:
    """Sums of `length` rows of cells from each on: f(cells (n + length − 1, w), out (n, w), scratch).

    The windows that begin in one group of cells share all cells from the next group to the end of the first
    window. Before those each has the end of its group, after them the beginning of the cells that follow.

        first group   shared by all windows   cells that follow
        0 1 1 1       1 1 1 1 1 1 1 1 1 1     1 0 0 0            the second window of a group of four

    What is shared is whole groups, whose sums are summed in the same way, and a rest.
    """

    def __init__(self, length: int, dtype: np.dtype[Any], factor: float = 1.0) -> None:
        self.length = length
        self.by_product = length < 2 * GROUP
        if self.by_product:
            self.product = product_down(np.full(length, factor), 1, 1, dtype)
            return
        self.whole, self.rest = divmod(length - GROUP, GROUP)
        self.of_groups = RunningSum(self.whole, dtype)
        self.ones = np.ones(GROUP, dtype)
        ends, starts = np.triu(np.ones((GROUP, GROUP))), np.tri(GROUP, k=-1)
        starts[:, -1] = 1  # no window has that cell: the sum of what is shared stands there
        self.matrix = (factor * np.hstack((ends, starts))).astype(dtype)

    def __call__(self, cells: Array, out: Array, workspace: Workspace) -> None:
        """Put the sums of `length` rows from each on into `out`."""
        if self.by_product:
            self.product(cells, out, workspace)
            return
        shared = self._shared(cells, math.ceil(len(out) / GROUP), workspace)
        width = cells.shape[1]
        both = workspace.array("both ends", (AT_ONCE, 2 * GROUP, width), cells.dtype)
        for start in range(0, len(shared), AT_ONCE):
            first, sums = start * GROUP, shared[start : start + AT_ONCE]
            some, rows = both[: len(sums)], min(len(sums) * GROUP, len(out) - first)
            some[:, :GROUP] = cells[first : first + len(sums) * GROUP].reshape(-1, GROUP, width)
            following = cells[first + self.length : first + self.length + len(sums) * GROUP]
            groups = len(following) // GROUP
            some[:groups, GROUP:] = following[: groups * GROUP].reshape(-1, GROUP, width)
            for group in some[groups:, GROUP:]:  # the last, of whose windows not all are asked for
                group[:] = 0
                group[: len(following) - groups * GROUP] = following[groups * GROUP :]
            some[:, -1] = sums
            whole = rows // GROUP
            target = out[first : first + whole * GROUP].reshape(whole, GROUP, width)
            np.matmul(self.matrix, some[:whole], out=target)
            if rows > whole * GROUP:
                np.matmul(self.matrix[: rows % GROUP], some[whole], out=out[first + whole * GROUP :])

    def _shared(self, cells: Array, groups: int, workspace: Workspace) -> Array:
        """Return the sums (groups, w) of the cells that all windows of a group share."""
        width, (pitch, item) = cells.shape[1], cells.strides
        count = groups - 1 + self.whole
        sums = workspace.array(f"sums of groups {self.length}", (count, width), cells.dtype)
        np.matmul(self.ones, cells[GROUP : (1 + count) * GROUP].reshape(count, GROUP, width), out=sums)
        shared = workspace.array(f"shared {self.length}", (groups, width), cells.dtype)
        self.of_groups(sums, shared, workspace)
        if self.rest:
            shape, strides = (groups, self.rest, width), (GROUP * pitch, pitch, item)
            rest = np.ndarray(shape, cells.dtype, cells, (1 + self.whole) * GROUP * pitch, strides)
            shared += np.matmul(self.ones[: self.rest], rest)
        return shared
