"""A whole training step, by hand and as PyTorch takes it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convcli.errors import ShapeError, UsageError
from explaining.cases import made
from explaining.test_topics import typed


def test_the_losses_before_and_after_are_those_worked_out_by_hand():
    document = made("step").document()
    # the window's squares are 26: Z grows by 0.1·26 + 0.1 to 4.7, and s by hand is 1.1·4.7 − 1.95 = 3.22
    assert document["loss"] == pytest.approx(math.log(2), rel=1e-12)
    assert document["loss_after"] == pytest.approx(math.log1p(math.exp(-2 * 3.22)), rel=1e-9)
    assert max(document["relative_errors"].values()) < 1e-6


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("sgd", {}),
        ("sgd momentum=0.9 nesterov=true", {"momentum": 0.9, "nesterov": True}),
        ("adam", {}),
    ],
)
@pytest.mark.parametrize("pool", ["max", "mean"])
def test_it_is_the_step_that_pytorch_takes(rule, options, pool):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    rng = np.random.default_rng(5)
    x, w = rng.normal(size=(6, 7, 2)), rng.normal(size=(3, 2, 2, 3))
    document = made(
        "step",
        input=typed(x),
        kernels=tuple(typed(w[..., k]) for k in range(3)),
        bias=(0.5, -0.25, 0.0),
        padding=1,
        pool=pool,
        label="2",
        optimizer=(rule,),
        learning_rate=0.05,
    ).document()
    weights = {name: torch.tensor(value, requires_grad=True) for name, value in begun(document).items()}

    def loss():
        z = torch.nn.functional.conv2d(image, weights["W1"], weights["b1"], padding=1)
        pooled = {"max": torch.nn.functional.max_pool2d, "mean": torch.nn.functional.avg_pool2d}[pool]
        rows = pooled(torch.relu(z), 2).permute(0, 2, 3, 1).flatten(1)
        return torch.nn.functional.cross_entropy(rows @ weights["W2"] + weights["b2"], torch.tensor([1]))

    image = torch.tensor(np.moveaxis(x, 2, 0)[None])
    kind = torch.optim.Adam if rule == "adam" else torch.optim.SGD
    theirs, value = kind(weights.values(), lr=0.05, **options), loss()
    value.backward()
    assert document["loss"] == pytest.approx(value.item(), rel=1e-9)
    for name, tensor in weights.items():
        np.testing.assert_allclose(document["gradients"][name], tensor.grad, atol=1e-9)
    theirs.step()
    for name, tensor in weights.items():
        np.testing.assert_allclose(document["updated"][name], tensor.detach(), atol=1e-6)
    assert document["loss_after"] == pytest.approx(loss().item(), rel=1e-5)
    assert max(document["relative_errors"].values()) < 1e-6


def begun(document):
    """Return the weights before the step, in float64."""
    return {name: np.array(value, dtype=float) for name, value in document["weights"].items()}


def test_a_step_that_is_too_long_is_said_to_raise_the_loss():
    shown = made("step", input="2", kernels=("1",), size=1, label="2", activation="none", learning_rate=5.0)
    document = shown.document()
    assert document["loss_after"] > document["loss"]
    assert "the loss rose from" in shown.title


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"input": "1 1; 1 1", "kernels": ("1",)}, "two numbers tie for a maximum"),
        ({"input": "0 1; 2 3", "kernels": ("1",)}, "a number of Z lies where relu has no derivative"),
    ],
)
def test_at_a_kink_the_kernels_gradient_is_left_out_of_the_check(request_, why):
    shown = made("step", **request_)
    assert set(shown.document()["relative_errors"]) == {"W2", "b2"}
    assert any(why in element.text for row in shown.steps[9].rows[1:] for element in row)


def test_zeros_that_relu_made_are_no_tie():
    # every Z is below 0 but one: nothing near the other zeros moves the maximum
    assert set(made("step", input="-1 -2; -3 4", kernels=("1",)).document()["relative_errors"]) == {
        *("W1", "b1", "W2", "b2")
    }


def test_weight_decay_spares_biases_as_in_training():
    document = made("step", optimizer=("sgd weight_decay=0.5",)).document()
    assert document["updated"]["b2"] == [-1.95, 1.95]
    assert document["updated"]["W2"] == [pytest.approx([1 + 0.1 - 0.05, -1 - 0.1 + 0.05])]


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        ({"label": "3"}, UsageError, "--label 3: there are 2, counted from 1"),
        ({"label": "cat"}, UsageError, "--label: expected the number of a class, 1 or 2, not 'cat'"),
        ({"pool": "sum"}, UsageError, "--pool: expected max or mean, not 'sum'"),
        ({"optimizer": ("sgd", "adam")}, UsageError, "a step is one optimizer's, found 2"),
        ({"size": 3}, ShapeError, "A window spanning 3 cells does not fit 2 cells"),
        ({"input": "1 2 3; 4 5 6; 7 8 9"}, ShapeError, "The pool of 2 × 2 .--size. on Z of 1 × 1: A window"),
        ({"activation": "softmax"}, UsageError, "softmax makes each cell of A of several of Z"),
        ({"gradient": "1"}, UsageError, "step takes no --gradient"),
    ],
)
def test_what_no_step_can_be_is_refused_by_name(request_, error, words):
    with pytest.raises(error, match=words):
        made("step", **request_)
