"""Canny's edges, pixel by pixel those of scikit-image and of OpenCV."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import ConvcliError
from convcli.filtering.steps.parsing import step_of
from filtering.steps.made import made

RNG = np.random.default_rng(0)
BORDERS = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap"}


def scene(dtype):
    """Return soft discs of several brightnesses, with noise."""
    rows, columns = np.mgrid[:150, :180]
    scene = RNG.normal(0, 6, (150, 180)) + 40
    for row, column, radius, light in ((40, 50, 30, 90), (90, 120, 45, 150), (120, 30, 20, 60)):
        scene += light / (1 + np.exp(np.hypot(rows - row, columns - column) - radius))
    scene = scene.clip(0, 255)
    return (
        (scene / 255).astype(dtype)
        if np.dtype(dtype).kind == "f"
        else (scene * (np.iinfo(dtype).max / 255)).astype(dtype)
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("border", BORDERS)
def test_it_is_scikit_image_s(dtype, border):
    feature = pytest.importorskip("skimage.feature")
    image = scene(dtype)
    for sigma in (0.7, 1, 2.5):
        expected = feature.canny(image, sigma, mode=BORDERS[border])
        found = made(image, f"canny:sigma={sigma},border={border}")
        np.testing.assert_array_equal(found > 0, expected)
    expected = feature.canny(image, 2, 0.8, 0.95, use_quantiles=True, mode="mirror")
    found = made(image, "canny:sigma=2,low=80%,high=0.95,quantiles=true")
    assert np.count_nonzero((found > 0) != expected) <= 2  # of 27,000: shares are counted in bins


def test_where_nothing_is_small_it_is_scikit_image_s():
    feature = pytest.importorskip("skimage.feature")
    image = RNG.integers(0, 256, (90, 110)).astype(np.uint8)
    for high in (0, 600):
        expected = feature.canny(image, 1, 0, high, mode="mirror")
        np.testing.assert_array_equal(made(image, f"canny:low=0,high={high}") > 0, expected)


@pytest.mark.parametrize("options", ["low=0,high=0", "low=50%,high=60%,quantiles=true"])
def test_where_there_is_no_gradient_there_is_no_edge_whatever_the_limits(options):
    feature = pytest.importorskip("skimage.feature")
    assert not made(np.full((40, 40), 9, np.uint8), f"canny:{options}").any()
    image = np.maximum(scene(np.uint8), 150)  # most of it is flat
    expected = feature.canny(image, 1, 0, 0, mode="mirror")
    np.testing.assert_array_equal(made(image, f"canny:{options}") > 0, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused_and_can_be_left_out(value):
    image = scene(np.float32)
    image[3, 4] = value
    for text in ("canny", "canny:low=50%,high=90%,quantiles=true"):
        with pytest.raises(ConvcliError, match="no edges; leave them out"):
            made(image, text)
    if np.isnan(value):
        assert set(np.unique(made(image, "canny", nodata=[np.nan]))) == {0, 1}


@pytest.mark.parametrize("limits", [(50, 150), (20.5, 300), (400, 401)])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_it_is_opencv_s(limits, norm):
    cv2 = pytest.importorskip("cv2")
    low, high = limits
    text = f"canny:sigma=0,thinning=sectors,border=edge,low={low},high={high},norm={norm}"
    for image in (
        scene(np.uint8),
        RNG.integers(0, 256, (90, 70)).astype(np.uint8),
        np.eye(9, dtype=np.uint8) * 200,
    ):
        expected = cv2.Canny(image, low, high, L2gradient=norm == "l2")
        np.testing.assert_array_equal(made(image, text), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (7, 7, 3)])
def test_small_and_flat_pictures_have_no_edges(shape):
    assert not made(np.full(shape, 9, np.uint8), "canny").any()


def test_it_goes_through_chains_and_bands():
    image = np.tile(scene(np.uint8), (10, 3))  # several bands
    np.testing.assert_array_equal(made(image, "identity", "canny"), made(image, "canny"))
    assert set(np.unique(made(image, "canny", "box:size=3", "threshold:value=10%"))) == {0, 255}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("canny:low=30%", "expected low of at most high, found low 30% and high 20%"),
        ("canny:low=x", "expected a number, or a share of white such as 10%, not 'x'"),
        ("canny:low=5,high=9,quantiles=true", "quantiles are shares of 0 … 1"),
        ("canny:thinning=opencv", "thinning"),
    ],
)
def test_what_cannot_be_is_said(text, said):
    with pytest.raises(ConvcliError, match=said):
        step_of(text)
