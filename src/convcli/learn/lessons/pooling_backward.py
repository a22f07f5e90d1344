"""Backward through a pool: who made the maximum gets the gradient."""

from __future__ import annotations

import numpy as np

from convcli.engine.batch.pool import avg_pool2d_backward, max_pool2d_backward
from convcli.engine.workspace import Array
from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Formula, Grid, Words
from convcli.learn.answers import Matrix, Sizes
from convcli.learn.exercises import Draws, Exercise, known, matrix, typed
from convcli.learn.lesson import Lesson, register


def put_back(x: Array, da: Array, kind: str, size: int = 2, stride: int = 2) -> Array:
    """Return dA_prev of a matrix, as the engine computes it."""
    function = max_pool2d_backward if kind == "max" else avg_pool2d_backward
    return np.asarray(function(da[None, :, :, None], x[None, :, :, None], size, stride)[0, :, :, 0])


def _distinct(draws: Draws, side: int) -> Array:
    """Return a matrix whose numbers are all different."""
    return draws.permutation(side * side).reshape(side, side).astype(np.float64)


def _explained(x: Array, da: Array, kind: str, stride: int = 2) -> Explanation:
    ask = Request(input=typed(x), size=2, stride=stride, pool=kind, gradient=typed(da))
    return explain("pooling-backward", ask)


def figure(draws: Draws) -> Explanation:
    """Return the last window of a pool, put back."""
    x = _distinct(draws, 4)
    return _explained(x, np.array([[1.0, 2], [3, 4]]), "max").only([3])


def _grids(x: Array, da: Array) -> tuple[tuple[Grid, ...], ...]:
    return ((Grid.of(x, "A_prev"), Grid.of(da, "dA", "done")),)


def _gradient(draws: Draws) -> Array:
    """Return four gradients, all different and none 0."""
    return draws.choice([-4.0, -3, -2, -1, 1, 2, 3, 4, 5], (2, 2), replace=False)


def maximum(draws: Draws) -> Exercise:
    """Put gradients back to the maxima."""
    x, da = _distinct(draws, 4), _gradient(draws)
    dx = put_back(x, da, "max")
    mask = (dx != 0).astype(np.float64)
    return Exercise(
        "Max pooling, 2 × 2 at stride 2, made A of A_prev; dA comes back. Write dA_prev.",
        _grids(x, da),
        Matrix(dx, "dA_prev"),
        "In each block of 2 × 2 mark the maximum. It gets the block's gradient, the other three get 0.",
        lambda: _explained(x, da, "max").steps[-1],
        {"input": x.tolist(), "gradient": da.tolist(), "size": 2, "stride": 2},
        known(
            dx,
            (mask, "that is the mask of the maxima; multiply it by dA"),
            (np.kron(da, np.ones((2, 2))), "only the maximum gets the gradient"),
            (np.kron(da, np.ones((2, 2))) / 4, "that is the backward pass of a mean"),
            (x * mask, "those are the maxima; in their place belongs dA"),
        ),
    )


def mean(draws: Draws) -> Exercise:
    """Share gradients out."""
    x, da = matrix(draws, 4, 4, 0, 9), _gradient(draws) * 2
    dx = put_back(x, da, "mean")
    return Exercise(
        "Average pooling, 2 × 2 at stride 2, made A of A_prev; dA comes back. Write dA_prev.",
        _grids(x, da),
        Matrix(dx, "dA_prev"),
        "Each of the four cells had a share of 1/4 in the mean, and so it has in the gradient.",
        lambda: _explained(x, da, "mean").steps[-1],
        {"input": x.tolist(), "gradient": da.tolist(), "size": 2, "stride": 2},
        known(
            dx,
            (dx * 4, "each cell gets a quarter of the gradient"),
            (put_back(x, da, "max"), "that is the backward pass of a maximum"),
        ),
    )


def overlapping(draws: Draws) -> Exercise:
    """Add gradients up where windows overlap."""
    while True:
        x, da = _distinct(draws, 3), _gradient(draws)
        dx = put_back(x, da, "max", 2, 1)
        if 1 < (dx != 0).sum() < 4 and dx.sum() == da.sum():
            break
    last = np.zeros((3, 3))
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        block = x[i : i + 2, j : j + 2]
        row, column = divmod(int(block.argmax()), 2)
        last[i + row, j + column] = da[i, j]
    return Exercise(
        "Max pooling, 2 × 2 at stride 1, so that windows overlap, made A of A_prev; dA comes back. Write "
        "dA_prev.",
        _grids(x, da),
        Matrix(dx, "dA_prev"),
        "Go through the four windows. A cell that is the maximum of several gets the sum of their gradients.",
        lambda: _explained(x, da, "max", 1).steps[-1],
        {"input": x.tolist(), "gradient": da.tolist(), "size": 2, "stride": 1},
        known(dx, (last, "where windows overlap the gradients are added, not overwritten")),
    )


def tie(draws: Draws) -> Exercise:
    """Say which of several maxima gets the gradient."""
    top = int(draws.integers(5, 10))
    x = matrix(draws, 2, 2, 0, top - 1)
    places = draws.choice(4, 2, replace=False)
    while {0, 3} == set(map(int, places)):  # of those the first could be guessed by its column alone
        places = draws.choice(4, 2, replace=False)
    x.ravel()[places] = top
    first, second = (divmod(int(place), 2) for place in sorted(map(int, places)))
    right = (first[0] + 1, first[1] + 1)
    marked = Grid.of(x, "window", {first: "chosen"})
    words = Words(
        "Two cells tie. The first in row order gets the whole gradient, so that it is counted once."
    )
    return Exercise(
        "A window of a max pool holds its maximum twice, and the first in row order gets the gradient. Which "
        "cell is that? (row and column)",
        ((Grid.of(x, "window"),),),
        Sizes(right, "row and column"),
        "The rule: the first in row order, which goes from left to right and then down.",
        Step.of("The first in row order", ((marked,), (words,)), {}),
        {"window": x.tolist()},
        known(right, ((second[0] + 1, second[1] + 1), "that is the second; the first in row order gets it")),
    )


register(
    Lesson(
        "pooling-backward",
        "Backward through a pool",
        (
            Words(
                "A pool learns nothing, but the gradient has to get through it. What a maximum was made of "
                "is one cell: it gets the whole gradient of its window, and the others, which changed "
                "nothing, get 0. Of several that tie the first in row order gets it."
            ),
            Words(
                "Of a mean all cells of the window had the same share, and get it: 1/4 each of a 2 × 2 "
                "window. Where windows overlap, gradients are added up."
            ),
            Formula("max: dA_prev = mask · dA    mean: dA_prev = dA / (f·f)"),
        ),
        figure,
        (maximum, mean, tie, overlapping),
        "pooling-backward",
    )
)
