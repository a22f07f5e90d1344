"""Sums over many rows against float64: right for any shape, and wherever they are used."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.engine.batch import norm, pool
from convcli.engine.batch.conv import conv2d_backward
from convcli.engine.sums import column_products, column_sums, plane_sums, vector_norm
from convcli.engine.volumes import laid_out
from convcli.engine.workspace import Workspace
from convcli.nn.layers import BatchNorm, GlobalAvgPool
from convcli.nn.tape import Pass, Tape

SHAPES = [
    (0, 3),
    (1, 1),
    (63, 5),
    (64, 2),
    (65, 2),
    (513, 64),
    (1000, 100),
    (40, 3000),
    (3, 50, 70, 8),
    (200_000, 2),
]


def uniform(shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_in_float32_are_those_in_float64(shape):
    x, y = uniform(shape), uniform(shape, 1)
    wide = x.astype(np.float64)
    axes = tuple(range(len(shape) - 1))
    np.testing.assert_allclose(column_sums(x), wide.sum(axes), rtol=5e-7)
    np.testing.assert_allclose(column_products(x, y), (wide * y).sum(axes), rtol=5e-7)
    np.testing.assert_allclose(column_sums(wide), wide.sum(axes), rtol=1e-13)
    np.testing.assert_allclose(vector_norm(x.ravel()), np.sqrt((wide**2).sum()), rtol=3e-7)


def test_planes_are_summed_each_for_itself():
    x = uniform((3, 700, 5))
    np.testing.assert_allclose(plane_sums(x), x.sum(1, dtype=np.float64), rtol=3e-7)


def test_arrays_that_lie_otherwise_in_memory_are_summed_too():
    x = uniform((7, 300, 20)).transpose(1, 2, 0)
    np.testing.assert_allclose(column_sums(x), x.sum((0, 1), dtype=np.float64), rtol=3e-7)


def trained(x, dy, epsilon=1e-5):
    """Return what batch_norm makes of `x` and `dy` while training, and its gradients and running figures."""
    channels = x.shape[-1]
    layer = BatchNorm(momentum=0, epsilon=epsilon)
    weights = {name: np.full(channels, start, np.float32) for name, start in layer_start.items()}
    gradients = {name: np.zeros(channels, np.float32) for name in ("gamma", "beta")}
    tape = Tape(Pass(training=True), gradients=gradients)
    y = layer.forward(x, weights, tape)
    return y, layer.backward(dy.copy(), weights, tape), gradients, weights


layer_start = {"gamma": 1, "beta": 0, "mean": 0, "variance": 1}


@pytest.mark.parametrize(
    ("mean", "deviation", "tolerance"), [(0, 1, 3e-7), (3, 1, 3e-7), (100, 1, 3e-7), (1000, 0.1, 5e-6)]
)
def test_batch_norm_over_many_pixels_has_the_figures_of_float64(mean, deviation, tolerance):
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((16, 112, 112, 8), np.float32) * deviation + mean).astype(np.float32)
    dy = ((x - mean) / deviation + rng.random(x.shape, np.float32)).astype(np.float32)
    y, _, gradients, weights = trained(x, dy)
    rows, slopes = x.reshape(-1, 8).astype(np.float64), dy.reshape(-1, 8).astype(np.float64)
    normal = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5)
    np.testing.assert_allclose(weights["mean"], rows.mean(0), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(weights["variance"], rows.var(0, ddof=1), rtol=3e-7)
    np.testing.assert_allclose(gradients["gamma"], (slopes * normal).sum(0), rtol=tolerance)
    np.testing.assert_allclose(gradients["beta"], slopes.sum(0), rtol=3e-7)
    np.testing.assert_allclose(y.reshape(-1, 8), normal, atol=2e-5)


def test_batch_norm_is_as_right_as_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal((8, 64, 64, 4), np.float32) + 50 for _ in range(2))
    theirs = torch.nn.BatchNorm2d(4, momentum=1)
    leaf = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    made = theirs(leaf)
    made.backward(torch.tensor(np.moveaxis(dy, -1, 1).copy()))
    y, _, gradients, weights = trained(x, dy)
    rows, slopes = x.reshape(-1, 4).astype(np.float64), dy.reshape(-1, 4).astype(np.float64)
    normal = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5)
    pairs = [
        (y.reshape(-1, 4), np.moveaxis(made.detach().numpy(), 1, -1).reshape(-1, 4), normal),
        (gradients["gamma"], theirs.weight.grad.numpy(), (slopes * normal).sum(0)),
        (weights["variance"], theirs.running_var.numpy(), rows.var(0, ddof=1)),
    ]
    for ours, other, exact in pairs:
        assert np.abs(ours - exact).max() <= np.abs(other - exact).max() + 2e-7 * np.abs(exact).max()


def test_means_of_whole_planes_are_those_of_float64():
    x = uniform((2, 224, 224, 8)) + 1
    exact = x.mean((1, 2), dtype=np.float64)
    np.testing.assert_allclose(GlobalAvgPool().forward(x, {}, Tape()), exact, rtol=2e-7)
    np.testing.assert_allclose(pool.avg_pool2d(x, 224)[:, 0, 0], exact, rtol=1e-6)


def test_gradients_of_a_convolution_over_many_pixels_are_those_of_float64():
    x, w, dy = uniform((4, 130, 130, 2)), uniform((3, 3, 2, 4), 1), uniform((4, 128, 128, 4), 2)
    exact = conv2d_backward(*(array.astype(np.float64) for array in (dy, x, w)))
    for ours, right in zip(conv2d_backward(dy, x, w), exact, strict=True):
        np.testing.assert_allclose(ours, right, rtol=2e-6)
    np.testing.assert_allclose(conv2d_backward(dy, x, w)[2], exact[2], rtol=2e-7)


def test_the_norm_of_many_gradients_is_that_of_float64():
    x = uniform(5_000_000)
    assert vector_norm(x) == pytest.approx(np.sqrt(np.sum(x.astype(np.float64) ** 2)), rel=1e-7)
    assert vector_norm(np.zeros(0, np.float32)) == 0
    assert np.isnan(vector_norm(np.array([1, np.nan], np.float32)))


@pytest.mark.parametrize("mean", [0, 1, 30, 1000])
@pytest.mark.parametrize("shape", [(1, 3), (7, 5), (3, 40, 41, 8), (16, 5000), (70_000, 1)])
def test_squares_about_the_mean_are_those_of_float64(mean, shape):
    x = uniform(shape) + np.float32(mean)
    x[..., 0] = mean + 0.1  # no variance
    wide = x.reshape(-1, shape[-1]).astype(np.float64)
    means, squared = norm.squares(laid_out(x), Workspace())
    np.testing.assert_allclose(means, wide.mean(0), rtol=2e-7)
    np.testing.assert_allclose(squared, ((wide - wide.mean(0)) ** 2).sum(0), rtol=3e-6, atol=1e-9)


def test_figures_of_parts_are_those_of_the_whole():
    x = np.random.default_rng(0).normal([0, 5, 1e6], 1, (50, 3))
    parts = [x[:1], x[1:20], x[20:20], x[20:]]
    figures = [
        (np.full(3, float(len(part))), *(norm.squares(part, Workspace()) if len(part) else np.zeros((2, 3))))
        for part in parts
    ]
    mean, squared = norm.pooled(*(np.stack(column) for column in zip(*figures, strict=True)))
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(squared, ((x - x.mean(0)) ** 2).sum(0), rtol=1e-9)
