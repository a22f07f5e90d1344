"""Resampling beside Pillow's."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from convcli.engine.resampling import FILTERS, Taps

RNG = np.random.default_rng(0)


def resized(cells, shape, name):
    for axis, length in enumerate(shape):
        cells = np.swapaxes(cells, 0, axis)
        taps = Taps.of(len(cells), length, name)
        made = np.empty((length, cells.shape[1]), cells.dtype)
        whole = slice(0, length)
        taps.put(cells[taps.reached(whole)], whole, made)
        cells = np.ascontiguousarray(np.swapaxes(made, 0, axis))
    return cells


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("shape", [(1, 1), (37, 50), (36, 51), (100, 7), (74, 100), (20, 333), (1, 200)])
def test_it_is_pillow_s(name, shape):
    cells = (RNG.random((37, 50)) * 255).astype(np.float32)
    filter_ = getattr(PIL.Image.Resampling, name.upper())
    expected = np.asarray(PIL.Image.fromarray(cells).resize(shape[::-1], filter_))
    np.testing.assert_allclose(resized(cells, shape, name), expected, atol=3e-4)


@pytest.mark.parametrize("name", FILTERS)
def test_a_part_is_what_the_whole_has_there(name):
    cells = RNG.random((97, 8))
    for length in (11, 97, 256):
        taps = Taps.of(97, length, name)
        whole, part = np.empty((length, 8)), np.empty((4, 8))
        all_ = slice(0, length)
        taps.put(cells[taps.reached(all_)], all_, whole)
        some = slice(length // 2, length // 2 + 4)
        taps.put(cells[taps.reached(some)], some, part)
        np.testing.assert_array_equal(part, whole[some])


@pytest.mark.parametrize("name", FILTERS)
def test_a_flat_picture_stays_flat(name):
    for length in (1, 3, 10, 100):
        made = np.empty((length, 2))
        taps, whole = Taps.of(10, length, name), slice(0, length)
        taps.put(np.full((10, 2), 7.0)[taps.reached(whole)], whole, made)
        np.testing.assert_allclose(made, 7)
