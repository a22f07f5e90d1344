"""What a network takes over from another one: arrays that fit by name, shape and type of layer."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.build import begun_from
from convcli.errors import ConfigError
from convcli.nn.learned import source_of
from convcli.nn.network import Network
from convcli.nn.transfer import fill_learned, learned_layers, take_over
from convcli.nn.weights import NetworkWeights
from interchange.networks import model_of

CONV = {"type": "conv", "padding": "same", "filters": 3}
LAYERS = [
    CONV,
    {"type": "batch_norm"},
    {"type": "residual", "layers": [{**CONV, "filters": 4}]},
    {"type": "flatten"},
    {"type": "dense"},
]


def taken(layers, origin, shape=(6, 6, 1), classes=4):
    """Return a model of layers, and what it takes over from another."""
    model = model_of(layers, shape, seed=1, classes=classes)
    return model, take_over(model.network, model.weights, origin)


def test_the_same_network_takes_over_everything():
    origin = model_of(LAYERS, (6, 6, 1))
    model, found = taken(LAYERS, origin)
    assert set(found.names) == set(origin.weights)
    assert found.layers == ("1", "2", "3", "3.1", "5")
    assert (found.missed, found.left) == ((), ())
    assert found.numbers == sum(array.size for array in origin.weights.values())
    for name, array in origin.weights.items():
        np.testing.assert_array_equal(model.weights[name], array)


def test_with_other_classes_the_last_layer_begins_anew():
    origin = model_of(LAYERS, (6, 6, 1))
    model, found = taken(LAYERS, origin, classes=7)
    ((place, reason),) = found.missed
    assert (place.number, reason) == (5, "W is 144 × 7, there 144 × 4")
    assert found.left == ("5",)
    assert not np.array_equal(model.weights["5.W"][:, :4], origin.weights["5.W"])


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([{**CONV, "kernel": 5}, *LAYERS[1:]], {1: "W is 5 × 5 × 1 × 3, there 3 × 3 × 1 × 3"}),
        ([CONV, {"type": "group_norm", "groups": 1}, *LAYERS[2:]], {2: "layer 2 there is a batch_norm"}),
        ([*LAYERS[:4], {"type": "dense", "units": 4}, LAYERS[4]], {6: "there is no layer 6 there"}),
    ],
)
def test_what_does_not_fit_is_named_with_the_reason(layers, expected):
    _, found = taken(layers, model_of(LAYERS, (6, 6, 1)))
    assert {place.number: reason for place, reason in found.missed} == expected
    assert found.whole_first_layer == (1 not in expected)
    assert ("1" in found.layers) == (1 not in expected)


def test_a_bias_that_is_not_there_begins_anew_beside_weights_that_are():
    origin = model_of([{**CONV, "bias": False}, *LAYERS[1:]], (6, 6, 1))
    model, found = taken(LAYERS, origin)
    assert [(place.number, reason) for place, reason in found.missed] == [(1, "there is no b there")]
    np.testing.assert_array_equal(model.weights["1.W"], origin.weights["1.W"])
    assert not found.whole_first_layer


def test_pixels_are_scaled_as_for_the_origin_unless_the_configuration_says_how():
    origin, model = model_of(LAYERS, (6, 6, 1)), model_of(LAYERS, (6, 6, 1), seed=1)
    begun = begun_from(model, origin)
    assert begun.keeps_preprocessing
    assert begun.model.preprocessing.mean == origin.preprocessing.mean != model.preprocessing.mean
    assert begun.model.config.data.preprocessing.mean == origin.preprocessing.mean
    said = {"source": "digits", "preprocessing": "rescale"}
    model = model_of(LAYERS, (6, 6, 1), seed=1, data=said)
    begun = begun_from(model, origin)
    assert not begun.keeps_preprocessing
    assert begun.model is model
    other = model_of([{**CONV, "kernel": 5}, *LAYERS[1:]], (6, 6, 1), seed=1)
    assert begun_from(other, origin).model is other


def test_a_layer_begins_as_one_of_a_run_with_all_that_is_in_it():
    origin = model_of(LAYERS, (6, 6, 3))
    layers = [
        {**CONV, "init": "run:one#1"},
        {"type": "residual", "layers": [{**CONV, "filters": 4}], "init": "run:one#3"},
        {**CONV, "filters": 4},
        {"type": "flatten"},
        {"type": "dense"},
    ]
    model = model_of(layers, (6, 6, 3), seed=1)
    assert learned_layers(model.network) == {
        "1": source_of("run:one#1"),
        "2": source_of("run:one#3"),
        "2.1": source_of("run:one#3.1"),
    }
    fill_learned(model.network, model.weights, {"one": origin}.__getitem__)
    for name, there in {"1.W": "1.W", "1.b": "1.b", "2.W": "3.W", "2.1.W": "3.1.W", "2.1.b": "3.1.b"}.items():
        np.testing.assert_array_equal(model.weights[name], origin.weights[there])
    before = model.weights["1.W"].copy()
    assert "1" not in take_over(model.network, model.weights, model_of(LAYERS, (6, 6, 3), seed=9)).layers
    np.testing.assert_array_equal(model.weights["1.W"], before)


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ({**CONV, "init": "run:one#9"}, "there is no layer 9 there; the network has 5 layers"),
        ({**CONV, "init": "run:one#2"}, "that is a batch_norm, not a conv"),
        (
            {**CONV, "filters": 2, "init": "run:one#1"},
            "W is 3 × 3 × 1 × 3 there, and has to be 3 × 3 × 1 × 2",
        ),
    ],
)
def test_a_layer_of_a_run_that_does_not_fit_is_refused(layer, told):
    network = Network(model_of([layer, *LAYERS[3:]], (6, 6, 1)).config.layers[:2], (6, 6, 1))
    weights = NetworkWeights(network)
    with pytest.raises(ConfigError, match=told):
        fill_learned(network, weights, {"one": model_of(LAYERS, (6, 6, 1))}.__getitem__)
    with pytest.raises(ConfigError, match="takes a run, and none is at hand"):
        fill_learned(network, weights, None)


@pytest.mark.parametrize(
    "init", ["run:", "run:one", "run:#1", "run:one#", "run:one#0", "run:one#1/3", "run:one#1."]
)
@pytest.mark.parametrize("layer", [CONV, {"type": "batch_norm"}, {"type": "dense", "units": 2}])
def test_what_names_no_layer_of_a_run_is_refused(layer, init):
    with pytest.raises(ConfigError, match=r'expected .*"run:RUN#1"'):
        model_of([{**layer, "init": init}, *LAYERS[3:]], (6, 6, 1))


def test_a_layer_of_a_run_is_no_kernel_among_others():
    with pytest.raises(ConfigError, match="cannot stand in a list of kernels"):
        model_of([{**CONV, "init": ["sobel-x", "run:one#1"]}, *LAYERS[3:]], (6, 6, 1))
