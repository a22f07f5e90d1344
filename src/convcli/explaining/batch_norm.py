"""Batch normalisation: mean and variance of each channel, running figures, the way back with every term."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import ValidationError

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.alone import Alone
from convcli.explaining.checking import check_step
from convcli.explaining.elements import Arrow, Explanation, Formula, Grid, Row, Step, Words, exact, planes
from convcli.explaining.notation import factor, number, quotient, total
from convcli.explaining.reading import read_gradient
from convcli.explaining.request import Request
from convcli.explaining.topics import topic
from convcli.nn.config import complaints
from convcli.nn.layers import BatchNorm
from convcli.wording import counted

INPUT, GAMMA, BETA = "1 7; 9 15 | 0 6; 6 0", (2.0, 1.0), (1.0, 0.0)
GRADIENT = "5 0; 0 0 | 1 2; 3 4"
MOST_CHANNELS = 4


@topic(
    "batch-norm",
    "batch normalisation: mean, variance, normalised, scaled and shifted; running figures; the way back with "
    "every term",
    *("input", "gamma", "bias", "momentum", "epsilon", "gradient"),
)
def batch_norm(ask: Request) -> Explanation:
    """Return the steps. The numbers of a channel are its values in the whole batch, whatever their places.

    `--bias` is β. Without `--gradient` dY is 1 at the first number of each channel, unless all is the
    example's.
    """
    batch = _posed(ask)
    errors = batch.layer.check(batch.dy[None], {"x": "dX", "gamma": "dγ", "beta": "dβ"})
    steps = (
        _figures(batch),
        _normalised(batch),
        _scaled(batch),
        _running(batch),
        _predicting(batch),
        _back_to_scale(batch),
        _back_to_input(batch),
        check_step(errors),
    )
    return Explanation(
        topic="batch-norm",
        title=f"Batch normalisation of {counted(batch.channels, 'channel')}, "
        f"{counted(batch.count, 'value')} each",
        steps=steps,
        data={
            "input": planes(batch.x),
            "gamma": exact(batch.gamma),
            "beta": exact(batch.beta),
            "momentum": batch.rule.momentum,
            "epsilon": batch.rule.epsilon,
            "mean": exact(batch.mean),
            "variance": exact(batch.variance),
            "normalised": planes(batch.normalised),
            "output": planes(batch.y),
            "running_mean": exact(batch.layer.after["mean"]),
            "running_variance": exact(batch.layer.after["variance"]),
            "dY": planes(batch.dy),
            "dgamma": exact(batch.gradients["gamma"]),
            "dbeta": exact(batch.gradients["beta"]),
            "dX": planes(batch.dx),
            "relative_errors": errors,
        },
        still=tuple(range(len(steps))),
    )


@dataclass(frozen=True, eq=False)
class _Batch:
    """x (h, w, c): h · w values of each channel; γ and β (c,); dL/dy (h, w, c)."""

    x: Array
    gamma: Array
    beta: Array
    dy: Array
    rule: BatchNorm

    @property
    def channels(self) -> int:
        return int(self.x.shape[2])

    @property
    def count(self) -> int:
        """How many values a channel has."""
        return int(self.x.shape[0] * self.x.shape[1])

    def _alone(self, rule: BatchNorm, gamma: Array, beta: Array, *, training: bool = True) -> Alone:
        zeros, ones = np.zeros(self.channels), np.ones(self.channels)
        weights = {"gamma": gamma.copy(), "beta": beta.copy(), "mean": zeros, "variance": ones}
        return Alone(rule, self.x[None].copy(), weights, training=training)

    @cached_property
    def layer(self) -> Alone:
        """The layer of a network that it is, while training."""
        return self._alone(self.rule, self.gamma, self.beta)

    @property
    def y(self) -> Array:
        """What comes out."""
        return np.asarray(self.layer.y[0])

    @cached_property
    def normalised(self) -> Array:
        """x̂: what comes out where γ is 1 and β 0."""
        return np.asarray(self._alone(self.rule, np.ones(self.channels), np.zeros(self.channels)).y[0])

    @cached_property
    def _own(self) -> Alone:
        """The layer whose running figures are the batch's alone."""
        return self._alone(self.rule.model_copy(update={"momentum": 0.0}), self.gamma, self.beta)

    @property
    def mean(self) -> Array:
        """μ (c,)."""
        return self._own.after["mean"]

    @property
    def unbiased(self) -> Array:
        """What the running variance takes in: the sum of squares by one less than there are values."""
        return self._own.after["variance"]

    @property
    def variance(self) -> Array:
        """σ² (c,), by which it normalises."""
        return np.asarray(self.unbiased * (max(self.count - 1, 1) / self.count))

    @property
    def deviation(self) -> Array:
        """√(σ² + ε)."""
        return np.asarray(np.sqrt(self.variance + self.rule.epsilon))

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """Those of x, γ and β."""
        return self.layer.gradients(self.dy[None])

    @property
    def dx(self) -> Array:
        """dL/dx."""
        return np.asarray(self.gradients["x"][0])

    @property
    def predicted(self) -> Array:
        """What comes out of the same numbers while predicting, by the running figures after this batch."""
        weights = dict(self.layer.after)
        return np.asarray(Alone(self.rule, self.x[None], weights).y[0])

    def name(self, name: str, c: int) -> str:
        """Return what a channel's tensor is called."""
        return f"{name}, channel {c + 1}" if self.channels > 1 else name


