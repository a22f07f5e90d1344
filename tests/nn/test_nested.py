"""Layers in layers: what a network of them does is what the same network does written flat, to the byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stripes
from convcli.errors import ConfigError
from convcli.nn.config import validate
from convcli.nn.layers import BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, Residual, Sequence
from convcli.nn.layers.fused import ConvMaxPool
from convcli.nn.network import Network
from convcli.nn.weights import decay_mask
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, LAST, RESOLVED, Run

CONV = {"type": "conv", "filters": 4, "padding": "same", "activation": "relu"}
FLAT: list[dict[str, Any]] = [
    CONV,
    {"type": "max_pool"},
    {"type": "dropout", "rate": 0.3},
    {**CONV, "init": "sobel", "frozen": True, "bias": False},
    {"type": "batch_norm"},
    {"type": "dropout", "rate": 0.3},
    {"type": "flatten"},
    {"type": "dense"},
]
NESTED = [
    {"type": "sequence", "layers": FLAT[:3]},
    {"type": "sequence", "layers": [{"type": "sequence", "layers": FLAT[3:5]}, FLAT[5], FLAT[6]]},
    FLAT[7],
]
ENDING = [{"type": "sequence", "layers": FLAT}]  # its last dense layer gets a unit for each class


def trained(layers, *, epochs=3, threads=1, **options):
    optimizer = {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.1}
    return stripes.trained(layers, epochs=epochs, threads=threads, optimizer=optimizer, **options)


@pytest.mark.parametrize("layers", [NESTED, ENDING], ids=["in two", "in one"])
def test_a_nested_network_learns_what_a_flat_one_learns(layers):
    flat, nested = trained(FLAT), trained(layers)
    assert stripes.vectors(flat) == stripes.vectors(nested)
    assert [row.train_loss for row in flat.progress.history] == [
        row.train_loss for row in nested.progress.history
    ]
    images = stripes.dataset(20, 4).images
    np.testing.assert_array_equal(flat.model.predict(images), nested.model.predict(images))


def test_dropouts_in_one_container_draw_apart_and_again_the_same():
    network = Network([Sequence(layers=(Dropout(), Dropout()))], (400,))
    tape, [inner] = (tape := network.tape()), tape.inner
    x, kept = np.ones((1, 400)), []
    for _ in range(2):
        tape.current.training, tape.current.rng = True, np.random.default_rng(0)
        y = network.sequence.forward(x, network.trained.views(np.empty(0)), tape)
        first, second = (drop.saved["scale"] > 0 for drop in inner.inner)
        assert (first != second).any()
        np.testing.assert_array_equal(y > 0, first & second)
        kept.append(y.copy())
    np.testing.assert_array_equal(*kept)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_the_number_of_workers_changes_no_byte(batch_norm):
    inner = [layer for layer in FLAT[3:6] if batch_norm or layer["type"] != "batch_norm"]
    layers = [{"type": "sequence", "layers": FLAT[:3]}, {"type": "sequence", "layers": inner}, *FLAT[6:]]
    one, two = trained(layers, threads=1), trained(layers, threads=2)
    assert one.model.network.sequence.draws
    assert one.model.network.sequence.couples_samples == batch_norm
    assert stripes.vectors(one) == stripes.vectors(two)


def document(layers):
    return {"data": {"source": "digits"}, "layers": layers}


def test_a_convolution_and_its_pool_are_one_inside_as_well():
    [(_, step)] = Sequence(layers=(Conv(filters=2, activation="relu"), MaxPool())).steps
    assert isinstance(step, ConvMaxPool)


def test_an_inner_batch_norm_couples_samples_and_is_not_counted_as_frozen():
    network = Network([Sequence(layers=(BatchNorm(), Conv(filters=3, frozen=True)))], (5, 5, 2))
    assert network.sequence.couples_samples
    assert [(place.number, place.trained, place.frozen) for place in network.places] == [
        (1, 4, 57),
        ("1.1", 4, 0),
        ("1.2", 0, 57),
    ]
    assert list(network.kept.shapes()) == ["1.1.mean", "1.1.variance", "1.2.W", "1.2.b"]


def test_weight_decay_is_for_the_inner_kernels_alone():
    network = Network([Sequence(layers=(Conv(filters=2), BatchNorm())), Flatten(), Dense(units=2)], (4, 4, 1))
    mask = network.trained.named(decay_mask(network))
    assert {name for name, view in mask.items() if view.all()} == {"1.1.W", "3.W"}
    assert {name for name, view in mask.items() if not view.any()} == {
        "1.1.b",
        "1.2.gamma",
        "1.2.beta",
        "3.b",
    }


def test_a_resumed_training_of_nested_layers_ends_with_the_same_bytes(tmp_path):
    whole, half = (stripes.training(NESTED, epochs=4, optimizer="adam") for _ in range(2))
    for _ in whole.run():
        pass
    for event in half.run():
        if getattr(getattr(event, "metrics", None), "epoch", 0) == 2:
            break
    run = Run.create("stripes", tmp_path / "run")
    run.write(RESOLVED, b"")
    run.write_checkpoint(LAST, checkpoints.last_checkpoint(half))
    last = run.read_checkpoint(LAST)
    assert "layers.2.1.1.W" in last.arrays
    resumed = checkpoints.restore_training(last, run.folder / LAST, stripes.data(), threads=1)
    for _ in resumed.run():
        pass
    assert stripes.vectors(resumed) == stripes.vectors(whole)
    run.write_checkpoint(BEST, checkpoints.best_checkpoint(resumed))
    images = stripes.dataset(20, 4).images
    np.testing.assert_array_equal(
        checkpoints.load_run(run.folder).predict(images), resumed.best_model().predict(images)
    )


def test_a_wrong_option_is_named_by_where_it_stands():
    layers = [
        *FLAT[:2],
        {"type": "sequence", "layers": [{"type": "flatten"}, {"type": "conv", "filtres": 3}]},
    ]
    with pytest.raises(ConfigError) as caught:
        validate(document(layers), "some.toml")
    assert caught.value.lines[1:] == (
        "  [[layers]] 3 → inside 2 (conv): filters: this key is missing",
        "  [[layers]] 3 → inside 2 (conv): filtres: unknown key. Did you mean 'filters'?",
    )


def test_what_a_container_takes_in_memory_is_what_its_layers_take():
    inner = (Conv(filters=2, padding="same"), MaxPool())
    flat, nested = (Network(layers, (4, 4, 1)) for layers in (inner, [Sequence(layers=inner)]))
    assert flat.activations == nested.activations == [16, 32, 8]
    block = Residual(layers=(Conv(filters=1, padding="same"), Dropout()))
    assert Network([block], (4, 4, 1)).activations == [16, 16, 16, 16]


def test_a_long_sequence_may_hold_as_many_layers_as_a_network_may():
    row = [{"type": "activation"}] * 499
    validate(document([{"type": "sequence", "layers": row}] * 2), "some.toml")
    with pytest.raises(ConfigError, match="expected at most 1,000 layers, found 1,001"):
        validate(document([{"type": "sequence", "layers": row}] * 2 + row[:1]), "some.toml")


def test_a_repeated_layer_learns_what_copies_in_a_sequence_learn():
    copies = {"type": "sequence", "layers": [CONV, CONV, CONV]}
    inner = {"type": "residual", "activation": "relu", "layers": [{**CONV, "repeat": 2}]}
    written = {
        "type": "residual",
        "activation": "relu",
        "layers": [{"type": "sequence", "layers": [CONV, CONV]}],
    }
    short = trained([{**CONV, "repeat": 3}, {**inner, "repeat": 2}, *FLAT[6:]])
    long = trained([copies, {"type": "sequence", "layers": [written, written]}, *FLAT[6:]])
    assert stripes.vectors(short) == stripes.vectors(long)
    assert short.model.network.trained.shapes() == long.model.network.trained.shapes()
    assert [place.name for place in short.model.network.places] == [
        place.name for place in long.model.network.places
    ]
    assert short.model.config.layers[0] == Conv(
        filters=4, padding="same", activation="relu", repeat=3
    )  # as it was written


def test_copies_have_numbers_within_that_of_the_layer_and_errors_name_them():
    layers = (Conv(filters=2, repeat=3), MaxPool())
    network = Network(layers, (12, 12, 1))
    assert [(place.number, place.title) for place in network.places] == [
        (1, "sequence 3 × conv 2 × 3×3, p=valid"),
        *((f"1.{copy}", "conv 2 × 3×3, p=valid") for copy in (1, 2, 3)),
        (2, "max_pool 2×2"),
    ]
    with pytest.raises(
        ConfigError, match=r"^\[\[layers\]\] 1 → inside 3 \(conv\) cannot take its input of 2 × 2 × 2"
    ):
        Network(layers, (6, 6, 1))


def test_a_last_dense_layer_gets_its_units_in_a_repeat_as_well():
    layers = (Flatten(), Sequence(layers=(Dense(units=7), Dense()), repeat=2))
    assert Network.classifying(layers, (2, 2, 1), 3).trained.shapes() == {
        "2.1.1.W": (4, 7),
        "2.1.1.b": (7,),
        "2.1.2.W": (7, 3),
        "2.1.2.b": (3,),
        "2.2.1.W": (3, 7),
        "2.2.1.b": (7,),
        "2.2.2.W": (7, 3),
        "2.2.2.b": (3,),
    }


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ([{**CONV, "repeat": 1000}, {"type": "flatten"}], "1,001"),
        ([{"type": "sequence", "repeat": 100, "layers": [{**CONV, "repeat": 10}]}], "1,100"),
        (
            [{"type": "parallel", "branches": [{"layers": [{**CONV, "repeat": 10**15}]}]}],
            "1,000,000,000,000,002",
        ),
    ],
)
def test_repeated_layers_are_counted_before_they_are_made(layers, found):
    with pytest.raises(ConfigError, match=f"expected at most 1,000 layers, found {found}"):
        validate(document(layers), "some.toml")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "repeat: should be greater than or equal to 1, not 0"),
        ("3", "repeat: should be a valid integer, not '3'"),
        (True, "repeat: should be a valid integer, not True"),
    ],
)
def test_a_repeat_that_is_none_is_refused(value, message):
    with pytest.raises(ConfigError, match=message):
        validate(document([{**CONV, "repeat": value}]), "some.toml")


def test_options_are_no_layers_where_layers_are_counted():
    conv = {"type": "conv", "filters": 2, "init": ["sobel-x", "sobel-y"]}
    validate(document([conv] * 900), "some.toml")
