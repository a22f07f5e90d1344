"""Every forced, forced, against SciPy on the same case: strides, dilations, borders, dtypes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from convcli.engine.costs import costs
from convcli.engine.plane import strategies, strategy
from convcli.engine.plane.filter import filter2d
from convcli.engine.plane.strategies import STRATEGIES, folded, lines, spectral
from convcli.engine.plane.strategies.shifts import add_up, grouped, passes
from convcli.engine.plane.strategies.stacked import distinct_columns
from convcli.engine.plane.strategy import outer_factors

RNG = np.random.default_rng(7)
PLANE = RNG.random((70, 83))
OUTER = ("separable", "folded", "lines")  # only outer products
SIZES = [(1, 1), (3, 3), (7, 4), (1, 9), (9, 1), (20, 21)]
SCIPY_MODES = {"reflect": "mirror", "symmetric": "reflect", "edge": "nearest", "wrap": "grid-wrap"}


@pytest.fixture(params=STRATEGIES)
def forced(request, monkeypatch):
    """Leave one to choose, and blocks so small that there are several."""
    monkeypatch.setattr(strategies, "STRATEGIES", {request.param: STRATEGIES[request.param]})
    monkeypatch.setattr(strategy, "BLOCK_CELLS", 2**10)
    monkeypatch.setattr(strategy, "BLOCK_ROWS", (16, 32))
    monkeypatch.setattr(strategy, "LEAST_COLUMNS", 16)
    monkeypatch.setattr(spectral, "costs", lambda: replace(costs(), tile={64: 5.0}))
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    monkeypatch.setattr(lines, "STRIP_CELLS", 2**10)
    monkeypatch.setattr(lines, "MOST_BETWEEN", 2**11)
    return request.param


def kernel_for(forced, size):
    if forced in OUTER:
        return np.outer(RNG.normal(size=size[0]), RNG.normal(size=size[1]))
    return RNG.normal(size=size)


def reference(plane, kernel, mode="mirror", dilation=(1, 1)):
    wide = np.zeros([d * (f - 1) + 1 for d, f in zip(dilation, kernel.shape, strict=True)])
    wide[:: dilation[0], :: dilation[1]] = kernel
    origin = [-1 if side % 2 == 0 else 0 for side in wide.shape]
    return ndimage.correlate(plane.astype(np.float64), wide, mode=mode, origin=origin)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_strategy_equals_scipy(forced, size, dtype):
    plane = (PLANE * 255).astype(dtype)
    kernel = kernel_for(forced, size)
    expected = reference(plane, kernel)
    tolerance = 1e-10 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(
        filter2d(plane, kernel), expected, rtol=tolerance, atol=tolerance * np.abs(expected).max()
    )


@pytest.mark.parametrize("stride", [2, (3, 1), (1, 3), (5, 4), 50], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_stride_keeps_every_nth_result_of_each_strategy(forced, size, stride):
    rows, columns = stride if isinstance(stride, tuple) else (stride, stride)
    kernel = kernel_for(forced, size)
    expected = reference(PLANE, kernel)[::rows, ::columns]
    np.testing.assert_allclose(filter2d(PLANE, kernel, stride=stride), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [(2, 2), (1, 3), (4, 1)], ids=str)
@pytest.mark.parametrize("size", [(3, 3), (7, 4), (1, 9)], ids=str)
def test_dilation_puts_zeros_between_for_each_strategy(forced, size, dilation, stride):
    kernel = kernel_for(forced, size)
    expected = reference(PLANE, kernel, dilation=dilation)[::stride, ::stride]
    result = filter2d(PLANE, kernel, dilation=dilation, stride=stride)
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("border", SCIPY_MODES)
@pytest.mark.parametrize("shape", [(70, 83), (5, 6), (1, 40)], ids=str)
def test_borders_are_the_same_for_each_strategy(forced, border, shape):
    plane, kernel = RNG.random(shape), kernel_for(forced, (7, 9))
    expected = reference(plane, kernel, SCIPY_MODES[border])
    np.testing.assert_allclose(filter2d(plane, kernel, border=border), expected, rtol=1e-9, atol=1e-9)


def test_whole_weights_on_whole_pixels_are_exact_outside_the_fourier_domain(forced):
    if forced in ("spectral", "lines"):
        pytest.skip("a transform rounds")
    plane, kernel = RNG.integers(0, 256, (60, 70), np.uint8), np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    expected = ndimage.correlate(plane.astype(np.int64), kernel, mode="mirror")
    np.testing.assert_array_equal(filter2d(plane, kernel), expected)


def test_kernel_of_zeros_gives_zeros(forced):
    if forced in OUTER:
        pytest.skip("zeros are no outer product that saves anything")
    assert not filter2d(PLANE, np.zeros((3, 3))).any()


def test_equal_sizes_are_added_before_they_are_multiplied():
    laplacian = np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    assert passes(grouped(np.ndenumerate(laplacian))) == 5
    assert passes(grouped(np.ndenumerate(np.full((3, 3), 1 / 9)))) == 9
    assert passes(grouped(np.ndenumerate(RNG.normal(size=(3, 3))))) == 17


@pytest.mark.parametrize(
    "weights",
    [[1], [-1], [2], [-2], [1, 1], [-1, -1], [1, -1], [2, -2, 2, 1], [3, 1, -1, 1], [0, 0], [0, -1, -2]],
    ids=str,
)
def test_groups_add_up_to_the_weighted_sum(weights):
    views = RNG.random((len(weights), 5))
    taps = grouped(((0, place), weight) for place, weight in enumerate(weights))
    out, part = np.full(5, np.nan), np.full(5, np.nan)
    add_up(taps, lambda place: views[place[1]], out, part)
    np.testing.assert_allclose(out, weights @ views, rtol=1e-12, atol=1e-12)


def test_outer_factors_find_products_and_only_those():
    column, row = RNG.normal(size=7), RNG.normal(size=4)
    factors = outer_factors(np.outer(column, row))
    np.testing.assert_allclose(np.outer(*factors), np.outer(column, row), atol=1e-12)
    assert outer_factors(np.outer(column, row) + 1e-6 * RNG.normal(size=(7, 4))) is None
    assert outer_factors(np.eye(3)) is None


@pytest.mark.parametrize(
    ("kernel", "lines"),
    [(np.eye(3), 3), (np.ones((3, 5)), 1), ([[1, 2, 1], [0, 0, 0], [1, 3, 1]], 2), (np.zeros((2, 2)), 1)],
)
def test_columns_that_are_multiples_of_each_other_are_done_once(kernel, lines):
    kernel = np.array(kernel, float)
    distinct, factors = distinct_columns(kernel)
    assert len(distinct) == lines
    restored = np.stack([factor * distinct[line] for line, factor in factors], axis=1)
    np.testing.assert_array_equal(restored, kernel)


def test_columns_whose_ratio_is_beyond_float32_are_kept_apart():
    lines, factors = distinct_columns(np.array([[1e-300, 1e30], [1e-300, 1e30]]))
    assert lines.tolist() == [[1e-300, 1e-300], [1e30, 1e30]]
    assert factors == [(0, 1.0), (1, 1.0)]
