"""Kernels as long as the plane, if they are outer products: each axis is one matrix, with the border in it.

A response is a sum over rows and one over columns. What a border repeats is one of the plane's own cells, so
that the weights of all places where a cell stands are added up beforehand: no padded cells exist, and of a
kernel of 4096 × 4096 on a plane of 512 × 512 two matrices of 512 × 512 are left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convcli.engine.costs import costs
from convcli.engine.plane.planes import Frame, Patch
from convcli.engine.plane.strategy import Offer, Strategy, Task
from convcli.engine.workspace import Array
from convcli.shapes import Window

FOLDING = 0.7  # adding a weight into a matrix
LEAST_SPAN = 100  # cells from the first to the last; below, two passes are as fast
BLOCK_ROWS = (64, 512)
BLOCK_COLUMNS = 2048
PIECE = 2**20  # cells of the plane that are taken at a time
KEPT = 2**23  # cells of matrices


def offer(task: Task) -> Offer | None:
    """Offer a matrix for each axis if the kernel is an outer product."""
    if max(task.window.span) < LEAST_SPAN or task.factors is None:
        return None
    column, row = task.factors
    window, frame = task.window, task.frame
    block = (
        min(max(math.ceil(task.output[0] / 4), BLOCK_ROWS[0]), BLOCK_ROWS[1], task.output[0]),
        min(BLOCK_COLUMNS, task.output[1]),
    )
    height, width = (
        min(n, (size - 1) * s + span)
        for n, size, s, span in zip(frame.shape, block, window.stride, window.span, strict=True)
    )
    cost = (
        costs().dense * (height * width / block[1] + width)
        + costs().gather * height * width / math.prod(block)
        + FOLDING * (len(column) / block[1] + len(row) / block[0])
    )
    return Offer(cost, block, lambda: Folded(column, row, window, frame, task.dtype), sized="any")


class Folded(Strategy):
    """Rows and columns by a matrix each; it reads the plane itself, not a block's padded cells."""

    large_products = True

    def __init__(self, column: Array, row: Array, window: Window, frame: Frame, dtype: np.dtype[Any]) -> None:
        self.column, self.row, self.window, self.frame, self.dtype = column, row, window, frame, dtype
        self._kept: dict[tuple[int, int, int], tuple[Array, Array, int]] = {}

    def mapped(self, function: Callable[[Array], Array]) -> Folded:
        """Return the same for other weights."""
        line = function(self.column), function(self.row)
        return Folded(*line, self.window, self.frame, np.dtype(np.float64))

    def respond(self, patch: Patch, out: Array) -> None:
        """Multiply the plane by both matrices."""
        fill, workspace = patch.frame.fill, patch.workspace
        left, above, first_row = self._matrix(0, patch.block.rows)
        right, beside, first = self._matrix(1, patch.block.columns)
        height, width = left.shape[1], right.shape[1]
        between = workspace.array("between", (len(left), width), self.dtype)
        step = max(PIECE // height, 1)
        for start in range(0, width, step):
            part = slice(start, min(start + step, width))
            cells = workspace.array("piece", (height, part.stop - part.start), self.dtype)
            patch.plane.read(
                slice(first_row, first_row + height), slice(first + part.start, first + part.stop), cells
            )
            np.matmul(left, cells, out=between[:, part])
        if fill:
            between += (fill * above)[:, None].astype(self.dtype)
        np.matmul(between, right.T, out=out)
        if fill:
            out += (fill * self.column.sum() * beside).astype(self.dtype)

    def _matrix(self, number: int, outputs: slice) -> tuple[Array, Array, int]:
        """Return one axis' matrix for some outputs, as `folded` does; the next block may ask for it again."""
        key = number, outputs.start, outputs.stop
        if key not in self._kept:
            weights, places = ((self.column, self.frame.rows), (self.row, self.frame.columns))[number]
            stride, dilation = self.window.stride[number], self.window.dilation[number]
            matrix, beyond, first = folded(weights, stride, dilation, places, outputs)
            made = matrix.astype(self.dtype), beyond, first
            if sum(kept.size for kept, _, _ in list(self._kept.values())) + matrix.size > KEPT:
                return made
            self._kept[key] = made
        return self._kept[key]


def folded(
    weights: Array, stride: int, dilation: int, cells: Array, outputs: slice
) -> tuple[Array, Array, int]:
    """Return the matrix (outputs, cells reached) of a line of weights, border included.

    And for each output the sum of its weights beyond the plane, where no cell stands, and the first cell that
    the matrix is for. `cells` is the cell at each place of the padded axis, −1 where there is none.

    >>> matrix, beyond, first = folded(np.ones(3), 1, 1, np.array([1, 0, 1, -1]), slice(0, 2))
    >>> matrix.tolist(), beyond.tolist(), first
    ([[1.0, 2.0], [1.0, 1.0]], [0.0, 1.0], 0)
    """
    span = dilation * (len(weights) - 1) + 1
    places = cells[outputs.start * stride : (outputs.stop - 1) * stride + span]
    seen = places[places >= 0]
    first, last = (int(seen.min()), int(seen.max()) + 1) if seen.size else (0, 1)
    width = last - first
    matrix = np.empty((outputs.stop - outputs.start, width))
    beyond = np.zeros(len(matrix))
    for output, line in enumerate(matrix):
        start = output * stride
        reached = places[start : start + span : dilation]
        inside = reached >= 0
        line[:] = np.bincount(reached[inside] - first, weights[inside], width)
        if not inside.all():
            beyond[output] = weights[~inside].sum()
    return matrix, beyond, first
