"""A network as a whole: what does not fit is named, weights lie in one vector and begin as they should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convcli.errors import ConfigError
from convcli.nn.layer import Initial
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
from convcli.nn.network import Network, NetworkWeights, decay_mask
from convcli.proof.gradcheck import numeric_gradient, relative_error

SMALL = [Conv(filters=3, activation="relu"), BatchNorm(), MaxPool(), Flatten(), Dense(units=2)]


def small():
    return Network(SMALL, (6, 6, 2))


def test_shapes_go_from_layer_to_layer():
    assert small().shapes == [(6, 6, 2), (4, 4, 3), (4, 4, 3), (2, 2, 3), (12,), (2,)]


def test_a_layer_that_shrinks_to_nothing_is_named_with_its_input_and_the_remedy():
    layers = [Conv(filters=4), MaxPool(), MaxPool(), Conv(filters=8, kernel=5), Flatten(), Dense(units=2)]
    with pytest.raises(ConfigError) as caught:
        Network(layers, (10, 12, 1))
    assert str(caught.value) == (
        "[[layers]] 4 (conv) cannot take its input of 2 × 2 × 4. A window spanning 5 cells does not fit "
        "2 cells with padding 0 + 0: use a smaller window, a larger input, or padding of at least 3 in all."
    )


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Dense(units=2)], r"\[\[layers\]\] 1 \(dense\) .* 6 × 6 × 2\. .* put a flatten layer before it"),
        (
            [Flatten(), Conv(filters=1)],
            r"\[\[layers\]\] 2 \(conv\) .* input of 72\. .* put it before flatten",
        ),
        ([Conv(filters=4, groups=4)], r"\[\[layers\]\] 1 \(conv\) .* does not divide the input's 2 channels"),
        ([Flatten(), Dense(), Dense(units=2)], r"\[\[layers\]\] 2 \(dense\) .* dense needs `units`"),
    ],
)
def test_a_layer_that_does_not_fit_is_named(layers, message):
    with pytest.raises(ConfigError, match=message):
        Network(layers, (6, 6, 2))


def test_views_cover_the_vector_exactly_once():
    layout = small().trained
    vector = np.zeros(layout.size)
    for views in layout.views(vector):
        for view in views.values():
            assert np.shares_memory(view, vector)
            view += 1
    np.testing.assert_array_equal(vector, 1)


def test_arrays_are_named_by_their_layers_number():
    network = small()
    assert {
        name: view.shape for name, view in network.trained.named(np.zeros(network.trained.size)).items()
    } == {
        "1.W": (3, 3, 2, 3),
        "1.b": (3,),
        "2.gamma": (3,),
        "2.beta": (3,),
        "5.W": (12, 2),
        "5.b": (2,),
    }
    assert list(network.kept.named(np.zeros(network.kept.size))) == ["2.mean", "2.variance"]


def test_weights_by_layer_are_views_of_the_two_vectors():
    weights = NetworkWeights(small())
    weights.by_layer[0]["W"][:] = 1
    weights.by_layer[1]["variance"][:] = 2
    assert weights.trained.sum() == 3 * 3 * 2 * 3
    assert weights.kept.sum() == 3 * 2


def test_copied_weights_are_equal_and_apart():
    network = small()
    one = NetworkWeights.initial(network, np.random.default_rng(0))
    two = NetworkWeights(network)
    two.copy_from(one)
    np.testing.assert_array_equal(two.trained, one.trained)
    np.testing.assert_array_equal(two.kept, one.kept)
    one.trained += 1
    assert (two.trained != one.trained).all()


def test_weight_decay_is_for_the_kernels_alone():
    network = small()
    mask = network.trained.named(decay_mask(network))
    assert {name: set(view.ravel()) for name, view in mask.items()} == {
        "1.W": {1},
        "1.b": {0},
        "2.gamma": {0},
        "2.beta": {0},
        "5.W": {1},
        "5.b": {0},
    }


LARGE = {
    "conv, relu": (Conv(filters=64, kernel=5, activation="relu"), (8, 8, 32), 2 / (25 * 32)),
    "conv, groups": (Conv(filters=64, kernel=5, groups=4, activation="relu"), (8, 8, 64), 2 / (25 * 16)),
    "conv, tanh": (Conv(filters=64, kernel=5, activation="tanh"), (8, 8, 32), 2 / (25 * (32 + 64))),
    "dense, leaky_relu": (Dense(units=300, activation="leaky_relu"), (200,), 2 / 200),
    "dense, none": (Dense(units=300), (200,), 2 / (200 + 300)),
    "dense, none, he": (Dense(units=300, init="he"), (200,), 2 / 200),
    "dense, relu, glorot": (Dense(units=300, activation="relu", init="glorot"), (200,), 2 / (200 + 300)),
}


@pytest.mark.parametrize(("layer", "shape", "variance"), LARGE.values(), ids=LARGE.keys())
def test_initial_weights_have_the_variance_of_he_or_glorot(layer, shape, variance):
    weights = NetworkWeights.initial(Network([layer], shape), np.random.default_rng(0)).by_layer[0]
    spread = math.sqrt(2 / weights["W"].size)  # of a variance, relative, for a normal distribution
    assert abs(weights["W"].var() / variance - 1) < 4 * spread
    assert abs(weights["W"].mean()) < 4 * math.sqrt(variance / weights["W"].size)
    np.testing.assert_array_equal(weights["b"], 0)


def test_glorot_is_uniform_between_its_limits():
    drawn = Initial((200, 300), "glorot", 200, 300).draw(np.random.default_rng(0))
    limit = math.sqrt(6 / 500)
    assert -limit <= drawn.min() < -0.999 * limit
    assert 0.999 * limit < drawn.max() <= limit


def test_batch_norm_begins_as_the_identity():
    weights = NetworkWeights.initial(Network([BatchNorm()], (4,)), np.random.default_rng(0)).by_layer[0]
    assert {name: set(array) for name, array in weights.items()} == {
        "gamma": {1},
        "beta": {0},
        "mean": {0},
        "variance": {1},
    }


def test_the_same_generator_gives_the_same_weights():
    one, two, other = (NetworkWeights.initial(small(), np.random.default_rng(s)).trained for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_gradient_of_the_loss_through_all_layers_agrees_with_differences():
    network = small()
    rng = np.random.default_rng(4)
    weights = NetworkWeights.initial(network, rng, np.float64)
    x, labels = rng.standard_normal((3, 6, 6, 2)), np.array([0, 1, 1])
    tapes = network.tapes()
    for tape in tapes:
        tape.training = True

    def loss():
        return float(CrossEntropy().evaluate(network.forward(x, weights, tapes), labels)[0].sum())

    gradient = np.zeros_like(weights.trained)
    for tape, views in zip(tapes, network.trained.views(gradient), strict=True):
        tape.gradients = views
    tapes[0].input_gradient = True
    _, dy = CrossEntropy().evaluate(network.forward(x, weights, tapes), labels)
    dx = network.backward(dy, weights, tapes).copy()
    assert relative_error(gradient, numeric_gradient(loss, weights.trained)) < 1e-7
    assert relative_error(dx, numeric_gradient(loss, x)) < 1e-7


def test_only_the_first_layer_skips_the_gradient_of_its_input():
    assert [tape.input_gradient for tape in small().tapes()] == [False, True, True, True, True]


def test_what_couples_samples_and_what_draws():
    plain = Network([Flatten(), Dense(units=2), ActivationLayer()], (2, 2, 1))
    assert (plain.couples_samples, plain.draws) == (False, False)
    assert Network([Dropout()], (3,)).draws
    assert Network([BatchNorm()], (3,)).couples_samples


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Conv(filters=10**18), r"\[\[layers\]\] 1 \(conv\) .* would have 19,000,000,000,000,000,000 weights"),
        (Conv(filters=1, padding=10**6), r"would have 4,000,024,000,036 outputs for each image"),
    ],
)
def test_what_no_memory_would_hold_is_refused(layer, message):
    with pytest.raises(ConfigError, match=message):
        Network([layer], (8, 8, 2))


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
    kept, gradient, tapes = weights.kept.copy(), np.full_like(weights.trained, 7), network.tapes()
    for tape, views in zip(tapes, network.trained.views(gradient), strict=True):
        tape.gradients, tape.training, tape.fresh, tape.input_gradient = views, True, True, True
    assert network.forward(np.zeros((0, 8, 8, 32), np.float32), weights, tapes).shape == (0, 3)
    assert network.backward(np.zeros((0, 3), np.float32), weights, tapes).shape == (0, 8, 8, 32)
    np.testing.assert_array_equal(gradient, 0)
    np.testing.assert_array_equal(weights.kept, kept)