def _posed(ask: Request) -> _Batch:
    x = ask.numbers(INPUT).volume
    channels = x.shape[2]
    if channels > MOST_CHANNELS:
        raise UsageError(f"--input: {channels} channels; at most {MOST_CHANNELS} can be shown.")
    given = {"momentum": ask.momentum, "epsilon": ask.epsilon}
    try:
        rule = BatchNorm.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise UsageError(f"batch-norm: {'; '.join(complaints(error))}.") from None
    own = ask.input is None
    gamma = _each(ask.gamma, GAMMA if own else (1.0,) * channels, channels, "--gamma")
    beta = _each(ask.bias, BETA if own else (0.0,) * channels, channels, "--bias")
    if ask.gradient is not None or own:
        dy = read_gradient(GRADIENT if ask.gradient is None else ask.gradient, x.shape)
    else:
        dy = np.zeros(x.shape)
        dy[0, 0] = 1  # that of 1 everywhere is 0: the mean takes it off
    return _Batch(x, gamma, beta, dy, rule)


def _each(given: tuple[float, ...], usual: tuple[float, ...], channels: int, option: str) -> Array:
    values = given or usual
    if len(values) != channels:
        raise UsageError(
            f"{option}: expected a number for each of {counted(channels, 'channel')}, found {len(values)}."
        )
    return np.array(values, np.float64)


def _figures(batch: _Batch) -> Step:
    rows: list[Row | str] = []
    for c in range(batch.channels):
        x, mean, count = batch.x[:, :, c], float(batch.mean[c]), batch.count
        squares = ((x - mean) ** 2).sum()
        terms = total(map(factor, x.ravel().tolist()))
        away = total(f"{factor(value)}²" for value in (x - mean).ravel().tolist())
        rows += [
            (
                Grid.of(x, batch.name("x", c)),
                Arrow("→", "mean"),
                Formula(f"μ = {number(mean)}"),
                Arrow("→", "mean of the squares of x − μ"),
                Formula(f"σ² = {number(batch.variance[c])}"),
            ),
            f"μ = ({terms}) / {count} = {number(mean)}",
            f"σ² = ({away}) / {count} = {quotient(squares, count)}",
        ]
    data = {"mean": exact(batch.mean), "variance": exact(batch.variance)}
    return Step.of("Forward: mean and variance of each channel", rows, data)


def _normalised(batch: _Batch) -> Step:
    epsilon = number(batch.rule.epsilon)
    rows: list[Row | str] = []
    for c in range(batch.channels):
        away = batch.x[:, :, c] - batch.mean[c]
        rows += [
            (
                Grid.of(batch.x[:, :, c], batch.name("x", c)),
                Arrow("−", f"μ = {number(batch.mean[c])}"),
                Arrow("="),
                Grid.of(away, "x − μ"),
                Arrow("/", f"√(σ² + ε) = {number(batch.deviation[c])}"),
                Arrow("="),
                Grid.of(batch.normalised[:, :, c], "x̂", "done"),
            ),
            (
                f"x̂[1, 1] = {factor(away[0, 0])} / √({number(batch.variance[c])} + {epsilon}) "
                f"= {number(batch.normalised[0, 0, c])}"
            ),
        ]
    words = Words(
        "x̂ has the mean 0 and, but for ε, the variance 1"
        if batch.variance.all()
        else "where all values of a channel are alike, σ² is 0, and so is x̂"
    )
    return Step.of("Forward: normalised", (*rows, (words,)), {"normalised": planes(batch.normalised)})


def _scaled(batch: _Batch) -> Step:
    rows: list[Row | str] = []
    for c in range(batch.channels):
        gamma, beta = float(batch.gamma[c]), float(batch.beta[c])
        rows += [
            (
                Grid.of(batch.normalised[:, :, c], batch.name("x̂", c)),
                Arrow("·", f"γ = {number(gamma)}"),
                Arrow("+", f"β = {number(beta)}"),
                Arrow("="),
                Grid.of(batch.y[:, :, c], batch.name("y", c), "done"),
            ),
            (
                f"y[1, 1] = {factor(gamma)}·{factor(batch.normalised[0, 0, c])} + {factor(beta)} "
                f"= {number(batch.y[0, 0, c])}"
            ),
        ]
    return Step.of("Forward: scaled by γ and shifted by β", rows, {"output": planes(batch.y)})


