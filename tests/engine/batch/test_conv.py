"""conv2d and its gradients against slow loops in float64 and against PyTorch in float32."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from convcli.engine.batch.conv import conv2d, conv2d_backward
from convcli.engine.batch.strategies import STRATEGIES, columns, depthwise, winograd
from convcli.engine.batch.strategy import Task
from convcli.engine.volumes import batch, cells, laid_out
from convcli.engine.workspace import Workspace
from convcli.errors import ShapeError
from convcli.proof import reference
from convcli.shapes import Window


class Case(NamedTuple):
    x: tuple[int, int, int, int]
    w: tuple[int, int, int, int]
    options: dict = {}  # noqa: RUF012


CASES = {
    "one window": Case((1, 3, 3, 1), (3, 3, 1, 1)),
    "valid": Case((2, 6, 6, 1), (3, 3, 1, 2)),
    "one by one": Case((2, 4, 5, 3), (1, 1, 3, 4)),
    "one by one, stride 2": Case((2, 5, 5, 3), (1, 1, 3, 4), {"stride": 2}),
    "same": Case((2, 5, 7, 3), (3, 3, 3, 4), {"padding": "same"}),
    "same, even kernel": Case((1, 6, 5, 2), (2, 4, 2, 3), {"padding": "same"}),
    "full": Case((2, 4, 5, 2), (3, 2, 2, 3), {"padding": "full"}),
    "integer padding": Case((1, 6, 6, 2), (3, 3, 2, 2), {"padding": 1}),
    "padding beyond the kernel": Case((1, 4, 4, 2), (2, 2, 2, 2), {"padding": 3}),
    "asymmetric padding": Case((2, 5, 6, 2), (3, 3, 2, 2), {"padding": ((0, 2), (1, 0))}),
    "padding per axis": Case((1, 5, 6, 1), (3, 3, 1, 2), {"padding": (0, 2)}),
    "stride 2": Case((2, 7, 7, 2), (3, 3, 2, 3), {"stride": 2}),
    "stride 2 with remainder": Case((2, 8, 6, 2), (3, 3, 2, 3), {"stride": 2, "padding": 0}),
    "stride 2 with remainder, same": Case((1, 8, 7, 2), (3, 3, 2, 3), {"stride": (2, 3), "padding": "same"}),
    "stride beyond the kernel": Case((1, 9, 9, 2), (2, 2, 2, 2), {"stride": 4}),
    "dilation 2": Case((2, 8, 8, 2), (3, 3, 2, 2), {"dilation": 2}),
    "dilation, same": Case((1, 7, 8, 2), (3, 2, 2, 2), {"dilation": (1, 3), "padding": "same"}),
    "dilation and stride": Case((1, 9, 9, 2), (3, 3, 2, 2), {"dilation": 2, "stride": 2, "padding": 1}),
    "rectangular kernel": Case((2, 5, 9, 2), (1, 5, 2, 3), {"padding": "same"}),
    "two groups": Case((2, 5, 5, 4), (3, 3, 2, 6), {"groups": 2, "padding": "same"}),
    "two groups, stride 2": Case((2, 6, 5, 4), (3, 3, 2, 6), {"groups": 2, "stride": 2}),
    "depthwise": Case((2, 5, 6, 3), (3, 3, 1, 3), {"groups": 3, "padding": "same"}),
    "depthwise with multiplier": Case((1, 6, 6, 3), (3, 3, 1, 6), {"groups": 3, "stride": 2, "padding": 1}),
    "many channels": Case((2, 4, 4, 20), (3, 3, 20, 8), {"padding": "same"}),
    "many channels, groups, dilation": Case(
        (1, 7, 7, 40), (3, 3, 20, 4), {"groups": 2, "dilation": 2, "padding": "same"}
    ),
    "3×3, channels enough for Winograd": Case((2, 6, 8, 32), (3, 3, 32, 34), {"padding": "same"}),
    "3×3, many channels, odd plane": Case((3, 5, 7, 33), (3, 3, 33, 32), {"padding": "same"}),
    "3×3, many channels, valid": Case((2, 7, 4, 32), (3, 3, 32, 32)),
    "3×3, many channels, one output": Case((2, 3, 3, 32), (3, 3, 32, 32)),
    "3×3, many channels, full": Case((1, 4, 5, 32), (3, 3, 32, 36), {"padding": "full"}),
    "3×3, many channels, asymmetric": Case((2, 6, 5, 32), (3, 3, 32, 32), {"padding": ((2, 0), (0, 1))}),
    "3×3, many channels, one side of a plane": Case((2, 1, 9, 32), (3, 3, 32, 32), {"padding": 2}),
    "3×3, many channels, padding beyond the kernel": Case((1, 3, 2, 32), (3, 3, 32, 32), {"padding": 7}),
    "3×3, few channels": Case((3, 9, 8, 20), (3, 3, 20, 40), {"padding": "same"}),
    "kernel as large as the padded plane": Case((1, 3, 3, 2), (5, 5, 2, 2), {"padding": 1}),
}


def arrays(case, dtype):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in (case.x, case.w))
    b = rng.standard_normal(case.w[3]).astype(dtype)
    dy = rng.standard_normal(conv2d(x, w, b, **case.options).shape).astype(dtype)
    return x, w, b, dy


def window_of(case):
    options = {name: value for name, value in case.options.items() if name != "groups"}
    return Window.of(case.w[:2], **options), case.options.get("groups", 1)


@pytest.mark.parametrize(
    "band_bytes", [columns.BAND_BYTES, 2000, 1], ids=["whole", "small bands", "row by row"]
)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_agrees_with_slow_loops(case, band_bytes, monkeypatch):
    for module in (columns, depthwise, winograd):
        monkeypatch.setattr(module, "BAND_BYTES", band_bytes)
    x, w, b, dy = arrays(case, np.float64)
    window, groups = window_of(case)
    np.testing.assert_allclose(
        conv2d(x, w, b, **case.options), reference.conv2d(x, w, b, window, groups), rtol=1e-12, atol=1e-12
    )
    for ours, slow in zip(
        conv2d_backward(dy, x, w, **case.options),
        reference.conv2d_backward(dy, x, w, window, groups),
        strict=True,
    ):
        np.testing.assert_allclose(ours, slow, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_agrees_with_slow_loops_wherever_it_is_offered(name):
    taken = 0
    for case in CASES.values():
        x, w, b, dy = arrays(case, np.float64)
        window, groups = window_of(case)
        strategy = STRATEGIES[name](Task(x.shape[1:], w.shape[3], window, groups))
        if strategy is None:
            continue
        taken += 1
        z, dw = cells(laid_out(np.empty(dy.shape))), np.zeros(w.shape)
        strategy.forward(cells(laid_out(x)), strategy.prepared(w, Workspace()), b, z, Workspace())
        np.testing.assert_allclose(
            batch(z), reference.conv2d(x, w, b, window, groups), rtol=1e-12, atol=1e-12
        )
        strategy.weight_gradient(cells(laid_out(dy)), cells(laid_out(x)), dw, Workspace())
        slow = reference.conv2d_backward(dy, x, w, window, groups)[1]
        np.testing.assert_allclose(dw, slow, rtol=1e-12, atol=1e-12)
    assert taken, "it needs a case above"


def relative(ours, theirs):
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_agrees_with_pytorch_in_float32(case):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    x, w, b, dy = arrays(case, np.float32)
    window, groups = window_of(case)
    (top, bottom), (left, right) = window.padding
    leaves = [
        torch.tensor(a, requires_grad=True) for a in (x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1), b)
    ]
    padded = torch.nn.functional.pad(leaves[0], (left, right, top, bottom))
    y = torch.nn.functional.conv2d(
        padded, leaves[1], leaves[2], stride=window.stride, dilation=window.dilation, groups=groups
    )
    y.backward(torch.tensor(dy.transpose(0, 3, 1, 2).copy()))
    ours = conv2d(x, w, b, **case.options)
    assert ours.dtype == np.float32
    assert relative(ours.transpose(0, 3, 1, 2), y.detach().numpy()) < 1e-5
    dx, dw, db = conv2d_backward(dy, x, w, **case.options)
    assert relative(dx.transpose(0, 3, 1, 2), leaves[0].grad.numpy()) < 1e-5
    assert relative(dw.transpose(3, 2, 0, 1), leaves[1].grad.numpy()) < 1e-5
    assert relative(db, leaves[2].grad.numpy()) < 1e-5


@pytest.mark.parametrize(("size", "channels"), [(28, 24), (15, 64), (7, 128), (8, 512)])
def test_winograd_in_float32_is_right_to_three_millionths(size, channels):
    """Against float64, with what networks convolve: numbers of one sign, so that much cancels."""
    rng = np.random.default_rng(0)
    task = Task((size, size, channels), channels, Window.of(3, padding="same"))
    x, dy = np.abs(rng.standard_normal((2, size, size, 2, channels)).astype(np.float32))
    w = rng.standard_normal((3, 3, channels, channels)).astype(np.float32)
    ours, right = {}, {}
    for results, strategy, dtype in (
        (ours, winograd.offer(task), "f4"),
        (right, columns.Columns(task), "f8"),
    ):
        results["y"], results["dw"] = np.empty(dy.shape, dtype), np.zeros(w.shape, dtype)
        kernels = strategy.prepared(w.astype(dtype), Workspace())
        strategy.forward(x.astype(dtype), kernels, None, results["y"], Workspace())
        strategy.weight_gradient(dy.astype(dtype), x.astype(dtype), results["dw"], Workspace())
    for name, values in right.items():
        assert relative(ours[name], values) < 3e-6


def test_winograd_s_points_give_the_transforms_that_it_is_known_by():
    """F(2×2, 3×3) as Lavin and Gray print it, but for signs and factors that cancel."""
    to_output, g, from_input = winograd._transforms((0, 1, -1), 2)
    np.testing.assert_array_equal(to_output, [[1, 1, 1, 0], [0, 1, -1, 1]])
    np.testing.assert_array_equal(g, [[-1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    np.testing.assert_array_equal(from_input, [[-1, 0, 1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]])


def test_input_gradient_is_the_full_convolution_of_the_dilated_gradient():
    """The contract's own wording, with np.pad and a loop: dilate by the stride, add the remainder, crop."""
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((1, 8, 7, 2)), rng.standard_normal((3, 3, 2, 4))
    stride, p = 2, 1
    dy = rng.standard_normal(conv2d(x, w, stride=stride, padding=p).shape)
    dilated = np.zeros((1, (dy.shape[1] - 1) * stride + 1, (dy.shape[2] - 1) * stride + 1, 4))
    dilated[:, ::stride, ::stride] = dy
    remainder = [(n + 2 * p - 3) % stride for n in (8, 7)]
    dilated = np.pad(dilated, ((0, 0), (0, remainder[0]), (0, remainder[1]), (0, 0)))
    rotated = w[::-1, ::-1].swapaxes(2, 3)
    full = conv2d(dilated, rotated, padding="full")
    dx, _, _ = conv2d_backward(dy, x, w, stride=stride, padding=p)
    np.testing.assert_allclose(dx, full[:, p:-p, p:-p], atol=1e-12)


