"""Parameter sharing and sparse connections: why a convolution needs so few numbers."""

from __future__ import annotations

from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Formula, Words
from convcli.learn.answers import Number, Sizes
from convcli.learn.exercises import Draws, Exercise, cell, kernel, known, matrix, one_of, typed
from convcli.learn.lesson import Lesson, register
from convcli.wording import by


def figure(draws: Draws) -> Explanation:
    """Return the connections of a small convolution."""
    return explain("sharing", Request(input=typed(matrix(draws, 3, 3)), kernels=(typed(kernel(draws, 2)),)))


def dense(draws: Draws) -> Exercise:
    """Count what a dense layer would learn in place of a convolution."""
    n, f = int(draws.integers(4, 11)), one_of(draws, (2, 3))
    out = n - f + 1
    value = n * n * out * out
    lines = (
        f"inputs: {n} × {n} = {n * n}, outputs: {out} × {out} = {out * out}",
        f"dense: {n * n} × {out * out} = {value:,} weights; the kernel: {f} × {f} = {f * f}",
    )
    return Exercise(
        f"A {f} × {f} kernel makes {out} × {out} of {n} × {n}. How many weights (without biases) would a "
        "dense layer need, in which each output is connected to each input by a weight of its own?",
        (),
        Number(value),
        "How many inputs are there, and how many outputs? Each pair of them has a weight.",
        Step.of("Each input with each output", lines, {}),
        {"n": n, "f": f},
        known(
            value,
            (f * f, "that is the kernel"),
            (out * out * f * f, "a dense layer connects every input, not only those in the window"),
            (n * out, "rows × columns: there are more inputs and outputs than that"),
        ),
    )


def connections(draws: Draws) -> Exercise:
    """Count the connections of a convolution."""
    n, f = int(draws.integers(4, 10)), one_of(draws, (2, 3))
    out = n - f + 1
    value = out * out * f * f
    line = f"{out} × {out} outputs × {f} × {f} inputs each = {out * out} × {f * f} = {value:,}"
    return Exercise(
        f"A {f} × {f} kernel slides over {n} × {n} (no padding, stride 1). How many connections "
        "between an input and an output are there?",
        (),
        Number(value),
        "How many outputs are there, and with how many inputs is each of them connected?",
        Step.of("Outputs × cells of the window", (line,), {}),
        {"n": n, "f": f},
        known(
            value,
            (n * n * out * out, "that is a dense layer"),
            (f * f, "those are the weights, each is used often"),
        ),
    )


def influence(draws: Draws) -> Exercise:
    """Count the outputs that an input reaches."""
    n, f = int(draws.integers(4, 7)), 2
    i, j = one_of(draws, ((0, 0), (0, 1), (1, 0), (1, 1), (n - 1, 1), (n - 1, n - 1), (1, n - 1)))
    out = n - f + 1
    reached = [r * out + c for r in range(out) for c in range(out) if r <= i < r + f and c <= j < c + f]
    value = len(reached)
    own = i * n + j
    names = ", ".join(f"y{k + 1}" for k in reached)
    return Exercise(
        f"The cells of a {n} × {n} input are called x1, x2, … row by row. A 2 × 2 kernel slides over it (no "
        f"padding, stride 1). How many outputs depend on x{own + 1}?",
        (),
        Number(value),
        f"x{own + 1} stands in row {i + 1}, column {j + 1}. In how many windows does it lie?",
        Step.of(f"x{own + 1} feeds {names}", (f"x{own + 1} → {names}",), {}),
        {"n": n, "f": f, "cell": [i, j]},
        known(value, (out * out, "that is a dense layer"), (4, "that is a cell far from the border")),
    )


def window(draws: Draws) -> Exercise:
    """Tell which weight connects an input with an output."""
    f, n = 3, int(draws.integers(5, 8))
    top, left = (int(k) for k in draws.integers(0, n - f + 1, 2))
    i, j = cell(draws, (f, f))
    x = (top + i, left + j)
    right = (i + 1, j + 1)
    line = f"row {x[0] + 1} − {top + 1} + 1 = {i + 1}, column {x[1] + 1} − {left + 1} + 1 = {j + 1}"
    return Exercise(
        f"A 3 × 3 kernel slides over {by((n, n))} (no padding, stride 1). By which weight, [row, column] of "
        f"the kernel, is out[{top + 1}, {left + 1}] connected to input[{x[0] + 1}, {x[1] + 1}]?",
        (),
        Sizes(right, "row and column of the kernel"),
        f"The window of out[{top + 1}, {left + 1}] begins at input[{top + 1}, {left + 1}], and there lies "
        "weight [1, 1].",
        Step.of("The place within the window", (line,), {}),
        {"n": n, "f": f, "out": [top, left], "input": list(x)},
        known(
            right,
            ((j + 1, i + 1), "rows come first"),
            ((i, j), "the first weight is [1, 1]"),
            ((f - i, f - j), "that is with the kernel flipped"),
        ),
    )


register(
    Lesson(
        "sharing",
        "Shared parameters, sparse connections",
        (
            Words(
                "In a dense layer each output is connected to each input by a weight of its own. A "
                "convolution differs in two ways: an output is connected only to the cells in its window "
                "(sparse connections), and all outputs use the same weights (parameter sharing)."
            ),
            Words(
                "So a pattern that has been learned in one place is found in every other, and a 3 × 3 "
                "kernel has nine weights on any image."
            ),
            Formula("dense: n·n × out·out weights    convolution: f·f"),
        ),
        figure,
        (dense, window, influence, connections),
        "sharing",
    )
)