def _running(batch: _Batch) -> Step:
    keep, after = batch.rule.momentum, batch.layer.after
    rows: list[Row | str] = []
    for c in range(batch.channels):
        head = f"channel {c + 1}: " if batch.channels > 1 else ""
        columns = np.array(
            [[0.0, batch.mean[c], after["mean"][c]], [1.0, batch.unbiased[c], after["variance"][c]]]
        )
        rows += [
            (
                Grid.of(
                    columns,
                    f"{head}before, of the batch, after",
                    {(0, 2): "result", (1, 2): "result"},
                    row_names=("mean", "variance"),
                ),
            ),
            f"mean = {number(keep)}·0 + {number(1 - keep)}·{factor(columns[0, 1])} = {number(columns[0, 2])}",
            (
                f"variance = {number(keep)}·1 + {number(1 - keep)}·{factor(columns[1, 1])} "
                f"= {number(columns[1, 2])}"
            ),
        ]
    words = (
        f"the variance taken in is the unbiased one: the squares by {batch.count} − 1"
        if batch.count > 1
        else "of a single value the variance is 0"
    )
    data = {"running_mean": exact(after["mean"]), "running_variance": exact(after["variance"])}
    return Step.of(f"Running figures, with momentum {number(keep)}", (*rows, (Words(words),)), data)


def _predicting(batch: _Batch) -> Step:
    mean, variance = (batch.layer.after[name] for name in ("mean", "variance"))
    epsilon = number(batch.rule.epsilon)
    rows: list[Row | str] = []
    for c in range(batch.channels):
        away = batch.x[0, 0, c] - mean[c]
        rows += [
            (
                Grid.of(batch.x[:, :, c], batch.name("x", c)),
                Arrow("→", "by the running figures"),
                Grid.of(batch.predicted[:, :, c], batch.name("y while predicting", c), "done"),
            ),
            (
                f"y[1, 1] = {factor(batch.gamma[c])}·{factor(away)} / √({number(variance[c])} + {epsilon}) "
                f"+ {factor(batch.beta[c])} = {number(batch.predicted[0, 0, c])}"
            ),
        ]
    words = Words("no batch is needed, and an image is told the same whatever is beside it")
    return Step.of("While predicting", (*rows, (words,)), {"predicted": planes(batch.predicted)})


def _back_to_scale(batch: _Batch) -> Step:
    rows: list[Row | str] = []
    for c in range(batch.channels):
        dy, products = batch.dy[:, :, c], batch.dy[:, :, c] * batch.normalised[:, :, c]
        rows += [
            (
                Grid.of(dy, batch.name("dY", c)),
                Arrow("·"),
                Grid.of(batch.normalised[:, :, c], "x̂"),
                Arrow("="),
                Grid.of(products, "products", "window"),
                Arrow("→", "sum"),
                Formula(f"dγ = {number(batch.gradients['gamma'][c])}"),
            ),
            f"dγ = {total(map(factor, products.ravel().tolist()))} = {number(batch.gradients['gamma'][c])}",
            f"dβ = {total(map(factor, dy.ravel().tolist()))} = {number(batch.gradients['beta'][c])}",
        ]
    data = {"dgamma": exact(batch.gradients["gamma"]), "dbeta": exact(batch.gradients["beta"])}
    return Step.of("Backward: γ and β", rows, data)


def _back_to_input(batch: _Batch) -> Step:
    rows: list[Row | str] = []
    terms = []
    for c in range(batch.channels):
        dgamma, dbeta = (float(batch.gradients[name][c]) for name in ("gamma", "beta"))
        dy, hat, n = batch.dy[:, :, c], batch.normalised[:, :, c], batch.count
        by_mean, by_variance = np.full(dy.shape, dbeta / n), hat * (dgamma / n)
        scale = float(batch.gamma[c] / batch.deviation[c])
        terms.append([exact(dy), exact(by_mean), exact(by_variance)])
        rows += [
            (
                Grid.of(dy, batch.name("dY", c)),
                Arrow("−", "through the mean"),
                Grid.of(by_mean, "dβ / n"),
                Arrow("−", "through the variance"),
                Grid.of(by_variance, "x̂ · dγ / n"),
                Arrow("→", f"times γ / √(σ² + ε) = {number(scale)}"),
                Grid.of(batch.dx[:, :, c], batch.name("dX", c), "done"),
            ),
            (
                f"dX[1, 1] = {factor(batch.gamma[c])} / {number(batch.deviation[c])}·"
                f"({number(dy[0, 0])} − {factor(dbeta)} / {n} − {factor(hat[0, 0])}·{factor(dgamma)} / {n}) "
                f"= {number(batch.dx[0, 0, c])}"
            ),
        ]
    words = Words("each x moves the mean and the variance, so each gradient reaches all; dX sums to 0")
    return Step.of("Backward: dX, by three ways", (*rows, (words,)), {"terms": terms, "dX": planes(batch.dx)})
