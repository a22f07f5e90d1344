"""Pooling: the maximum or the mean of each window."""

from __future__ import annotations

import numpy as np

from convcli.engine.batch.pool import avg_pool2d, max_pool2d
from convcli.engine.workspace import Array
from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Formula, Grid, Words
from convcli.learn.answers import Matrix, Number, Sizes
from convcli.learn.exercises import Draws, Exercise, known, matrix, one_of, typed
from convcli.learn.lesson import Lesson, register
from convcli.learn.lessons.stride import size_lines
from convcli.wording import by


def pooled(x: Array, kind: str, size: int = 2, stride: int = 2) -> Array:
    """Return a matrix pooled, as the engine does it."""
    function = max_pool2d if kind == "max" else avg_pool2d
    return np.asarray(function(x[None, :, :, None], size, stride)[0, :, :, 0])


def figure(draws: Draws) -> Explanation:
    """Return the last window of a pool."""
    return explain("pooling", Request(input=typed(matrix(draws, 4, 4, 0, 9)))).only([3])


def _solution(x: Array, kind: str, stride: int = 2) -> Step:
    shown = explain("pooling", Request(input=typed(x), pool=kind, size=2, stride=stride))
    return shown.steps[-1]


def maximum(draws: Draws) -> Exercise:
    """Take the maximum of each window."""
    while True:
        x = matrix(draws, 4, 4, -4, 9)
        out = pooled(x, "max")
        if not np.array_equal(out, out.T) and (x < 0).sum() > 3:
            break
    return Exercise(
        "Write the result of max pooling, 2 × 2 at stride 2.",
        ((Grid.of(x, "input"),),),
        Matrix(out, "out"),
        "Cut the input into four blocks of 2 × 2 and take the largest number of each.",
        lambda: _solution(x, "max"),
        {"input": x.tolist(), "size": 2, "stride": 2},
        known(
            out,
            (pooled(x, "mean"), "that is the mean"),
            (pooled(x, "max", 2, 1), "that is at stride 1"),
            (pooled(np.abs(x), "max"), "signs count: −4 is less than 1"),
            (out.T, "rows and columns are exchanged"),
        ),
    )


def mean(draws: Draws) -> Exercise:
    """Take the mean of each window."""
    while True:
        x = matrix(draws, 4, 4, 0, 8)
        out = pooled(x, "mean")
        if not np.array_equal(out, out.T) and (out % 1).any() and (out % 0.5 == 0).all():
            break
    return Exercise(
        "Write the result of average pooling, 2 × 2 at stride 2.",
        ((Grid.of(x, "input"),),),
        Matrix(out, "out"),
        "Add up the four numbers of each block and divide by 4.",
        lambda: _solution(x, "mean"),
        {"input": x.tolist(), "size": 2, "stride": 2},
        known(
            out,
            (pooled(x, "max"), "that is the maximum"),
            (out * 4, "those are the sums; divide them by 4"),
            (out.T, "rows and columns are exchanged"),
        ),
    )


def overlapping(draws: Draws) -> Exercise:
    """Take a maximum where windows overlap."""
    while True:
        x = matrix(draws, 3, 3, 0, 9)
        out = pooled(x, "max", 2, 1)
        if not np.array_equal(out, out.T):
            break
    return Exercise(
        "Write the result of max pooling, 2 × 2 at stride 1: the windows overlap.",
        ((Grid.of(x, "input"),),),
        Matrix(out, "out"),
        "⌊(3 − 2) / 1⌋ + 1 = 2: four windows, which all hold the cell in the middle.",
        lambda: _solution(x, "max", 1),
        {"input": x.tolist(), "size": 2, "stride": 1},
        known(out, (pooled(x, "mean", 2, 1), "that is the mean"), (out.T, "rows and columns are exchanged")),
    )


def shape(draws: Draws) -> Exercise:
    """Tell what a pool makes of a volume."""
    n, channels = int(draws.integers(7, 30)), one_of(draws, (3, 8, 16))
    f, s = one_of(draws, ((2, 2), (3, 2), (3, 3)))
    out = (n - f) // s + 1
    right = (out, out, channels)
    lines = (*size_lines(n, f, 0, s), f"each channel by itself: {by(right)}")
    return Exercise(
        f"A pool of {f} × {f} at stride {s} on {by((n, n, channels))}: what shape comes out?",
        (),
        Sizes(right, "rows x columns x channels"),
        "Rows and columns by the size formula, rounded down. Each channel is pooled by itself.",
        Step.of("Channel by channel", lines, {}),
        {"shape": [n, n, channels], "size": f, "stride": s},
        known(
            right,
            ((out, out, 1), "each channel is pooled by itself: there are as many as before"),
            (
                (-(-(n - f) // s) + 1,) * 2 + (channels,),
                "a window that does not fit is not taken: round down",
            ),
        ),
    )


def parameters(draws: Draws) -> Exercise:
    """Tell how many numbers a pool learns."""
    n, channels, kind = (
        one_of(draws, (12, 24, 28)),
        one_of(draws, (4, 8, 16)),
        one_of(draws, ("max", "average")),
    )
    return Exercise(
        f"How many numbers does a layer of {kind} pooling, 2 × 2 at stride 2, learn on "
        f"{by((n, n, channels))}?",
        (),
        Number(0),
        "Which of the numbers in a maximum or a mean could be chosen differently?",
        Step.of("Nothing to learn", ((Words("A maximum or a mean has no weights: 0."),),), {}),
        {"shape": [n, n, channels]},
        known(0, (4, "a window is no kernel: it has no weights"), (4 * channels, "a window has no weights")),
    )


register(
    Lesson(
        "pooling",
        "Pooling",
        (
            Words(
                "A pool slides a window as a convolution does, mostly by its own size, and takes one number "
                "of each: the maximum or the mean. Each channel is pooled by itself, so there are as many "
                "as before."
            ),
            Words(
                "It has no weights and learns nothing. It makes planes smaller, and the result less "
                "dependent on where exactly something was."
            ),
            Formula("out = ⌊(n − f) / s⌋ + 1, 2 × 2 at stride 2: half of n"),
        ),
        figure,
        (maximum, mean, shape, overlapping, parameters),
        "pooling",
    )
)
