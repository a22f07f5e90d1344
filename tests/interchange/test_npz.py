"""Weights as NumPy's .npz."""

from __future__ import annotations

import numpy as np
import pytest

import convcli


def test_every_array_is_there_by_its_name(call, trained):
    result = call("export", trained, "--to", "npz", "-o", "digits.npz")
    assert result.code == 0, result
    weights = convcli.load_run(trained).weights
    with np.load("digits.npz") as arrays:
        assert list(arrays) == list(weights)
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, weights[name])
            assert array.dtype == np.float32


def test_weights_are_a_mapping_of_views(trained):
    weights = convcli.load_run(trained).weights
    assert {name: array.shape for name, array in weights.items()}["1.W"][:2] == (3, 3)
    weights["1.W"][:] = 0
    assert not weights.arrays.at(1)["W"].any()
    with pytest.raises(KeyError):
        weights["1.w"]
    assert weights != convcli.load_run(trained).weights
