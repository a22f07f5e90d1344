"""Softmax and cross-entropy: outputs → exp → probabilities → loss, and the way back, p − y."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.alone import Alone
from convcli.explaining.checking import check_step, errors_of
from convcli.explaining.elements import Arrow, Explanation, Grid, Row, Step, Words, exact
from convcli.explaining.notation import factor, number, total
from convcli.explaining.reading import Input
from convcli.explaining.request import Request, chosen_index
from convcli.explaining.topics import topic
from convcli.nn.activations import Softmax
from convcli.nn.layers import ActivationLayer
from convcli.nn.losses import CrossEntropy
from convcli.wording import counted, shortened

EXAMPLE, LABEL = "1 3 2", 3
MOST_CLASSES = 12
NAME = 18  # letters of a class

MEANING = "A step against it raises each output whose p is below y, and lowers the others; they sum to 0."
AT_ONCE = (
    "The true class's p is rounded to 0, and ∂L/∂p = −y / p is no number: so both go back at once, as p − y."
)


@dataclass(frozen=True, eq=False)
class Scores:
    """A network's outputs z for one image, (classes,), and which class is the true one, from 0."""

    z: Array
    names: tuple[str, ...]
    label: int
    loss: CrossEntropy = field(default_factory=CrossEntropy)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def shown(self) -> list[int]:
        """The classes that are shown: all, or of very many the most probable ones and the true one."""
        if len(self.z) <= MOST_CLASSES:
            return list(range(len(self.z)))
        likeliest = [k for k in np.argsort(-self.z, kind="stable").tolist() if k != self.label]
        return sorted([self.label, *likeliest[: MOST_CLASSES - 1]])

    @property
    def shifted(self) -> Array:
        """z less the largest of them."""
        return np.asarray(self.z - self.z.max())

    @cached_property
    def p(self) -> Array:
        """The probabilities."""
        return np.asarray(self.loss.probabilities(self.z[None])[0])

    @cached_property
    def y(self) -> Array:
        """What p should be: 1 for the true class and 0 for the others, or smoothed."""
        return np.asarray(self.loss.shares(np.array([self.label]), self.z[None])[0])

    @cached_property
    def surprise(self) -> Array:
        """−log p, which stays a number where p has become 0."""
        classes = len(self.z)
        return CrossEntropy().evaluate(np.tile(self.z, (classes, 1)), np.arange(classes))[0]

    def evaluated(self) -> tuple[float, Array]:
        """Return the loss and its gradient."""
        losses, gradient = self.loss.evaluate(self.z[None].copy(), np.array([self.label]))
        return float(losses[0]), gradient[0]

    def index(self, k: int) -> str:
        """Return by what a class is known in formulas: its name, or its number where a name is no word."""
        words = all(name.isascii() and name.isalnum() for name in self.names)
        return self.names[k] if words else str(k + 1)

    def column(self, values: Array, caption: str) -> Grid:
        """Return a number for each class that is shown, the true class's marked."""
        at = self.shown.index(self.label)
        names = tuple(f"class {name}" if (name := self.names[k]).isdecimal() else name for k in self.shown)
        return Grid.of(values[self.shown][:, None], caption, {(at, 0): "window"}, row_names=names)


@topic(
    "softmax",
    "outputs → exp → probabilities, with the largest output taken off; cross-entropy; back to p − y",
    *("input", "label", "label_smoothing", "model", "image"),
)
def softmax(ask: Request) -> Explanation:
    """Return the probabilities, the loss, its gradient at once and in two steps, and a numeric check."""
    scores = _posed(ask) if ask.model is None else _from_run(ask)
    loss, dz = scores.evaluated()
    errors = errors_of(lambda: scores.evaluated()[0], {"dz": (scores.z, dz)})
    steps = (
        _exponentials(scores),
        _probabilities(scores),
        _loss(scores, loss),
        _back(scores, dz),
        _two_steps(scores),
        check_step(errors),
    )
    return Explanation(
        topic="softmax",
        title=f"Softmax of {counted(len(scores.z), 'output')}, and cross-entropy with class "
        f"{scores.names[scores.label]}",
        steps=steps,
        data={
            **scores.facts,
            "input": exact(scores.z),
            "label": scores.names[scores.label],
            "label_smoothing": scores.loss.label_smoothing,
            "p": exact(scores.p),
            "y": exact(scores.y),
            "loss": loss,
            "dz": exact(dz),
            "relative_errors": errors,
        },
        still=(0, 1, 2, 3),
        notes=scores.notes,
    )


