"""`filter2d` against SciPy, for every border, size and stride; threads, memory, and what it refuses."""

from __future__ import annotations

import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from convcli.engine.arguments import computing_dtype
from convcli.engine.costs import costs
from convcli.engine.plane import blocks, strategies, strategy
from convcli.engine.plane import filter as engine
from convcli.engine.plane.borders import BORDERS
from convcli.engine.plane.filter import filter2d
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.strategies import STRATEGIES, direct, folded, spectral
from convcli.engine.workspace import FreeList, Workspace
from convcli.errors import ShapeError, UnknownNameError, UsageError

SCIPY_MODES = {
    "reflect": "mirror",
    "symmetric": "reflect",
    "edge": "nearest",
    "wrap": "grid-wrap",
    "zero": "constant",
    "constant": "constant",
}
SIZES = [(1, 1), (3, 3), (2, 2), (4, 3), (5, 1), (1, 6), (7, 4), (11, 11), (10, 13)]


def plane_of(shape, dtype, seed=0):
    values = np.random.default_rng(seed).random(shape)
    return (values * 255).astype(dtype) if np.dtype(dtype).kind in "ui" else values.astype(dtype)


def scipy_correlate(plane, kernel, border="reflect", fill=0):
    """Return SciPy's result with `same`'s anchor: of an even side the cell before the middle."""
    origin = [-1 if side % 2 == 0 else 0 for side in kernel.shape]
    cval = fill if border == "constant" else 0
    return ndimage.correlate(
        plane.astype(np.float64), kernel, mode=SCIPY_MODES[border], cval=cval, origin=origin
    )


def test_every_border_has_a_scipy_mode():
    assert set(SCIPY_MODES) == set(BORDERS)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("border", BORDERS)
def test_same_equals_scipy_correlate(border, size):
    plane, kernel = plane_of((23, 31), np.float64), np.random.default_rng(1).normal(size=size)
    reference = scipy_correlate(plane, kernel, border, 0.7)
    result = filter2d(plane, kernel, border=border, fill=0.7)
    np.testing.assert_allclose(result, reference, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("border", BORDERS)
def test_convolve_equals_scipy_convolve(border, size):
    plane, kernel = plane_of((23, 31), np.float64), np.random.default_rng(1).normal(size=size)
    # SciPy's convolve turns the kernel and its even anchor; its default anchor is then `same`'s.
    mode, cval = SCIPY_MODES[border], 0.7 if border == "constant" else 0
    reference = ndimage.convolve(plane, kernel, mode=mode, cval=cval)
    result = filter2d(plane, kernel, border=border, fill=0.7, op="convolve")
    np.testing.assert_allclose(result, reference, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("stride", [1, 2, (3, 1), (1, 4), 50], ids=str)
@pytest.mark.parametrize("kind", ["direct", "separable", "spectral"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_stride_keeps_every_nth_result(kind, stride, dtype):
    kernels = {
        "direct": np.random.default_rng(1).normal(size=(4, 3)),
        "separable": np.outer([1, 2, 1], [-1, 0, 3, 1]).astype(float),
        "spectral": np.random.default_rng(1).normal(size=(20, 21)),
    }
    plane = plane_of((40, 47), dtype)
    rows, columns = stride if isinstance(stride, tuple) else (stride, stride)
    reference = scipy_correlate(plane, kernels[kind])[::rows, ::columns]
    result = filter2d(plane, kernels[kind], stride=stride)
    np.testing.assert_allclose(result, reference, rtol=1e-5, atol=1e-5 * np.abs(reference).max())


@pytest.mark.parametrize("dilation", [2, (1, 3), (4, 2)], ids=str)
@pytest.mark.parametrize("size", [(3, 3), (2, 3), (10, 10)], ids=str)
def test_dilation_equals_a_kernel_with_zeros_between(size, dilation):
    rows, columns = dilation if isinstance(dilation, tuple) else (dilation, dilation)
    plane, kernel = plane_of((60, 50), np.float64), np.random.default_rng(1).normal(size=size)
    wide = np.zeros((rows * (size[0] - 1) + 1, columns * (size[1] - 1) + 1))
    wide[::rows, ::columns] = kernel
    for padding in ("same", "valid", "full", 2):
        np.testing.assert_allclose(
            filter2d(plane, kernel, dilation=dilation, padding=padding),
            filter2d(plane, wide, padding=padding),
            rtol=1e-9,
            atol=1e-9,
        )


@pytest.mark.parametrize("padding", ["valid", "full", 0, 3, (2, 0), ((0, 3), (5, 1))], ids=str)
@pytest.mark.parametrize("border", BORDERS)
def test_padding_equals_filtering_a_padded_plane(border, padding):
    plane, kernel = plane_of((9, 11), np.float64), np.random.default_rng(1).normal(size=(4, 3))
    named = {"valid": ((0, 0), (0, 0)), "full": ((3, 3), (2, 2)), 0: ((0, 0), (0, 0)), 3: ((3, 3), (3, 3))}
    sides = named.get(padding) or (((2, 2), (0, 0)) if padding == (2, 0) else padding)
    if border in ("zero", "constant"):
        padded = np.pad(plane, sides, constant_values=0.5 if border == "constant" else 0)
    else:
        padded = np.pad(plane, sides, mode=border)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
    reference = np.einsum("ijkl,kl->ij", windows, kernel)
    np.testing.assert_allclose(filter2d(plane, kernel, padding=padding, border=border, fill=0.5), reference)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3)], ids=str)
def test_kernel_larger_than_the_plane_meets_the_border_again_and_again(border, shape):
    plane, kernel = plane_of(shape, np.float64), np.random.default_rng(1).normal(size=(7, 9))
    np.testing.assert_allclose(
        filter2d(plane, kernel, border=border, fill=2.0), scipy_correlate(plane, kernel, border, 2.0)
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.float16, np.float32, np.bool_])
def test_narrow_planes_give_float32(dtype):
    plane = plane_of((5, 6), dtype)
    result = filter2d(plane, [[1, 2], [3, 4]])
    assert result.dtype == np.float32
    reference = scipy_correlate(plane, np.array([[1.0, 2], [3, 4]]))
    np.testing.assert_allclose(result, reference, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.uint64, np.float64, ">f8", ">i4"])
