"""Thresholds beside scikit-image's and OpenCV's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from convcli.errors import ConvcliError
from convcli.filtering.steps.parsing import step_of
from convcli.filtering.steps.threshold import WORDS
from convcli.filtering.thresholds import METHODS
from filtering.steps.made import applied, made

RNG = np.random.default_rng(0)
BORDERS = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap"}


def two_humps(dtype):
    values = np.where(RNG.random((80, 90)) < 0.6, RNG.normal(70, 20, (80, 90)), RNG.normal(180, 15, (80, 90)))
    values = values.clip(0, 255)
    return (values / 255).astype(dtype) if np.dtype(dtype).kind == "f" else values.astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("value", ["otsu", "li", "yen", "isodata", "triangle", "mean"])
def test_found_values_are_scikit_image_s(value, dtype):
    filters = pytest.importorskip("skimage.filters")
    image = two_humps(dtype)
    expected = image > getattr(filters, f"threshold_{value}")(image)
    found = made(image, f"threshold:value={value}")
    # Li's of floats is found in their 65,536 bins, not in all values.
    unlike = np.count_nonzero((found == found.max()) != expected)
    assert unlike <= (1 if value == "li" and image.dtype.kind == "f" else 0)
    expected = found == found.max()
    inverted = made(image, f"threshold:value={value},invert=true")
    np.testing.assert_array_equal(inverted == inverted.max(), ~expected)


def test_otsu_is_opencv_s():
    cv2 = pytest.importorskip("cv2")
    image = two_humps(np.uint8)
    np.testing.assert_array_equal(made(image, "threshold"), cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)[1])


@pytest.mark.parametrize("value", METHODS)
def test_two_values_are_told_apart(value):
    for dtype in (np.uint8, np.float32):
        image = np.array([[0, 0, 0, 1, 1]], dtype) * dtype(0.5 if dtype == np.float32 else 200)
        assert (made(image, f"threshold:value={value}") > 0).tolist() == [[False, False, False, True, True]]


def test_a_mean_of_whole_numbers_is_opencv_s():
    cv2 = pytest.importorskip("cv2")
    image = two_humps(np.uint8)
    for size, offset in ((3, 0), (15, 5)):
        found = made(image, f"threshold:value=adaptive-mean,size={size},offset={offset},border=edge")
        expected = cv2.adaptiveThreshold(image, 255, cv2.ADAPTIVE_THRESH_MEAN_C, 0, size, offset)
        mean = ndimage.uniform_filter(image.astype(float), size, mode="nearest")
        near = np.abs(image - (mean - offset)) <= 0.5 + 1e-9  # OpenCV rounds the mean
        np.testing.assert_array_equal(found[~near], expected[~near])


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("size", [3, 15, 41])
def test_neighbourhoods_are_scikit_image_s(border, size):
    filters = pytest.importorskip("skimage.filters")
    image = RNG.random((60, 70)).astype(np.float32)
    for method in ("mean", "gaussian"):
        local = filters.threshold_local(image.astype(float), size, method, offset=0.02, mode=BORDERS[border])
        found = made(image, f"threshold:value=adaptive-{method},size={size},offset=0.02,border={border}")
        np.testing.assert_array_equal(found > 0, image > local)


def test_a_pixel_that_equals_its_neighbourhood_is_not_above_it():
    image = RNG.integers(0, 4, (60, 70)).astype(np.uint8)
    total = ndimage.correlate(image.astype(int), np.ones((5, 5), int), mode="mirror")
    found = made(image, "threshold:value=adaptive-mean,size=5")
    np.testing.assert_array_equal(found > 0, image * 25 > total)
    for flat in (7, 255):
        assert not made(np.full((30, 30), flat, np.uint8), "threshold:value=adaptive-gaussian,size=21").any()


def test_values_and_shares_are_of_the_image_s_units():
    image = np.array([[0, 100, 127, 128, 255]], np.uint8)
    assert made(image, "threshold:value=100").tolist() == [[0, 0, 255, 255, 255]]
    assert made(image, "threshold:value=50%").tolist() == [[0, 0, 0, 255, 255]]
    assert made((image / 255).astype(np.float32), "threshold:value=50%").tolist() == [[0, 0, 0, 1, 1]]


def test_colours_by_brightness_or_each_by_its_own():
    image = np.zeros((4, 6, 3), np.uint8)
    image[:, 3:, 0], image[:2, :, 1] = 90, 30
    assert made(image, "threshold").shape == (4, 6)
    found = made(image, "threshold:channels=each")
    np.testing.assert_array_equal(found[..., 0] > 0, image[..., 0] > 0)
    np.testing.assert_array_equal(found[..., 1] > 0, image[..., 1] > 0)
    assert not found[..., 2].any()


@pytest.mark.parametrize("value", WORDS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (5, 5)])
def test_of_a_flat_picture_nothing_is_above(value, shape):
    assert not made(np.full(shape, 200, np.uint8), f"threshold:value={value}").any()


@pytest.mark.parametrize("end", ["threshold", "normalize"])
def test_the_rounding_of_sums_is_nothing_to_be_told_apart(end):
    flat = np.full((60, 70, 3), 123, np.uint8)
    found = made(flat, "gaussian:sigma=3", "gray", end)
    assert found.min() == found.max()


def test_what_is_not_seen_and_what_is_no_number_does_not_count():
    image = two_humps(np.float32)
    hidden = image.copy()
    hidden[:, 40:] = 5
    opacity = np.ones(image.shape, np.float32)
    opacity[:, 40:] = 0
    found = made(hidden, "threshold", opacity=opacity)
    np.testing.assert_array_equal(found[:, :40], made(image[:, :40], "threshold"))
    image[0, 0] = np.nan
    filtered = made(image, "threshold")
    assert np.isnan(filtered[0, 0])
    assert set(np.unique(filtered[1:])) == {0, 1}
    result = applied(image, "threshold:value=adaptive-mean,size=3")
    assert result.found.odd == 4  # whose windows see it


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("threshold:value=otus", "Did you mean 'otsu'"),
        ("threshold:size=5", "size only counts with value adaptive-mean or adaptive-gaussian"),
        ("threshold:value=adaptive-mean,size=4", "size must be odd"),
        ("threshold:value=true", "expected a number"),
    ],
)
def test_what_cannot_be_is_said(text, said):
    with pytest.raises(ConvcliError, match=said):
        step_of(text)
