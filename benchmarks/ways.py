"""convcli beside itself with one of its ways to compute left out: what each of them gains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
WAYS: dict[str, Any] = {
    "no Winograd": mock.patch.dict(NETWORKS, winograd=never),
    "conv and pool apart": mock.patch("convcli.nn.layers.fused.ConvMaxPool.suits", never),
    "threads, not processes": mock.patch("convcli.engine.team.Team.forks", new=False),
    "not stacked": mock.patch.dict(PLANES, stacked=never),
    "not separable": mock.patch.dict(PLANES, separable=never),
    "not spectral": mock.patch.dict(PLANES, spectral=never),
}
"""What leaves each of them out."""

LEFT_OUT = {
    "SEED": ("no Winograd", "conv and pool apart", "threads, not processes"),
    "SMALL": ("conv and pool apart", "threads, not processes"),
    "3 × 3": ("not stacked",),
    "25 × 25 Gaussian": ("not separable",),
    "31 × 31": ("not spectral",),
}
"""Networks and kernels, and the ways that they are computed by."""


def ways(setting: Setting) -> Iterator[Match]:
    """Compare training on both networks, and filters on one plane."""
    for name, left_out in LEFT_OUT.items():
        set_up: Callable[[], Measure]
        if name in BATCHES:
            job = Job(name, BATCHES[name], setting.sizes.images[name], setting.threads, inference=False)
            set_up = partial(convcli_side, job)
            quantity = Quantity(f"{name}, training, batch {job.batch}", "images/s", "training")
        else:
            set_up = partial(filter_side, "convcli", *JOBS[name], setting.sizes.plane, setting.threads)
            quantity = Quantity(name, "ms", "ms")
        calls = {"convcli": set_up, **{way: partial(without, way, set_up) for way in left_out}}
        yield Match([Side(side, Call(call, as_convcli=True)) for side, call in calls.items()], [quantity])


# What runs in a side's own process.


def without(name: str, set_up: Callable[[], Measure]) -> Measure:
    """Set up a side that lacks one of the ways."""
    WAYS[name].start()
    return set_up()
