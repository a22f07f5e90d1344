"""Dropout: one mask there and back, and a mean that stays."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import UsageError
from explaining.cases import made


@pytest.mark.parametrize(("rate", "seed"), [(0.5, 0), (0.25, 7), (0.9, 1)])
def test_what_is_kept_is_scaled_and_goes_back_alike(rate, seed):
    x = np.arange(1.0, 61).reshape(6, 10)
    text = "; ".join(" ".join(map(str, row)) for row in x)
    document = made("dropout", input=text, rate=rate, seed=seed, gradient=text).document()
    draws = np.frombuffer(np.random.default_rng(seed).bytes(2 * x.size), np.uint16).reshape(x.shape)
    mask = np.array(document["mask"])
    np.testing.assert_array_equal(mask, draws >= rate * 65536)
    np.testing.assert_allclose(document["output"], x * mask / (1 - rate), rtol=1e-4)
    assert document["dX"] == document["output"]
    assert document["while_predicting"] == x.tolist()
    assert max(document["relative_errors"].values()) < 1e-6


def test_over_many_masks_the_mean_is_that_of_the_input():
    document = made("dropout").document()
    # of 10,000 masks: five deviations of the mean of x·2 or 0
    x = np.array(document["input"])
    assert (np.abs(np.array(document["mean_of_many"]) - x) < 5 * x / 100).all()


def test_a_rate_of_0_drops_nothing():
    document = made("dropout", rate=0.0).document()
    assert document["output"] == document["input"]
    assert document["factor"] == 1


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"rate": 1.0}, "dropout: rate: should be less than 1, not 1"),
        ({"rate": -0.5}, "rate: should be greater than or equal to 0"),
        ({"seed": -1}, "--seed: expected a whole number from 0"),
        ({"input": "1 | 2"}, "expected one matrix"),
        ({"gamma": (1,)}, "dropout takes no --gamma; it takes --input, --rate, --seed, --gradient"),
    ],
)
def test_what_cannot_be_is_refused_by_name(request_, words):
    with pytest.raises(UsageError, match=words):
        made("dropout", **request_)
