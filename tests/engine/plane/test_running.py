"""Boxes of any size, by running sums, beside SciPy's box and its correlation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from convcli.engine.plane import strategies
from convcli.engine.plane.filter import filter2d
from convcli.engine.plane.strategies import direct, lines
from convcli.engine.plane.strategies.running import GROUP, RunningSum
from convcli.engine.workspace import Workspace

RNG = np.random.default_rng(5)
SCIPY_MODES = {"reflect": "mirror", "symmetric": "reflect", "edge": "nearest", "wrap": "grid-wrap"}
LENGTHS = [1, 2, 3, GROUP, 2 * GROUP - 1, 2 * GROUP, 2 * GROUP + 1, 3 * GROUP, 100, 257, 700]


@pytest.fixture
def by_lines(monkeypatch):
    """Leave running sums to choose, and strips and blocks so small that there are several."""
    monkeypatch.setattr(strategies, "STRATEGIES", {"lines": lines.offer})
    monkeypatch.setattr(lines, "STRIP_CELLS", 2**10)
    monkeypatch.setattr(lines, "MOST_BETWEEN", 2**11)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("count", [1, GROUP - 1, GROUP, 5 * GROUP + 3])
def test_sums_of_whole_numbers_are_exact(length, count):
    cells = RNG.integers(0, 256, (count + length - 1, 7)).astype(np.float32)
    sums = np.full((count, 7), np.nan, np.float32)
    RunningSum(length, np.dtype(np.float32))(cells, sums, Workspace())
    before = np.vstack((np.zeros((1, 7)), cells.cumsum(0, dtype=np.float64)))
    np.testing.assert_array_equal(sums, before[length:] - before[:-length])


def test_long_sums_keep_the_last_digits_of_float32():
    cells = RNG.random((6000, 40), np.float32)
    sums = np.empty((2000, 40), np.float32)
    RunningSum(4001, np.dtype(np.float32))(cells, sums, Workspace())
    before = np.vstack((np.zeros((1, 40)), cells.cumsum(0, dtype=np.float64)))
    np.testing.assert_allclose(sums, before[4001:] - before[:-4001], rtol=1e-6)


@pytest.mark.parametrize("border", SCIPY_MODES)
@pytest.mark.parametrize("shape", [(40, 53), (7, 90), (1, 40)], ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 15, 16, 33, 34, 64, 101, 200], ids=str)
def test_box_of_any_size_equals_uniform_filter(by_lines, size, shape, border):
    plane = RNG.random(shape)
    result = filter2d(plane, np.full((size, size), 1 / size**2), border=border, anchor=(size // 2, size // 2))
    np.testing.assert_allclose(
        result, ndimage.uniform_filter(plane, size, mode=SCIPY_MODES[border]), rtol=1e-10
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
@pytest.mark.parametrize(
    "window", [{}, {"stride": (3, 2)}, {"dilation": (1, 3)}, {"op": "convolve"}], ids=str
)
@pytest.mark.parametrize(
    ("size", "anchor"), [((50, 3), None), ((4, 71), (0, 70)), ((35, 90), (34, 0))], ids=str
)
@pytest.mark.parametrize("border", ["reflect", "constant"])
def test_box_of_any_sides_equals_direct_sums(dtype, window, size, anchor, border, by_lines, monkeypatch):
    plane = (RNG.normal(size=(61, 77)) * 1000).astype(dtype)
    options = {"border": border, "fill": 3, "anchor": anchor, **window}
    result = filter2d(plane, np.full(size, 0.5), **options)
    monkeypatch.setattr(strategies, "STRATEGIES", {"direct": direct.offer})
    expected = filter2d(plane.astype(np.float64), np.full(size, 0.5), **options)
    assert result.dtype == (np.float64 if dtype == np.float64 else np.float32)
    tolerance = 1e-12 if dtype == np.float64 else 1e-6
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


def test_a_large_cell_leaves_no_trace_in_windows_that_lack_it(by_lines):
    plane = np.ones((200, 300), np.float32)
    plane[100, 150] = 1e30
    result = filter2d(plane, np.ones((41, 67)))
    seen = np.zeros(plane.shape, bool)
    seen[80:121, 117:184] = True
    assert (result[~seen] == 41 * 67).all()
    assert (result[seen] > 1e29).all()


def test_nan_reaches_as_far_as_its_windows(by_lines):
    plane = np.ones((200, 300), np.float32)
    plane[100, 150] = np.nan
    result = filter2d(plane, np.ones((41, 67)))
    assert np.isnan(result).sum() == 41 * 67
    assert np.isnan(result[80:121, 117:184]).all()
