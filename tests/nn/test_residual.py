"""Residual blocks and upsampling in a network that learns."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli.nn.layers import Conv, Dropout, Residual
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights, decay_mask
from convcli.shapes import ReceptiveField

SAME = {"type": "conv", "filters": 4, "padding": "same"}
LAYERS = [
    SAME,
    {
        "type": "residual",
        "activation": "relu",
        "layers": [
            {**SAME, "activation": "relu"},
            {"type": "max_pool"},
            {"type": "batch_norm"},
            {"type": "dropout", "rate": 0.2},
            {
                "type": "residual",
                "layers": [{**SAME, "frozen": True}, {"type": "dropout", "rate": 0.2}],
                "drop": 0.1,
            },
            {"type": "upsample"},
        ],
    },
    {"type": "residual", "layers": [{**SAME, "filters": 3, "stride": 2}], "drop": 0.1},
    {"type": "flatten"},
    {"type": "dense"},
]
WITHOUT_COUPLING = [
    {**layer, "layers": [inner for inner in layer["layers"] if inner["type"] != "batch_norm"]}
    if "layers" in layer
    else layer
    for layer in LAYERS
]


def trained(layers=LAYERS, *, epochs=8, threads=1):
    optimizer = {"type": "adam", "learning_rate": 0.01, "weight_decay": 0.001}
    return stripes.trained(layers, epochs=epochs, threads=threads, optimizer=optimizer)


def test_a_network_of_residual_blocks_learns():
    training = trained()
    assert training.progress.history[-1].validation_accuracy > 0.9
    network = training.model.network
    counts = {place.number: (place.trained, place.frozen) for place in network.places}
    assert counts[2] == (4 * 4 * 9 + 4 + 8, 4 * 4 * 9 + 4)
    assert counts["2.5"] == counts["2.5.1"] == (0, 4 * 4 * 9 + 4)
    decayed = network.trained.named(decay_mask(network))
    assert {name for name, mask in decayed.items() if mask.all()} == {
        *("1.W", "2.1.W"),
        *("3.W", "3.1.W", "5.W"),
    }


@pytest.mark.parametrize("layers", [LAYERS, WITHOUT_COUPLING], ids=["in one piece", "in pieces"])
def test_the_number_of_workers_changes_no_byte(layers):
    assert stripes.vectors(trained(layers, epochs=2)) == stripes.vectors(trained(layers, epochs=2, threads=2))


def test_a_resumed_training_ends_with_the_same_bytes(tmp_path):
    options = {"epochs": 4, "optimizer": "adam"}
    resumed, _ = stripes.stopped_and_resumed(LAYERS, tmp_path / "run", **options)
    assert stripes.vectors(resumed) == stripes.vectors(stripes.trained(LAYERS, **options))


def test_a_shortcut_passes_on_what_the_layers_drop():
    network = Network([Residual(layers=(Dropout(rate=0.999),))], (50,))
    tape = network.tape()
    tape.current.training, tape.current.rng = True, np.random.default_rng(0)
    x = np.arange(50.0)[None]
    y = network.forward(x, NetworkWeights(network), tape)
    np.testing.assert_array_equal(y[y < 900], x[y < 900])


def test_stochastic_depth_leaves_out_whole_samples_and_keeps_the_mean():
    double = Conv(filters=1, kernel=1, bias=False)
    network = Network([Residual(layers=(double,), drop=0.3)], (2, 3, 1))
    weights, tape = NetworkWeights(network), network.tape()
    weights.trained[:] = 2
    x = np.random.default_rng(1).standard_normal((4000, 2, 3, 1)).astype(np.float32)
    np.testing.assert_allclose(network.forward(x, weights, tape), 3 * x, rtol=1e-6)
    tape.current.training, tape.current.rng = True, np.random.default_rng(0)
    share = (network.forward(x, weights, tape) - x) / x
    np.testing.assert_allclose(share, np.broadcast_to(share[:, :1, :1], share.shape), atol=1e-3)
    left_out = np.isclose(share[:, 0, 0, 0], 0, atol=1e-3)
    np.testing.assert_allclose(share[~left_out], 2 / 0.7, rtol=1e-3)
    assert abs(left_out.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)


def test_what_is_left_out_learns_nothing_and_the_shortcut_passes_all():
    network = Network([Residual(layers=(Conv(filters=2, kernel=1),), drop=0.999999)], (3, 3, 1))
    weights, tape = NetworkWeights(network), network.tape()
    gradient = np.zeros_like(weights.trained)
    tape.add_to(network.trained.views(gradient))
    tape.current.training, tape.current.rng = True, np.random.default_rng(0)
    tape.input_gradient = True
    x = np.ones((4, 3, 3, 1), np.float32)
    weights.trained[:] = 1
    np.testing.assert_array_equal(network.forward(x, weights, tape), 1)
    np.testing.assert_array_equal(network.backward(np.ones((4, 3, 3, 2), np.float32), weights, tape), 2)
    named = network.trained.named(gradient)
    assert {name for name, array in named.items() if array.any()} == {"1.W"}


def test_a_shortcut_is_counted_like_any_convolution_and_decays():
    block = Residual(layers=(Conv(filters=6, padding="same", stride=2, frozen=True),))
    network = Network([block], (7, 8, 3))
    place = network.places[0]
    assert network.shapes[-1] == (4, 4, 6)
    assert (place.trained, place.frozen) == (3 * 6, 3 * 3 * 3 * 6 + 6)
    assert block.multiply_adds((7, 8, 3)) == 4 * 4 * (3 * 3 * 3 * 6 + 3 * 6)
    assert place.title == "residual 1 layer, shortcut 1×1, s=2 × 2"
    assert decay_mask(network).all()


def test_a_frozen_block_stays_as_it_begins_and_its_shortcut_too():
    inner = Conv(filters=2, padding="same")
    network = Network([Residual(layers=(inner,), frozen=True)], (3, 3, 1))
    assert [(place.trained, place.frozen) for place in network.places] == [(0, 22), (0, 20)]
    assert list(network.kept.shapes()) == ["1.W", "1.1.W", "1.1.b"]
    weights, tape = NetworkWeights.initial(network, np.random.default_rng(0)), network.tape()
    tape.input_gradient = True
    tape.add_to(network.trained.views(np.zeros_like(weights.trained)))
    x = np.ones((1, 3, 3, 1), np.float32)
    dx = network.backward(np.ones_like(network.forward(x, weights, tape)), weights, tape)
    both = weights.arrays.at(1)["W"].sum() + weights.arrays.at("1.1")["W"].sum()
    np.testing.assert_allclose(dx[0, 1, 1, 0], both, rtol=1e-5)


def test_a_cell_sees_what_the_shortcut_sees_beside_the_layers():
    shifted = Conv(filters=1, kernel=2, padding=((0, 1), (0, 1)))
    early = Conv(filters=1, kernel=2, padding=((2, 0), (0, 1)), dilation=(2, 1))
    assert Residual(layers=(shifted,)).sees(ReceptiveField(), (5, 5, 1)) == ReceptiveField((2, 2))
    assert Residual(layers=(early,)).sees(ReceptiveField(), (5, 5, 1)) == ReceptiveField(
        (3, 2), (1, 1), (-2, 0)
    )
