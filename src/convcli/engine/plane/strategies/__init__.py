"""The strategies: a file each, and a line here. The cheapest offer wins; nothing is timed.

So the same call is always done in the same way.
"""

from __future__ import annotations

from collections.abc import Callable

from convcli.engine.plane.strategies import direct, folded, lines, separable, spectral, stacked
from convcli.engine.plane.strategy import Offer, Task

STRATEGIES: dict[str, Callable[[Task], Offer | None]] = {
    "direct": direct.offer,
    "separable": separable.offer,
    "folded": folded.offer,
    "lines": lines.offer,
    "stacked": stacked.offer,
    "spectral": spectral.offer,
}


def choose(task: Task) -> Offer:
    """Return the offer that should be the fastest."""
    offers = (offer(task) for offer in STRATEGIES.values())
    return min((offer for offer in offers if offer is not None), key=lambda offer: offer.cost)
