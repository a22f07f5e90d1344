"""What is wanted of a gradient: a part, its direction, a colour."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from scipy import ndimage

from convcli.errors import KernelError, UsageError
from convcli.filtering import filter_image

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (30, 40)).astype(np.float64)
GX, GY = (ndimage.sobel(GREY, axis=axis, mode="mirror") for axis in (1, 0))
ROWS, COLUMNS = np.mgrid[0:9, 0:9].astype(np.float32)
GRADIENTS = ("sobel", "prewitt", "scharr", "roberts", "frei-chen", "farid", "sobel:size=5")


def test_parts_and_angle_are_scipys():
    options = {"border": "mirror", "range": "raw"}
    np.testing.assert_allclose(filter_image(GREY, "sobel", gradient="x", **options), GX)
    np.testing.assert_allclose(filter_image(GREY, "sobel", gradient="y", **options), GY)
    np.testing.assert_allclose(filter_image(GREY, "sobel", gradient="angle", **options), np.arctan2(GY, GX))


@pytest.mark.parametrize("kernel", GRADIENTS)
@pytest.mark.parametrize("turn", [0, 1, 2, 3, 4, 5, 6, 7])
def test_the_angle_is_where_brightness_rises_be_the_parts_diagonal_or_not(kernel, turn):
    angle = turn * np.pi / 4
    ramp = np.cos(angle) * COLUMNS + np.sin(angle) * ROWS
    found = filter_image(ramp, kernel, gradient="angle", range="raw", padding="valid")
    difference = np.angle(np.exp(1j * (found - angle)))
    np.testing.assert_allclose(difference, 0, atol=1e-5)


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_of_integers_a_turn_goes_from_black_to_white(dtype, white):
    for angle, share in ((0, 0), (np.pi / 2, 0.25), (np.pi, 0.5), (-np.pi / 2, 0.75)):
        ramp = np.rint(100 + 9 * (np.cos(angle) * COLUMNS + np.sin(angle) * ROWS)).astype(dtype)
        found = filter_image(ramp, "sobel", gradient="angle", padding="valid")
        assert (found == round(share * white)).all()


def test_hsv_is_the_direction_as_hue_and_the_magnitude_as_value():
    found = filter_image(GREY.astype(np.float32), "sobel", gradient="hsv")
    hue, size = np.arctan2(GY, GX) / (2 * np.pi) % 1, np.hypot(GX, GY)
    expected = [[colorsys.hsv_to_rgb(*pair, 1) for pair in zip(h, [1] * len(h), strict=True)] for h in hue]
    np.testing.assert_allclose(found, np.array(expected) * size[:, :, None], rtol=1e-4, atol=1e-2)


def test_what_is_too_bright_keeps_its_hue():
    ramp = (30 * (COLUMNS + ROWS / 2)).astype(np.uint8)
    found = filter_image(ramp[:5, :5], "sobel", gradient="hsv", padding="valid")
    expected = np.array(colorsys.hsv_to_rgb(np.arctan2(1, 2) / (2 * np.pi), 1, 1)) * 255
    np.testing.assert_allclose(found.reshape(-1, 3), np.tile(expected, (9, 1)), atol=2)


@pytest.mark.parametrize("kernel", ["kirsch", "laplacian", "sobel-x", "gaussian", [[1, -1]]])
def test_a_kernel_without_a_direction_is_refused_by_name(kernel):
    name = kernel if isinstance(kernel, str) else "custom"
    with pytest.raises(KernelError, match=rf"gradient angle: {name} is no gradient"):
        filter_image(GREY, kernel, gradient="angle")


@pytest.mark.parametrize(
    "options",
    [
        {"gradient": "size"},
        {"gradient": "angle", "range": "clip"},
        {"gradient": "hsv", "channels": "each"},
        {"gradient": "angle", "offset": 3},
    ],
)
def test_what_means_nothing_is_refused(options):
    with pytest.raises(UsageError):
        filter_image(np.zeros((5, 5, 3), np.uint8), "sobel", **options)


@pytest.mark.parametrize("gradient", ["angle", "hsv"])
def test_filtered_alpha_is_that_of_the_magnitude(gradient):
    pixels = RNG.integers(0, 256, (20, 30, 4)).astype(np.uint8)
    expected = filter_image(pixels, "sobel", alpha="filter")[:, :, -1]
    np.testing.assert_array_equal(
        filter_image(pixels, "sobel", alpha="filter", gradient=gradient)[:, :, -1], expected
    )


def test_what_is_signed_stays_so_when_it_is_blurred_and_its_size_is_shown():
    found = filter_image(GREY.astype(np.uint8), ["sobel-x", "box:size=5", "median"])
    raw = filter_image(GREY.astype(np.uint8), ["sobel-x", "box:size=5", "median"], range="raw")
    assert raw.min() < -2
    np.testing.assert_array_equal(found, np.clip(np.rint(np.abs(raw)), 0, 255))


def test_a_step_takes_it_too_and_alpha_goes_along():
    pixels = RNG.integers(0, 256, (20, 30, 4)).astype(np.uint8)
    pixels[5:9, 5:9, 3] = 0
    found = filter_image(pixels, ["gaussian:sigma=1", "sobel:gradient=hsv"])
    assert found.shape == (20, 30, 4)
    grey = filter_image(GREY, ["gaussian:sigma=1", "sobel:gradient=x", "gaussian:sigma=1"], range="raw")
    assert grey.min() < 0 < grey.max()
