"""Add up the block once per non-zero weight, moved to that weight's place.

Few taps, as in most edge kernels, need no more. Always right, whatever the cells hold.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convcli.engine.plane.planes import Patch
from convcli.engine.plane.strategies.shifts import cost, grouped, shifted_sum
from convcli.engine.plane.strategy import Offer, Strategy, Task
from convcli.engine.workspace import Array
from convcli.shapes import Window

MOST_TAPS = 2**12  # from some hundred on it is the slowest


def offer(task: Task) -> Offer | None:
    """Offer shifted sums, unless there are very many."""
    if np.count_nonzero(task.kernel != 0) > MOST_TAPS:
        return None
    strategy, block = Direct(task.kernel, task.window), task.block()
    return Offer(task.gathering(block) + cost(strategy.taps, task), block, lambda: strategy)


class Direct(Strategy):
    """Shifted sums over both axes at once."""

    spreads = False

    def __init__(self, kernel: Array, window: Window) -> None:
        self.kernel, self.window = kernel, window
        self.taps = grouped(((int(i), int(j)), kernel[i, j]) for i, j in np.argwhere(kernel))

    def mapped(self, function: Callable[[Array], Array]) -> Direct:
        """Return the same for other weights."""
        return Direct(function(self.kernel), self.window)

    def respond(self, patch: Patch, out: Array) -> None:
        """Add up the cells."""
        shifted_sum(self.taps, self.window.dilation, self.window.stride, patch.cells, out, patch.workspace)
