"""Kernels of any size, against OpenCV and their formulas; and names that people type instead of theirs."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import KernelError, UnknownNameError
from convcli.kernels import kernel, parse
from convcli.kernels.definition import KERNELS, USUAL_WORDS
from convcli.kernels.gradients import derivative
from convcli.kernels.smoothing import offsets


def test_larger_sobels_have_the_published_weights():
    assert kernel("sobel-x", size=5)[0].tolist() == [-1, -2, 0, 2, 1]
    assert kernel("sobel-x", size=5)[2].tolist() == [-6, -12, 0, 12, 6]
    assert kernel("sobel-y", size=7)[:, 3].tolist() == [-20, -80, -100, 0, 100, 80, 20]
    np.testing.assert_array_equal(kernel("sobel", size=5)[1], kernel("sobel-x", size=5).T)


@pytest.mark.parametrize("size", [3, 5, 7, 9, 31])
def test_sobel_and_laplacian_are_opencvs(size):
    cv2 = pytest.importorskip("cv2")
    for order in (1, 2):
        taps, smoothing = cv2.getDerivKernels(order, 0, size, ktype=cv2.CV_64F)
        np.testing.assert_array_equal(derivative(order, size), taps[:, 0])
        np.testing.assert_array_equal(derivative(0, size), smoothing[:, 0])
    across, down = cv2.getDerivKernels(1, 0, size, ktype=cv2.CV_64F)
    np.testing.assert_array_equal(parse(f"sobel-x:size={size}").weights, np.outer(down, across))
    impulse = np.zeros((2 * size + 1, 2 * size + 1))
    impulse[size, size] = 1
    found = cv2.Laplacian(impulse, cv2.CV_64F, ksize=size, borderType=cv2.BORDER_CONSTANT)
    half = size // 2
    inside = slice(size - half, size + half + 1)
    np.testing.assert_allclose(kernel("laplacian", size=size), found[inside, inside], rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_prewitt_is_the_slope_of_the_plane_that_fits_best(size):
    rows, columns = np.mgrid[0:size, 0:size]
    fit = np.linalg.lstsq(
        np.stack([columns.ravel(), rows.ravel(), np.ones(size**2)], axis=1), np.eye(size**2), rcond=None
    )[0][0].reshape(size, size)
    weights = kernel("prewitt-x", size=size)
    np.testing.assert_allclose(weights / np.abs(weights).sum(), fit / np.abs(fit).sum(), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sobel:size=4", "odd number from 3 to 31"),
        ("sobel-x:size=1", "odd number from 3 to 31"),
        ("prewitt-y:size=33", "odd number from 3 to 31"),
        ("scharr:size=5", "expected 3, found 5.*sobel:size=5"),
        ("scharr-y:size=7", "sobel-y:size=7"),
        ("laplacian:size=2", "odd number from 1 to 31"),
    ],
)
def test_sizes_that_there_are_not_are_refused_with_the_reason(text, words):
    with pytest.raises(KernelError, match=words):
        parse(text)


def test_gaussian_may_be_wider_across_than_down():
    weights = kernel("gaussian", sigma_x=3, sigma_y=1)
    assert weights.shape == (9, 25)
    moments = [(weights.sum(axis=1 - axis) * offsets(weights.shape[axis]) ** 2).sum() for axis in (0, 1)]
    assert moments == pytest.approx([1, 9], rel=2e-3)
    assert parse("gaussian:sigma=2,sigma_y=1").shape == (9, 17)
    assert parse("gaussian:sigma_x=2,sigma_y=1,size=5").shape == (5, 5)
    np.testing.assert_array_equal(kernel("gaussian", sigma_x=2, sigma_y=2), kernel("gaussian", sigma=2))


@pytest.mark.parametrize("sigma", [0.1, 0.3, 0.5, 0.7, 0.79, 0.8, 1, 1.4, 2, 5])
def test_log_gives_x_squared_its_second_derivative(sigma):
    weights = kernel("log", sigma=sigma)
    squares = offsets(len(weights)) ** 2
    assert (weights * squares).sum() == pytest.approx(2, rel=0.01)
    assert (weights * squares[:, None]).sum() == pytest.approx(2, rel=0.01)
    assert weights.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("blur", ["gaussian", "box"]),
        ("Edge", ["sobel"]),
        ("edges", ["sobel"]),
        ("sharp", ["sharpen"]),
        ("smooth", ["gaussian"]),
        ("outline", ["laplacian8"]),
        ("mean", ["box"]),
        ("motion_blur", ["motion"]),
        ("Laplace", ["laplacian"]),
        ("mexican hat", ["log"]),
        ("median", ["no convolution"]),
        ("guassian", ["gaussian"]),
        ("sobell", ["sobel"]),
        ("perwitt", ["prewitt"]),
        ("embos", ["emboss"]),
    ],
)
def test_words_that_people_type_lead_to_a_kernel(word, names):
    with pytest.raises(UnknownNameError) as caught:
        KERNELS[word]
    assert all(name in str(caught.value) for name in names), str(caught.value)


def test_usual_words_lead_to_kernels_and_are_none_themselves():
    for meant, words in USUAL_WORDS.items():
        assert set(meant.split("' or '")) <= set(KERNELS)
        assert not set(words) & set(KERNELS)
