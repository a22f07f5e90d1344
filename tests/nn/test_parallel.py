"""Branches: what comes of them, where they stand, and that they learn."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli.config_file import dump
from convcli.errors import ConfigError
from convcli.formats import toml
from convcli.nn.config import validate
from convcli.nn.layers import AvgPool, Conv, Dense, Flatten, MaxPool, Parallel, Sequence, Upsample
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights
from convcli.shapes import ReceptiveField

CONV = {"type": "conv", "filters": 3, "padding": "same", "activation": "relu"}
LAYERS = [
    {
        "type": "parallel",
        "branches": [
            {**CONV, "kernel": 1},
            {"layers": [{**CONV, "frozen": True}, {"type": "dropout", "rate": 0.2}]},
            {"layers": [{**CONV, "repeat": 2}, {"type": "batch_norm"}]},
            {"type": "dropout", "rate": 0.1},
        ],
    },
    {
        "type": "parallel",
        "combine": "add",
        "branches": [{**CONV, "stride": 2}, {"layers": [CONV, {"type": "max_pool"}]}],
    },
    {"type": "flatten"},
    {"type": "dense"},
]


def trained(*, epochs=3, threads=1):
    return stripes.trained(LAYERS, epochs=epochs, threads=threads, optimizer="adam")


def test_a_network_of_branches_learns_the_same_with_any_number_of_workers():
    one, two = trained(epochs=8), trained(epochs=8, threads=2)
    assert one.progress.history[-1].validation_accuracy > 0.9
    assert stripes.vectors(one) == stripes.vectors(two)


def test_a_resumed_training_ends_with_the_same_bytes(tmp_path):
    resumed, last = stripes.stopped_and_resumed(LAYERS, tmp_path / "run", epochs=3, optimizer="adam")
    assert {"layers.1.1.W", "layers.1.2.1.W", "layers.1.3.1.2.b"} < set(last.arrays)
    assert stripes.vectors(resumed) == stripes.vectors(trained())


def test_channels_lie_in_the_order_of_the_branches():
    network = Network(
        [Parallel(branches=(Sequence(layers=(MaxPool(), Upsample())), AvgPool(size=1)))], (4, 4, 2)
    )
    x = np.random.default_rng(0).standard_normal((2, 4, 4, 2)).astype(np.float32)
    y = network.forward(x, NetworkWeights(network), network.tape())
    np.testing.assert_array_equal(y[..., 2:], x)
    np.testing.assert_array_equal(y[:, ::2, ::2, :2], x.reshape(2, 2, 2, 2, 2, 2).max((2, 4)))


def test_numbers_of_branches_and_layers_in_them():
    layers = (
        Parallel(branches=(Conv(filters=2), Sequence(layers=(Conv(filters=1, repeat=2), Conv(filters=3))))),
    )
    with pytest.raises(ConfigError) as caught:
        Network(layers, (9, 9, 1))
    assert str(caught.value) == (
        "[[layers]] 1 (parallel) cannot take its input of 9 × 9 × 1. Of 9 × 9 × 1 its branches make "
        "different sizes (branch 1 7 × 7 × 2, branch 2 3 × 3 × 3), and rows and columns of what is "
        'concatenated have to agree: give them the same strides, and padding = "same".'
    )
    with pytest.raises(
        ConfigError,
        match=r"^\[\[layers\]\] 1 → inside 2 → inside 2 \(conv\) cannot take its input of 1 × 1 × 1",
    ):
        Network(layers, (5, 5, 1))


def test_what_is_added_has_to_agree_in_channels_too():
    layers = [Parallel(branches=(Conv(filters=2), Conv(filters=3)), combine="add")]
    with pytest.raises(
        ConfigError, match=r"\(branch 1 3 × 3 × 2, branch 2 3 × 3 × 3\), and all sizes of what is added"
    ):
        Network(layers, (5, 5, 1))


def test_heads_that_are_added_get_a_unit_for_each_class():
    heads = Parallel(branches=(Dense(), Sequence(layers=(Dense(units=5), Dense()))), combine="add")
    assert Network.classifying([Flatten(), heads], (2, 2, 1), 3).shapes[-1] == (3,)


def test_a_cell_sees_what_all_branches_see():
    def seen(*branches):
        return Parallel(branches=branches).sees(ReceptiveField(), (8, 8, 1))

    small = Conv(filters=1, padding=0)
    long = Conv(filters=1, kernel=(1, 5), padding=((0, 0), (3, 1)))
    assert seen(small, long) == ReceptiveField((3, 6), (1, 1), (0, -3))
    assert seen(Conv(filters=1, kernel=5), Conv(filters=1, kernel=2, stride=2)) is None
    assert seen(Upsample(factor=1)) is None


def test_branches_are_written_as_they_are_read():
    document = {"data": {"source": "digits"}, "layers": LAYERS}
    config = validate(document, "some.toml")
    assert validate(toml.loads(dump(config)), "some.toml") == config
    assert '[[layers.branches.layers]]\ntype = "conv"\nrepeat = 2\n' in dump(config)


@pytest.mark.parametrize(
    ("branches", "message"),
    [
        ([{"filters": 3}], r"1 → inside 1: expected a table with the key type"),
        ([], r"1 \(parallel\): branches: should have at least one entry"),
        (3, r"1 \(parallel\): branches: should be an array of tables"),
        ([CONV, {"layers": [CONV, {"type": "covn"}]}], r"1 → inside 2 → inside 2: unknown layer 'covn'"),
        (
            [CONV, {"layers": [{**CONV, "filtres": 3}]}],
            r"1 → inside 2 → inside 1 \(conv\): filtres: unknown key\. Did you mean 'filters'",
        ),
        ([{"layers": [CONV], "drop": 0.1}], r"1 → inside 1 \(sequence\): drop: unknown key"),
    ],
)
def test_a_wrong_branch_is_named_by_where_it_stands(branches, message):
    document = {"data": {"source": "digits"}, "layers": [{"type": "parallel", "branches": branches}]}
    with pytest.raises(ConfigError, match=message):
        validate(document, "some.toml")
