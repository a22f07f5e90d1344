"""Backward through a convolutional layer: dZ, db, dW, dA_prev."""

from __future__ import annotations

import numpy as np

from convcli.engine.batch.conv import conv2d_backward
from convcli.engine.workspace import Array
from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Arrow, Formula, Grid, Row, Words
from convcli.explaining.notation import cell_name, factor, number, total
from convcli.learn.answers import Matrix, Number
from convcli.learn.exercises import Draws, Exercise, cell, kernel, known, matrix, typed
from convcli.learn.lesson import Lesson, register
from convcli.learn.lessons.convolution import valid


def gradients(x: Array, w: Array, dz: Array) -> tuple[Array, Array]:
    """Return dA_prev and dW of matrices, as the engine computes them."""
    dx, dw, _ = conv2d_backward(dz[None, :, :, None], x[None, :, :, None], w[:, :, None, None])
    return np.asarray(dx[0, :, :, 0]), np.asarray(dw[:, :, 0, 0])


def _explained(x: Array, w: Array, dz: Array) -> Explanation:
    return explain(
        "backward", Request(input=typed(x), kernels=(typed(w),), gradient=typed(dz), activation="none")
    )


def _steps(shown: Explanation, beginning: str) -> list[Step]:
    return [step for step in shown.steps if step.title.startswith(beginning)]


def _gradient(draws: Draws, side: int = 2) -> Array:
    """Return dZ, not symmetric."""
    while True:
        dz = draws.choice([-2.0, -1, 0, 1, 2, 3], (side, side))
        if not np.array_equal(dz, dz.T) and not np.array_equal(dz, dz[::-1, ::-1]) and (dz != 0).sum() > 2:
            return dz


def figure(draws: Draws) -> Explanation:
    """Return a cell of dW and the whole of dA_prev."""
    x, w, dz = matrix(draws, 3, 3, 0, 3), kernel(draws, 2), _gradient(draws)
    shown = _explained(x, w, dz)
    wanted = [n for n, step in enumerate(shown.steps) if step.title.startswith("dW")]
    return shown.only([wanted[-1], wanted[-1] + 1])


def _given(x: Array | None, w: Array | None, dz: Array) -> tuple[Row, ...]:
    named = ((x, "A_prev", None), (w, "W", "kernel"), (dz, "dZ", "done"))
    return (tuple(Grid.of(array, name, role) for array, name, role in named if array is not None),)  # type: ignore[arg-type]


def through_relu(draws: Draws) -> Exercise:
    """Take a gradient back through relu."""
    while True:
        z, da = matrix(draws, 2, 3, -4, 5), draws.choice([-3.0, -2, -1, 1, 2, 3], (2, 3))
        if 2 <= (z < 0).sum() <= 4 and z.all():
            break
    dz = da * (z > 0)
    row: Row = (
        Grid.of(da, "dA"),
        Arrow("·"),
        Grid.of((z > 0).astype(np.float64), "g′(Z)"),
        Arrow("="),
        Grid.of(dz, "dZ", "done"),
    )
    return Exercise(
        "A = relu(Z), and dA comes back. Write dZ.",
        ((Grid.of(z, "Z"), Grid.of(da, "dA", "done")),),
        Matrix(dz, "dZ"),
        "relu has slope 1 where Z is positive and 0 where it is negative.",
        Step.of("dZ = dA · g′(Z)", (row,), {}),
        {"Z": z.tolist(), "dA": da.tolist()},
        known(
            dz,
            (da, "where Z is negative nothing comes through"),
            (np.maximum(da, 0), "it is the sign of Z that counts, not that of dA"),
            (da * (z < 0), "that is the other way round"),
            (np.maximum(z, 0), "that is A"),
        ),
    )


def bias(draws: Draws) -> Exercise:
    """Compute db."""
    dz = _gradient(draws, 3)
    value = float(dz.sum())
    line = f"db = {total(map(factor, dz.ravel().tolist()))} = {number(value)}"
    return Exercise(
        "dZ of a filter's plane is given. What is db, the gradient of its bias?",
        (_given(None, None, dz)[0],),
        Number(value),
        "b was added to each cell of Z: each passes its gradient on to it.",
        Step.of("The sum of dZ", (line,), {}),
        {"dZ": dz.tolist()},
        known(
            value, (value / 9, "that is the mean; db is the sum"), (float(np.abs(dz).sum()), "signs count")
        ),
    )


