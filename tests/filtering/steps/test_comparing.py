"""The bilateral filter and local binary patterns as steps, against OpenCV and scikit-image."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from convcli.errors import ConvcliError
from convcli.filtering import Policy, apply, luma
from convcli.filtering.steps.parsing import step_of

RNG = np.random.default_rng(22)


def made(pixels, text, **options):
    return apply(pixels, [step_of(text)], Policy(**options)).pixels


@pytest.mark.parametrize("border", ["reflect", "symmetric", "edge", "zero"])
def test_bilateral_is_opencvs_at_every_border_that_it_has(border):
    cv2 = pytest.importorskip("cv2")
    kinds = {"reflect": "REFLECT_101", "symmetric": "REFLECT", "edge": "REPLICATE", "zero": "CONSTANT"}
    kind = getattr(cv2, f"BORDER_{kinds[border]}")
    for shape in ((30, 31), (30, 31, 3)):
        pixels = RNG.random(shape, np.float32)
        theirs = cv2.bilateralFilter(pixels, 5, 0.3, 2.0, borderType=kind)
        ours = made(pixels, f"bilateral:size=5,sigma_color=0.3,sigma_space=2,border={border}", range="raw")
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_unlike_is_a_tenth_of_white_where_nothing_is_said():
    pixels = RNG.integers(0, 256, (20, 21, 3), np.uint8)
    named = made(pixels, "bilateral:sigma_color=25.5,sigma_space=3,size=9")
    np.testing.assert_array_equal(made(pixels, "bilateral"), named)


@pytest.mark.parametrize("method", ["default", "ror", "uniform"])
def test_patterns_are_scikit_images_of_brightness(method):
    texture = pytest.importorskip("skimage.feature")
    pixels = RNG.integers(0, 256, (40, 33, 3), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = texture.local_binary_pattern(luma(pixels), 8, 1, method)
    ours = made(pixels, f"local_binary_pattern:method={method},border=zero", range="raw")
    np.testing.assert_array_equal(ours, theirs)


def test_what_is_no_data_is_no_neighbour():
    pixels = RNG.random((20, 20), np.float32)
    odd = pixels.copy()
    odd[5:8, 5:8] = -9
    for step in ("bilateral:sigma_color=0.2", "local_binary_pattern"):
        found = made(odd, step, nodata=(-9,), range="raw")
        other = np.where(odd == -9, 77, odd).astype(np.float32)
        seen = odd != -9
        np.testing.assert_array_equal(found[seen], made(other, step, nodata=(77,), range="raw")[seen])
        assert (found[~seen] == -9).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bilateral:size=4", "odd size, found 4; take 5"),
        ("bilateral:sigma_color=0", "sigma_color"),
        ("bilateral:sigma_space=500", "give a size"),
        ("local_binary_pattern:points=25", "points"),
        ("local_binary_pattern:radius=0", "radius"),
        ("local_binary_pattern:method=all", "method"),
    ],
)
def test_what_cannot_be_is_refused_in_words(text, said):
    with pytest.raises(ConvcliError, match=said):
        step_of(text)