def test_kernel_is_not_flipped():
    x = np.zeros((1, 3, 3, 1))
    x[0, 0, 0, 0] = 1
    kernel = np.arange(9.0).reshape(3, 3, 1, 1)
    assert conv2d(x, kernel)[0, 0, 0, 0] == kernel[0, 0, 0, 0]


def test_integers_become_floats():
    y = conv2d(np.ones((1, 3, 3, 1), np.uint8), np.ones((2, 2, 1, 1), np.int64))
    assert y.dtype.kind == "f"
    assert (y == 4).all()


@pytest.mark.parametrize(("c_in", "c_out"), [(2, 4), (32, 40)])
def test_an_empty_batch_gives_an_empty_result(c_in, c_out):
    x, w = np.zeros((0, 5, 5, c_in)), np.zeros((3, 3, c_in, c_out))
    assert conv2d(x, w).shape == (0, 3, 3, c_out)
    dx, dw, db = conv2d_backward(np.zeros((0, 3, 3, c_out)), x, w)
    assert (dx.shape, db.shape) == ((0, 5, 5, c_in), (c_out,))
    np.testing.assert_array_equal(dw, np.zeros(w.shape))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((3, 3))}, r"x must be \(n, h, w, c_in\), not \(3, 3\)"),
        ({"w": np.ones((3, 3))}, r"w must be \(f_h, f_w"),
        ({"w": np.ones((3, 3, 3, 2))}, "2 channels does not fit w"),
        ({"groups": 3}, "groups must divide"),
        ({"b": np.ones(3)}, r"b must have shape \(2,\)"),
        ({"stride": 0}, "stride must be at least 1"),
        ({"padding": -1}, "padding must be at least 0"),
        ({"padding": "smae"}, "padding must be valid, same, full"),
        ({"dilation": 3}, "spanning 7 cells does not fit 4 cells"),
    ],
)
def test_a_mistake_is_named(change, message):
    call = {"x": np.ones((1, 4, 4, 2)), "w": np.ones((3, 3, 2, 2)), "b": None} | change
    with pytest.raises(ShapeError, match=message):
        conv2d(call.pop("x"), call.pop("w"), call.pop("b"), **call)


def test_a_gradient_of_the_wrong_shape_is_named():
    with pytest.raises(ShapeError, match=r"dy must have the output's shape \(1, 2, 2, 1\)"):
        conv2d_backward(np.ones((1, 3, 3, 1)), np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 1)))
