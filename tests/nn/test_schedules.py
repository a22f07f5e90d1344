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


# PyTorch 2.13's OneCycleLR with total_steps and pct_start: a rise, or a fall, of less than a step.
ONE_CYCLE = {
    (1, 0.3): [4e-06],
    (2, 0.3): [0.811745653949763, 4e-06],
    (2, 0.6): [0.04, 4e-06],
    (3, 0.3): [0.9944154354509117, 0.46263710266697505, 4e-06],
    (3, 0.9): [0.04, 0.6513582352345996, 4e-06],
    (4, 0.5): [0.04, 1.0, 0.500002, 4e-06],
}


@pytest.mark.parametrize(("steps", "rise"), ONE_CYCLE)
def test_one_cycle_of_few_steps_goes_as_pytorchs(steps, rise):
    found = factors({"type": "one_cycle", "rise": rise}, steps, 1)
    np.testing.assert_allclose(found, ONE_CYCLE[steps, rise], rtol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("rise", [0.001, 0.3, 0.5, 0.95, 0.9999999])
def test_one_cycle_ends_at_its_end(steps, rise):
    last = factors({"type": "one_cycle", "rise": rise, "start": 10, "end": 100}, steps, 1)[-1]
    assert last == pytest.approx(1e-3)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_schedules_of_few_steps_begin_and_go_on_as_documented(steps):
    assert factors({"type": "constant"}, steps, 1) == [1] * steps
    assert factors({"type": "step", "every": 1, "gamma": 0.5}, steps, 1) == [1, 0.5, 0.25][:steps]
    cosine = factors({"type": "cosine", "final": 0.2}, steps, 1)
    angles = np.pi * np.arange(steps) / steps
    np.testing.assert_allclose(cosine, 0.2 + 0.4 * (1 + np.cos(angles)))


@pytest.mark.parametrize("name", list(SCHEDULES))
@pytest.mark.parametrize(("warmup", "epochs"), [(3, 3), (5, 2), (1, 1)])
def test_a_warm_up_as_long_as_the_run_grows_towards_where_the_schedule_begins(name, warmup, epochs):
    begins = 1 / 25 if name == "one_cycle" else 1
    warm = warmup * STEPS_PER_EPOCH
    expected = begins * np.arange(1, epochs * STEPS_PER_EPOCH + 1) / (warm + 1)
    np.testing.assert_allclose(factors({"type": name, "warmup": warmup}, epochs), expected)


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