def weight(draws: Draws) -> Exercise:
    """Compute one cell of dW."""
    while True:
        x, dz, at = matrix(draws, 4, 4, 0, 3), _gradient(draws), cell(draws, (3, 3))
        dw = valid(x, dz)
        if dw[at] not in (valid(x, dz[::-1, ::-1])[at], dw[at[::-1]]):
            break
    w = np.ones((3, 3))
    name = cell_name("dW", at)
    return Exercise(
        f"A 3 × 3 kernel made Z (2 × 2, stride 1, no padding) of A_prev. dZ is given. What is {name}?",
        _given(x, None, dz),
        Number(dw[at]),
        f"The weight at {cell_name('W', at)} was multiplied with {cell_name('A_prev', at)} for the first "
        "cell of Z: lay dZ there, multiply, add up.",
        lambda: _steps(_explained(x, w, dz), "dW")[at[0] * 3 + at[1]],
        {"input": x.tolist(), "dZ": dz.tolist(), "cell": list(at), "f": 3},
        known(
            dw[at],
            (valid(x, dz[::-1, ::-1])[at], "that is with dZ flipped; for dW it is laid on as it stands"),
            (dw[at[::-1]], f"that is {cell_name('dW', at[::-1])}: rows come first"),
            (dw[at] / 4, "that is the mean; dW is the sum"),
        ),
    )


def weights(draws: Draws) -> Exercise:
    """Compute dW."""
    while True:
        x, dz = matrix(draws, 3, 3, 0, 3), _gradient(draws)
        dw = valid(x, dz)
        if not np.array_equal(dw, dw.T) and not np.array_equal(dw, valid(x, dz[::-1, ::-1])):
            break
    return Exercise(
        "A 2 × 2 kernel made Z (2 × 2, stride 1, no padding) of A_prev. dZ is given. Write dW.",
        _given(x, None, dz),
        Matrix(dw, "dW"),
        "dW is A_prev correlated with dZ: lay dZ on A_prev, multiply, add up, move on. It is as large as W.",
        lambda: _steps(_explained(x, np.ones((2, 2)), dz), "dW")[-1],
        {"input": x.tolist(), "dZ": dz.tolist(), "f": 2},
        known(
            dw,
            (valid(x, dz[::-1, ::-1]), "that is with dZ flipped; for dW it is laid on as it stands"),
            (dw.T, "rows and columns are exchanged"),
            (dw[::-1, ::-1], "that is dW turned by 180°"),
            (dw / 4, "that is the mean; dW is the sum"),
        ),
    )


def previous(draws: Draws) -> Exercise:
    """Compute dA_prev."""
    while True:
        w, dz = kernel(draws, 2), _gradient(draws)
        dx, _ = gradients(np.zeros((3, 3)), w, dz)
        other = valid(np.pad(dz, 1), w)
        if not np.array_equal(dx, dx.T) and not np.array_equal(dx, other):
            break
    return Exercise(
        "A 2 × 2 kernel W made Z (2 × 2, stride 1, no padding) of A_prev, which was 3 × 3. dZ is given. "
        "Write dA_prev.",
        _given(None, w, dz),
        Matrix(dx, "dA_prev"),
        "Each cell of dZ lays the whole kernel, times itself, on the window that it was made of; what "
        "meets is added. Or: pad dZ by 1 and lay the kernel on, turned by 180°.",
        lambda: _steps(_explained(np.ones((3, 3)), w, dz), "dA_prev: full")[-1],
        {"W": w.tolist(), "dZ": dz.tolist()},
        known(
            dx,
            (other, "that is with the kernel as it stands; for dA_prev it is turned by 180°"),
            (dx.T, "rows and columns are exchanged"),
        ),
    )


register(
    Lesson(
        "backward",
        "Backward through a convolutional layer",
        (
            Words(
                "The gradient comes back to a layer as dA, of the size of A. Through the activation it "
                "becomes dZ: times the slope of g at each cell of Z."
            ),
            Words(
                "Each weight met a cell of the input for each cell of Z, so dW is A_prev correlated with "
                "dZ. The bias was added to all cells, so db is the sum of dZ. And each cell of the input "
                "gets back what it gave: dA_prev is the full convolution of dZ with the kernel turned by "
                "180°."
            ),
            Formula("dZ = dA · g′(Z)    dW = A_prev * dZ    db = Σ dZ"),
        ),
        figure,
        (through_relu, bias, weight, weights, previous),
        "backward",
    )
)
