"""Convolution beside correlation, as SciPy has both; and a dilated kernel as one with zeros in it."""

from __future__ import annotations

import numpy as np
import pytest

from explaining.cases import made
from explaining.test_topics import formulas, typed


@pytest.mark.parametrize("padding", ["valid", "full"])
@pytest.mark.parametrize("seed", range(3))
def test_flip_shows_what_scipy_calls_convolution_and_correlation(padding, seed):
    signal = pytest.importorskip("scipy.signal")
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(5, 6)), rng.normal(size=(2, 3))
    shown = made(
        "flip", input=typed(x[:, :, None]), kernels=(typed(w[:, :, None]),), padding=padding
    ).document()
    np.testing.assert_allclose(shown["convolution"], signal.convolve2d(x, w, mode=padding), atol=1e-12)
    np.testing.assert_allclose(shown["correlation"], signal.correlate2d(x, w, mode=padding), atol=1e-12)
    assert shown["cells_that_differ"] == np.size(shown["convolution"])


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        ("1 2; 2 1", "its own rotation by 180°: both are the same, whatever the input"),
        ("-1 0 1", "every weight changes its sign"),
        ("1 2; 3 4", "They differ in"),
    ],
)
def test_flip_says_when_both_differ(kernel, words):
    last = made("flip", input="1 4 2; 0 3 5; 7 1 1", kernels=(kernel,)).steps[-1]
    assert any(words in text for text in formulas(last))


def test_flip_says_so_where_the_kernel_differs_and_the_outputs_do_not():
    last = made("flip", input="1 1; 1 1", kernels=("1 2; 3 4",)).steps[-1]
    assert "on these numbers both are the same" in formulas(last)[0]


@pytest.mark.parametrize("dilation", [1, 2, (1, 3)])
def test_a_dilated_kernel_is_one_with_zeros_between_its_cells(dilation):
    signal = pytest.importorskip("scipy.signal")
    x = np.random.default_rng(1).normal(size=(7, 8))
    shown = made("dilation", input=typed(x[:, :, None]), kernels=("1 2; -3 4",), dilation=dilation).document()
    np.testing.assert_allclose(
        shown["output"], signal.correlate2d(x, shown["steps"][0]["spread"], mode="valid"), atol=1e-12
    )
    assert shown["span"] == list(np.shape(shown["steps"][0]["spread"]))


def test_a_dilation_that_does_not_fit_is_said_beside_those_that_do():
    step = made("dilation", input="1 2 3 4 5 6; 1 2 3 4 5 6; 1 2 3 4 5 6", dilation=(1, 2)).steps[1]
    assert formulas(step) == ["d = 2: 5 × 5 does not fit 3 × 6", "d = 3: 7 × 7 does not fit 3 × 6"]
