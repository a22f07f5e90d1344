"""A network as a whole: what does not fit is named, and gradients go through all of it."""

from __future__ import annotations

import numpy as np

from convcli.nn.layers import (
    ActivationLayer,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    MaxPool,
)
from convcli.nn.losses import CrossEntropy
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights
from convcli.proof.differences import numeric_gradient, relative_error

SMALL = [Conv(filters=3, activation="relu"), BatchNorm(), MaxPool(), Flatten(), Dense(units=2)]


def small():
    return Network(SMALL, (6, 6, 2))


def test_shapes_go_from_layer_to_layer():
    assert small().shapes == [(6, 6, 2), (4, 4, 3), (4, 4, 3), (2, 2, 3), (12,), (2,)]


def test_gradient_of_the_loss_through_all_layers_agrees_with_differences():
    network = small()
    rng = np.random.default_rng(4)
    weights = NetworkWeights.initial(network, rng, np.float64)
    x, labels = rng.standard_normal((3, 6, 6, 2)), np.array([0, 1, 1])
    tape = network.tape()
    tape.current.training = tape.input_gradient = True

    def loss():
        return float(CrossEntropy().evaluate(network.forward(x, weights, tape), labels)[0].sum())

    gradient = np.zeros_like(weights.trained)
    tape.add_to(network.trained.views(gradient))
    _, dy = CrossEntropy().evaluate(network.forward(x, weights, tape), labels)
    dx = network.backward(dy, weights, tape).copy()
    assert relative_error(gradient, numeric_gradient(loss, weights.trained)) < 1e-7
    assert relative_error(dx, numeric_gradient(loss, x)) < 1e-7


def test_only_the_first_layer_skips_the_gradient_of_its_input():
    network = small()
    weights, tape = NetworkWeights.initial(network, np.random.default_rng(0)), network.tape()
    tape.add_to(network.trained.views(np.zeros_like(weights.trained)))
    network.forward(np.zeros((2, 6, 6, 2), np.float32), weights, tape)
    network.backward(np.zeros((2, 2), np.float32), weights, tape)
    assert [inner.input_gradient for inner in tape.inner] == [False, True, True, True, True]


def test_what_couples_samples_and_what_draws():
    plain = Network([Flatten(), Dense(units=2), ActivationLayer()], (2, 2, 1))
    assert (plain.sequence.couples_samples, plain.sequence.draws) == (False, False)
    assert Network([Dropout()], (3,)).sequence.draws
    assert Network([BatchNorm()], (3,)).sequence.couples_samples


def test_no_samples_go_through_every_layer_and_back_and_leave_no_trace():
    network = Network(
        [
            Conv(filters=4, activation="relu", padding="same"),
            MaxPool(),
            Conv(filters=33, padding="same"),
            BatchNorm(),
            ActivationLayer(function="sigmoid"),
            AvgPool(),
            Conv(filters=4, kernel=1, activation="leaky_relu"),
            Dropout(),
            GlobalAvgPool(),
            Dense(units=3, activation="tanh"),
        ],
        (8, 8, 32),
    )
    weights = NetworkWeights.initial(network, np.random.default_rng(0))
    kept, gradient, tape = weights.kept.copy(), np.full_like(weights.trained, 7), network.tape()
    tape.add_to(network.trained.views(gradient))
    tape.current.training = tape.current.fresh = tape.input_gradient = True
    assert network.forward(np.zeros((0, 8, 8, 32), np.float32), weights, tape).shape == (0, 3)
    assert network.backward(np.zeros((0, 3), np.float32), weights, tape).shape == (0, 8, 8, 32)
    np.testing.assert_array_equal(gradient, 0)
    np.testing.assert_array_equal(weights.kept, kept)
