"""Copy or add up the columns that one line of weights meets, then multiply all lines at once, down the rows.

Columns of the kernel that are multiples of each other share a line. For kernels of up to some eleven cells a
side that are no outer product.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convcli.engine.costs import costs
from convcli.engine.plane.planes import Patch
from convcli.engine.plane.strategies.bands import DOWN, banded
from convcli.engine.plane.strategies.shifts import Place, Taps, add_up, grouped, passes
from convcli.engine.plane.strategy import PRODUCT_SIZE, Offer, Strategy, Task
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Window

MOST_COLUMNS = 256  # far beyond its place, and finding equal columns takes the square of their number
PIECE = 2**18  # sums for all lines that are made, and multiplied, at a time: a second-level cache holds them
LEAST_WIDTH = 64  # columns of a piece


def offer(task: Task) -> Offer | None:
    """Offer one product for all distinct columns, if it is not too large for pieces of some columns."""
    if task.kernel.shape[1] > MOST_COLUMNS:
        return None
    strategy = Stacked(task.kernel, task.window, task.dtype)
    if strategy.product * LEAST_WIDTH > PRODUCT_SIZE:
        return None
    block = task.block()
    span, stride = task.window.span[0], task.window.stride[0]
    above = 1 + (span - 1) / (stride * block[0])  # rows of cells over each result
    sums = sum(map(_cost, strategy.taps)) * above * stride
    cost = task.gathering(block) + sums + costs().stacked.of(strategy.product // strategy.down)
    return Offer(cost, block, lambda: strategy)


def _cost(taps: Taps) -> float:
    """Return what a line's sum of columns costs for each of its cells."""
    is_copy = len(taps) == 1 and taps[0][0] == 1 and len(taps[0][1]) == 1
    return costs().move if is_copy else passes(taps) * costs().add_apart


class Stacked(Strategy):
    """Sums of columns for each line, row under row, and one banded matrix for some rows of results."""

    def __init__(self, kernel: Array, window: Window, dtype: np.dtype[Any]) -> None:
        self.kernel, self.window = kernel, window
        lines, factors = distinct_columns(kernel)
        self.taps = [
            grouped(((0, column), factor) for column, (own, factor) in enumerate(factors) if own == line)
            for line in range(len(lines))
        ]
        stride, dilation = window.stride[0], window.dilation[0]
        self.down = DOWN if stride < window.span[0] else 1  # windows that share no rows gain nothing
        # Each row of cells is followed by the same row of the next line's sums.
        self.matrices = {
            rows: np.stack([banded(line, stride, dilation, rows) for line in lines], 2)
            .reshape(rows, -1)
            .astype(dtype)
            for rows in range(1, self.down + 1)
        }
        self.product = self.matrices[self.down].size  # multiply-adds for each column

    def mapped(self, function: Callable[[Array], Array]) -> Stacked:
        """Return the same for other weights."""
        return Stacked(function(self.kernel), self.window, np.dtype(np.float64))

    def respond(self, patch: Patch, out: Array) -> None:
        """Take the cells for some columns of results at a time, and multiply."""
        cells, width, most = patch.cells, out.shape[1], self.columns(len(patch.cells))
        step = math.ceil(width / math.ceil(width / most))
        for start in range(0, width, step):
            piece = out[:, start : start + step]
            sums = self._sums(cells[:, start * self.window.stride[1] :], piece.shape[1], patch.workspace)
            self._multiply(sums, piece)

    def columns(self, rows: int) -> int:
        """Return how many columns to take at a time of so many rows of cells."""
        return max(min(PIECE // (rows * len(self.taps)), PRODUCT_SIZE // self.product), LEAST_WIDTH)

    def _sums(self, cells: Array, width: int, workspace: Workspace) -> Array:
        """Return for each row of cells and each line its sum of columns, (rows · lines, width)."""
        stride, dilation = self.window.stride[1], self.window.dilation[1]
        sums = workspace.array("sums", (len(cells), len(self.taps), width), cells.dtype)
        part = workspace.array("part", (len(cells), width), cells.dtype)

        def column(place: Place) -> Array:
            first = place[1] * dilation
            return cells[:, first : first + (width - 1) * stride + 1 : stride]

        for line, taps in enumerate(self.taps):
            add_up(taps, column, sums[:, line], part)
        return sums.reshape(-1, width)

    def _multiply(self, sums: Array, out: Array) -> None:
        """Multiply by the matrix as often as it fits, and by a smaller one for the rows that remain."""
        (rows, width), (pitch, item) = out.shape, sums.strides
        groups, rest = divmod(rows, self.down)
        step = self.down * self.window.stride[0] * len(self.taps)
        if groups:
            matrix = self.matrices[self.down]
            under = np.ndarray(
                (groups, matrix.shape[1], width), sums.dtype, sums, 0, (step * pitch, pitch, item)
            )
            np.matmul(matrix, under, out=out[: groups * self.down].reshape(groups, self.down, width))
        if rest:
            matrix, first = self.matrices[rest], groups * step
            np.matmul(matrix, sums[first : first + matrix.shape[1]], out=out[groups * self.down :])


@np.errstate(over="ignore", invalid="ignore")  # a factor that overflows is none that float32 holds
def distinct_columns(kernel: Array) -> tuple[Array, list[tuple[int, float]]]:
    """Return lines (p, f_h) and for each column of the kernel which line, and how many times it.

    Only factors that float32 holds are used, so that whole weights keep exact results.

    >>> lines, factors = distinct_columns(np.array([[1.0, 2, 0], [2, 4, 0]]))
    >>> lines.tolist(), factors
    ([[1.0, 2.0]], [(0, 1.0), (0, 2.0), (0, 0.0)])
    """
    lines: list[Array] = []
    factors = []
    for column in kernel.T:
        at = np.abs(column).argmax()
        for number, line in enumerate(lines):
            factor = column[at] / line[at] if line[at] else 0.0
            if np.float32(factor) == factor and np.array_equal(column, factor * line):
                factors.append((number, float(factor)))
                break
        else:
            if column[at]:
                factors.append((len(lines), 1.0))
                lines.append(column)
            else:
                factors.append((0, 0.0))
    return np.array(lines or [np.zeros(len(kernel))]), factors
