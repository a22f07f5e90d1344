"""Weights and tapes are trees as layers are; a gradient is added to what is there, unless that is stale."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.nn.layers import Conv, Dense, Flatten, Residual, Sequence
from convcli.nn.network import Network
from convcli.nn.tape import Pass, Tape, Weights
from convcli.nn.weights import NetworkWeights

INNER = Residual(layers=(Conv(filters=1, padding="same"),))
LAYERS = (Sequence(layers=(INNER, Flatten())), Dense(units=2))


def network():
    return Network(LAYERS, (4, 4, 1))


def test_a_layers_arrays_and_its_tape_are_found_by_its_number():
    built = network()
    arrays, tape = NetworkWeights(built).arrays, built.tape()
    assert {str(place.number): set(arrays.at(place.number)) for place in built.places} == {
        "1": set(),
        "1.1": set(),
        "1.1.1": {"W", "b"},
        "1.2": set(),
        "2": {"W", "b"},
    }
    assert arrays.at("1.1.1") is arrays.inner[0].inner[0].inner[0]
    assert tape.at("1.1.1") is tape.inner[0].inner[0].inner[0]
    assert tape.at(2) is tape.inner[1]


def test_a_layer_has_some_weights_if_one_within_has():
    arrays = NetworkWeights(network()).arrays
    assert [arrays.at(number).some for number in (1, "1.1", "1.1.1", "1.2", 2)] == [True] * 3 + [False, True]
    assert not Weights().some


def test_what_a_pass_is_all_tapes_in_a_network_know():
    tape = network().tape()
    tape.current.training = True
    assert tape.at("1.1.1").current is tape.current
    assert tape.at("1.1.1").workspace is not tape.at("1.1").workspace


@pytest.mark.parametrize(("fresh", "expected"), [(True, 3), (False, 10)])
def test_a_gradient_is_added_to_what_stands_there_unless_that_is_stale(fresh, expected):
    tape = Tape(Pass(fresh=fresh))
    tape.add_to(Weights({"W": np.full(2, 7.0), "b": np.full(2, 7.0)}))
    tape.add("W", np.full(2, 3.0))
    tape.gradient("b")[...] += 3
    np.testing.assert_array_equal(tape.gradients["W"], expected)
    np.testing.assert_array_equal(tape.gradients["b"], expected)


def test_each_layer_adds_to_its_own_part_of_the_vector():
    built = network()
    vector, tape = np.zeros(built.trained.size), built.tape()
    tape.add_to(built.trained.views(vector))
    tape.at("1.1.1").add("b", np.ones(1))
    np.testing.assert_array_equal(built.trained.named(vector)["1.1.1.b"], 1)
    assert vector.sum() == 1


@pytest.mark.parametrize("images", [True, False])
def test_a_layer_is_asked_for_the_gradient_of_its_input_where_somebody_before_it_learns(images):
    built = Network((Flatten(), *LAYERS[1:], Sequence(layers=(Dense(units=2), Dense(units=2)))), (2, 2, 1))
    weights, tape = NetworkWeights.initial(built, np.random.default_rng(0), np.float64), built.tape()
    tape.input_gradient = images
    tape.add_to(built.trained.views(np.zeros_like(weights.trained)))
    y = built.forward(np.ones((1, 2, 2, 1)), weights, tape)
    built.backward(np.ones_like(y), weights, tape)
    assert [tape.at(number).input_gradient for number in (2, 3, "3.1", "3.2")] == [images, True, True, True]


def test_what_is_recorded_of_a_gradient_is_not_what_the_layer_makes_of_it():
    tape = Tape(Pass(records=True), inner=(Tape(Pass()),))
    weights, x = Weights(inner=[Weights()]), np.array([[1.0, -2.0]])

    class Doubled:
        def forward(self, x, weights, tape):
            return 2 * x

        def backward(self, dy, weights, tape):
            return np.multiply(dy, 2, out=dy)

    tape.through(0, Doubled(), x, weights)
    dx = tape.back(0, Doubled(), np.ones((1, 2)), weights, input_gradient=True)
    record = tape.at(1).record
    np.testing.assert_array_equal(record["y"], 2 * record["x"])
    np.testing.assert_array_equal(dx, 2 * record["dy"])
