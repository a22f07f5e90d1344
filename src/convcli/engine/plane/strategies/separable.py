"""Filter the columns, then the rows: an outer product needs f_h + f_w taps, not f_h · f_w."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from convcli.engine.costs import costs
from convcli.engine.plane.planes import Patch
from convcli.engine.plane.strategies import bands
from convcli.engine.plane.strategies.shifts import Taps, grouped, passes, shifted_sum
from convcli.engine.plane.strategy import PRODUCT_SIZE, Offer, Strategy, Task
from convcli.engine.workspace import Array
from convcli.shapes import Window

STRIDED_TAPS = 3  # of an axis that are added up at other strides than 1


def offer(task: Task) -> Offer | None:
    """Offer two passes if the kernel is an outer product."""
    if task.factors is None:
        return None
    column, row = task.factors
    window, ((s_h, s_w), (d_h, d_w)) = task.window, (task.window.stride, task.window.dilation)
    reach_down = bands.reach_of(column, s_h, d_h, bands.DOWN)
    reach_across = bands.reach_of(row, s_w, d_w, bands.ACROSS)
    rows, width = task.block(product=bands.DOWN * reach_down, multiple=bands.ACROSS)
    block = max(min(rows, PRODUCT_SIZE // (bands.ACROSS * reach_across)), 1), width
    down, across = (
        _costs(line, window, axis)[0 if _is_summed(line, window, axis) else 1]
        for axis, line in enumerate((column, row))
    )
    # Between the passes there are results for every cell across, not only for those that are kept.
    total = task.gathering(block) + down * task.widening(width) + across
    return Offer(total, block, lambda: Separable(column, row, window, task.dtype))


def _costs(line: Array, window: Window, axis: int) -> tuple[float, float]:
    """Return what a result of one axis costs as a sum of shifted cells, and as a product."""
    stride, dilation = window.stride[axis], window.dilation[axis]
    product, outputs = ((costs().downward, bands.DOWN), (costs().acrossward, bands.ACROSS))[axis]
    added = costs().add if stride == 1 else costs().add_apart
    return passes(_taps(line)) * added, product.of(bands.reach_of(line, stride, dilation, outputs))


def _is_summed(line: Array, window: Window, axis: int) -> bool:
    """Whether to add up: where it costs less; few taps at a stride, where products cost more than said."""
    if window.stride[axis] > 1:
        return len(line) <= STRIDED_TAPS
    summed, product = _costs(line, window, axis)
    return summed < product


class Separable(Strategy):
    """Each axis by shifted sums or by products, whichever costs less."""

    def __init__(self, column: Array, row: Array, window: Window, dtype: np.dtype[Any]) -> None:
        (s_h, s_w), (d_h, d_w) = window.stride, window.dilation
        self.column, self.row, self.window = column, row, window
        down, across = (_is_summed(line, window, axis) for axis, line in enumerate((column, row)))
        self.spreads = not (down and across)
        self.down = (
            partial(shifted_sum, _taps(column), (d_h, 0), (s_h, 1))
            if down
            else bands.product_down(column, s_h, d_h, dtype)
        )
        self.across = (
            partial(shifted_sum, _taps(row), (0, d_w), (1, s_w))
            if across
            else bands.product_across(row, s_w, d_w, dtype)
        )

    def mapped(self, function: Callable[[Array], Array]) -> Separable:
        """Return the same for other weights."""
        return Separable(function(self.column), function(self.row), self.window, np.dtype(np.float64))

    def respond(self, patch: Patch, out: Array) -> None:
        """Filter the columns of the cells, then the rows of what comes of it."""
        cells, workspace = patch.cells, patch.workspace
        between = workspace.array("between", (len(out), cells.shape[1]), cells.dtype)
        self.down(cells, between, workspace)
        self.across(between, out, workspace)


def _taps(line: Array) -> Taps:
    """Return the weights of one axis, whichever of the two it is."""
    return grouped(((n, n), weight) for n, weight in enumerate(line))
