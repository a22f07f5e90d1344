"""Filter the columns, then the rows: an outer product needs f_h + f_w taps, not f_h · f_w."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convcli.engine.plane.patches import Patch
from convcli.engine.plane.strategies.bands import (
    ACROSS,
    ACROSSWARD,
    DOWN,
    DOWNWARD,
    product_across,
    product_down,
    reach_of,
)
from convcli.engine.plane.strategies.shifts import PASS, cost, grouped, passes, shifted_sum
from convcli.engine.plane.strategy import PRODUCT_SIZE, Offer, Strategy, Task
from convcli.engine.workspace import Array
from convcli.shapes import Window


def offer(task: Task) -> Offer | None:
    """Offer two passes if the kernel is an outer product, each by the way that costs less."""
    if task.factors is None:
        return None
    column, row = task.factors
    window, ((s_h, s_w), (d_h, d_w)) = task.window, (task.window.stride, task.window.dilation)
    rows, width = task.block(product=DOWN * reach_of(column, s_h, d_h, DOWN), multiple=ACROSS)
    band = ACROSS * reach_of(row, s_w, d_w, ACROSS)
    block = max(min(rows, PRODUCT_SIZE // band), 1), width
    down_taps = grouped(((i, 0), weight) for i, weight in enumerate(column))
    across_taps = grouped(((0, j), weight) for j, weight in enumerate(row))
    down = {False: passes(down_taps) * PASS, True: DOWNWARD.of(reach_of(column, s_h, d_h, DOWN))}
    across = {False: cost(across_taps, task), True: ACROSSWARD.of(reach_of(row, s_w, d_w, ACROSS))}
    down_product, across_product = down[True] < down[False], across[True] < across[False]
    return Offer(
        # Between the passes there are results for every cell across, not only for those that are kept.
        task.gathering(block) + down[down_product] * task.widening(width) + across[across_product],
        block,
        lambda: Separable(
            column, row, window, task.dtype, down_product=down_product, across_product=across_product
        ),
    )


class Separable(Strategy):
    """Each axis by shifted sums or by products, whichever costs less."""

    def __init__(
        self,
        column: Array,
        row: Array,
        window: Window,
        dtype: np.dtype[Any],
        *,
        down_product: bool,
        across_product: bool,
    ) -> None:
        (s_h, s_w), (d_h, d_w) = window.stride, window.dilation
        self.column, self.row, self.products = column, row, (down_product, across_product)
        self.window, self.spreads = window, down_product or across_product
        self.down_taps = grouped(((i, 0), weight) for i, weight in enumerate(column))
        self.across_taps = grouped(((0, j), weight) for j, weight in enumerate(row))
        self.down = product_down(column, s_h, d_h, dtype) if down_product else None
        self.across = product_across(row, s_w, d_w, dtype) if across_product else None

    def mapped(self, function: Callable[[Array], Array]) -> Separable:
        """Return the same for other weights."""
        down, across = self.products
        column, row, dtype = function(self.column), function(self.row), np.dtype(np.float64)
        return Separable(column, row, self.window, dtype, down_product=down, across_product=across)

    def respond(self, patch: Patch, out: Array) -> None:
        """Filter the columns of the cells, then the rows of what comes of it."""
        (d_h, d_w), (s_h, s_w) = self.window.dilation, self.window.stride
        cells, workspace = patch.cells, patch.workspace
        between = workspace.array("between", (len(out), cells.shape[1]), cells.dtype)
        if self.down is not None:
            self.down(cells, between)
        else:
            shifted_sum(self.down_taps, cells, (d_h, 0), (s_h, 1), between, workspace)
        if self.across is not None:
            self.across(between, out)
        else:
            shifted_sum(self.across_taps, between, (0, d_w), (1, s_w), out, workspace)
