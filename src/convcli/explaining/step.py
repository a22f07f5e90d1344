"""One whole training step of a small network with every number: forward, loss, backward, update."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import ShapeError, UsageError
from convcli.explaining.checking import check_step
from convcli.explaining.elements import (
    Arrow,
    Block,
    Cell,
    Explanation,
    Formula,
    Grid,
    Role,
    Row,
    Step,
    Words,
    exact,
    planes,
)
from convcli.explaining.layer import SHOWN_CHANNELS
from convcli.explaining.notation import factor, number, products, total
from convcli.explaining.optimizing import optimizer_of, quantities, told
from convcli.explaining.problem import Example, Problem, posed
from convcli.explaining.request import WINDOW, Request, chosen_index
from convcli.explaining.topics import topic
from convcli.explaining.training_step import ACTIVATION, CLASSES, CONV, DENSE, FLATTEN, POOL, TrainingStep
from convcli.nn.layers import AvgPool, MaxPool
from convcli.nn.optimizers import SGD
from convcli.wording import by, shortened

EXAMPLE = Example(
    input="2 1 1 0; 1 0 0 2; 3 1 3 1; 0 2 0 2", kernels=("1 0 -1; 1 0 -1; 1 0 -1",), activation="relu"
)
OWN_BIAS = (-2.0, 2.0)  # of the dense layer, so that both scores of the example are 0
RATE, SHOWN_FILTERS = 0.1, 4


@topic(
    "step",
    "one whole training step of a small network with every number: forward, loss, backward, a numeric check, "
    "the update, the loss after it",
    *("input", "kernels", "bias", *WINDOW, "activation", "size", "pool", "label", "optimizer"),
    "learning_rate",
)
def step(ask: Request) -> Explanation:
    """Return the steps. Without `--label` the true class is the first."""
    training = _posed(ask)
    before, after = training.before, training.after
    moved = training.taken.after - training.taken.before
    steps = (
        _network(training),
        _convolution(training),
        _pooled(training),
        _scores(training),
        _loss(training),
        _back_to_scores(training),
        _back_through_dense(training),
        _back_through_pool(training),
        _back_to_kernel(training),
        check_step(training.errors, *(f"W1 and b1 are left out: {why}" for why in training.kinks)),
        _update(training),
        _after(training),
    )
    return Explanation(
        topic="step",
        title=f"One training step: the loss {_went(before.loss, after.loss)}",
        steps=steps,
        data={
            **training.problem.document(),
            "activation": str(training.problem.activation),
            "label": training.label + 1,
            "optimizer": told(training.rule),
            "Z": planes(before.output(CONV)),
            "A": planes(before.output(ACTIVATION)),
            "P": planes(before.output(POOL)),
            "scores": exact(before.scores),
            "probabilities": exact(before.probabilities),
            "loss": before.loss,
            "gradients": {name: _plain(array) for name, array in before.gradients.items()},
            "relative_errors": training.errors,
            "weights": {name: _plain(array) for name, array in before.named(before.weights.trained).items()},
            "updated": {name: _plain(array) for name, array in before.named(training.taken.after).items()},
            "loss_after": after.loss,
            "probabilities_after": exact(after.probabilities),
            "moved": exact(np.linalg.norm(moved)),
        },
        still=tuple(range(len(steps))),
        notes=training.problem.notes,
    )


def _plain(array: Array) -> Any:
    """Return an array of weights as JSON has it elsewhere: kernels as (k, c, f_h, f_w)."""
    return exact(np.transpose(array, (3, 2, 0, 1)) if array.ndim == 4 else array)


def _posed(ask: Request) -> TrainingStep:
    problem = posed(ask, EXAMPLE)
    # Every layer has its bias here: a step changes it also where it begins at 0.
    problem = replace(problem, biased=True)
    if ask.pool not in (None, "max", "mean"):
        raise UsageError(f"--pool: expected max or mean, not {shortened(repr(ask.pool))}.")
    kind, size = AvgPool if ask.pool == "mean" else MaxPool, 2 if ask.size is None else ask.size
    pool = kind(size=(size, size) if isinstance(size, int) else (size[0], size[1]))
    try:
        rows, columns, channels = pool.output_shape(problem.z.shape)
    except ShapeError as error:
        here = f"The pool of {by(pool.size)} (--size) on Z of {by(problem.z.shape[:2])}"
        raise ShapeError(f"{here}: {error}") from error
    if ask.label is not None and not ask.label.isdecimal():
        raise UsageError(
            f"--label: expected the number of a class, 1 or {CLASSES}, not {shortened(repr(ask.label))}."
        )
    label = chosen_index(None if ask.label is None else int(ask.label), CLASSES, "--label")
    if len(ask.optimizer) > 1:
        raise UsageError(f"--optimizer: a step is one optimizer's, found {len(ask.optimizer)}.")
    rate = RATE if ask.learning_rate is None else ask.learning_rate
    features = rows * columns * channels
    own = ask.input is None and not ask.kernels and features == 1
    return TrainingStep(
        problem,
        pool,
        np.where((np.arange(features)[:, None] + np.arange(CLASSES)) % 2, -1.0, 1.0),
        np.array(OWN_BIAS if own else [0.0] * CLASSES),
        label,
        optimizer_of(ask.optimizer[0] if ask.optimizer else "sgd", rate),
    )


def _filters(problem: Problem) -> range:
    return range(min(problem.w.shape[3], SHOWN_FILTERS))


def _index(problem: Problem, name: str, k: int) -> str:
    """Return what a filter's tensor is called: Z, or Z_2 where there are several."""
    return f"{name}_{k + 1}" if problem.w.shape[3] > 1 else name


