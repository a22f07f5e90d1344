"""A cluster without Dask: each group is done at once, in this process."""

from __future__ import annotations

import pickle

from convcli.cluster.errands import work
from convcli.cluster.groups import Killed


class Here:
    """Workers of two threads, which die of what is `deadly`; `lost` says whether one is missed afterwards."""

    def __init__(self, deadly=lambda order: False):
        self.deadly, self.lost, self.groups = deadly, False, []

    def answers(self, errand, remaining, packed, *, stopping, tell):
        while not stopping() and (items := remaining.take(2, under_way=0)):
            orders = packed(items)
            self.groups.append(items)
            if any(map(self.deadly, pickle.loads(orders))):
                self.lost = True
                if remaining.is_guilty(items):
                    yield items, Killed(4)
            else:
                remaining.cleared()
                yield items, work(errand, orders)

    def has_lost_workers(self):
        return self.lost
