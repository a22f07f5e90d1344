"""NaN and infinity go where PyTorch lets them go, and no further: values and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from convcli import avg_pool2d, conv2d, conv2d_backward, max_pool2d, max_pool2d_backward
from convcli.nn.layers import Conv, MaxPool
from convcli.nn.network import Network
from convcli.nn.tape import Tape
from convcli.nn.weights import NetworkWeights
from nn.cases import ACTIVATED, activated, activation_of

NAN, INF = float("nan"), float("inf")
same = np.testing.assert_array_equal  # NaN equals NaN here


def derived(option, da, z):
    a, dz, tape = np.array(z, np.float32), np.array(da, np.float32), Tape()
    with np.errstate(invalid="ignore"):
        activation_of(option).apply(a, a, tape)
        activation_of(option).derive(dz, tape)
    return a, dz


def test_relu_of_nan_is_nan_and_passes_its_gradient():
    a, dz = derived("relu", [5, NAN, INF, NAN, 7], [NAN, -1, 0, 1, INF])
    same(a, [NAN, 0, 0, 1, INF])
    same(dz, [5, 0, 0, NAN, 7])


@pytest.mark.parametrize("label", [label for label in ACTIVATED if label != "softmax"])
def test_activations_pass_nan_as_pytorch_does(label):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    option = ACTIVATED[label]
    z, da = (part.ravel() for part in np.meshgrid([NAN, -INF, -1, 0, 1, INF], [NAN, -INF, -2, 0, 2, INF]))
    leaf = torch.tensor(z, dtype=torch.float64, requires_grad=True)  # its gelu of ∞ in float32 is NaN
    a = activated(torch, activation_of(option), leaf)
    a.backward(torch.tensor(da, dtype=torch.float64))
    ours = derived(option, da, z)
    looked_up = 1e-6 if activation_of(option).name() in ("silu", "gelu") else 0  # as `Piecewise` says
    np.testing.assert_allclose(ours[0], a.detach().numpy(), rtol=1e-6, atol=looked_up)
    np.testing.assert_allclose(ours[1], leaf.grad.numpy(), rtol=1e-6, atol=2 * looked_up)  # dA is up to 2


POOLS = {"touching": (2, 2), "overlapping": (2, 1), "large": (3, 2), "rectangle": ((1, 3), (1, 3))}


@pytest.mark.parametrize(("size", "stride"), POOLS.values(), ids=POOLS.keys())
@pytest.mark.parametrize("seed", range(3))
def test_max_pool_sends_the_gradient_to_nan_as_pytorch_does(size, stride, seed):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, 6, 7, 3)).astype(np.float32)
    x[rng.random(x.shape) < 0.15] = NAN
    x[rng.random(x.shape) < 0.05] = -INF
    leaf = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)
    theirs = torch.nn.functional.max_pool2d(leaf, size, stride)
    dy = rng.standard_normal((2, *theirs.shape[2:], 3)).astype(np.float32)
    theirs.backward(torch.tensor(np.moveaxis(dy, -1, 1).copy()))
    same(max_pool2d(x, size, stride), np.moveaxis(theirs.detach().numpy(), 1, -1))
    dx = max_pool2d_backward(dy, x, size, stride)
    np.testing.assert_allclose(dx, np.moveaxis(leaf.grad.numpy(), 1, -1), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_gradient_that_is_no_number_goes_to_its_maximum_alone(bad):
    dy = np.array([[bad, 1.0]]).reshape(1, 1, 2, 1)
    dx = max_pool2d_backward(dy, np.arange(8.0).reshape(1, 2, 4, 1), 2)
    same(dx[0, :, :, 0], [[0, 0, 0, 0], [0, bad, 0, 1]])


def test_the_last_of_several_nan_has_the_gradient():
    x = np.array([[1, NAN], [NAN, 2]]).reshape(1, 2, 2, 1)
    same(max_pool2d_backward(np.ones((1, 1, 1, 1)), x, 2).ravel(), [0, 0, 1, 0])


@pytest.mark.parametrize("size", [2, 7])
def test_a_mean_is_nan_where_its_window_holds_nan(size):
    x = np.ones((1, 14, 14, 1), np.float32)
    x[0, 3, 5, 0] = NAN
    assert np.argwhere(np.isnan(avg_pool2d(x, size)[0, :, :, 0])).tolist() == [[3 // size, 5 // size]]


CONVOLUTIONS = {
    "columns": ((1, 9, 9, 2), 3, {}),
    "many channels": ((1, 8, 8, 16), 4, {"padding": "same"}),
    "Winograd": ((1, 10, 10, 32), 32, {"padding": "same"}),
    "stride": ((1, 9, 9, 32), 32, {"stride": 2}),
}


@pytest.mark.parametrize(("shape", "filters", "options"), CONVOLUTIONS.values(), ids=CONVOLUTIONS.keys())
@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_convolution_spreads_nan_no_further_than_its_windows(shape, filters, options, bad):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    rng = np.random.default_rng(0)
    x, w = (
        rng.standard_normal(shape).astype(np.float32),
        rng.random((3, 3, shape[3], filters)).astype(np.float32),
    )
    x[0, 4, 5, 0] = bad
    with np.errstate(invalid="ignore"):
        y = conv2d(x, w, **options)
        dy = rng.standard_normal(y.shape).astype(np.float32)
        dy[0, 2, 1, 0] = bad
        ours = (y, *conv2d_backward(dy, x, w, **options))
    leaves = [
        torch.tensor(a.copy(), requires_grad=True) for a in (x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1))
    ]
    made = torch.nn.functional.conv2d(
        leaves[0], leaves[1], stride=options.get("stride", 1), padding=options.get("padding", "valid")
    )
    made.backward(torch.tensor(dy.transpose(0, 3, 1, 2).copy()))
    theirs = (
        made.detach().numpy().transpose(0, 2, 3, 1),
        leaves[0].grad.numpy().transpose(0, 2, 3, 1),
        leaves[1].grad.numpy().transpose(2, 3, 1, 0),
    )
    for one, other in zip(ours, theirs, strict=False):
        same(np.isfinite(one), np.isfinite(other))


def test_a_pool_and_its_convolution_as_one_send_the_gradient_to_nan():
    network = Network([Conv(filters=2, kernel=1, activation="relu"), MaxPool()], (4, 4, 1))
    weights = NetworkWeights.initial(network, np.random.default_rng(0), np.float64)
    weights.arrays.inner[0]["W"][:] = 1
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    x[0, 0, 0, 0] = NAN
    tape = network.tape()
    tape.add_to(network.trained.views(np.zeros_like(weights.trained)))
    tape.current.training = tape.input_gradient = True
    assert len(network.sequence.steps) == 1
    y = network.forward(x, weights, tape)
    same(np.isnan(y[0, :, :, 0]), [[True, False], [False, False]])
    dx = network.backward(np.ones_like(y), weights, tape)
    same(dx[0, :, :, 0], [[2, 0, 0, 0], [0, 0, 0, 2], [0, 0, 0, 0], [0, 2, 0, 2]])
