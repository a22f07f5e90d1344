"""The checker itself: it finds right gradients right, and says no to every kind of wrong one."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.nn.gradcheck import check_layer, check_loss, numeric_gradient, relative_error
from convcli.nn.layers import BatchNorm, Conv, Dense, MaxPool
from convcli.nn.losses import CrossEntropy

GOOD = 1e-7
LAYERS = {
    "conv": (Conv(filters=2, activation="tanh"), (4, 4, 2)),
    "dense": (Dense(units=3, activation="sigmoid"), (5,)),
    "batch_norm": (BatchNorm(), (3, 3, 2)),
    "max_pool": (MaxPool(size=2, stride=1), (4, 4, 2)),
}
each_layer = pytest.mark.parametrize(("layer", "shape"), LAYERS.values(), ids=LAYERS.keys())


def errors(layer, shape):
    return check_layer(layer, shape, np.random.default_rng(5))


def spoil(monkeypatch, layer, change):
    """Let `change(dx, tape)` return what `layer` gives back instead of its dL/dx."""
    right = type(layer).backward

    def backward(self, dy, weights, tape):
        return change(right(self, dy, weights, tape), tape)

    monkeypatch.setattr(type(layer), "backward", backward)


def test_differences_give_the_derivative_and_leave_the_array_as_it_was():
    array = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = array.copy()
    gradient = numeric_gradient(lambda: float((array**3).sum()), array)
    np.testing.assert_allclose(gradient, 3 * before**2, rtol=1e-8)
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize(
    ("one", "other", "error"),
    [([1, 2], [1, 2], 0), ([0, 0], [0, 0], 0), ([0, 0], [0, 3], 1), ([1, 4], [2, 4], 0.25), ([], [], 0)],
)
def test_error_is_relative_to_the_largest_entry(one, other, error):
    assert relative_error(np.array(one, float), np.array(other, float)) == error


@each_layer
def test_right_gradients_pass(layer, shape):
    assert max(errors(layer, shape).values()) < GOOD


@each_layer
def test_a_wrong_sign_is_found(layer, shape, monkeypatch):
    spoil(monkeypatch, layer, lambda dx, tape: -dx)
    assert errors(layer, shape)["x"] > 1


@each_layer
def test_a_derivative_wrong_by_a_thousandth_is_found(layer, shape, monkeypatch):
    spoil(monkeypatch, layer, lambda dx, tape: 1.001 * dx)
    assert errors(layer, shape)["x"] > 1e-4


@each_layer
def test_one_wrong_entry_is_found(layer, shape, monkeypatch):
    def change(dx, _tape):
        dx.flat[np.abs(dx).argmax()] *= 1.01
        return dx

    spoil(monkeypatch, layer, change)
    assert errors(layer, shape)["x"] > 1e-3


@pytest.mark.parametrize(
    ("layer", "shape", "name"),
    [
        pytest.param(*LAYERS[layer], name, id=f"{layer} {name}")
        for layer, name in [
            ("conv", "W"),
            ("conv", "b"),
            ("dense", "W"),
            ("dense", "b"),
            ("batch_norm", "gamma"),
            ("batch_norm", "beta"),
        ]
    ],
)
def test_a_missing_gradient_of_weights_is_found_and_named(layer, shape, name, monkeypatch):
    def change(dx, tape):
        tape.gradients[name][...] = 0
        return dx

    spoil(monkeypatch, layer, change)
    found = errors(layer, shape)
    assert found.pop(name) == 1
    assert max(found.values()) < GOOD


def test_a_forgotten_activation_is_found(monkeypatch):
    monkeypatch.setattr(Dense, "deactivate", lambda self, da, tape: da)
    found = errors(Dense(units=3, activation="tanh"), (5,))
    assert min(found.values()) > 1e-2


def test_batch_norm_that_takes_the_batch_mean_for_constant_is_found(monkeypatch):
    right = BatchNorm.backward

    def backward(self, dy, weights, tape):
        tape.training = False
        return right(self, dy, weights, tape)

    monkeypatch.setattr(BatchNorm, "backward", backward)
    assert errors(*LAYERS["batch_norm"])["x"] > 1e-2


def test_a_right_loss_passes_and_a_wrong_one_is_found(monkeypatch):
    assert check_loss(CrossEntropy(), 4, np.random.default_rng(0)) < GOOD
    right = CrossEntropy.evaluate

    def without_labels(self, outputs, labels):
        losses, gradient = right(self, outputs, labels)
        gradient[np.arange(len(labels)), labels] += 1
        return losses, gradient

    monkeypatch.setattr(CrossEntropy, "evaluate", without_labels)
    assert check_loss(CrossEntropy(), 4, np.random.default_rng(0)) > 0.1
