"""Tone and sharpness beside scikit-image's and SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from convcli.errors import ConvcliError
from convcli.filtering.steps.parsing import step_of
from filtering.steps.made import applied, made

RNG = np.random.default_rng(0)
BORDERS = {
    "symmetric": "reflect",
    "reflect": "mirror",
    "edge": "nearest",
    "wrap": "grid-wrap",
    "zero": "constant",
}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_normalize_is_scikit_image_s_rescaling(dtype):
    exposure = pytest.importorskip("skimage.exposure")
    image = (RNG.random((40, 50, 3)) * 90 + 20).astype(dtype)
    if dtype == np.float32:
        image /= 255
    white = np.iinfo(dtype).max if dtype != np.float32 else 1
    expected = exposure.rescale_intensity(image.astype(float), out_range=(0, white))
    np.testing.assert_allclose(made(image, "normalize", range="raw"), expected, atol=1e-5 * white)
    low, high = np.percentile(image, [2, 98], method="linear")
    found = made(image.astype(np.float64), "normalize:low=2,high=98", range="raw")
    np.testing.assert_allclose(
        found, (image - low) / (high - low), atol=2e-4 if dtype == np.float32 else 0.03
    )


def test_normalize_leaves_a_flat_picture_and_counts_only_what_is_seen():
    assert (made(np.full((3, 3), 7, np.uint8), "normalize") == 7).all()
    image = np.array([[10, 20, 200]], np.uint8)
    opacity = np.array([[255, 255, 0]], np.uint8)
    assert made(image, "normalize", opacity=opacity)[0, :2].tolist() == [0, 255]


@pytest.mark.parametrize("value", [0.5, 1, 2.2])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_gamma_is_scikit_image_s(value, dtype):
    exposure = pytest.importorskip("skimage.exposure")
    image = RNG.random((30, 40)).astype(np.float32)
    if dtype != np.float32:
        image = (image * np.iinfo(dtype).max).astype(dtype)
    expected = exposure.adjust_gamma(image, value)
    difference = np.abs(made(image, f"gamma:value={value}").astype(float) - expected)
    assert difference.max() <= (1 if dtype != np.float32 else 1e-6)  # which cuts what this rounds


@pytest.mark.parametrize("border", BORDERS)
def test_sharpening_adds_what_the_blur_has_taken(border):
    image = RNG.random((50, 60)).astype(np.float32)
    blur = ndimage.gaussian_filter(image.astype(float), 2, mode=BORDERS[border])
    found = made(image, f"unsharp:sigma=2,amount=1.5,border={border}", range="raw")
    np.testing.assert_allclose(found, image + 1.5 * (image - blur), atol=2e-6)
    found = made(image, f"highpass:sigma=2,border={border}", range="raw")
    np.testing.assert_allclose(found, image - blur, atol=2e-6)
    apart = np.abs(image - blur) >= 0.2
    found = made(image, f"unsharp:sigma=2,threshold=0.2,border={border}", range="raw")
    np.testing.assert_allclose(found, image + np.where(apart, image - blur, 0), atol=2e-6)


def test_highpass_is_signed_and_unsharp_is_pixels():
    image = RNG.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    assert applied(image, "highpass").found.range == "abs"
    assert applied(image, "unsharp").found.range == "clip"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("normalize:low=5,high=5", "expected low below high"),
        ("normalize:high=101", "high"),
        ("gamma", "value"),
        ("gamma:value=0", "value"),
        ("unsharp:sigma=-1", "sigma"),
    ],
)
def test_what_cannot_be_is_said(text, said):
    with pytest.raises(ConvcliError, match=said):
        step_of(text)
