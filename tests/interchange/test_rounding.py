"""Weights in fewer bytes: kernels are rounded, each filter by itself, and the rest is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import UsageError
from convcli.interchange.rounding import restored, rounded
from interchange.networks import images_for, model_of

LAYERS = [
    {"type": "conv", "filters": 3, "frozen": True},
    {"type": "batch_norm"},
    {"type": "transposed_conv", "filters": 2},
    {"type": "layer_norm", "over": "sample"},
    {"type": "separable_conv", "filters": 2},
    {"type": "flatten"},
    {"type": "dense"},
]
KERNELS = {"1.W", "3.W", "5.W", "5.P", "7.W"}


@pytest.fixture
def model():
    return model_of(LAYERS, (7, 6, 2))


def test_float32_is_what_the_network_has(model):
    for name, array in rounded(model, "float32").items():
        assert array.values is model.weights[name] or np.shares_memory(array.values, model.weights[name])
        assert array.scales is None


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_only_kernels_are_rounded_frozen_ones_too(model, precision):
    arrays = rounded(model, precision)
    assert {name for name, array in arrays.items() if array.values.dtype == precision} == KERNELS
    for name in arrays.keys() - KERNELS:
        np.testing.assert_array_equal(arrays[name].values, model.weights[name])


def test_int8_is_off_by_half_a_step_of_its_own_filter_at_most(model):
    model.weights["7.W"][:, 0] *= 1000
    for name, array in rounded(model, "int8").items():
        if name in KERNELS:
            largest = np.abs(model.weights[name]).max(axis=tuple(range(model.weights[name].ndim - 1)))
            error = np.abs(array.restored - model.weights[name])
            assert (error <= largest / 127 * 0.5001).all()
            assert np.abs(array.values).max() == 127


def test_a_filter_of_zeros_stays_one(model):
    model.weights["1.W"][..., 1] = 0
    array = rounded(model, "int8")["1.W"]
    assert not array.restored[..., 1].any()
    assert array.scales[1] == 1


def test_weights_beyond_float16_are_named_and_refused(model):
    model.weights["3.W"][0, 0, 0, 0] = -65536
    with pytest.raises(UsageError, match=r"--weights float16: 3.W has weights beyond ±65,504. Take float32"):
        rounded(model, "float16")


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_a_model_of_rounded_weights_says_nearly_the_same_and_leaves_the_other_alone(model, precision):
    before = {name: array.copy() for name, array in model.weights.items()}
    images = images_for(model, 20)
    other = restored(model, rounded(model, precision))
    np.testing.assert_allclose(other.predict(images), model.predict(images), atol=0.05)
    assert any((other.weights[name] != array).any() for name, array in before.items())
    for name, array in before.items():
        np.testing.assert_array_equal(model.weights[name], array)
