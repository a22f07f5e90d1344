"""A convolution and its max pool as one give what they give one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.nn.activations import ACTIVATIONS
from convcli.nn.layers import (
    ActivationLayer,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
    Parallel,
    Residual,
    SeparableConv,
    Sequence,
    TransposedConv,
)
from convcli.nn.layers.fused import ConvMaxPool, NormActivation, plan
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


def test_a_pool_behind_a_row_of_layers_belongs_to_the_last_of_them():
    convs = Conv(filters=3, padding="same", activation="relu", repeat=2)
    row = Sequence(layers=(BatchNorm(), Sequence(layers=(convs,))))
    network = Network([row, MaxPool(), Conv(filters=2)], (6, 7, 2))
    [(_, first), (position, _)] = network.sequence.steps
    assert position == 2
    assert isinstance(first, Sequence)
    [_, (_, inner)] = first.steps
    assert isinstance(inner, Sequence)
    [(_, copies)] = inner.steps
    assert isinstance(copies, Sequence)
    assert [type(step) for _, step in copies.steps] == [Conv, ConvMaxPool]
    rng = np.random.default_rng(0)
    weights = NetworkWeights.initial(network, rng, np.float64)
    x, dy = rng.standard_normal((3, 6, 7, 2)), rng.standard_normal((3, 1, 1, 2))
    together = passes(network.sequence.steps, x, weights, network, lambda _: dy.copy())
    apart = passes(list(enumerate(network.layers)), x, weights, network, lambda _: dy.copy())
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
        assert suits == (name in ("none", "relu", "leaky_relu", "clip"))
        assert not suits or (np.diff(a) >= 0).all(), name


@pytest.mark.parametrize(
    "following", [AvgPool(), MaxPool(size=3, stride=2), MaxPool(size=2, stride=3), BatchNorm(), Dropout()]
)
def test_what_does_not_touch_stays_apart(following):
    layers = [Conv(filters=2), following]
    assert plan(enumerate(layers)) == [(0, layers[0]), (1, layers[1])]


CONV, RELU = Conv(filters=4, padding="same"), ActivationLayer()
FOLDED = {
    "convolution": ((CONV, BatchNorm()), 1),
    "and activation": ((CONV, BatchNorm(), ActivationLayer(function="tanh")), 1),
    "and max pool": ((CONV, BatchNorm(), RELU, MaxPool()), 1),
    "activation alone": ((CONV, RELU), 1),
    "no bias": ((Conv(filters=4, bias=False), BatchNorm(), RELU), 1),
    "frozen, in groups": ((Conv(filters=4, groups=2, frozen=True), BatchNorm()), 1),
    "dense": ((Flatten(), Dense(units=5), BatchNorm(), RELU, Dense(units=3, bias=False), BatchNorm()), 3),
    "and max pool, behind a row": ((Sequence(layers=(CONV, BatchNorm(), CONV)), MaxPool()), 1),
    "within": ((Residual(layers=(CONV, BatchNorm(), RELU, CONV, BatchNorm())), CONV, BatchNorm()), 2),
    "beside": ((Parallel(branches=(Sequence(layers=(CONV, BatchNorm())), BatchNorm())),), 1),
    "separable": ((SeparableConv(filters=4, depth_multiplier=2), BatchNorm(), RELU), 1),
    "transposed": ((TransposedConv(filters=4), BatchNorm(), RELU), 2),
    "repeated": ((Sequence(layers=(CONV, BatchNorm(), RELU), repeat=2), BatchNorm()), 2),
    "two": ((CONV, BatchNorm(), BatchNorm(), RELU), 2),
    "after an activation": ((Conv(filters=4, activation="relu"), BatchNorm(), RELU), 2),
    "after a pool": ((CONV, MaxPool(), BatchNorm()), 2),
    "at the beginning": ((BatchNorm(), CONV), 2),
    "behind something else": ((CONV, Dropout(), BatchNorm()), 3),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("layers", "steps"), FOLDED.values(), ids=FOLDED.keys())
def test_a_folded_norm_predicts_what_it_predicts_on_its_own(layers, steps, dtype):
    rng = np.random.default_rng(0)
    network = Network(layers, (6, 6, 4))
    weights = NetworkWeights.initial(network, rng, dtype)
    for vector in (weights.trained, weights.kept):
        vector += rng.uniform(0, 0.5, vector.shape)
    kept = weights.trained.tobytes(), weights.kept.tobytes()
    x = rng.standard_normal((3, 6, 6, 4)).astype(dtype)
    tape = network.tape()
    apart = network.forward(x, weights, tape).copy()
    tape.current.forward_only = True
    together = network.forward(x, weights, tape)
    close = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(together, apart, rtol=close, atol=close)
    assert together.dtype == dtype
    assert len(network.sequence.predicting[0]) == steps
    assert kept == (weights.trained.tobytes(), weights.kept.tobytes())


def test_a_pass_that_is_recorded_or_trains_folds_nothing():
    network = Network([CONV, BatchNorm(), RELU], (6, 6, 4))
    weights = NetworkWeights.initial(network, np.random.default_rng(0))
    x = np.ones((2, 6, 6, 4), np.float32)
    tape = network.tape()
    tape.current.forward_only = tape.current.records = True
    network.forward(x, weights, tape)
    assert all(inner.record["y"].shape == x.shape for inner in tape.inner)
    tape.current.records, tape.current.training = False, True
    before = weights.kept.copy()
    network.forward(x, weights, tape)
    assert (weights.kept != before).any()


def test_a_pool_behind_a_residual_block_stays_apart():
    layers = [Residual(layers=(Conv(filters=2, padding="same"),)), MaxPool()]
    assert plan(enumerate(layers)) == [(0, layers[0]), (1, layers[1])]


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "none"])
def test_an_activation_in_the_place_of_what_is_normalised_is_one_after_the_other(name):
    network = Network([BatchNorm(), ActivationLayer(function=name)], (5, 4, 3))
    assert [type(step) for _, step in network.sequence.steps] == [NormActivation]
    rng = np.random.default_rng(0)
    x, found = rng.standard_normal((6, 5, 4, 3), np.float32), []
    for steps in (network.sequence.steps, list(enumerate(network.layers))):
        weights = NetworkWeights.initial(network, np.random.default_rng(1))
        results = passes(
            steps, x, weights, network, lambda of: np.random.default_rng(2).standard_normal(of, np.float32)
        )
        found.append([array.tobytes() for array in (*results, weights.kept)])
    assert found[0] == found[1]


@pytest.mark.parametrize("count", [1, 2])
def test_an_activation_behind_a_row_that_ends_with_a_norm_is_taken_in_as_in_a_flat_network(count):
    flat = [Conv(filters=3), *[BatchNorm() for _ in range(count)], ActivationLayer()]
    x = np.random.default_rng(0).standard_normal((6, 5, 4, 3), np.float32)
    found = []
    for layers in (flat, [Sequence(layers=tuple(flat[:-1])), flat[-1]]):
        network = Network(layers, (5, 4, 3))
        weights = NetworkWeights.initial(network, np.random.default_rng(1))
        results = passes(network.sequence.steps, x, weights, network, lambda of: np.ones(of, np.float32))
        tape = network.tape()
        tape.current.forward_only = True
        outputs = network.forward(x, weights, tape)
        found.append([array.tobytes() for array in (*results, weights.kept, outputs)])
    assert found[0] == found[1]
