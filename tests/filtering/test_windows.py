"""Pictures of windows: what `respond` sees is the picture with its border."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from convcli.engine.plane.borders import BORDERS
from convcli.filtering.passes import measured
from convcli.filtering.picture import Picture, StoredImage
from convcli.filtering.windows import windowed

RNG = np.random.default_rng(0)
MODES = {
    "reflect": "mirror",
    "symmetric": "reflect",
    "edge": "nearest",
    "wrap": "grid-wrap",
    "zero": "constant",
}


def largest(f_h, f_w):
    def respond(cells, out, workspace):
        windows = np.lib.stride_tricks.sliding_window_view(cells, (f_h, f_w), axis=(1, 2))
        np.max(windows, axis=(3, 4), out=out)

    return respond


def collected(picture, rows=slice(0, None), columns=slice(0, None)):
    rows, columns = slice(*rows.indices(picture.shape[0])[:2]), slice(*columns.indices(picture.shape[1])[:2])
    out = np.empty((picture.channels, rows.stop - rows.start, columns.stop - columns.start), picture.dtype)
    picture.read(rows, columns, out)
    return out


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("size", [(3, 3), (1, 4), (5, 2)])
@pytest.mark.parametrize("twice", [False, True])
def test_windows_are_scipys(border, size, twice):
    pixels = RNG.integers(0, 256, (23, 31, 3), np.uint8)
    picture: Picture = StoredImage(pixels)
    expected = pixels.astype(float)
    for _ in range(1 + twice):
        picture = windowed(picture, size, largest(*size), border=border, fill=300)
        origin = tuple(-1 if n % 2 == 0 else 0 for n in size)
        options = {"mode": MODES.get(border, "constant"), "cval": 300 if border == "constant" else 0}
        channels = [
            ndimage.maximum_filter(expected[:, :, c], size, origin=origin, **options) for c in range(3)
        ]
        expected = np.stack(channels, axis=2)
    np.testing.assert_array_equal(collected(picture), np.moveaxis(expected, 2, 0))
    part = collected(picture, slice(4, 11), slice(2, 9))
    np.testing.assert_array_equal(part, np.moveaxis(expected[4:11, 2:9], 2, 0))


def test_a_measure_sees_every_pixel_once():
    pixels = RNG.integers(0, 256, (700, 900), np.uint8)
    picture = windowed(StoredImage(pixels), (3, 3), largest(3, 3))
    counts = sum(measured(picture, lambda cells, sees: np.bincount(cells.astype(int).ravel(), minlength=256)))
    expected = ndimage.maximum_filter(pixels, 3, mode="mirror")
    np.testing.assert_array_equal(counts, np.bincount(expected.ravel(), minlength=256))
