"""The bilateral filter, against OpenCV's, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convcli.engine.ranks.bilateral import bilateral, window_for
from convcli.engine.workspace import Workspace

RNG = np.random.default_rng(17)


def found(pixels, size, sigma_color, sigma_space, seen=None):
    """Return ours of (h, w, c)."""
    cells = np.pad(pixels, [(size // 2,) * 2] * 2 + [(0, 0)], mode="reflect").transpose(2, 0, 1)
    shown = None if seen is None else np.pad(seen, size // 2, mode="reflect")
    out = np.empty(pixels.transpose(2, 0, 1).shape, pixels.dtype)
    bilateral(np.ascontiguousarray(cells), size, sigma_color, sigma_space, out, Workspace(), shown)
    return out.transpose(1, 2, 0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("size", "sigma_color", "sigma_space"), [(3, 10.0, 1.0), (5, 30.0, 2.0), (9, 75.0, 5.0)], ids=str
)
def test_floats_are_opencvs_as_exactly_as_its_table(size, sigma_color, sigma_space, channels):
    cv2 = pytest.importorskip("cv2")
    pixels = RNG.random((40, 51, channels), np.float32) * np.float32(255)
    expected = cv2.bilateralFilter(pixels, size, sigma_color, sigma_space, borderType=cv2.BORDER_REFLECT_101)
    ours = found(pixels, size, sigma_color, sigma_space)
    np.testing.assert_allclose(ours, expected.reshape(ours.shape), atol=2e-3)


def test_a_window_is_as_large_as_opencvs():
    cv2 = pytest.importorskip("cv2")
    pixels = RNG.random((30, 31, 1), np.float32)
    for sigma in (0.2, 1.0, 1.7, 3.0):
        expected = cv2.bilateralFilter(pixels, 0, 0.3, sigma, borderType=cv2.BORDER_REFLECT_101)
        np.testing.assert_allclose(found(pixels, window_for(sigma), 0.3, sigma)[:, :, 0], expected, atol=1e-5)


def test_two_pixels_by_hand():
    pixels = np.array([[[0.0], [10.0]]])
    near, like = math.exp(-1 / 2), math.exp(-(10**2) / (2 * 5**2))
    weight = (
        2 * near * like
    )  # the border reflects: the other one stands on both sides, itself above and below
    assert found(pixels, 3, 5.0, 1.0)[0, 0, 0] == pytest.approx(10 * weight / (1 + 2 * near + weight))


def test_what_is_not_seen_has_no_say_and_half_alpha_everywhere_changes_nothing():
    pixels = RNG.random((20, 21, 3))
    whole = found(pixels, 5, 0.3, 2.0)
    np.testing.assert_allclose(found(pixels, 5, 0.3, 2.0, np.full((20, 21), 0.5)), whole)
    seen = np.ones((20, 21))
    seen[4:9, 4:9] = 0
    odd = pixels.copy()
    odd[4:9, 4:9] = np.nan
    shown = [found(one, 5, 0.3, 2.0, seen)[seen > 0] for one in (odd, pixels)]
    np.testing.assert_array_equal(*shown)


def test_a_window_that_holds_a_nan_gives_nan():
    pixels = RNG.random((12, 12, 1))
    pixels[5, 5] = np.nan
    holes = np.argwhere(np.isnan(found(pixels, 3, 1.0, 1.0)[:, :, 0]))
    assert sorted(map(tuple, holes.tolist())) == [(4, 5), (5, 4), (5, 5), (5, 6), (6, 5)]
