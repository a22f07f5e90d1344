"""What docs/conventions.md says of this program and of others, where no other test does."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

import stripes
from convcli import conv2d, filter2d
from convcli.nn.activations import ACTIVATIONS
from convcli.nn.layers import BatchNorm, Conv
from convcli.nn.optimizers import SGD, Adam, RMSProp
from convcli.nn.tape import Pass, Tape

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "conventions.md").read_text("utf-8")


def rows():
    """Return the cells of each line of the page's tables."""
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("what", "") and not set(row[0]) <= {"-", ":"}]


def test_every_convention_has_a_test_that_there_is():
    assert len(rows()) > 25
    for row in rows():
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", row[-1])
        assert named, f"no test beside {row[0]!r}"
        for file, test in named:
            source = (ROOT / "tests" / file).read_text("utf-8")
            assert re.search(rf"^def {test}\(", source, re.MULTILINE), f"{file}::{test}"


def running_variance(rows_, momentum=0.0):
    weights = {"gamma": np.ones(1), "beta": np.zeros(1), "mean": np.zeros(1), "variance": np.ones(1)}
    tape = Tape(Pass(training=True))
    y = BatchNorm(momentum=momentum).forward(rows_, weights, tape)
    return y.copy(), float(weights["variance"][0])


def test_batch_norm_normalises_by_the_biased_variance_and_remembers_the_unbiased():
    x = np.array([[1.0], [2.0], [6.0]])
    y, remembered = running_variance(x)
    np.testing.assert_allclose(y.var(), x.var() / (x.var() + 1e-5))
    assert remembered == pytest.approx(x.var(ddof=1))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # its own
def test_keras_remembers_the_biased_variance(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="not in an extra")
    x = np.array([[1.0], [2.0], [6.0]], np.float32)
    layer = keras.layers.BatchNormalization(momentum=0.0)
    layer(x, training=True)
    assert float(layer.moving_variance.numpy()[0]) == pytest.approx(x.var())
    assert running_variance(x.astype(np.float64))[1] == pytest.approx(x.var() * 3 / 2)


def test_momentum_is_what_stays():
    """0.9 here is 0.9 of Keras and ONNX, and 0.1 of PyTorch."""
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    x = np.array([[1.0], [2.0], [6.0]])
    _, remembered = running_variance(x, momentum=0.9)
    assert remembered == pytest.approx(0.9 * 1 + 0.1 * 7)
    layer = torch.nn.BatchNorm1d(1, momentum=0.1, dtype=torch.float64)
    layer(torch.tensor(x))
    assert remembered == pytest.approx(layer.running_var.item())


def norm_of_a_step(clip):
    """Return how far one step of gradient descent at rate 1 moves the weights."""
    training = stripes.training(
        optimizer={"type": "sgd", "learning_rate": 1.0}, clip_norm=clip, epochs=1, batch_size=90
    )
    before = training.model.weights.trained.copy()
    next(training.run())
    return float(np.linalg.norm(training.model.weights.trained - before))


def test_clip_norm_scales_the_whole_gradient_to_that_norm_exactly():
    whole = norm_of_a_step(None)
    assert norm_of_a_step(whole / 4) == pytest.approx(whole / 4, rel=1e-5)
    assert norm_of_a_step(2 * whole) == pytest.approx(whole, rel=1e-6)


def test_pytorchs_clip_norm_stays_a_millionth_below():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    parameter = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    parameter.grad = torch.tensor([3e-3, 4e-3], dtype=torch.float64)
    torch.nn.utils.clip_grad_norm_([parameter], 1e-3)
    assert float(parameter.grad.norm()) == pytest.approx(1e-3 * 5e-3 / (5e-3 + 1e-6), rel=1e-9)


def one_step(optimizer, gradient, weight=0.0):
    parameters = np.array([weight])
    state = optimizer.start(parameters)
    optimizer.step(parameters, np.array([gradient]), np.ones(1), state, optimizer.learning_rate, 1)
    return float(parameters[0])


def test_adams_epsilon_is_added_to_the_corrected_root():
    """As in PyTorch and the paper's algorithm 1; Keras adds it before the correction."""
    gradient, epsilon = 1e-6, 1e-6
    assert one_step(Adam(learning_rate=1, epsilon=epsilon), gradient) == pytest.approx(-0.5)
    uncorrected = math.sqrt(1e-3) * gradient / (math.sqrt(1e-3) * gradient + epsilon)
    assert uncorrected == pytest.approx(0.03065, rel=1e-3)


def test_rmsprops_epsilon_is_added_to_the_root():
    rule = RMSProp(learning_rate=1, rho=0.0, epsilon=1.0)
    assert one_step(rule, 1.0) == pytest.approx(-1 / (1 + 1))  # inside the root it would be 1 / √2


