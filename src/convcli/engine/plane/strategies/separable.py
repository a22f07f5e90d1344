"""Filter the columns, then the rows: an outer product needs f_h + f_w taps, not f_h · f_w."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from convcli.engine.costs import COSTS
from convcli.engine.plane.planes import Patch
from convcli.engine.plane.strategies import bands
from convcli.engine.plane.strategies.shifts import Taps, cost, grouped, passes, shifted_sum
from convcli.engine.plane.strategy import PRODUCT_SIZE, Offer, Strategy, Task
from convcli.engine.workspace import Array
from convcli.shapes import Window

SUMMED = 3  # taps of an axis that are added up; more are multiplied


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
    down = COSTS.downward.of(reach_down) if len(column) > SUMMED else passes(_taps(column)) * COSTS.add
    across = COSTS.acrossward.of(reach_across) if len(row) > SUMMED else cost(_taps(row), task)
    # Between the passes there are results for every cell across, not only for those that are kept.
    total = task.gathering(block) + down * task.widening(width) + across
    return Offer(total, block, lambda: Separable(column, row, window, task.dtype))


class Separable(Strategy):
    """Each axis by shifted sums, if it has few taps, or by products."""

    def __init__(self, column: Array, row: Array, window: Window, dtype: np.dtype[Any]) -> None:
        (s_h, s_w), (d_h, d_w) = window.stride, window.dilation
        self.column, self.row, self.window = column, row, window
        self.spreads = max(len(column), len(row)) > SUMMED
        self.down = (
            bands.product_down(column, s_h, d_h, dtype)
            if len(column) > SUMMED
            else partial(shifted_sum, _taps(column), (d_h, 0), (s_h, 1))
        )
        self.across = (
            bands.product_across(row, s_w, d_w, dtype)
            if len(row) > SUMMED
            else partial(shifted_sum, _taps(row), (0, d_w), (1, s_w))
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
