"""Pooling and its gradients against slow loops, ties and overlaps by hand, and PyTorch."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import pytest

from convcli.engine.batch import pool
from convcli.errors import ShapeError
from convcli.proof import reference
from convcli.shapes.pooling import AdaptiveWindow, PoolWindow

CASES = {
    "touching": ((2, 6, 4, 3), 2, None),
    "with remainder": ((2, 7, 5, 2), 2, None),
    "overlapping": ((1, 7, 7, 2), 3, 2),
    "overlapping, stride 1": ((1, 5, 6, 2), 2, 1),
    "gaps": ((1, 8, 8, 1), 2, 3),
    "rectangular": ((2, 6, 8, 2), (2, 3), (1, 2)),
    "whole plane": ((2, 4, 3, 2), (4, 3), None),
    "large window": ((1, 20, 20, 1), 17, 1),
}


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(("shape", "size", "stride"), CASES.values(), ids=CASES.keys())
def test_agrees_with_slow_loops(kind, shape, size, stride):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, shape).astype(float)  # few values, so that many windows tie
    window = PoolWindow.of(size, stride=stride)
    y = getattr(pool, f"{kind}_pool2d")(x, size, stride)
    np.testing.assert_allclose(y, getattr(reference, f"{kind}_pool2d")(x, window))
    dy = rng.standard_normal(y.shape)
    dx = getattr(pool, f"{kind}_pool2d_backward")(dy, x, size, stride)
    np.testing.assert_allclose(dx, getattr(reference, f"{kind}_pool2d_backward")(dy, x, window), atol=1e-14)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(("shape", "size", "stride"), CASES.values(), ids=CASES.keys())
def test_agrees_with_pytorch(kind, shape, size, stride):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(np.float32)
    leaf = torch.tensor(x.transpose(0, 3, 1, 2).copy(), requires_grad=True)
    theirs = getattr(torch.nn.functional, f"{kind}_pool2d")(leaf, size, stride)
    ours = getattr(pool, f"{kind}_pool2d")(x, size, stride)
    np.testing.assert_allclose(ours.transpose(0, 3, 1, 2), theirs.detach().numpy(), rtol=1e-5, atol=1e-6)
    dy = rng.standard_normal(ours.shape).astype(np.float32)
    theirs.backward(torch.tensor(dy.transpose(0, 3, 1, 2).copy()))
    dx = getattr(pool, f"{kind}_pool2d_backward")(dy, x, size, stride)
    np.testing.assert_allclose(dx.transpose(0, 3, 1, 2), leaf.grad.numpy(), rtol=1e-5, atol=1e-6)


SIZES, STRIDES, PADDINGS = (1, 2, 3, (2, 3), 5), (None, 1, 2, (1, 3)), (0, 1, (1, 0), 2)
PLANES = ((3, 4), (6, 7), (9, 8))


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for arrays as small as these, several wait for each other
    yield torch
    torch.set_num_threads(threads)


def channels_first(torch, array):
    return torch.tensor(np.ascontiguousarray(np.moveaxis(array, -1, 1)), requires_grad=True)


def assert_equals_pytorch(torch, kind, x, *arguments, **options):
    """Assert that a pool and its gradient are PyTorch's, or that both refuse the window as too large."""
    ours, backward = (getattr(pool, f"{kind}_pool2d{way}") for way in ("", "_backward"))
    leaf = channels_first(torch, x)
    theirs = partial(getattr(torch.nn.functional, f"{kind}_pool2d"), leaf, *arguments, **options)
    try:
        y = ours(x, *arguments, **options)
    except ShapeError:
        with pytest.raises(RuntimeError, match="Output size is too small"):
            theirs()
        return
    theirs = theirs()
    dy = np.random.default_rng(1).standard_normal(y.shape)
    theirs.backward(torch.tensor(np.ascontiguousarray(np.moveaxis(dy, -1, 1))))
    close = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-12, err_msg=f"{arguments} {options}")
    close(np.moveaxis(y, -1, 1), theirs.detach().numpy())
    close(np.moveaxis(backward(dy, x, *arguments, **options), -1, 1), leaf.grad.numpy())


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("plane", PLANES, ids=str)
def test_every_combination_of_options_is_pytorchs(torch, plane, ceil_mode):
    rng = np.random.default_rng(0)
    few, any_ = rng.integers(0, 4, (1, *plane, 2)).astype(float), rng.standard_normal((1, *plane, 2))
    few[rng.random(few.shape) < 0.05] = np.nan
    for size, stride, padding in product(SIZES, STRIDES, PADDINGS):
        most = min(size) if isinstance(size, tuple) else size
        if 2 * (max(padding) if isinstance(padding, tuple) else padding) > most:
            continue  # which PyTorch refuses, whatever the window holds
        options = {"padding": padding, "ceil_mode": ceil_mode}
        for dilation in (1, 2):
            assert_equals_pytorch(torch, "max", few, size, stride, dilation=dilation, **options)
        for counted in (True, False):
            assert_equals_pytorch(torch, "avg", any_, size, stride, count_include_pad=counted, **options)


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_adaptive_pools_are_pytorchs(torch, kind):
    rng = np.random.default_rng(0)
    for plane, output in product([(1, 1), (4, 12), (5, 7), (9, 8)], product((1, 2, 3, 4, 6), repeat=2)):
        x = rng.integers(0, 4, (2, *plane, 2)).astype(float)
        x[rng.random(x.shape) < 0.05] = np.nan
        assert_equals_pytorch(torch, f"adaptive_{kind}", x, output)


