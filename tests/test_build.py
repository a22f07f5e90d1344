"""From configurations to objects, and from a run's files back to a model."""

from __future__ import annotations

from dataclasses import replace

import pytest

import stripes
from convcli import build
from convcli.errors import ConfigError
from convcli.nn.layers import Dense
from convcli.nn.network import Network

DENSE = [{"type": "flatten"}, {"type": "dense"}]


def test_the_last_dense_layer_gets_a_unit_for_each_class():
    network = Network.classifying(stripes.config().layers, (8, 8, 1), 7)
    assert network.shapes[-1] == (7,)
    assert isinstance(network.layers[-1], Dense)
    assert network.layers[-1].units == 7


def test_units_of_ones_own_stay():
    layers = [{"type": "flatten"}, {"type": "dense", "units": 4}]
    assert Network.classifying(stripes.config(layers).layers, (8, 8, 1), 4).shapes[-1] == (4,)


def test_a_network_may_end_without_dense():
    layers = [{"type": "conv", "filters": 3}, {"type": "global_avg_pool"}]
    assert Network.classifying(stripes.config(layers).layers, (8, 8, 1), 3).shapes[-1] == (3,)


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        (
            [{"type": "flatten"}, {"type": "dense", "units": 5}],
            r"2 \(dense\) gives \(5,\), but there are 3 classes",
        ),
        ([{"type": "conv", "filters": 3}], r"1 \(conv\) gives \(6, 6, 3\), but there are 3 classes"),
        (
            [{"type": "flatten"}],
            r"1 \(flatten\) gives \(64,\), but there are 3 classes: end with a dense layer",
        ),
    ],
)
def test_a_last_layer_that_does_not_fit_the_classes_is_named(layers, found):
    with pytest.raises(ConfigError, match=r"\[\[layers\]\] " + found):
        Network.classifying(stripes.config(layers).layers, (8, 8, 1), 3)


def test_without_classes_a_network_needs_its_units():
    with pytest.raises(ConfigError, match=r"\[\[layers\]\] 2 \(dense\) .* dense needs `units`"):
        Network.classifying(stripes.config(DENSE).layers, (8, 8, 1), None)


def test_only_the_training_images_decide_the_preprocessing():
    data = stripes.data()
    bright = replace(data, validation=stripes.dataset(9, 7), test=None)
    bright.validation.images[:] = 255
    assert build.new_training(stripes.config(), data).model.preprocessing == (
        build.new_training(stripes.config(), bright).model.preprocessing
    )
