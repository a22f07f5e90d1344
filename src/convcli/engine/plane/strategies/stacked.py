"""Correlate with every column of the kernel in one product, then add the results up, moved across.

Columns that are multiples of each other are done once. For kernels of up to some eleven cells a side that are
no outer product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convcli.engine.plane.planes import Patch
from convcli.engine.plane.strategies.bands import ProductCost
from convcli.engine.plane.strategies.shifts import cost, grouped, shifted_sum
from convcli.engine.plane.strategy import Offer, Strategy, Task
from convcli.engine.workspace import Array
from convcli.shapes import Window

STACKED = ProductCost(0.13, 0.012)
MOST_COLUMNS = 256  # far beyond its place, and finding equal columns takes the square of their number


def offer(task: Task) -> Offer | None:
    """Offer one product for all distinct columns and shifted sums of its results."""
    if task.kernel.shape[1] > MOST_COLUMNS:
        return None
    strategy = Stacked(task.kernel, task.window, task.dtype)
    count = len(strategy.lines)
    block = task.block(between=count, product=count * task.window.span[0])
    down = count * STACKED.of(task.window.size[0]) * task.widening(block[1])
    return Offer(task.gathering(block) + down + cost(strategy.taps, task), block, lambda: strategy)


class Stacked(Strategy):
    """One product for all distinct columns, then shifted sums of its results."""

    def __init__(self, kernel: Array, window: Window, dtype: np.dtype[Any]) -> None:
        self.kernel, self.window = kernel, window
        lines, factors = distinct_columns(kernel)
        self.lines = lines.astype(dtype)
        self.taps = grouped(((line, j), factor) for j, (line, factor) in enumerate(factors))

    def mapped(self, function: Callable[[Array], Array]) -> Stacked:
        """Return the same for other weights."""
        return Stacked(function(self.kernel), self.window, np.dtype(np.float64))

    def respond(self, patch: Patch, out: Array) -> None:
        """Multiply the cells, and add up what comes of it."""
        cells, workspace = patch.cells, patch.workspace
        (d_h, d_w), (s_h, s_w) = self.window.dilation, self.window.stride
        (count, taps), rows, width = self.lines.shape, len(out), cells.shape[1]
        pitch, item = cells.strides
        under = np.ndarray((rows, taps, width), cells.dtype, cells, 0, (s_h * pitch, d_h * pitch, item))
        results = workspace.array("results", (count, rows, width), cells.dtype)
        np.matmul(self.lines, under, out=results.swapaxes(0, 1))
        stack = results.reshape(count * rows, width)
        shifted_sum(self.taps, (rows, d_w), (1, s_w), stack, out, workspace)


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