def _rest(problem: Problem) -> tuple[Row, ...]:
    """Say which filters and channels are not shown, if any."""
    channels, filters = problem.w.shape[2:]
    left = [f"{SHOWN_CHANNELS} of {channels} channels"] if channels > SHOWN_CHANNELS else []
    left += [f"{SHOWN_FILTERS} of {filters} filters"] if filters > SHOWN_FILTERS else []
    return ((Words(f"shown: the first {' and '.join(left)}"),),) if left else ()


def _network(training: TrainingStep) -> Step:
    problem, before = training.problem, training.before
    row: Row = (
        Block(problem.x.shape, "x"),
        Arrow("→", "conv W1, b1"),
        Block(before.output(CONV).shape, "Z"),
        Arrow("→", f"g = {problem.activation}"),
        Block(before.output(ACTIVATION).shape, "A"),
        Arrow("→", f"{_kind(training)} pool {by(training.pool.size)}"),
        Block(before.output(POOL).shape, "P"),
        Arrow("→", "dense W2, b2"),
        Block((1, 1, CLASSES), "s"),
    )
    counts = {name: array.size for name, array in before.gradients.items()}
    words = " + ".join(str(count) for count in counts.values())
    lines = (
        (
            "forward: Z = W1 * x + b1, A = g(Z), P = pool(A), s = P·W2 + b2, p = softmax(s), "
            "L = −log p[label], with log to the base e (ln)"
        ),
        "backward: the gradient of L in each of them, from the last to the first",
        f"update: each weight goes against its gradient, by {told(training.rule)}",
        f"learned numbers: {words} = {sum(counts.values())}",
    )
    data = {"parameters": counts, "label": training.label + 1, "optimizer": told(training.rule)}
    title = f"The network, and an image of class {training.label + 1}"
    return Step.of(title, (*problem.photo_row(), row, *lines), data)


def _kind(training: TrainingStep) -> str:
    return "max" if isinstance(training.pool, MaxPool) else "mean"


