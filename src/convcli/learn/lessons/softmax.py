"""The end of the network: scores, probabilities, loss, and the gradient that goes back."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining import Explanation, Step
from convcli.explaining.elements import Arrow, Formula, Grid, Words
from convcli.explaining.notation import cell_name, number, products, total
from convcli.learn.answers import Matrix, Number
from convcli.learn.exercises import Draws, Exercise, known, matrix, one_of
from convcli.learn.lesson import Lesson, register
from convcli.wording import by

SUMS = (4, 5, 8, 10, 20)
"""What exponentials add up to, so that probabilities are short."""


def _exponentials(draws: Draws, classes: int = 3) -> Array:
    """Return whole exponentials (1, classes), all different, whose sum is one of `SUMS`."""
    while True:
        found = draws.choice(np.arange(1, 15), classes, replace=False).astype(np.float64)
        if found.sum() in SUMS:
            return found[None]


def _probabilities_step(e: Array) -> Step:
    p, sum_ = e / e.sum(), e.sum()
    row = (
        Grid.of(e, "exp(z)", "window"),
        Arrow("→", f"divided by {number(sum_)}"),
        Grid.of(p, "p", "done"),
    )
    lines = (
        f"sum = {total(map(number, e[0].tolist()))} = {number(sum_)}",
        ", ".join(f"p[{k + 1}] = {number(v)}/{number(sum_)}" for k, v in enumerate(e[0].tolist())),
    )
    return Step.of("Each divided by the sum of all", (row, *lines), {})


def figure(draws: Draws) -> Explanation:
    """Return scores, their exponentials, probabilities, and the gradient."""
    z = draws.permutation(4)[:3].astype(np.float64)[None]
    e = np.exp(z)
    p, k = e / e.sum(), int(draws.integers(3))
    y = np.eye(3)[[k]]
    row = (
        Grid.of(z, "z"),
        Arrow("→", "exp(z)"),
        Grid.of(e, "exp(z)", "window"),
        Arrow("→", f"divided by {number(e.sum())}"),
        Grid.of(p, "p", "done"),
    )
    back = (
        Grid.of(p, "p", "done"),
        Arrow("−"),
        Grid.of(y, f"y: class {k + 1}"),
        Arrow("="),
        Grid.of(p - y, "dz"),
    )
    loss = f"L = −ln p[{k + 1}] = −ln {number(p[0, k])} = {number(-np.log(p[0, k]))}"
    step = Step.of("From scores to a gradient", (row, loss, back), {})
    return Explanation("softmax", "Softmax and its loss", (step,), {}, (0,))


def scores(draws: Draws) -> Exercise:
    """Compute the scores of a dense layer."""
    a, w, b = matrix(draws, 1, 3, 0, 4), matrix(draws, 3, 2, -2, 3), matrix(draws, 1, 2, -2, 2)
    while not b.any():
        b = matrix(draws, 1, 2, -2, 2)
    z = a @ w + b
    lines = [
        f"{cell_name('z', (0, k))} = {products(a[0], w[:, k], float(b[0, k]))} = {number(z[0, k])}"
        for k in range(2)
    ]
    row = (
        Grid.of(a, "a"),
        Arrow("·"),
        Grid.of(w, "W: a row an input, a column a class", "kernel"),
        Arrow("+"),
        Grid.of(b, "b"),
        Arrow("="),
        Formula("z"),
    )
    return Exercise(
        "A dense layer: z = a·W + b. Write z, its two scores.",
        (row,),
        Matrix(z, "z"),
        "Score 1 takes the first column of W: each input times its weight, added up, and the first cell of "
        "b.",
        Step.of("A column of W a score", lines, {}),
        {"a": a.tolist(), "W": w.tolist(), "b": b.tolist()},
        known(z, (a @ w, "b is missing"), (z[:, ::-1], "the two scores are exchanged")),
    )


def probabilities(draws: Draws) -> Exercise:
    """Compute softmax where the exponentials are known."""
    e = _exponentials(draws)
    p = e / e.sum()
    return Exercise(
        "The exponentials exp(z) of three scores are given. Write p = softmax(z), the probabilities.",
        ((Grid.of(e, "exp(z)"),),),
        Matrix(p, "p"),
        "Divide each by the sum of all three; probabilities add up to 1.",
        _probabilities_step(e),
        {"exponentials": e.tolist()},
        known(
            p,
            (e / e.max(), "divide by the sum, not by the largest"),
            (p * 100, "that is in percent: p adds up to 1"),
        ),
    )


def gradient(draws: Draws) -> Exercise:
    """Compute the gradient of the scores."""
    e, k = _exponentials(draws), int(draws.integers(3))
    p, y = e / e.sum(), np.eye(3)[[k]]
    row = (Grid.of(p, "p", "done"), Arrow("−"), Grid.of(y, "y"), Arrow("="), Grid.of(p - y, "dz", "done"))
    return Exercise(
        f"The network's probabilities are p, and the picture shows class {k + 1}. The loss is L = −ln "
        f"p[{k + 1}]. Write dz, its gradient with respect to the scores.",
        ((Grid.of(p, "p"),),),
        Matrix(p - y, "dz"),
        "dz = p − y, where y is 1 for the class of the picture and 0 for the others.",
        Step.of("dz = p − y", (row,), {}),
        {"p": p.tolist(), "class": k},
        known(p - y, (y - p, "the sign is the other way round: p − y"), (p, "y is missing: p − y")),
    )


def parameters(draws: Draws) -> Exercise:
    """Count the weights of the last layer."""
    n, channels, classes = int(draws.integers(3, 8)), one_of(draws, (4, 8, 10, 16)), one_of(draws, (2, 5, 10))
    inputs = n * n * channels
    value = (inputs + 1) * classes
    lines = (f"{by((n, n, channels))} = {inputs} inputs", f"({inputs} + 1) × {classes} = {value:,}")
    return Exercise(
        f"Planes of {by((n, n, channels))} are flattened to a row and go into a dense layer for {classes} "
        "classes, with biases. How many numbers does it learn?",
        (),
        Number(value),
        "How many numbers are in the row? Each class has a weight for each of them, and one bias.",
        Step.of("Inputs × classes, and the biases", lines, {}),
        {"shape": [n, n, channels], "classes": classes},
        known(value, (inputs * classes, "the biases are missing"), (inputs, "those are the inputs")),
    )


register(
    Lesson(
        "softmax",
        "The end of the network: scores, probabilities, loss",
        (
            Words(
                "The last planes are flattened to one row a, and a dense layer makes a score for each class "
                "of it: z = a·W + b. Softmax makes probabilities of the scores: exp(z) of each, divided by "
                "the sum of all."
            ),
            Words(
                "The loss is the negative logarithm of the right class's probability: 0 if the network was "
                "sure of it, large if it held it for unlikely. Its gradient is as simple as can be: p − y, "
                "where y is 1 for the right class and 0 for the others. From here everything goes backward."
            ),
            Formula("p_k = exp(z_k) / Σ exp(z_j)    L = −ln p_right    dz = p − y"),
        ),
        figure,
        (scores, probabilities, gradient, parameters),
        "softmax",
    )
)
