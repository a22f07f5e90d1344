"""Optimizers against PyTorch's trajectories: stored numbers, and made anew where PyTorch is installed."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from convcli.nn.optimizers import OPTIMIZERS
from data_torch import make_trajectories

CASES = make_trajectories.OPTIMIZERS
STORED = make_trajectories.stored()["optimizers"]


def walk(options, dtype=np.float64, decay=None):
    """Return the parameters after every step, and the optimizer's state."""
    start, gradients = make_trajectories.start_and_gradients()
    optimizer, parameters = OPTIMIZERS[options["type"]](**options), start.astype(dtype)
    state = optimizer.start(parameters)
    decay = np.ones_like(parameters) if decay is None else decay
    rows = []
    for number, gradient in enumerate(gradients.astype(dtype), 1):
        optimizer.step(parameters, gradient, decay, state, optimizer.learning_rate, number)
        rows.append(parameters.copy())
    return np.array(rows), state


def test_every_optimizer_has_a_trajectory():
    assert {options["type"] for options, *_ in CASES.values()} == set(OPTIMIZERS)
    assert set(STORED) == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_walks_as_pytorch_does(case):
    rows, _ = walk(CASES[case][0])
    np.testing.assert_allclose(rows, STORED[case], rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_stored_trajectories_are_pytorchs(case):
    pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    _, name, options = CASES[case]
    made = make_trajectories.optimizer_trajectory(name, options)
    np.testing.assert_allclose(STORED[case], made, rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_float32_stays_float32(case):
    rows, state = walk(CASES[case][0], np.float32, np.ones(make_trajectories.SIZE, np.float32))
    assert rows.dtype == np.float32
    assert {vector.dtype for vector in state.values()} <= {np.dtype(np.float32)}
    np.testing.assert_allclose(rows, STORED[case], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case][0].get("weight_decay")])
def test_weight_decay_spares_what_the_mask_spares(case):
    options = CASES[case][0]
    mask = np.array([1, 0, 1, 0, 0])
    rows, _ = walk(options, decay=mask)
    without, _ = walk({**options, "weight_decay": 0})
    np.testing.assert_allclose(rows[:, mask == 1], np.array(STORED[case])[:, mask == 1], rtol=1e-12)
    np.testing.assert_allclose(rows[:, mask == 0], without[:, mask == 0], rtol=1e-12)


def test_decoupled_decay_is_proportional_to_the_weights():
    optimizer = OPTIMIZERS["adamw"](learning_rate=0.1, weight_decay=0.5)
    parameters = np.array([2.0, -4.0])
    optimizer.step(parameters, np.zeros(2), np.ones(2), optimizer.start(parameters), 0.1, 1)
    np.testing.assert_allclose(parameters, [2 * 0.95, -4 * 0.95])


def test_a_step_takes_the_rate_it_is_given():
    optimizer = OPTIMIZERS["sgd"](learning_rate=0.1)
    parameters = np.array([1.0])
    optimizer.step(parameters, np.array([2.0]), np.ones(1), optimizer.start(parameters), 0.01, 1)
    np.testing.assert_allclose(parameters, [1 - 0.01 * 2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "sgd", "nesterov": True}, "nesterov = true needs momentum above 0"),
        ({"type": "sgd", "momentum": 1}, "momentum"),
        ({"type": "adam", "learning_rate": 0}, "learning_rate"),
        ({"type": "adam", "beta1": 1.0}, "beta1"),
        ({"type": "rmsprop", "epsilon": 0}, "epsilon"),
        ({"type": "adamw", "weight_decay": -1}, "weight_decay"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        OPTIMIZERS[options["type"]](**options)