def test_wide_planes_give_float64(dtype):
    assert filter2d(plane_of((5, 6), dtype), [[1]]).dtype == np.float64


def test_whole_weights_on_whole_pixels_are_exact():
    plane = plane_of((50, 60), np.uint8)
    for kernel in ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [[0, 1, 0], [1, -4, 1], [0, 1, 0]]):
        reference = ndimage.correlate(plane.astype(np.int64), np.array(kernel), mode="mirror")
        np.testing.assert_array_equal(filter2d(plane, kernel), reference)


@pytest.mark.parametrize("size", [(3, 3), (15, 15), (9, 2), (40, 31)], ids=str)
@pytest.mark.parametrize("shape", [(700, 33), (33, 900), (300, 513)], ids=str)
def test_bands_and_tiles_leave_no_seams(shape, size, monkeypatch):
    monkeypatch.setattr(strategy, "BLOCK_CELLS", 2**12)
    monkeypatch.setattr(strategy, "BLOCK_ROWS", (8, 16))
    monkeypatch.setattr(strategy, "LEAST_COLUMNS", 16)
    monkeypatch.setattr(spectral, "costs", lambda: replace(costs(), tile={64: 5.0}))
    plane, kernel = plane_of(shape, np.float64), np.random.default_rng(1).normal(size=size)
    np.testing.assert_allclose(filter2d(plane, kernel), scipy_correlate(plane, kernel), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_bytes_are_the_same_for_any_number_of_threads(name, dtype, monkeypatch):
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    monkeypatch.setattr(strategies, "STRATEGIES", {name: STRATEGIES[name]})
    monkeypatch.setattr(strategy, "BLOCK_CELLS", 2**13)
    monkeypatch.setattr(blocks, "WORTH_A_THREAD", 1)
    kernel = np.outer(*np.random.default_rng(1).normal(size=(2, 7)))
    plane = plane_of((300, 400), dtype)
    one, two, three = (filter2d(plane, kernel, threads=threads).tobytes() for threads in (1, 2, 3))
    assert one == two == three


def test_all_threads_that_are_asked_for_take_part(monkeypatch):
    monkeypatch.setattr(strategy, "BLOCK_CELLS", 2**8)
    monkeypatch.setattr(blocks, "WORTH_A_THREAD", 1)
    plan = Plan.of((200, 200), np.dtype(np.float32), [[[1.0, 2.0]]])
    meeting = threading.Barrier(3, timeout=10)
    names = set()

    def task(_block, _workspace):
        if threading.current_thread().name not in names:
            names.add(threading.current_thread().name)
            meeting.wait()

    blocks.each_block(plan, task, threads=3)
    assert len(names) == 3


@pytest.mark.parametrize(("size", "kind"), [(3, "random"), (25, "outer"), (31, "random")])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_memory_is_the_result_and_a_few_blocks(size, kind, dtype):
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(size, size)) if kind == "random" else np.outer(*rng.normal(size=(2, size)))
    plane = plane_of((2000, 3000), dtype)
    tracemalloc.start()
    try:
        result = filter2d(plane, kernel, threads=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A thread has a handful of arrays of a block: cells, what lies between, scratch. No copy of the plane.
    working = 2 * 4 * 4 * strategy.BLOCK_CELLS
    assert peak < result.nbytes + working
    assert working < result.nbytes, "which a copy of the plane as floats would take"


def test_float32_tiles_stay_within_a_hundredth_of_a_grey_level():
    plane, kernel = plane_of((300, 400), np.uint8), np.random.default_rng(1).random((31, 31))
    kernel /= kernel.sum()
    np.testing.assert_allclose(filter2d(plane, kernel), scipy_correlate(plane, kernel), atol=0.01)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spreads_no_further_than_the_kernel_reaches(name, value, monkeypatch):
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    monkeypatch.setattr(strategies, "STRATEGIES", {name: STRATEGIES[name]})
    plane = plane_of((100, 100), np.float64)
    plane[50, 50] = value
    result = filter2d(plane, np.outer(*np.random.default_rng(1).random((2, 15))))
    assert not np.isfinite(result[43:58, 43:58]).any()
    assert np.isfinite(result).sum() == 100 * 100 - 15 * 15


def test_zero_kernel_gives_zeros():
    assert not filter2d(plane_of((5, 5), np.uint8), np.zeros((3, 3))).any()


def test_input_is_left_alone_and_need_not_be_contiguous():
    plane = plane_of((20, 30), np.float64)
    before = plane.copy()
    np.testing.assert_array_equal(
        filter2d(plane[::2, ::-3], [[1, 2]]), filter2d(plane[::2, ::-3].copy(), [[1, 2]])
    )
    np.testing.assert_array_equal(plane, before)


@pytest.mark.parametrize(
    ("plane", "kernel", "options", "error", "words"),
    [
        (np.zeros((4, 4, 3)), [[1]], {}, ShapeError, ["plane", "(4, 4, 3)"]),
        (np.zeros((0, 4)), [[1]], {}, ShapeError, ["plane", "(0, 4)"]),
        (np.zeros((4, 4)), [1, 2], {}, ShapeError, ["kernel", "(2,)"]),
        (np.zeros((4, 4)), np.zeros((0, 3)), {}, ShapeError, ["kernel", "(0, 3)"]),
        (np.zeros((4, 4)), [[np.nan]], {}, UsageError, ["finite"]),
        (np.zeros((4, 4)), [["a"]], {}, UsageError, ["real numbers"]),
        (np.zeros((4, 4), np.uint8), [[1, -1e39]], {}, UsageError, ["3.4e+38", "float32", "1e+39"]),
        (np.zeros((4, 4), complex), [[1]], {}, UsageError, ["real numbers", "complex128"]),
        (np.zeros((4, 4)), np.ones((5, 5)), {"padding": "valid"}, ShapeError, ["5 cells", "4 cells"]),
        (np.zeros((4, 4)), [[1]], {"padding": -1}, ShapeError, ["padding", "-1"]),
        (np.zeros((4, 4)), [[1]], {"padding": "half"}, ShapeError, ["padding", "half"]),
        (np.zeros((4, 4)), [[1]], {"stride": 0}, ShapeError, ["stride", "0"]),
        (np.zeros((4, 4)), [[1]], {"stride": 1.5}, ShapeError, ["stride", "1.5"]),
        (np.zeros((4, 4)), [[1]], {"dilation": 0}, ShapeError, ["dilation", "0"]),
        (np.zeros((4, 4)), [[1]], {"border": "reflct"}, UnknownNameError, ["'reflect'"]),
        (np.zeros((4, 4)), [[1]], {"op": "convolute"}, UnknownNameError, ["'convolve'"]),
        (np.zeros((4, 4)), [[1]], {"border": "constant", "fill": np.inf}, UsageError, ["fill", "inf"]),
        (np.zeros((4, 4)), [[1]], {"padding": 10**9}, ShapeError, ["2000000004", "pad"]),
    ],
)
def test_wrong_argument_is_refused_with_what_was_found(plane, kernel, options, error, words):
    with pytest.raises(error) as caught:
        filter2d(plane, kernel, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_output_that_does_not_fit_the_memory_is_a_clear_error(monkeypatch):
    def refuse(*_):
        raise MemoryError

    monkeypatch.setattr(np, "empty", refuse)
    with pytest.raises(ShapeError, match="4 × 5 does not fit the memory"):
        engine.allocated((4, 5), np.dtype(np.float32))


def test_complex_numbers_have_no_computing_dtype():
    with pytest.raises(UsageError, match="complex64"):
        computing_dtype(np.dtype(np.complex64))


def test_workspaces_are_kept_for_the_next_call_unless_they_are_large(monkeypatch):
    made = []

    def make():
        made.append(Workspace())
        return made[-1]

    monkeypatch.setattr(blocks, "WORKSPACES", FreeList(make, blocks.WORKSPACES.keeps))
    plane = np.ones((600, 600), np.float32)

    filter2d(plane, np.ones((3, 3)))
    filter2d(plane, np.eye(3))
    assert len(made) == 1

    monkeypatch.setattr(blocks, "KEPT_BYTES", 1000)
    filter2d(plane, np.eye(3))
    filter2d(plane, np.eye(3))
    assert len(made) == 2


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(
    ("size", "window"),
    [
        ((61, 45), {}),
        ((40, 7), {"stride": (3, 2)}),
        ((9, 90), {"dilation": (4, 1), "padding": "full"}),
        ((20, 20), {"padding": ((7, 0), (40, 2)), "op": "convolve"}),
    ],
    ids=str,
)
def test_axes_folded_to_matrices_give_what_direct_sums_give(border, size, window, monkeypatch):
    rng = np.random.default_rng(2)
    plane, kernel = (
        plane_of((33, 29), np.float64),
        np.outer(rng.normal(0, 1, size[0]), rng.normal(1, 1, size[1])),
    )
    results = []
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    for name, offer in [("folded", folded.offer), ("direct", direct.offer)]:
        monkeypatch.setattr(strategies, "STRATEGIES", {name: offer})
        monkeypatch.setattr(folded, "BLOCK_ROWS", (5, 8))
        monkeypatch.setattr(folded, "BLOCK_COLUMNS", 11)
        results.append(filter2d(plane, kernel, border=border, fill=0.7, **window))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "direct"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinities_spread_as_in_a_direct_sum(name, dtype, monkeypatch):
    rng = np.random.default_rng(3)
    plane = rng.normal(size=(90, 80)).astype(dtype)
    for value in (np.nan, np.inf, -np.inf, np.inf, -np.inf):
        plane[rng.integers(10, 90, 3), rng.integers(0, 80, 3)] = value
    row = rng.normal(size=9)
    row[3] = 0  # a weight of 0 sees nothing
    kernel = np.outer(rng.normal(size=11), row)
    results = []
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    for offer in (STRATEGIES[name], direct.offer):
        monkeypatch.setattr(strategies, "STRATEGIES", {"only": offer})
        results.append(filter2d(plane, kernel, border="constant", fill=2))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-4, atol=1e-5)
    assert 1000 < np.isfinite(results[0]).sum() < 90 * 80 - 1000


@pytest.mark.parametrize("name", STRATEGIES)
def test_floats_near_their_limit_overflow_where_their_sum_does(name, monkeypatch):
    plane = np.ones((40, 40), np.float32)
    plane[20, 20] = 3e38
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    monkeypatch.setattr(folded, "LEAST_SPAN", 1)
    monkeypatch.setattr(strategies, "STRATEGIES", {name: STRATEGIES[name]})
    result = filter2d(plane, np.full((5, 5), 2.0))
    assert np.isinf(result).sum() == 25
    assert np.isinf(result[18:23, 18:23]).all()


@pytest.mark.parametrize(
    ("shape", "size", "stride"),
    [((120, 160), 200, 1), ((64, 64), 512, 1), ((50, 50), 401, 7), ((3, 2000), 900, 1)],
)
def test_a_kernel_longer_than_the_plane_needs_no_padded_copy(shape, size, stride):
    plane, kernel = plane_of(shape, np.uint8), np.full((size, size), 1 / size**2)
    filter2d(plane, kernel, stride=stride)
    tracemalloc.start()
    try:
        filter2d(plane, kernel, stride=stride)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * kernel.nbytes + 24 * (plane.size + shape[0] ** 2 + shape[1] ** 2) + 2**20


def test_progress_adds_up_to_all(monkeypatch):
    monkeypatch.setattr(strategy, "BLOCK_CELLS", 2**8)
    plan = Plan.of((200, 200), np.dtype(np.float32), [[[1.0, 2.0]]])
    shares = []
    blocks.each_block(plan, lambda _block, _workspace: None, 2, shares.append)
    assert len(shares) > 10
    assert sum(shares) == pytest.approx(1)