def _posed(ask: Request) -> Scores:
    volume = ask.numbers(EXAMPLE, channels=1).volume
    if 1 not in volume.shape[:2]:
        rows, columns = volume.shape[:2]
        raise UsageError(
            f"--input: expected the outputs for one image, a row of them, found {rows} × {columns}."
        )
    z = volume.ravel().copy()
    notes: tuple[str, ...] = ()
    if ask.label is None:
        label = LABEL - 1 if ask.input is None else 0
        if ask.input is not None:
            notes = ("class 1 is taken for the true one; --label says which it is.",)
    elif ask.label.isdecimal():
        label = chosen_index(int(ask.label), z.size, "--label")
    else:
        raise UsageError(
            f"--label: expected the number of a class, from 1 to {z.size}, not {shortened(repr(ask.label))}."
        )
    return Scores(
        z,
        tuple(map(str, range(1, z.size + 1))),
        label,
        _cross_entropy(ask.label_smoothing or 0.0),
        notes=notes,
    )


def _cross_entropy(smoothing: float) -> CrossEntropy:
    if not 0 <= smoothing < 1:
        raise UsageError(f"--label-smoothing: expected a share from 0 to less than 1, not {smoothing:g}.")
    return CrossEntropy(label_smoothing=smoothing)


def _from_run(ask: Request) -> Scores:
    """Return what a trained network says of an image, with the loss that it was trained by."""
    from convcli.explaining.tensors import pass_through, read_image
    from convcli.nn.attribution import label_of

    assert ask.model is not None
    assert ask.image is not None
    model, trained = ask.model, ask.model.loss
    if type(trained) is not CrossEntropy:
        raise UsageError(f"--run: its loss is {trained.name()}; this topic shows cross_entropy.")
    passage = pass_through(model, read_image(model, ask.image, ask.max_pixels))
    z = passage.trace.outputs[0].astype(np.float64)
    known = ask.image.label if isinstance(ask.image, Input) else None
    told = known if ask.label is None else ask.label
    label = int(z.argmax()) if told is None else label_of(model, passage.pixels, told)
    names = tuple(shortened(name, NAME) for name in model.classes)
    notes: list[str] = []
    if told is None:
        notes.append(
            f"the predicted class, {names[label]}, is taken for the true one; --label says which it is."
        )
    if trained.class_weights is not None:
        notes.append("the weights of classes, which the run's loss has, are left out.")
    if len(z) > MOST_CLASSES:
        notes.append(f"{MOST_CLASSES} of {len(z)} classes are shown: the most probable, and the true one.")
    smoothing = trained.label_smoothing if ask.label_smoothing is None else ask.label_smoothing
    return Scores(z, names, label, _cross_entropy(smoothing), {"image": ask.image.name}, tuple(notes))


def _exponentials(scores: Scores) -> Step:
    largest = float(scores.z.max())
    e = np.exp(scores.shifted)
    row: Row = (
        scores.column(scores.z, "z: the outputs"),
        Arrow("−", f"max z = {number(largest)}"),
        scores.column(scores.shifted, "z − max z"),
        Arrow("→", "exp"),
        scores.column(e, "e = exp(z − max z)"),
    )
    with np.errstate(over="ignore"):
        plain = float(np.exp(largest))
    overflow = (
        f"exp({number(largest)}) = {number(plain)}"
        if np.isfinite(plain)
        else f"exp({number(largest)}) overflows"
    )
    lines = (
        f"Σ e = {total(map(number, e.tolist()))} = {number(e.sum())}",
        f"{overflow}, but with the largest taken off no exponential is above 1, and the shares stay the same",
    )
    data = {"z": exact(scores.z), "shifted": exact(scores.shifted), "exp": exact(e), "sum": exact(e.sum())}
    return Step.of("Exponentials, the largest output taken off", (row, *lines), data)


