"""Edges by kernels: what the weights look for."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Arrow, Formula, Grid, Words
from convcli.explaining.notation import number, products, quotient
from convcli.learn.answers import AnyMatrix, Choice, Matrix, Number
from convcli.learn.exercises import Draws, Exercise, known, matrix, one_of
from convcli.learn.lesson import Lesson, register
from convcli.learn.lessons.convolution import pair, valid, window_step

VERTICAL = np.array([[1.0, 0, -1], [1, 0, -1], [1, 0, -1]])
"""Prewitt's kernel for vertical edges, bright on the left."""


def _edge(draws: Draws, columns: int = 6) -> tuple[Array, int]:
    """Return rows (3, columns) with one vertical edge, and how much brighter it is on the left."""
    dark, bright = (int(level) * 10 for level in draws.choice(np.arange(10), 2, replace=False))
    at = int(draws.integers(2, columns - 1))
    return np.where(np.arange(columns) < at, bright, dark) * np.ones((3, 1)), bright - dark


def figure(draws: Draws) -> Explanation:
    """Return an edge, the kernel on it, and the response."""
    x, _ = _edge(draws)
    rows = "; ".join(" ".join(f"{value:.0f}" for value in row) for row in x)
    kernel = "1 0 -1; 1 0 -1; 1 0 -1"
    return explain("convolution", Request(input=rows, kernels=(kernel,))).only([3])


def response(draws: Draws) -> Exercise:
    """Compute the response along an edge."""
    x, _ = _edge(draws)
    out = valid(x, VERTICAL)
    return Exercise(
        "How does the kernel respond along these rows? Write its whole output, out.",
        (pair(x, VERTICAL),),
        Matrix(out, "out"),
        "out has one row of 4 cells: the sum of the left column under the kernel, less that of the right "
        "column.",
        lambda: window_step(x, VERTICAL, (0, 3)),
        {"input": x.tolist(), "kernel": VERTICAL.tolist()},
        known(
            out,
            (-out, "the signs are the other way round: left is counted with plus here"),
            (out / 3, "the kernel has three rows: each adds its share"),
        ),
    )


def direction(draws: Draws) -> Exercise:
    """Say what a kernel looks for."""
    kind, weights = one_of(
        draws,
        (
            ("vertical", VERTICAL),
            ("horizontal", VERTICAL.T),
            ("vertical", np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])),
            ("horizontal", np.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])),
            ("neither", np.ones((3, 3)) / 9),
        ),
    )
    sign = int(draws.choice([-1, 1])) if kind != "neither" else 1
    weights = weights * sign
    why = {
        "vertical": "It takes what is left from what is right, or the other way round: it is 0 on rows that "
        "do not change from left to right, and finds edges that run from top to bottom.",
        "horizontal": "It takes what is above from what is below, or the other way round: it finds edges "
        "that run from left to right.",
        "neither": "All weights are the same and add up to 1: it takes the mean, which blurs.",
    }
    return Exercise(
        "Which edges does this kernel find: vertical ones (from top to bottom), horizontal ones, or neither?",
        ((Grid.of(weights, "kernel", "kernel"),),),
        Choice(kind, ("vertical", "horizontal", "neither")),
        "Lay it on an image that changes only from left to right, and on one that changes only from top to "
        "bottom: where is the sum not 0?",
        Step.of(kind.capitalize(), ((Words(why[kind]),),), {}),
        {"kernel": weights.tolist()},
    )


def finds_horizontal(weights: Array) -> bool:
    """Whether a kernel (3, 3) is 0 on flat grounds and vertical edges, positive where it is bright above."""
    columns, rows = weights.sum(axis=0), weights.sum(axis=1)
    return bool(np.abs(columns).max() < 1e-9 and rows[0] > 1e-9 and rows[0] + rows[1] > 1e-9)


def write(draws: Draws) -> Exercise:
    """Write a kernel that finds edges."""
    bright, dark = int(draws.integers(5, 10)) * 10, int(draws.integers(0, 4)) * 10
    high = np.repeat([[bright], [bright], [dark], [dark]], 4, axis=1).astype(np.float64)
    example = VERTICAL.T
    return Exercise(
        "Write a 3 × 3 kernel that finds horizontal edges such as this one: its response is positive where "
        "it is bright above and dark below, and 0 on flat grounds and on vertical edges.",
        ((Grid.of(high, "an edge"),),),
        AnyMatrix(example, "kernel", finds_horizontal),
        "Count what lies above with plus and what lies below with minus, so that each column of the kernel "
        "adds up to 0.",
        lambda: window_step(high, example, (0, 0)),
        {"input": high.tolist()},
        (
            (-example, "that is negative where it is bright above"),
            (VERTICAL, "that finds vertical edges"),
            (-VERTICAL, "that finds vertical edges"),
        ),
    )


def mean(draws: Draws) -> Exercise:
    """Take the mean by a kernel of 1/9."""
    while True:
        x = matrix(draws, 3, 3, 0, 9)
        if x.sum() % 9:
            break
    weights = np.ones((3, 3)) / 9
    value = x.sum() / 9
    lines = (f"({products(x, np.ones((3, 3))).replace('·1', '')}) / 9 = {quotient(x.sum(), 9)}",)
    row = (Grid.of(x, "input"), Arrow("*"), Grid.of(weights, "kernel", "kernel"))
    return Exercise(
        "Nine weights of 1/9 take the mean, which blurs. What is out? (A fraction or three decimals will "
        "do.)",
        (row,),
        Number(value),
        "The sum of the nine cells, divided by 9.",
        Step.of("The mean", lines, {}),
        {"input": x.tolist(), "kernel": weights.tolist()},
        known(value, (x.sum(), f"{number(x.sum())} is the sum; each weight is 1/9")),
    )


register(
    Lesson(
        "edges",
        "Edges by kernels",
        (
            Words(
                "What a kernel responds to is in its weights. Plus on the left and minus on the right: on a "
                "flat ground the products cancel, at a vertical edge they do not. The sign tells on which "
                "side it is bright, the size how strong the edge is."
            ),
            Words(
                "Turned by 90° the same weights find horizontal edges. Weights that are all the same and "
                "add up to 1 take the mean: they blur. A network learns such weights instead of being given "
                "them."
            ),
            Formula("1 + 1 + 1 − 1 − 1 − 1 = 0: nothing on a flat ground"),
        ),
        figure,
        (direction, response, mean, write),
        "edges",
    )
)
