"""convcli beside itself with one of its ways to compute left out: what each of them gains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any
from unittest import mock

from benchmarks.filters import JOBS, filter_side
from benchmarks.measuring import Measure, Quantity
from benchmarks.networks import BATCHES
from benchmarks.setting import Setting
from benchmarks.sides import Call, Match, Side
from benchmarks.training import Job, convcli_side


def never(*_: object) -> None:
    """Offer nothing, and suit nothing."""


NETWORKS, PLANES = (f"convcli.engine.{room}.strategies.STRATEGIES" for room in ("batch", "plane"))
IN_NETWORKS: dict[str, Any] = {
    "no Winograd": mock.patch.dict(NETWORKS, winograd=never),
    "no pairs of outputs": mock.patch.dict(NETWORKS, pairs=never),
    "conv and pool apart": mock.patch("convcli.nn.layers.fused.ConvMaxPool.suits", never),
    "threads, not processes": mock.patch("convcli.engine.team.Team.forks", new=False),
}
ON_PLANES: dict[str, Any] = {
    "not separable": mock.patch.dict(PLANES, separable=never),
    "not stacked": mock.patch.dict(PLANES, stacked=never),
    "not spectral": mock.patch.dict(PLANES, spectral=never),
}
FILTERS = {"3 × 3": "not stacked", "25 × 25 Gaussian": "not separable", "31 × 31": "not spectral"}
"""Kernels, and what is left out of the ways to filter by them."""


def ways(setting: Setting) -> Iterator[Match]:
    """Compare training on both networks, and filters on one plane."""
    for network, batch in BATCHES.items():
        job = Job(network, batch, setting.sizes.images[network], setting.threads, inference=False)
        quantity = Quantity(f"{network}, training, batch {batch}", "images/s", "training")
        yield _match(partial(convcli_side, job), IN_NETWORKS, quantity)
    for name, left_out in FILTERS.items():
        set_up = partial(filter_side, "convcli", *JOBS[name], setting.sizes.plane, setting.threads)
        yield _match(set_up, [left_out], Quantity(name, "ms", "ms"))


def _match(set_up: Callable[[], Measure], left_out: Iterable[str], quantity: Quantity) -> Match:
    ours = Side("convcli", Call(set_up, as_convcli=True))
    others = [Side(name, Call(partial(without, name, set_up), as_convcli=True)) for name in left_out]
    return Match([ours, *others], [quantity])


# What runs in a side's own process.


def without(name: str, set_up: Callable[[], Measure]) -> Measure:
    """Set up a side that lacks one of the ways."""
    (IN_NETWORKS | ON_PLANES)[name].start()
    return set_up()
