"""Layers that hold others or change sizes: behind each other, in each other, frozen, recorded."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import stripes
from convcli.config_file import dump
from convcli.formats import toml
from convcli.nn.config import validate
from convcli.nn.network import Network
from convcli.nn.trace import Trace
from convcli.nn.weights import NetworkWeights, decay_mask
from convcli.proof.gradcheck import check_layers

CONV = {"type": "conv", "filters": 2, "padding": "same", "activation": "tanh"}
UP = {"filters": 2, "stride": 2, "padding": "same", "output_padding": 1}
LAYERS = {
    "residual": {"type": "residual", "layers": [{**CONV, "filters": 3, "stride": 2}], "activation": "tanh"},
    "parallel": {"type": "parallel", "branches": [{"layers": [CONV, CONV]}, {"type": "batch_norm"}]},
    "repeat": {**CONV, "repeat": 2},
    "nearest": {"type": "upsample"},
    "bilinear": {"type": "upsample", "mode": "bilinear"},
    "transposed": {"type": "transposed_conv", **UP},
    "separable": {"type": "separable_conv", "filters": 3, "padding": "same", "activation": "tanh"},
    "frozen": {"type": "separable_conv", "filters": 2, "padding": "same", "frozen": True},
    "pool": {"type": "max_pool"},
}


def built(layers):
    document = {"data": {"source": "digits"}, "layers": layers}
    return validate(document, "some.toml").layers


def within(layer):
    """Return a layer in each of those that hold layers."""
    return [
        {"type": "residual", "layers": [layer], "shortcut": "auto"},
        {"type": "parallel", "branches": [{"layers": [CONV, layer]}, layer]},
        {"type": "sequence", "layers": [layer, CONV]},
        {**layer, "repeat": 2} if "repeat" not in layer else layer,
    ]


@pytest.mark.parametrize(("first", "second"), list(product(LAYERS, repeat=2)))
def test_gradients_agree_behind_and_in_front_of_each_other(first, second):
    errors = check_layers(
        built([LAYERS[first], LAYERS[second]]), (4, 4, 2), np.random.default_rng(1), samples=2
    )
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"nearest", "bilinear", "transposed", "pool"}))
def test_gradients_agree_in_each_other(name):
    for layer in within(LAYERS[name]):
        errors = check_layers(built([layer]), (4, 4, 2), np.random.default_rng(1), samples=2)
        assert max(errors.values()) < 1e-6, (layer, errors)


@pytest.mark.parametrize("name", LAYERS)
def test_records_are_what_comes_out_without_them(name):
    network = Network(built([LAYERS[name], *within(LAYERS["separable"]), CONV]), (4, 4, 2))
    rng = np.random.default_rng(2)
    weights = NetworkWeights.initial(network, rng, np.float64)
    x = rng.standard_normal((3, 4, 4, 2))
    trace = Trace.of(network, weights, x)
    np.testing.assert_allclose(trace.outputs, network.forward(x, weights, network.tape()), atol=1e-12)
    trace.back(np.ones_like(trace.outputs))
    for place in network.places:
        assert trace.input(place.number).shape == (3, *place.input)
        assert trace.output(place.number).shape == trace.gradient(place.number).shape == (3, *place.output)


WHOLE = [
    {**LAYERS["separable"], "filters": 4},
    {
        **LAYERS["residual"],
        "drop": 0.2,
        "layers": [{**CONV, "filters": 4, "stride": 2}, {"type": "dropout", "rate": 0.1}],
    },
    {**LAYERS["parallel"], "branches": [*LAYERS["parallel"]["branches"], LAYERS["frozen"]]},
    {**LAYERS["transposed"], "activation": "relu"},
    LAYERS["bilinear"],
    {"type": "max_pool", "size": 4},
    {"type": "flatten"},
    {"type": "dense"},
]


def trained(layers, *, epochs=3, threads=1):
    optimizer = {"type": "adam", "learning_rate": 0.01, "weight_decay": 0.001}
    return stripes.trained(layers, epochs=epochs, threads=threads, optimizer=optimizer)


def test_a_network_of_all_of_them_learns_the_same_with_any_number_of_workers():
    one, two = trained(WHOLE, epochs=8), trained(WHOLE, epochs=8, threads=2)
    assert one.progress.history[-1].validation_accuracy > 0.9
    assert stripes.vectors(one) == stripes.vectors(two)
    network = one.model.network
    decayed = {name for name, mask in network.trained.named(decay_mask(network)).items() if mask.all()}
    assert decayed == {"1.W", "1.P", "2.W", "2.1.W", "3.1.1.W", "3.1.2.W", "4.W", "8.W"}
    assert {"3.3.W", "3.3.P", "3.3.b"} < set(network.kept.shapes())


def test_it_is_resumed_exactly_and_written_as_it_was_read(tmp_path):
    options = {"epochs": 3, "optimizer": "adam"}
    resumed, _ = stripes.stopped_and_resumed(WHOLE, tmp_path / "run", **options)
    whole = stripes.trained(WHOLE, **options)
    assert stripes.vectors(resumed) == stripes.vectors(whole)
    config = whole.model.config
    assert validate(toml.loads(dump(config)), "some.toml") == config
