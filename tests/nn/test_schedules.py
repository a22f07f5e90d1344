"""Schedules against PyTorch's learning rates, step by step; the warm-up by hand."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from convcli.nn.schedules import SCHEDULES
from data_torch import make_trajectories
from data_torch.make_trajectories import STEPS_PER_EPOCH

CASES = make_trajectories.SCHEDULES
STORED = make_trajectories.stored()["schedules"]


def factors(options, epochs, steps_per_epoch=STEPS_PER_EPOCH):
    schedule = SCHEDULES[options["type"]](**options)
    return [schedule.factor(step, steps_per_epoch, epochs) for step in range(epochs * steps_per_epoch)]


def test_every_schedule_has_a_trajectory():
    assert {options["type"] for options, *_ in CASES.values()} == set(SCHEDULES)
    assert set(STORED) == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_goes_as_pytorchs(case):
    options, epochs, *_ = CASES[case]
    np.testing.assert_allclose(factors(options, epochs), STORED[case], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("case", CASES)
def test_stored_trajectories_are_pytorchs(case):
    pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    _, epochs, name, options = CASES[case]
    made = make_trajectories.schedule_trajectory(name, options, epochs * STEPS_PER_EPOCH)
    np.testing.assert_allclose(STORED[case], made, rtol=1e-12, atol=1e-15)


def test_warm_up_is_a_line_from_near_0_by_hand():
    assert factors({"type": "constant", "warmup": 1}, 2) == [0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1]


def test_warm_up_may_take_part_of_an_epoch():
    np.testing.assert_allclose(factors({"type": "constant", "warmup": 0.5}, 1), [1 / 3, 2 / 3, 1, 1])


def test_step_counts_its_epochs_from_the_end_of_the_warm_up():
    options = {"type": "step", "every": 1, "gamma": 0.1, "warmup": 1}
    np.testing.assert_allclose(factors(options, 3), [0.2, 0.4, 0.6, 0.8, *[1] * 4, *[0.1] * 4])


def test_a_rate_that_grows_beyond_float64_is_infinite():
    assert factors({"type": "step", "every": 1, "gamma": 1e200}, 3, 1) == [1, 1e200, np.inf]


@pytest.mark.parametrize("case", CASES)
def test_warm_up_ends_where_the_schedule_begins(case):
    options, epochs, *_ = CASES[case]
    warm = 2 * STEPS_PER_EPOCH
    whole = factors({**options, "warmup": 2}, epochs + 2)
    np.testing.assert_allclose(whole[warm:], STORED[case], rtol=1e-12, atol=1e-15)
    first = STORED[case][0]
    np.testing.assert_allclose(whole[:warm], [first * (step + 1) / (warm + 1) for step in range(warm)])


@pytest.mark.parametrize("name", list(SCHEDULES))
@pytest.mark.parametrize("warmup", [0, 1, 5])
def test_a_run_of_one_step_has_a_rate(name, warmup):
    (factor,) = factors({"type": name, "warmup": warmup}, 1, 1)
    assert 0 < factor <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "constant", "warmup": -1}, "warmup"),
        ({"type": "step", "every": 0}, "every"),
        ({"type": "step", "gamma": 0}, "gamma"),
        ({"type": "cosine", "final": 2}, "final"),
        ({"type": "one_cycle", "rise": 1}, "rise"),
        ({"type": "one_cycle", "start": 0}, "start"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        SCHEDULES[options["type"]](**options)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0, 1.5])
def test_a_schedule_tells_whether_its_steps_depend_on_how_many_epochs_there_will_be(name, warmup):
    schedule = SCHEDULES[name](warmup=warmup)
    shorter, longer = ([schedule.factor(step, 10, epochs) for step in range(30)] for epochs in (3, 25))
    assert schedule.spans_run == (shorter != longer)