def _convolution(training: TrainingStep) -> Step:
    problem, z = training.problem, training.before.output(CONV)
    rows: list[Row | str] = []
    for k in _filters(problem):
        kernels = tuple(
            Grid.of(problem.w[:, :, c, k], _channel(problem, _index(problem, "W1", k), c), "kernel")
            for c in range(min(problem.w.shape[2], SHOWN_CHANNELS))
        )
        rows.append(
            (
                *_images(problem),
                Arrow("*"),
                *kernels,
                Arrow("+", f"b1 = {number(problem.b[k])}"),
                Arrow("="),
                Grid.of(z[:, :, k], _index(problem, "Z", k), "done"),
            )
        )
    seen = problem.sliding.windows(problem.x)[0, 0]
    terms = products(np.moveaxis(seen, 2, 0), np.moveaxis(problem.w[..., 0], 2, 0), float(problem.b[0]))
    line = f"{_index(problem, 'Z', 0)}[1, 1] = {terms} = {number(z[0, 0, 0])}"
    return Step.of("Forward: the convolution", (*rows, line, *_rest(problem)), {"Z": planes(z)})


def _images(problem: Problem) -> tuple[Grid, ...]:
    """Return the channels that go in, with their padding."""
    sliding = problem.sliding
    return tuple(
        problem.input_grid(c, _channel(problem, "x", c), sliding.padding_marks())
        for c in range(min(problem.x.shape[2], SHOWN_CHANNELS))
    )


def _channel(problem: Problem, name: str, c: int) -> str:
    return f"{name}, channel {c + 1}" if problem.x.shape[2] > 1 else name


def _pooled(training: TrainingStep) -> Step:
    problem, before = training.problem, training.before
    z, a, p = (before.output(layer) for layer in (CONV, ACTIVATION, POOL))
    rows = [
        (
            Grid.of(z[:, :, k], _index(problem, "Z", k)),
            Arrow("→", f"g = {problem.activation}"),
            Grid.of(a[:, :, k], _index(problem, "A", k), _maxima(training, k)),
            Arrow("→", f"{_kind(training)} {by(training.pool.size)}"),
            Grid.of(p[:, :, k], _index(problem, "P", k), "done"),
        )
        for k in _filters(problem)
    ]
    clipped = int((a == 0).sum() - (z == 0).sum()) if str(problem.activation) == "relu" else 0
    lines = [problem.activation.formula]
    if clipped:
        lines.append(f"relu makes {clipped} of {z.size} numbers 0")
    left = [n - m * s for n, m, s in zip(a.shape[:2], p.shape[:2], training.pool.size, strict=True)]
    if any(left):
        lines.append(f"the last {by(left)} rows and columns of A fill no window")
    return Step.of(
        f"Forward: {problem.activation} and the pool",
        (*rows, *lines, *_rest(problem)),
        {"A": planes(a), "P": planes(p)},
    )


def _maxima(training: TrainingStep, k: int) -> dict[Cell, Role]:
    """Return where each maximum stood: where a gradient of 1 goes back to."""
    if not isinstance(training.pool, MaxPool):
        return {}
    from convcli.explaining.alone import Alone

    a = training.before.output(ACTIVATION)
    back = Alone(training.pool, a[None]).gradients(np.ones((1, *training.before.output(POOL).shape)))["x"]
    return {(int(i), int(j)): "chosen" for i, j in np.argwhere(back[0, :, :, k])}


def _scores(training: TrainingStep) -> Step:
    features, scores = training.before.output(FLATTEN), training.before.output(DENSE)
    row: Row = (
        Grid.of(features[None], "P as a row"),
        Arrow("·"),
        Grid.of(training.w2, "W2: a column for each class", "kernel"),
        Arrow("+"),
        Grid.of(training.b2[None], "b2", "kernel"),
        Arrow("="),
        Grid.of(scores[None], "s: the scores", "done"),
    )
    lines = [
        f"s[{k + 1}] = {products(features, training.w2[:, k], float(training.b2[k]))} = {number(scores[k])}"
        for k in range(CLASSES)
    ]
    return Step.of("Forward: the dense layer", (row, *lines), {"scores": exact(scores)})