PADDED = {
    "padding": ({"padding": 1}, (1, 5, 6, 2)),
    "padding per side": ({"padding": ((0, 2), (1, 0))}, (1, 5, 6, 2)),
    "more than half of the window": ({"padding": 2}, (1, 5, 4, 2)),
    "same": ({"padding": "same", "stride": 1}, (1, 4, 5, 2)),
    "full": ({"padding": "full", "stride": 2}, (1, 4, 5, 2)),
    "dilation": ({"dilation": (2, 1), "stride": 1, "padding": "same"}, (1, 5, 6, 2)),
    "rounded up": ({"ceil_mode": True, "stride": 2}, (1, 6, 6, 2)),
    "rounded up, on top of padding": ({"ceil_mode": True, "padding": ((0, 1), (1, 1))}, (1, 4, 5, 2)),
}


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(("options", "shape"), PADDED.values(), ids=PADDED.keys())
def test_options_that_pytorch_lacks_agree_with_slow_loops(options, shape, counted):
    rng = np.random.default_rng(0)
    x, window = rng.integers(0, 4, shape).astype(float), PoolWindow.of(3, **options)
    for kind, own in (("max", {}), ("avg", {"count_include_pad": counted})):
        y = getattr(pool, f"{kind}_pool2d")(x, 3, **options, **own)
        np.testing.assert_allclose(y, getattr(reference, f"{kind}_pool2d")(x, window, **own))
        dy = rng.standard_normal(y.shape)
        dx = getattr(pool, f"{kind}_pool2d_backward")(dy, x, 3, **options, **own)
        slow = getattr(reference, f"{kind}_pool2d_backward")(dy, x, window, **own)
        np.testing.assert_allclose(dx, slow, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.bool_, np.float16, np.float32])
def test_padding_is_below_every_number_of_any_dtype(dtype):
    least = np.iinfo(dtype).min if np.dtype(dtype).kind in "iu" else -np.inf if dtype != np.bool_ else False
    x = np.full((1, 3, 3, 1), least, dtype)
    y = pool.max_pool2d(x, 3, 2, padding=1)
    assert y.dtype == dtype
    assert (y == x[:, :2, :2]).all()
    assert pool.max_pool2d_backward(np.ones((1, 2, 2, 1)), x, 3, 2, padding=1).sum() == 4


