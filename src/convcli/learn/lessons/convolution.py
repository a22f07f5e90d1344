"""The convolution step by step: lay the kernel on, multiply, add, move on."""

from __future__ import annotations

import numpy as np

from convcli.engine.plane.filter import filter2d
from convcli.engine.workspace import Array
from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Arrow, Cell, Formula, Grid, Row, Words
from convcli.explaining.notation import cell_name, number, products
from convcli.learn.answers import Matrix, Number
from convcli.learn.exercises import Draws, Exercise, cell, kernel, known, matrix, typed
from convcli.learn.lesson import Lesson, register


def valid(x: Array, w: Array, stride: int = 1, padding: int = 0) -> Array:
    """Return the correlation of two matrices, as the engine computes it."""
    return filter2d(np.pad(x, padding), w, padding="valid", stride=stride)


def pair(x: Array, w: Array) -> Row:
    """Return an input and a kernel side by side, as a question shows them."""
    return (Grid.of(x, "input"), Arrow("*"), Grid.of(w, "kernel", "kernel"))


def window_step(x: Array, w: Array, at: Cell, **options: int) -> Step:
    """Return the step of `explain convolution` that makes one cell."""
    columns = valid(x, w, **options).shape[1]
    ask = Request(input=typed(x), kernels=(typed(w),), **options)  # type: ignore[arg-type]
    step: Step = explain("convolution", ask).steps[at[0] * columns + at[1]]
    return step


def figure(draws: Draws) -> Explanation:
    """Return the first step and the last."""
    x, w = matrix(draws, 4, 4), kernel(draws, 2)
    return explain("convolution", Request(input=typed(x), kernels=(typed(w),))).only([0, 8])


def one_cell(draws: Draws) -> Exercise:
    """Compute one cell of the output."""
    while True:
        x, w = matrix(draws, 5, 5), kernel(draws, 3)
        out, flipped = valid(x, w), valid(x, w[::-1, ::-1])
        at = cell(draws, (3, 3))
        if out[at] != flipped[at]:
            break
    name = cell_name("out", at)
    return Exercise(
        f"What is {name}?",
        (pair(x, w),),
        Number(out[at]),
        f"Lay the kernel's top left cell on row {at[0] + 1}, column {at[1] + 1} of the input, unflipped; "
        "multiply the nine pairs of cells, and add the products up.",
        lambda: window_step(x, w, at),
        {"input": x.tolist(), "kernel": w.tolist(), "cell": list(at)},
        known(
            out[at],
            (flipped[at], "that is with the kernel flipped; here it is laid on as it stands"),
            (out[at[::-1]], f"that is {cell_name('out', at[::-1])}: rows come first"),
        ),
    )


def whole(draws: Draws) -> Exercise:
    """Compute the whole output."""
    while True:
        x, w = matrix(draws, 4, 4, 0, 3), kernel(draws, 3)
        out, flipped = valid(x, w), valid(x, w[::-1, ::-1])
        if not np.array_equal(out, flipped) and not np.array_equal(out, out.T):
            break
    last = (1, 1)
    return Exercise(
        "What is out, the whole output? (No padding, stride 1.)",
        (pair(x, w),),
        Matrix(out, "out"),
        "The kernel fits in 2 places across and 2 down: out is 2 × 2, a sum of nine products a cell.",
        lambda: window_step(x, w, last),
        {"input": x.tolist(), "kernel": w.tolist()},
        known(
            out,
            (flipped, "that is with the kernel flipped; here it is laid on as it stands"),
            (out.T, "rows and columns are exchanged"),
            (x[:2, :2] * w[:2, :2], "the products have to be added up"),
        ),
    )


def missing(draws: Draws) -> Exercise:
    """Find a weight from a result."""
    x, w = matrix(draws, 2, 2, 1, 4), matrix(draws, 2, 2, -2, 3)
    at = cell(draws, (2, 2))
    while w[at] == 0:
        w[at] = draws.integers(-2, 4)
    out, value = float((x * w).sum()), w[at]
    rest = out - x[at] * value
    places = [(i, j) for i in range(2) for j in range(2) if (i, j) != at]
    row: Row = (
        Grid.of(x, "window"),
        Arrow("·"),
        Grid.of(w, "kernel", "kernel", known=places),
        Arrow("→", "sum"),
        Grid.of(np.array([[out]]), "out", "done"),
    )
    name = cell_name("w", at)
    lines = (
        f"{products(x, w)} = {number(out)}",
        f"{number(x[at])}·{name} = {number(out)} − {number(rest)}".replace("− −", "+ "),
        f"{name} = {number(out - rest)} / {number(x[at])} = {number(value)}",
    )
    return Exercise(
        f"A cell of the kernel is gone. Which weight {name} makes the output {number(out)}?",
        (row,),
        Number(value),
        "What do the other three products add up to? The rest is the missing weight times its cell.",
        Step.of("The rest divided by the cell", lines, {}),
        {"window": x.tolist(), "kernel": w.tolist(), "cell": list(at), "out": out},
        known(value, (out - rest, "that is the product; divide it by the cell of the window")),
    )


def flipped(draws: Draws) -> Exercise:
    """Convolve as mathematicians do: with the kernel flipped."""
    while True:
        x, w = matrix(draws, 3, 3), kernel(draws, 3)
        value, other = float((x * w[::-1, ::-1]).sum()), float((x * w).sum())
        if value != other:
            break
    return Exercise(
        "In mathematics a convolution turns the kernel by 180° before it is laid on; networks do without. "
        "What is out with the kernel turned?",
        (pair(x, w),),
        Number(value),
        "Turned by 180°, the last cell of the kernel comes first: read it from the bottom right to the top "
        "left.",
        lambda: window_step(x, w[::-1, ::-1], (0, 0)),
        {"input": x.tolist(), "kernel": w.tolist()},
        known(
            value,
            (other, "that is without turning it"),
            (float((x * w[::-1]).sum()), "that is turned upside down only: the columns turn, too"),
            (float((x * w[:, ::-1]).sum()), "that is turned left to right only: the rows turn, too"),
            (float((x * w.T).sum()), "that is with rows and columns exchanged"),
        ),
    )


register(
    Lesson(
        "convolution",
        "Convolution step by step",
        (
            Words(
                "A small matrix of weights, the kernel, is laid on the top left of the input. Each weight "
                "is multiplied with the cell under it, and the products are added up: that is one cell of "
                "the output."
            ),
            Words(
                "Then the kernel moves one column to the right, and at the end of the row one row down. It "
                "is laid on as it stands (cross-correlation), as all networks do it, though they call it "
                "convolution."
            ),
            Formula("out[r, c] = Σ Σ input[r + i − 1, c + j − 1] · kernel[i, j]"),
        ),
        figure,
        (one_cell, whole, missing, flipped),
        "convolution",
    )
)