def test_momentum_takes_the_rate_at_the_step_not_into_the_velocity():
    rule = SGD(momentum=0.5, learning_rate=1.0)
    parameters = np.zeros(1)
    state = rule.start(parameters)
    rule.step(parameters, np.ones(1), np.ones(1), state, 1.0, 1)
    rule.step(parameters, np.zeros(1), np.ones(1), state, 0.1, 2)
    assert parameters[0] == pytest.approx(-1 - 0.1 * 0.5)  # Keras: −1 − 0.5


def test_glorot_counts_the_outputs_of_one_group():
    layer = Conv(filters=64, kernel=5, groups=4, init="glorot")
    initial = layer.initial_weights((8, 8, 32))["W"]
    assert (initial.fan_in, initial.fan_out) == (25 * 8, 25 * 16)
    drawn = initial.draw(np.random.default_rng(0))
    assert np.abs(drawn).max() == pytest.approx(math.sqrt(6 / (25 * 8 + 25 * 16)), rel=1e-3)


def test_pytorchs_glorot_counts_the_outputs_of_all_groups():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    weight = torch.nn.Conv2d(32, 64, 5, groups=4).weight
    torch.nn.init.xavier_uniform_(weight)
    assert float(weight.detach().abs().max()) == pytest.approx(math.sqrt(6 / (25 * 8 + 25 * 64)), rel=1e-3)


def test_slopes_at_the_kink_are_those_of_the_left():
    for name, slope in {"relu": 0, "leaky_relu": 0.01}.items():
        dz = np.ones(1)
        tape = Tape()
        ACTIVATIONS[name]().apply(np.zeros(1), np.zeros(1), tape)
        ACTIVATIONS[name]().derive(dz, tape)
        assert dz[0] == slope


def test_same_at_a_stride_begins_where_it_begins_without_one():
    """TensorFlow pads by n and s, and begins elsewhere: at n = 6, f = 3, s = 2 on the first cell."""
    x, w = np.arange(1.0, 7).reshape(1, 1, 6, 1), np.ones((1, 3, 1, 1))
    assert conv2d(x, w, stride=(1, 2), padding="same").ravel().tolist() == [3, 9, 15]  # 0+1+2, 2+3+4, 4+5+6
    padded = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 0)))
    assert conv2d(padded, w, stride=(1, 2)).ravel().tolist() == [6, 12, 11]  # SAME pads 0 + 1


def test_an_even_kernel_reaches_further_to_the_right():
    cv2 = pytest.importorskip("cv2", reason="OpenCV is in the `bench` extra")
    from scipy import ndimage

    plane, kernel = np.arange(1.0, 9).reshape(1, 8), np.array([[1.0, 10, 100, 1000]])
    ours = filter2d(plane, kernel, border="zero")
    assert ours[0, 3] == 3 + 10 * 4 + 100 * 5 + 1000 * 6  # cell 1 of 0 … 3 lies on the pixel
    theirs = cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    scipys = ndimage.correlate(plane, kernel, mode="constant")
    np.testing.assert_array_equal(theirs[0, 1:], ours[0, :-1])  # theirs: cell 2
    np.testing.assert_array_equal(scipys, theirs)
    np.testing.assert_array_equal(ndimage.correlate(plane, kernel, mode="constant", origin=(0, -1)), ours)


def test_border_names_are_numpys():
    plane, kernel = np.arange(1.0, 5).reshape(1, 4), np.array([[1.0, 0, 0, 0, 0]])
    two_before = {"reflect": [3, 2], "symmetric": [2, 1], "edge": [1, 1], "wrap": [3, 4], "zero": [0, 0]}
    for border, expected in two_before.items():
        assert filter2d(plane, kernel, border=border)[0, :2].tolist() == expected


@pytest.mark.parametrize("ours", ["reflect", "symmetric", "edge", "wrap"])
def test_border_names_of_others(ours):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is in the `bench` extra")
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    from scipy import ndimage

    x = np.arange(1.0, 5).reshape(1, 4)
    padded = np.pad(x, ((0, 0), (2, 2)), mode=ours)
    opencv, scipy, pytorch = {
        "reflect": (cv2.BORDER_REFLECT_101, "mirror", "reflect"),
        "symmetric": (cv2.BORDER_REFLECT, "reflect", None),
        "edge": (cv2.BORDER_REPLICATE, "nearest", "replicate"),
        "wrap": (cv2.BORDER_WRAP, "grid-wrap", "circular"),
    }[ours]
    np.testing.assert_array_equal(cv2.copyMakeBorder(x, 0, 0, 2, 2, opencv), padded)
    first = np.array([[1.0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(ndimage.correlate(x, first, mode=scipy), padded[:, :4])
    if pytorch:
        made = torch.nn.functional.pad(torch.tensor(x[None]), (2, 2), mode=pytorch)
        np.testing.assert_array_equal(made[0].numpy(), padded)