def test_a_mean_counts_padding_or_not_and_never_what_hangs_over():
    x = np.ones((1, 1, 4, 1))
    options = {"padding": (0, 1), "ceil_mode": True}  # 0 1 1 | 1 1 0 of which the last is padding
    assert pool.avg_pool2d(x, (1, 3), **options).ravel().tolist() == pytest.approx([2 / 3, 2 / 3])
    shares = pool.avg_pool2d(x, (1, 3), **options, count_include_pad=False)
    assert shares.ravel().tolist() == [1, 1]
    assert pool.avg_pool2d(x, (1, 3), ceil_mode=True).ravel().tolist() == [1, 1]


WRONG = {
    "the first window": (
        {"size": 2, "padding": 2},
        "The first window along the rows would lie on padding alone",
    ),
    "the last window": ({"size": 2, "padding": ((0, 0), (0, 3))}, "The last window along the columns"),
    "steps over all": ({"size": 2, "dilation": 6, "padding": 3}, "A dilation of 6 steps over all 5 cells"),
    "far too large": (
        {"size": 10**9, "padding": 5 * 10**8},
        "A window of 1,000,000,000 is too large",
    ),
    "no padding": ({"size": 2, "padding": "some"}, "padding must be valid, same, full"),
}


@pytest.mark.parametrize(("options", "words"), WRONG.values(), ids=WRONG.keys())
def test_windows_of_nothing_are_refused(options, words):
    x = np.ones((1, 5, 5, 1))
    for function in (pool.max_pool2d, pool.avg_pool2d):
        with pytest.raises(ShapeError, match=words):
            function(x, **options)


def test_adaptive_windows_cover_the_plane_and_overlap_where_they_must():
    assert AdaptiveWindow.of(3).spans(0, 7) == [(0, 3), (2, 5), (4, 7)]
    assert AdaptiveWindow.of(4).spans(0, 2) == [(0, 1), (0, 1), (1, 2), (1, 2)]
    with pytest.raises(ShapeError, match="200,000,000 is too large for 4 cells"):
        pool.adaptive_max_pool2d(np.ones((1, 4, 4, 1)), (200_000_000, 1))
    with pytest.raises(ShapeError, match="output_size must be at least 1"):
        pool.adaptive_avg_pool2d(np.ones((1, 4, 4, 1)), 0)


def test_a_tie_goes_to_the_first_in_row_order():
    dx = pool.max_pool2d_backward(np.full((1, 1, 1, 1), 5.0), np.full((1, 2, 2, 1), 7.0), 2)
    assert dx[0, :, :, 0].tolist() == [[5, 0], [0, 0]]


def test_overlapping_windows_add_up():
    x = np.zeros((1, 3, 3, 1))
    x[0, 1, 1, 0] = 1
    dx = pool.max_pool2d_backward(np.ones((1, 2, 2, 1)), x, 2, 1)
    assert dx[0, :, :, 0].tolist() == [[0, 0, 0], [0, 4, 0], [0, 0, 0]]


def test_rows_that_fill_no_window_get_no_gradient():
    dx = pool.max_pool2d_backward(np.ones((1, 1, 1, 1)), np.ones((1, 3, 3, 1)), 2)
    assert dx[0, 2].tolist() == [[0], [0], [0]]
    assert dx[0, :, 2].tolist() == [[0], [0], [0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    x = np.ones((1, 4, 4, 1), dtype)
    assert pool.max_pool2d(x, 2).dtype == pool.avg_pool2d(x, 2).dtype == dtype


def test_mistakes_are_named():
    with pytest.raises(ShapeError, match="spanning 5 cells does not fit 4 cells"):
        pool.max_pool2d(np.ones((1, 4, 4, 1)), 5)
    with pytest.raises(ShapeError, match=r"x must be \(n, h, w, c\)"):
        pool.avg_pool2d(np.ones((4, 4)), 2)
    with pytest.raises(ShapeError, match=r"dy must have the output's shape \(1, 2, 2, 1\)"):
        pool.avg_pool2d_backward(np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1)), 2)
