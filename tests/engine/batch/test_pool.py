"""Pooling and its gradients against slow loops, ties and overlaps by hand, and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.engine.batch import pool
from convcli.errors import ShapeError
from convcli.proof import reference

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
    window = pool.pool_window(size, stride)
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
