"""A convolution and its max pool as one give what they give one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.nn.activations import ACTIVATIONS
from convcli.nn.layers import AvgPool, BatchNorm, Conv, Dropout, MaxPool
from convcli.nn.layers.fused import ConvMaxPool, plan
from convcli.nn.network import Network
from convcli.nn.tape import Tape
from convcli.nn.weights import NetworkWeights
from convcli.proof.differences import numeric_gradient, relative_error

CASES = {
    "plain": ((6, 8, 2), {"filters": 3, "padding": "same"}, {}),
    "no bias, no activation": ((6, 6, 1), {"filters": 2, "bias": False, "activation": "none"}, {}),
    "leaky": ((6, 6, 2), {"filters": 2, "activation": "leaky_relu"}, {}),
    "rows left over": ((7, 9, 2), {"filters": 3, "padding": "same"}, {}),
    "stride and dilation": ((13, 12, 2), {"filters": 2, "stride": [2, 1], "dilation": 2, "padding": 1}, {}),
    "groups": ((6, 6, 4), {"filters": 4, "groups": 2, "padding": "same"}, {}),
    "asymmetric padding": ((6, 6, 2), {"filters": 2, "padding": [[0, 2], [2, 0]]}, {}),
    "padding beyond the kernel": ((4, 4, 2), {"filters": 2, "padding": 4}, {}),
    "rectangular pool": ((6, 9, 2), {"filters": 2, "padding": "same"}, {"size": [2, 3]}),
    "pool of one": ((5, 5, 2), {"filters": 2}, {"size": 1}),
    "many channels": ((6, 8, 32), {"filters": 33, "padding": "same"}, {}),
    "many channels, rows left over": ((7, 9, 32), {"filters": 32, "padding": "same"}, {}),
    "many channels, valid": ((7, 6, 33), {"filters": 32}, {}),
    "many channels, full": ((5, 4, 32), {"filters": 32, "padding": "full"}, {}),
    "many channels, padding beyond the kernel": ((4, 4, 32), {"filters": 32, "padding": 4}, {}),
    "many channels, large pool": ((9, 9, 32), {"filters": 32, "padding": "same"}, {"size": 3}),
}


def passes(steps, x, weights, network, cotangent):
    """Return the outputs and all gradients of a pass through `steps`, each with its position."""
    gradient = np.zeros_like(weights.trained)
    tape = network.tape()
    tape.add_to(network.trained.views(gradient))
    tape.current.training = True
    y = x
    for position, step in steps:
        y = tape.through(position, step, y, weights.arrays)
    dy = cotangent(y.shape)
    for position, step in reversed(steps):
        dy = tape.back(position, step, dy, weights.arrays, input_gradient=True)
    return y, dy, gradient


@pytest.mark.parametrize(("shape", "conv", "pool"), CASES.values(), ids=CASES.keys())
def test_together_is_one_after_the_other(shape, conv, pool):
    network = Network([Conv(**{"activation": "relu", **conv}), MaxPool(**pool)], shape)
    assert [type(step) for _, step in network.sequence.steps] == [ConvMaxPool]
    rng = np.random.default_rng(0)
    weights = NetworkWeights.initial(network, rng, np.float64)
    weights.trained += rng.normal(0, 0.1, weights.trained.shape)
    x = rng.standard_normal((3, *shape))

    def cotangent(of):
        return np.random.default_rng(1).standard_normal(of)

    together = passes(network.sequence.steps, x, weights, network, cotangent)
    apart = passes(list(enumerate(network.layers)), x, weights, network, cotangent)
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


def test_the_gradient_is_the_numeric_one():
    network = Network([Conv(filters=32, padding="same", activation="relu"), MaxPool()], (5, 6, 32))
    rng = np.random.default_rng(0)
    weights = NetworkWeights.initial(network, rng, np.float64)
    x, cotangent = rng.standard_normal((1, 5, 6, 32)), rng.standard_normal((1, 2, 3, 32))
    _, dx, _ = passes(network.sequence.steps, x, weights, network, lambda _: cotangent.copy())
    tape = network.tape()
    numeric = numeric_gradient(lambda: float((network.forward(x, weights, tape) * cotangent).sum()), x)
    assert relative_error(dx, numeric) < 1e-7


def test_an_activation_goes_after_the_maximum_only_if_it_increases():
    z = np.linspace(-3, 3, 101)
    for name, activation in ACTIVATIONS.items():
        a = np.empty_like(z)
        activation().apply(z, a, Tape())
        suits = ConvMaxPool.suits(Conv(filters=1, activation=name), MaxPool())
        assert suits == (name in ("none", "relu", "leaky_relu"))
        assert not suits or (np.diff(a) >= 0).all(), name


@pytest.mark.parametrize(
    "following", [AvgPool(), MaxPool(size=3, stride=2), MaxPool(size=2, stride=3), BatchNorm(), Dropout()]
)
def test_what_does_not_touch_stays_apart(following):
    layers = [Conv(filters=2), following]
    assert plan(layers) == [(0, layers[0]), (1, layers[1])]
