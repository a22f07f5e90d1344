"""The strategies: a file each, and a line here. The first one that is offered is taken.

Each needs fewer multiplications, or copies less, than those below it.
"""

from __future__ import annotations

from collections.abc import Callable

from convcli.engine.batch.strategies import columns, depthwise, pairs, winograd
from convcli.engine.batch.strategy import Strategy, Task

STRATEGIES: dict[str, Callable[[Task], Strategy | None]] = {
    "depthwise": depthwise.offer,
    "winograd": winograd.offer,
    "pairs": pairs.offer,
    "columns": columns.offer,
}


def choose(task: Task) -> Strategy | None:
    """Return what computes a convolution; None if all want its inputs to lie together."""
    offers = (offer(task) for offer in STRATEGIES.values())
    return next((strategy for strategy in offers if strategy is not None), None)
