"""The weights of a network: they lie in one vector, have names, and begin as they should."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

from convcli.nn.layer import Initial
from convcli.nn.layers import BatchNorm, Conv, Dense, Flatten, MaxPool
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights, decay_mask

SMALL = [Conv(filters=3, activation="relu"), BatchNorm(), MaxPool(), Flatten(), Dense(units=2)]


def small():
    return Network(SMALL, (6, 6, 2))


def test_views_cover_the_vector_exactly_once():
    layout = small().trained
    vector = np.zeros(layout.size)
    for views in layout.views(vector).inner:
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
    weights.arrays.inner[0]["W"][:] = 1
    weights.arrays.inner[1]["variance"][:] = 2
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
    weights = NetworkWeights.initial(Network([layer], shape), np.random.default_rng(0)).arrays.inner[0]
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
    weights = NetworkWeights.initial(Network([BatchNorm()], (4,)), np.random.default_rng(0)).arrays.inner[0]
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


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda weights: pickle.loads(pickle.dumps(weights))])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_arrays_of_a_copy_are_views_of_its_own_vectors(copied, dtype):
    weights = NetworkWeights.initial(small(), np.random.default_rng(0), dtype)
    other = copied(weights)
    np.testing.assert_array_equal(other.trained, weights.trained)
    np.testing.assert_array_equal(other.kept, weights.kept)
    assert other.trained.dtype == other.kept.dtype == dtype
    before = weights.trained.copy()
    other.trained[:], other.kept[:] = 3, 4  # as an optimizer and a checkpoint do
    for number in (1, 2, 5):
        for name, array in other.arrays.at(number).items():
            assert (array == (4 if name in ("mean", "variance") else 3)).all()
    np.testing.assert_array_equal(weights.trained, before)
