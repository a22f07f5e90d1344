"""The strategies: a file each, and a line here. The first one that is offered is taken; columns always are.

Each needs fewer multiplications, or copies less, than those below it.
"""

from __future__ import annotations

from collections.abc import Callable

from convcli.engine.batch.strategies import depthwise, winograd
from convcli.engine.batch.strategies.columns import Columns
from convcli.engine.batch.strategy import Strategy, Task

STRATEGIES: dict[str, Callable[[Task], Strategy | None]] = {
    "depthwise": depthwise.offer,
    "winograd": winograd.offer,
    "columns": Columns,
}


def choose(task: Task) -> Strategy:
    """Return what computes a convolution."""
    offers = (offer(task) for offer in STRATEGIES.values())
    return next(strategy for strategy in offers if strategy is not None)