def _probabilities(scores: Scores) -> Step:
    e = np.exp(scores.shifted)
    row: Row = (
        scores.column(e, "e"),
        Arrow("/", f"Σ e = {number(e.sum())}"),
        Arrow("="),
        scores.column(scores.p, "p: probabilities"),
    )
    lines = [
        f"p_{scores.index(k)} = {number(e[k])} / {number(e.sum())} = {number(scores.p[k])}"
        for k in scores.shown
    ]
    return Step.of("Probabilities: p = e / Σ e", (row, *lines, "Σ p = 1"), {"p": exact(scores.p)})


def _loss(scores: Scores, loss: float) -> Step:
    """Return the step with the loss; −log p comes from z, not from p, so that it never is infinite."""
    row: Row = (
        scores.column(scores.y, "y: what p should be"),
        Arrow("·"),
        scores.column(scores.surprise, "−log p"),
        Arrow("→", "sum"),
        Grid.of(np.array([[loss]]), "L", {(0, 0): "result"}),
    )
    k, smoothing = scores.label, scores.loss.label_smoothing
    name = scores.index(k)
    logs = f"{number(np.log(np.exp(scores.shifted).sum()))} − {factor(scores.shifted[k])}"
    lines = [
        "L = −Σ y log p, with log to the base e (ln)",
        f"−log p_{name} = log Σ e − (z_{name} − max z) = {logs} = {number(scores.surprise[k])}",
    ]
    if smoothing:
        kept, share = 1 - smoothing, smoothing / len(scores.z)
        lines.append(
            f"label smoothing ε = {number(smoothing)}: y = {number(kept)} · (1 or 0) + "
            f"{number(smoothing)} / {len(scores.z)}, which is {number(kept + share)} or {number(share)}"
        )
        terms = [f"{number(y)}·{number(s)}" for y, s in zip(scores.y, scores.surprise, strict=True)]
        lines.append(f"L = {total(terms)} = {number(loss)}")
    data = {"y": exact(scores.y), "minus_log_p": exact(scores.surprise), "loss": loss}
    return Step.of(f"Cross-entropy with class {scores.names[k]}", (row, *lines), data)


def _back(scores: Scores, dz: Array) -> Step:
    row: Row = (
        scores.column(scores.p, "p"),
        Arrow("−"),
        scores.column(scores.y, "y"),
        Arrow("="),
        scores.column(dz, "dz = ∂L/∂z"),
    )
    lines = [
        f"dz_{scores.index(k)} = {number(scores.p[k])} − {number(scores.y[k])} = {number(dz[k])}"
        for k in scores.shown
    ]
    return Step.of("Backward: dz = p − y", (row, *lines, (Words(MEANING),)), {"dz": exact(dz)})


def _two_steps(scores: Scores) -> Step:
    """Return the same gradient by way of p, as layers would have it, where p is no 0."""
    title = "The same in two steps: through the logarithm, then through softmax"
    if (scores.p[scores.y > 0] == 0).any():
        return Step.of(title, ((Words(AT_ONCE),),), {})
    dp = -np.divide(scores.y, scores.p, out=np.zeros_like(scores.p), where=scores.y > 0)
    dz = Alone(ActivationLayer(function=Softmax()), scores.z[None]).gradients(dp[None])["x"][0]
    mean = float((scores.p * dp).sum())
    row: Row = (
        scores.column(dp, "dp = −y / p"),
        Arrow("−", f"Σ p · dp = {number(mean)}"),
        Arrow("·", "p"),
        scores.column(scores.p, "p"),
        Arrow("="),
        scores.column(dz, "dz"),
    )
    lines = [
        "dz_i = p_i · (dp_i − Σ p · dp)",
        *(
            f"dz_{scores.index(k)} = {number(scores.p[k])}·({number(dp[k])} − {factor(mean)}) = "
            f"{number(dz[k])}"
            for k in scores.shown
        ),
    ]
    return Step.of(title, (row, *lines), {"dp": exact(dp), "dz": exact(dz)})
