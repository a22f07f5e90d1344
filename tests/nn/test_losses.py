"""Losses against PyTorch, hand cases and large outputs; the probabilities that they imply."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from scipy.optimize import minimize

from convcli.errors import ConfigError
from convcli.nn.losses import LOSSES, CrossEntropy, Focal, MeanSquaredError
from convcli.proof.gradcheck import check_loss

WEIGHTS = {"class_weights": dict(zip("abcde", [0.5, 1.0, 2.0, 0.25, 3.0], strict=True))}
CASES: dict[str, list[dict[str, Any]]] = {
    "cross_entropy": [
        {},
        {"label_smoothing": 0.1},
        {"label_smoothing": 0.9},
        WEIGHTS,
        {"label_smoothing": 0.1, **WEIGHTS},
    ],
    "focal": [{}, {"gamma": 0.5}, {"gamma": 0}, {"label_smoothing": 0.1, "gamma": 3, **WEIGHTS}],
    "mean_squared_error": [{}, {"label_smoothing": 0.1}, {"label_smoothing": 0.1, **WEIGHTS}],
}
each_case = pytest.mark.parametrize(
    "loss",
    [
        pytest.param(LOSSES[name](**options), id=" ".join([name, *map(str, options)]))
        for name, several in CASES.items()
        for options in several
    ],
)


def test_every_loss_has_cases():
    assert set(CASES) == set(LOSSES)


def outputs_and_labels(samples=6, classes=5):
    rng = np.random.default_rng(2)
    return rng.normal(0, 3, (samples, classes)), rng.integers(classes, size=samples)


LABELS = np.random.default_rng(2).integers(5, size=6)
SHARES = np.random.default_rng(4).dirichlet(np.full(5, 0.5), 6)
each_target = pytest.mark.parametrize("targets", [LABELS, SHARES], ids=["labels", "shares"])


@each_case
def test_gradient_agrees_with_differences(loss):
    assert check_loss(loss, 5, np.random.default_rng(3)) < 1e-7


@each_target
@each_case
def test_value_and_gradient_agree_with_pytorch(loss, targets):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    outputs, _ = outputs_and_labels()
    leaf, target = torch.tensor(outputs, requires_grad=True), torch.tensor(targets)
    weight = None if loss.weights is None else torch.tensor(loss.weights)
    shares = target if target.ndim == 2 else torch.nn.functional.one_hot(target, 5).double()
    smoothed = (1 - loss.label_smoothing) * shares + loss.label_smoothing / 5
    if loss.name() == "cross_entropy":
        theirs = torch.nn.functional.cross_entropy(
            leaf, target, weight, reduction="none", label_smoothing=loss.label_smoothing
        )
    elif loss.name() == "focal":
        log_p = torch.log_softmax(leaf, 1)
        weight = torch.ones(5, dtype=torch.float64) if weight is None else weight
        theirs = -(weight * smoothed * (1 - log_p.exp()) ** loss.gamma * log_p).sum(1)
    else:
        theirs = torch.nn.functional.mse_loss(leaf, smoothed, reduction="none").mean(1)
        theirs = theirs if weight is None else theirs * (shares @ weight)
    theirs.sum().backward()
    losses, gradient = loss.evaluate(outputs, targets)
    np.testing.assert_allclose(losses, theirs.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-10, atol=1e-14)


@each_case
def test_a_label_is_a_share_of_1(loss):
    outputs, labels = outputs_and_labels()
    for one, other in zip(
        loss.evaluate(outputs, labels), loss.evaluate(outputs, np.eye(5)[labels]), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (0.5, 0.5), (0.0, 0.9)])
def test_focal_of_two_classes_is_the_papers_of_their_difference(gamma, alpha):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    rng = np.random.default_rng(5)
    outputs, labels = rng.normal(0, 3, (20, 2)), rng.integers(2, size=20)
    # As torchvision.ops.sigmoid_focal_loss has it.
    leaf, t = torch.tensor(outputs, requires_grad=True), torch.tensor(labels).double()
    difference = leaf[:, 1] - leaf[:, 0]
    p = torch.sigmoid(difference)
    ce = torch.nn.functional.binary_cross_entropy_with_logits(difference, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    theirs = (alpha * t + (1 - alpha) * (1 - t)) * ce * (1 - p_t) ** gamma
    theirs.sum().backward()
    losses, gradient = Focal(gamma=gamma, class_weights={"no": 1 - alpha, "yes": alpha}).evaluate(
        outputs, labels
    )
    np.testing.assert_allclose(losses, theirs.detach().numpy(), rtol=1e-11)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-9, atol=1e-14)


def test_focal_by_hand():
    # p = 1/4, 1/2, 1/4
    losses, _ = Focal().evaluate(np.log([[1.0, 2.0, 1.0]]), np.array([0]))
    np.testing.assert_allclose(losses, [(3 / 4) ** 2 * np.log(4)])


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_where_nothing_is_left_to_learn(gamma):
    losses, gradient = Focal(gamma=gamma).evaluate(np.array([[200, -200, 0]], np.float32), np.array([0]))
    np.testing.assert_array_equal(losses, [0])
    np.testing.assert_array_equal(gradient, [[0, 0, 0]])


LABELS_OF_THREE = np.repeat([0, 1, 2], [60, 30, 10])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("balanced", [100 / 180, 100 / 90, 100 / 30]),
        ({"cat": 3.0}, [300 / 220, 100 / 220, 100 / 220]),  # of 60 · 3 + 30 + 10 = 220 for 100 images
    ],
)
def test_weights_have_the_mean_1_over_the_images(wanted, found):
    loss = CrossEntropy(class_weights=wanted).weighing(("cat", "dog", "owl"), LABELS_OF_THREE)
    assert loss.weights[LABELS_OF_THREE].mean() == pytest.approx(1)
    np.testing.assert_allclose(loss.weights, found)


def test_balanced_classes_count_the_same_also_beside_one_without_images():
    loss = Focal(class_weights="balanced").weighing(("a", "b", "c", "d"), LABELS_OF_THREE)
    assert np.bincount(LABELS_OF_THREE, loss.weights[LABELS_OF_THREE]) == pytest.approx([100 / 3] * 3)
    assert np.isfinite(loss.weights).all()


def test_the_mean_is_pytorchs_weighted_mean():
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    outputs, labels = outputs_and_labels()
    loss = CrossEntropy(**WEIGHTS)
    theirs = torch.nn.functional.cross_entropy(
        torch.tensor(outputs), torch.tensor(labels), torch.tensor(loss.weights)
    )
    assert loss.mean(loss.evaluate(outputs, labels)[0], labels) == pytest.approx(float(theirs))


def test_a_weight_of_no_class_is_refused_with_the_class_that_may_be_meant():
    with pytest.raises(ConfigError, match=r"there is no class 'kat'\. Did you mean 'cat'\?"):
        CrossEntropy(class_weights={"kat": 2.0}).weighing(("cat", "dog"), np.array([0, 1]))


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("balance", 'expected "balanced", or a table'),
        ({}, 'expected "balanced", or a table'),
        ([1.0, 2.0], 'expected "balanced", or a table'),
        ({"cat": 0}, "cat: expected a weight of 1e-06 … 1,000,000, not 0"),
        ({"cat": -1.0}, "cat: expected a weight"),
        ({"cat": True}, "cat: expected a weight"),
        ({"cat": "2"}, "cat: expected a weight"),
    ],
)
def test_weights_that_are_none(wanted, told):
    with pytest.raises(ValidationError, match=told):
        CrossEntropy(class_weights=wanted)


def test_alpha_is_told_apart_from_what_there_is():
    with pytest.raises(ValidationError, match="alpha: the weights of classes are class_weights"):
        Focal.model_validate({"alpha": 0.25})


def test_values_by_hand():
    outputs, labels = np.log([[1.0, 2.0, 1.0]]), np.array([1])
    losses, gradient = CrossEntropy().evaluate(outputs, labels)
    np.testing.assert_allclose(losses, [np.log(2)])
    np.testing.assert_allclose(gradient, [[0.25, -0.5, 0.25]])
    losses, gradient = MeanSquaredError().evaluate(np.array([[1.0, 3.0]]), np.array([1]))
    np.testing.assert_allclose(losses, [(1 + 4) / 2])
    np.testing.assert_allclose(gradient, [[1, 2]])


@each_target
@each_case
def test_outputs_and_targets_stay_as_they_are(loss, targets):
    outputs, _ = outputs_and_labels()
    outputs.flags.writeable = False
    kept = targets.copy()
    loss.evaluate(outputs, targets)
    np.testing.assert_array_equal(targets, kept)
    loss.probabilities(outputs)


@pytest.mark.parametrize("targets", [np.array([1, 2, 0]), np.eye(3, 5)], ids=["labels", "shares"])
@each_case
def test_large_outputs_neither_overflow_nor_lose_the_dtype(loss, targets):
    outputs = np.zeros((3, 5), np.float32)
    outputs[:, :3] = [[1e4, -1e4, 0], [-1e4, -1e4, 1e4], [1e4, 1e4, 1e4]]
    losses, gradient = loss.evaluate(outputs, targets)
    for array in (losses, gradient, loss.probabilities(outputs)):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()


def test_cross_entropy_of_large_outputs_is_exact():
    outputs = np.array([[1e4, -1e4, 0], [1e4, 1e4, -1e4]], np.float32)
    losses, gradient = CrossEntropy().evaluate(outputs, np.array([1, 0]))
    np.testing.assert_allclose(losses, [2e4, np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(gradient, [[1, -1, 0], [-0.5, 0.5, 0]])


@pytest.mark.parametrize("size", [1e30, 3e38])  # the second, doubled, is beyond float32
@each_case
def test_probabilities_of_the_largest_outputs_are_0_and_1(loss, size):
    outputs = np.array([[size, -size, 0], [-size, size, size]], np.float32)
    np.testing.assert_array_equal(loss.probabilities(outputs), [[1, 0, 0], [0, 0.5, 0.5]])


def test_losses_of_outputs_of_1e30():
    outputs, labels = np.array([[1e30, -1e30, 0], [1e30, -1e30, 0]], np.float32), np.array([0, 1])
    losses, gradient = CrossEntropy().evaluate(outputs, labels)
    np.testing.assert_allclose(losses, [0, 2e30])
    np.testing.assert_array_equal(gradient, [[0, 0, 0], [1, -1, 0]])
    with np.errstate(over="ignore"):
        losses, _ = MeanSquaredError().evaluate(outputs, labels)
    assert losses.tolist() == [np.inf, np.inf]  # squares are beyond float32, and who trains says so


@each_case
@given(
    outputs=arrays(np.float32, (3, 4), elements=st.floats(-1e4, 1e4, width=32)),
)
def test_probabilities_sum_to_1_and_keep_the_order(loss, outputs):
    p = loss.probabilities(outputs)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    order = np.argsort(outputs, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(p, order, 1), axis=1) >= 0).all()


@each_case
def test_the_most_probable_class_is_the_largest_output(loss):
    outputs, _ = outputs_and_labels(samples=200)
    np.testing.assert_array_equal(loss.probabilities(outputs).argmax(1), outputs.argmax(1))


@pytest.mark.parametrize(
    ("outputs", "nearest"),
    [
        ([0.2, 0.3, 0.5], [0.2, 0.3, 0.5]),
        ([0.5, 0.8, -0.2], [0.35, 0.65, 0]),
        ([5, 1, 1], [1, 0, 0]),
        ([0, 0, 0, 0], [0.25] * 4),
    ],
)
def test_projection_on_the_simplex_by_hand(outputs, nearest):
    np.testing.assert_allclose(MeanSquaredError().probabilities(np.array([outputs], float)), [nearest])


def test_projection_is_the_nearest_point_of_the_simplex():
    for outputs in np.random.default_rng(0).normal(0.2, 0.5, (4, 5)):
        found = minimize(
            lambda p, target=outputs: ((p - target) ** 2).sum(),
            np.full(5, 0.2),
            bounds=[(0, 1)] * 5,
            constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
            tol=1e-12,
        )
        np.testing.assert_allclose(MeanSquaredError().probabilities(outputs[None])[0], found.x, atol=1e-5)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_label_smoothing_is_a_share(smoothing):
    with pytest.raises(ValidationError, match="label_smoothing"):
        CrossEntropy(label_smoothing=smoothing)


@pytest.mark.parametrize("margin", [1, 17, 25, 60])
@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_a_small_cross_entropy_and_its_gradient_keep_their_digits(margin, smoothing):
    outputs = np.array([[margin, 0, -1, 0.5], [0, margin, 0, 1]])
    labels = np.array([0, 1])
    loss = CrossEntropy(label_smoothing=smoothing)
    others = np.exp(outputs - margin)
    others[[0, 1], labels] = 0
    rest = others.sum(1)
    losses, gradient = loss.evaluate(outputs.astype(np.float32), labels)
    if smoothing == 0:
        np.testing.assert_allclose(losses, np.log1p(rest), rtol=1e-6)
        np.testing.assert_allclose(gradient[[0, 1], labels], -rest / (1 + rest), rtol=1e-6)
    # The gradients of all classes sum to 0.
    np.testing.assert_allclose(gradient.sum(1, dtype=np.float64), 0, atol=1e-6 * np.abs(gradient).max())