def _loss(training: TrainingStep) -> Step:
    scores, p = training.before.scores, training.before.probabilities
    label, loss = training.label, training.before.loss
    shifted = np.exp(scores - scores.max())
    names = tuple(f"class {k + 1}" for k in range(CLASSES))
    row: Row = (
        Grid.of(scores[:, None], "s", row_names=names),
        Arrow("→", "exp(s − max s)"),
        Grid.of(shifted[:, None], "e"),
        Arrow("/", "their sum"),
        Arrow("="),
        Grid.of(p[:, None], "p", {(label, 0): "result"}),
    )
    lines = (
        f"p[{label + 1}] = {number(shifted[label])} / ({total(map(number, shifted))}) = {number(p[label])}",
        f"L = −log p[{label + 1}] = −log {number(p[label])} = {number(loss)}",
    )
    data = {"probabilities": exact(p), "loss": loss}
    return Step.of(f"Forward: softmax, and the loss of class {label + 1}", (row, *lines), data)


def _back_to_scores(training: TrainingStep) -> Step:
    p, ds = training.before.probabilities, training.before.ds[0]
    q = training.loss.shares(np.array([training.label]), training.before.trace.outputs)[0]
    row: Row = (
        Grid.of(p[None], "p"),
        Arrow("−"),
        Grid.of(q[None], "q: 1 at the label"),
        Arrow("="),
        Grid.of(ds[None], "ds", "done"),
    )
    line = "what softmax and log make together: ds = p − q"
    return Step.of("Backward: the scores", (row, line), {"ds": exact(ds)})


def _back_through_dense(training: TrainingStep) -> Step:
    before, ds = training.before, training.before.ds[0]
    features, dw, db = before.output(FLATTEN), before.gradients["W2"], before.gradients["b2"]
    dp = before.gradient(FLATTEN)
    first: Row = (
        Grid.of(features[:, None], "P as a column"),
        Arrow("·"),
        Grid.of(ds[None], "ds"),
        Arrow("="),
        Grid.of(dw, "dW2", "done"),
        Grid.of(db[None], "db2 = ds", "done"),
    )
    second: Row = (
        Grid.of(ds[None], "ds"),
        Arrow("·"),
        Grid.of(training.w2.T, "W2 transposed", "kernel"),
        Arrow("="),
        Grid.of(dp[None], "dP", "done"),
    )
    lines = (
        f"dW2[1, 1] = {factor(features[0])}·{factor(ds[0])} = {number(dw[0, 0])}",
        f"dP[1] = {products(ds, training.w2[0])} = {number(dp[0])}",
    )
    data = {"dW2": exact(dw), "db2": exact(db), "dP": exact(dp)}
    return Step.of("Backward: the dense layer", (first, second, *lines), data)


def _back_through_pool(training: TrainingStep) -> Step:
    problem, before = training.problem, training.before
    dp, da, dz = (before.gradient(layer) for layer in (POOL, ACTIVATION, CONV))
    rows = [
        (
            Grid.of(dp[:, :, k], _index(problem, "dP", k)),
            Arrow("→", "to the maxima" if _kind(training) == "max" else "spread evenly"),
            Grid.of(da[:, :, k], _index(problem, "dA", k), _maxima(training, k)),
            Arrow("→", f"times {problem.activation}′(Z)"),
            Grid.of(dz[:, :, k], _index(problem, "dZ", k), "done"),
        )
        for k in _filters(problem)
    ]
    silent = [] if dz.any() else ["dZ is 0 everywhere: the kernel learns nothing from this image"]
    data = {"dA": planes(da), "dZ": planes(dz)}
    title = f"Backward: the pool and {problem.activation}"
    return Step.of(title, (*rows, *((Words(line),) for line in silent), *_rest(problem)), data)


