"""Residual blocks and upsampling in a network that learns."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli.nn.layers import Dropout, Residual
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights, decay_mask
from convcli.runs import checkpoints
from convcli.runs.folder import LAST, Run

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
            {"type": "residual", "layers": [{**SAME, "frozen": True}, {"type": "dropout", "rate": 0.2}]},
            {"type": "upsample"},
        ],
    },
    {"type": "max_pool"},
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
    training = stripes.training(layers, epochs=epochs, threads=threads, optimizer=optimizer)
    for _ in training.run():
        pass
    return training


def vectors(training):
    weights = training.model.weights
    return weights.trained.tobytes(), weights.kept.tobytes()


def test_a_network_of_residual_blocks_learns():
    training = trained()
    assert training.progress.history[-1].validation_accuracy > 0.9
    network = training.model.network
    counts = {place.number: (place.trained, place.frozen) for place in network.places}
    assert counts[2] == (4 * 4 * 9 + 4 + 8, 4 * 4 * 9 + 4)
    assert counts["2.5"] == counts["2.5.1"] == (0, 4 * 4 * 9 + 4)
    decayed = network.trained.named(decay_mask(network))
    assert {name for name, mask in decayed.items() if mask.all()} == {"1.W", "2.1.W", "5.W"}


@pytest.mark.parametrize("layers", [LAYERS, WITHOUT_COUPLING], ids=["in one piece", "in pieces"])
def test_the_number_of_workers_changes_no_byte(layers):
    assert vectors(trained(layers, epochs=2)) == vectors(trained(layers, epochs=2, threads=2))


def test_a_resumed_training_ends_with_the_same_bytes(tmp_path):
    options = {"epochs": 4, "optimizer": "adam"}
    whole, half = (stripes.training(LAYERS, **options) for _ in range(2))
    for _ in whole.run():
        pass
    for event in half.run():
        if getattr(event, "batch", 0) == 3 and half.progress.epoch == 2:
            break
    run = Run.create("stripes", tmp_path / "run")
    run.write_checkpoint(LAST, checkpoints.last_checkpoint(half))
    last = run.read_checkpoint(LAST)
    resumed = checkpoints.restore_training(last, run.folder / LAST, stripes.data(), threads=1)
    for _ in resumed.run():
        pass
    assert vectors(resumed) == vectors(whole)


def test_a_shortcut_passes_on_what_the_layers_drop():
    network = Network([Residual(layers=(Dropout(rate=0.999),))], (50,))
    tape = network.tape()
    tape.current.training, tape.current.rng = True, np.random.default_rng(0)
    x = np.arange(50.0)[None]
    y = network.forward(x, NetworkWeights(network), tape)
    np.testing.assert_array_equal(y[y < 900], x[y < 900])
