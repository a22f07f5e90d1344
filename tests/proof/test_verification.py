"""The verification: it passes, takes every way through the engine, and says no to whatever is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convcli.engine.batch import conv, pool
from convcli.engine.batch.strategies import choose
from convcli.engine.batch.strategies.columns import Columns
from convcli.engine.batch.strategies.depthwise import Depthwise
from convcli.engine.batch.strategies.winograd import Winograd
from convcli.engine.batch.strategy import Task
from convcli.engine.batch.windows import FEW_CHANNELS
from convcli.engine.plane.borders import BORDERS
from convcli.engine.plane.filter import filter2d
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.strategies.direct import Direct
from convcli.engine.plane.strategies.separable import Separable
from convcli.engine.plane.strategies.spectral import Spectral
from convcli.engine.plane.strategies.stacked import Stacked
from convcli.proof import verification
from convcli.proof.verification import (
    ADAPTIVE,
    ALONE,
    BANDED,
    CONVOLUTIONS,
    FILTERS,
    POOLS,
    filter_kernel,
    verify,
)

FEW = {
    "same",
    "two groups, stride 2",
    "Winograd",
    "threes, with remainder",
    "transposed, stride 2",
    "overlapping",
    "uneven",
    "3×3",
    "border wrap",
}
TABLES = (CONVOLUTIONS, BANDED, ALONE, POOLS, ADAPTIVE, FILTERS)


@pytest.fixture
def few(monkeypatch):
    """Let only some cases run."""
    for cases in TABLES:
        for name in set(cases) - FEW:
            monkeypatch.delitem(cases, name)


def test_every_operation_has_a_table():
    assert {id(cases) for _, cases, _ in verification._OPERATIONS} == {id(cases) for cases in TABLES}


def failed():
    return {(one.operation, one.case): set(one.failed) for one in verify() if one.failed}


@pytest.mark.usefixtures("few")
def test_a_right_engine_passes_in_both_dtypes():
    verdicts = list(verify())
    assert {verdict.dtype for verdict in verdicts} == {"float64", "float32"}
    assert [verdict for verdict in verdicts if verdict.failed] == []
    assert max(verdict.error for verdict in verdicts) > 0


def windows():
    return [(case, *case.laid) for case in CONVOLUTIONS.values()]


def test_the_cases_take_every_way_through_convolution():
    ways = {type(choose(Task(case.x[1:], case.w[3], window, groups))) for case, window, groups in windows()}
    assert ways == {Depthwise, Winograd, Columns}
    assert {groups > 1 for _, _, groups in windows()} == {True, False}
    assert {window.stride == (1, 1) for _, window, _ in windows()} == {True, False}
    assert {window.dilation == (1, 1) for _, window, _ in windows()} == {True, False}
    few = {case.x[3] < FEW_CHANNELS for case, *_ in windows()}
    assert few == {True, False}, "columns are copied in long runs, and channel by channel"


def test_the_cases_of_bands_have_several_for_every_way():
    ways = {}
    for case in BANDED.values():
        window, groups = case.laid
        task = Task(case.x[1:], case.w[3], window, groups)
        strategy = choose(task)
        ways.setdefault(type(strategy), set()).add(task.output[0] > math.lcm(case.unit, strategy.unit))
    assert ways == {way: {True} for way in (Depthwise, Winograd, Columns)}


def test_the_cases_take_every_way_through_filtering():
    taken, blocks = set(), set()
    for case in FILTERS.values():
        kernel = filter_kernel(case, np.random.default_rng(0))
        plan = Plan.of(case.plane, np.dtype(np.float32), [kernel], **case.options)
        taken |= {type(strategy) for strategy in plan.strategies}
        blocks.add(plan.block == plan.output_shape)
    assert taken == {Direct, Separable, Stacked, Spectral}
    assert blocks == {True, False}
    assert {case.options.get("border", "reflect") for case in FILTERS.values()} == set(BORDERS)


def test_pools_overlap_touch_and_leave_gaps():
    strides = [(case.size, case.stride) for case in POOLS.values()]
    assert {stride is None or stride == size for size, stride in strides} == {True, False}


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("dx", lambda dx, dw, db: (-dx, dw, db)),
        ("dx", lambda dx, dw, db: (np.roll(dx, 1, axis=1), dw, db)),
        ("dw", lambda dx, dw, db: (dx, dw * dw.dtype.type(1.01), db)),
        ("db", lambda dx, dw, db: (dx, dw, np.zeros_like(db))),
        ("dw", lambda dx, dw, db: (dx, np.full_like(dw, np.nan), db)),
        ("dx", lambda dx, dw, db: (dx[:, 1:], dw, db)),
        ("db", lambda dx, dw, db: (dx, dw, db.astype(np.float16))),
    ],
    ids=["sign", "crop", "scale", "bias", "not a number", "shape", "dtype"],
)
def test_a_spoiled_gradient_is_found_in_every_case(what, change, monkeypatch):
    right = conv.conv2d_backward
    monkeypatch.setattr(conv, "conv2d_backward", lambda *args, **options: change(*right(*args, **options)))
    assert failed() == {("conv2d", name): {what} for name in CONVOLUTIONS}


@pytest.mark.usefixtures("few")
def test_a_fast_way_that_is_wrong_is_found_where_it_is_taken(monkeypatch):
    right = Winograd.forward

    def wrong(self, x, w, *others):
        right(self, x, w * w.dtype.type(1.01), *others)

    monkeypatch.setattr(Winograd, "forward", wrong)
    assert failed() == {("conv2d", "Winograd"): {"y", "dx"}, ("conv2d in bands", "Winograd"): {"y"}}


@pytest.mark.usefixtures("few")
def test_a_tie_that_goes_to_the_last_maximum_is_found(monkeypatch):
    right = pool.max_pool2d_backward

    def last(dy, x, **options):
        return right(dy[:, ::-1, ::-1], x[:, ::-1, ::-1], **options)[:, ::-1, ::-1]

    monkeypatch.setattr(pool, "max_pool2d_backward", last)
    assert failed() == {("max_pool2d", "overlapping"): {"dx"}}


@pytest.mark.usefixtures("few")
def test_a_wrong_border_is_found(monkeypatch):
    right = filter2d

    def reflecting(plane, kernel, **options):
        return right(plane, kernel, **{**options, "border": "reflect"})

    monkeypatch.setattr(verification, "filter2d", reflecting)
    assert failed() == {("filter2d", "border wrap"): {"y"}}
