"""Steps of single pixels."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.filtering import Policy, apply, luma
from convcli.filtering.steps.parsing import step_of


def made(pixels, *texts, **options):
    return apply(pixels, [step_of(text) for text in texts], Policy(**options)).pixels


@pytest.mark.parametrize(
    ("dtype", "total"), [(np.uint8, 255), (np.uint16, 65535), (np.int16, -1), (np.float32, 1)]
)
def test_inverting_swaps_black_and_white(dtype, total):
    pixels = np.array([[0, 1, 100]], dtype)
    np.testing.assert_array_equal(made(pixels, "invert"), (total - pixels.astype(float)).astype(dtype))


def test_gray_is_brightness_and_leaves_grey_alone():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_array_equal(made(pixels, "gray"), np.rint(luma(pixels)))
    np.testing.assert_array_equal(made(pixels[:, :, 0], "gray"), pixels[:, :, 0])
    computed = made(pixels, "identity", "gray", range="raw")
    np.testing.assert_allclose(computed, luma(pixels), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_gray_by_bt_709_is_scikit_image_s_within_its_digits(dtype):
    color = pytest.importorskip("skimage.color")
    pixels = np.random.default_rng(0).integers(0, 200, (20, 30, 3)).astype(dtype)
    expected = pixels @ np.array([0.2126, 0.7152, 0.0722])
    for before in ([], ["identity"]):
        found = made(pixels, *before, "gray:weights=709", range="raw")
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    share = color.rgb2gray(pixels / 255.0)  # 0.2125, 0.7154, 0.0721
    np.testing.assert_allclose(expected / 255, share, atol=3e-4)
    assert step_of("gray").luma
    assert not step_of("gray:weights=709").luma
