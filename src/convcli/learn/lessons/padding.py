"""Padding: zeros around the input keep its size, and give borders their say."""

from __future__ import annotations

import numpy as np

from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Arrow, Formula, Grid, Row, Words
from convcli.explaining.notation import cell_name, number
from convcli.learn.answers import Matrix, Number, Numbers
from convcli.learn.exercises import Draws, Exercise, kernel, known, matrix, one_of, typed
from convcli.learn.lesson import Lesson, register
from convcli.learn.lessons.convolution import pair, valid, window_step


def figure(draws: Draws) -> Explanation:
    """Return "same" padding."""
    x, w = matrix(draws, 4, 4), kernel(draws, 3)
    return explain("padding", Request(input=typed(x), kernels=(typed(w),))).only([1])


def keep(draws: Draws) -> Exercise:
    """Find the padding that keeps the size."""
    n, f = int(draws.integers(5, 13)), one_of(draws, (3, 5, 7))
    p = (f - 1) // 2
    lines = ("out = n + 2p − f + 1", f"{n} = {n} + 2p − {f} + 1", f"p = ({f} − 1) / 2 = {p}")
    return Exercise(
        f"Which padding p (zeros on each side) keeps {n} with f = {f} at stride 1?",
        (),
        Number(p),
        "Without padding f − 1 rows and columns are lost. How many have to be added on each of the two "
        "sides?",
        Step.of("As many zeros as the kernel takes away", lines, {}),
        {"n": n, "f": f},
        known(p, (2 * p, "that is both sides together"), (f - 1, "that is both sides together")),
    )


def fits(draws: Draws) -> Exercise:
    """Find a padding that makes an output at least as large; several are right."""
    n, f = int(draws.integers(5, 9)), one_of(draws, (4, 5, 6, 7))
    least = next(p for p in range(f) if n + 2 * p - f + 1 >= n)
    lines = (
        f"out = n + 2p − f + 1 = {n} + 2p − {f} + 1",
        f"2p ≥ {f} − 1 = {f - 1}, so every p from {least} on",
        f"p = {least}: out = {n + 2 * least - f + 1}",
    )
    return Exercise(
        f"n = {n}, f = {f}, stride 1. Name a padding p with which the output is not smaller than the input. "
        "(Several are right.)",
        (),
        Numbers(least, lambda p: n + 2 * p - f + 1 >= n),
        "out = n + 2p − f + 1 has to be n or more.",
        Step.of("What padding adds, the kernel takes away", lines, {}),
        {"n": n, "f": f},
    )


def corner(draws: Draws) -> Exercise:
    """Compute a corner of a padded convolution."""
    while True:
        x, w = matrix(draws, 3, 3), kernel(draws, 3)
        out = valid(x, w, padding=1)
        at = one_of(draws, ((0, 2), (2, 0), (0, 1), (1, 0)))
        if out[at] not in (out[at[::-1]], valid(x, w)[0, 0]):
            break
    name = cell_name("out", at)
    return Exercise(
        f"With p = 1, one row and column of zeros on each side: what is {name}?",
        (pair(x, w),),
        Number(out[at]),
        "Write the zeros around the input first: 5 × 5. The kernel begins at their top left corner.",
        lambda: window_step(x, w, at, padding=1),
        {"input": x.tolist(), "kernel": w.tolist(), "cell": list(at), "padding": 1},
        known(
            out[at],
            (valid(x, w)[0, 0], "that is without padding"),
            (valid(x, w[::-1, ::-1], padding=1)[at], "that is with the kernel flipped"),
            (out[at[::-1]], f"that is {cell_name('out', at[::-1])}: rows come first"),
        ),
    )


def whole(draws: Draws) -> Exercise:
    """Compute a whole padded output."""
    while True:
        x, w = matrix(draws, 3, 3, 0, 3), matrix(draws, 2, 2, -1, 2)
        out = valid(x, w, padding=1)
        if not np.array_equal(w, w[::-1, ::-1]) and not np.array_equal(out, out.T):
            break
    return Exercise(
        "What is out, the whole output, with p = 1?",
        (pair(x, w),),
        Matrix(out, "out"),
        "Padded, the input is 5 × 5; a kernel of 2 × 2 fits in 4 places across and 4 down.",
        lambda: window_step(x, w, (3, 3), padding=1),
        {"input": x.tolist(), "kernel": w.tolist(), "padding": 1},
        known(
            out,
            (valid(x, w), "that is without padding"),
            (valid(x, w[::-1, ::-1], padding=1), "that is with the kernel flipped"),
        ),
    )


def uses(draws: Draws) -> Exercise:
    """Count in how many windows a pixel lies."""
    n, p = int(draws.integers(5, 8)), int(draws.integers(0, 2))
    at = one_of(draws, ((0, 0), (0, 2), (2, 2), (0, n - 1), (2, 0)))
    counts = valid(np.ones((n + 2 * p - 2,) * 2), np.ones((3, 3)), padding=2)
    inner = counts[p : p + n, p : p + n]
    value = inner[at]
    shown: Row = (Grid.heat_map(inner, "in how many windows each pixel lies"),)
    name = cell_name("input", at)
    blank: Row = (Grid.of(np.zeros((n, n)), f"input {n} × {n}", {at: "result"}, known=()), Arrow("*"))
    weights = Grid.of(np.zeros((3, 3)), "kernel 3 × 3", "kernel", known=())
    padding = f"p = {p}" if p else "no padding"
    return Exercise(
        f"A 3 × 3 kernel slides over a {n} × {n} input, {padding}, stride 1. In how many of its windows does "
        f"{name} lie?",
        ((*blank, weights),),
        Number(value),
        "Count the places across in which the kernel covers its column, and those down in which it covers "
        "its row; multiply.",
        Step.of("In how many windows each pixel lies", (shown, f"{name}: {number(value)}"), {}),
        {"n": n, "padding": p, "cell": list(at)},
        known(value, (9, "that is a pixel far from the border")),
    )


register(
    Lesson(
        "padding",
        "Padding",
        (
            Words(
                "Without padding the output is smaller than the input, and a pixel in the corner lies in a "
                "single window while one in the middle lies in all that can reach it. Zeros around the "
                "input, p rows and columns on each side, mend both."
            ),
            Words(
                'No padding is called "valid", as much as keeps the size "same", and as much as lets the '
                'kernel touch the input by one cell only "full".'
            ),
            Formula("out = n + 2p − f + 1    same: p = (f − 1) / 2    full: p = f − 1"),
        ),
        figure,
        (keep, corner, uses, fits, whole),
        "padding",
    )
)