def _back_to_kernel(training: TrainingStep) -> Step:
    problem, before = training.problem, training.before
    dz, dw, db = before.gradient(CONV), before.gradients["W1"], before.gradients["b1"]
    rows: list[Row] = []
    for k in _filters(problem):
        found = tuple(
            Grid.of(dw[:, :, c, k], _channel(problem, _index(problem, "dW1", k), c), "done")
            for c in range(min(dw.shape[2], SHOWN_CHANNELS))
        )
        rows.append(
            (
                *_images(problem),
                Arrow("*", "each window, times its dZ"),
                Grid.of(dz[:, :, k], _index(problem, "dZ", k), "kernel"),
                Arrow("="),
                *found,
                Formula(f"{_index(problem, 'db1', k)} = {number(db[k])}"),
            )
        )
    seen = problem.sliding.windows(problem.x)[:, :, 0, 0, 0]
    lines = (
        f"{_index(problem, 'dW1', 0)}[1, 1] = {products(seen, dz[:, :, 0])} = {number(dw[0, 0, 0, 0])}",
        f"{_index(problem, 'db1', 0)} = {total(map(factor, dz[:, :, 0].ravel().tolist()))} = {number(db[0])}",
    )
    return Step.of(
        "Backward: the convolution",
        (*rows, *lines, *_rest(problem)),
        {"dW1": _plain(dw), "db1": exact(db)},
    )


def _update(training: TrainingStep) -> Step:
    before, taken = training.before, training.taken
    old, new = before.named(taken.before), before.named(taken.after)
    rule, rows = training.rule, list[Row]()
    plain = rule == SGD(learning_rate=rule.learning_rate)
    between = (
        Arrow("−", f"{number(rule.learning_rate)} times") if plain else Arrow("→", f"{rule.name()} with")
    )
    for name, gradient in before.gradients.items():
        grids = (
            Grid.of(_flat(old[name]), name, "kernel"),
            Grid.of(_flat(gradient), f"d{name}"),
            Grid.of(_flat(new[name]), f"{name} after", "result"),
        )
        rows.append((grids[0], between, grids[1], Arrow("=" if plain else "→"), grids[2]))
    lines = [f"{quantity.name} = {quantity.how(0)}" for quantity in quantities(taken)]
    first = "W1[1, 1]" if training.problem.w[..., 0, 0].size > 1 else "W1"
    data = {"updated": {name: _plain(array) for name, array in new.items()}}
    return Step.of(
        "The update",
        (*rows, (Words(f"of {first}:"),), *lines, *_rest(training.problem)),
        data,
    )


def _flat(array: Array) -> Array:
    """Return weights as a matrix: of several kernels the first channel of the first."""
    if array.ndim == 1:
        return array[None]
    return array[:, :, 0, 0] if array.ndim == 4 else array


def _after(training: TrainingStep) -> Step:
    before, after, label = training.before, training.after, training.label
    names = tuple(f"class {k + 1}" for k in range(CLASSES))
    row: Row = (
        Grid.of(before.probabilities[:, None], "p before", {(label, 0): "window"}, row_names=names),
        Arrow("→", "the step"),
        Grid.of(after.probabilities[:, None], "p after", {(label, 0): "result"}),
    )
    scores = ", ".join(map(number, after.scores))
    lines = [
        f"s after = {scores}",
        f"L after = −log {number(after.probabilities[label])} = {number(after.loss)}",
        f"the loss {_went(before.loss, after.loss)}",
    ]
    if after.loss > before.loss:
        lines.append("a smaller step in the same direction lets it fall: try a smaller --learning-rate")
    data = {"loss_before": before.loss, "loss_after": after.loss, "probabilities": exact(after.probabilities)}
    return Step.of("The same image after the step", (row, *lines), data)


def _went(before: float, after: float) -> str:
    """Return what became of the loss, as it was."""
    if before == after:
        return f"stayed at {number(before)}"
    return f"{'fell' if after < before else 'rose'} from {number(before)} to {number(after)}"
