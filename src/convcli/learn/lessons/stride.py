"""Stride, and the size of the output."""

from __future__ import annotations

import numpy as np

from convcli.explaining import Explanation, Request, Step, explain
from convcli.explaining.elements import Formula, Words
from convcli.explaining.notation import cell_name
from convcli.learn.answers import Matrix, Number, Numbers
from convcli.learn.exercises import Draws, Exercise, cell, kernel, known, matrix, one_of, typed
from convcli.learn.lesson import Lesson, register
from convcli.learn.lessons.convolution import pair, valid, window_step
from convcli.shapes import output_size
from convcli.wording import counted


def figure(draws: Draws) -> Explanation:
    """Return the windows that are left at stride 2."""
    x, w = matrix(draws, 6, 6), kernel(draws, 3)
    shown = explain("stride", Request(input=typed(x), kernels=(typed(w),), stride=2))
    return shown.only([len(shown.steps) - 1])


def size_lines(n: int, f: int, p: int, s: int) -> tuple[str, ...]:
    """Return the size formula in letters and in numbers."""
    reach = n + 2 * p - f
    return (
        "out = ⌊(n + 2p − f) / s⌋ + 1",
        f"⌊({n} + 2·{p} − {f}) / {s}⌋ + 1 = ⌊{reach} / {s}⌋ + 1 = {reach // s} + 1 = {reach // s + 1}",
    )


def size(draws: Draws) -> Exercise:
    """Compute the output's size."""
    while True:
        n, f, p, s = int(draws.integers(7, 33)), one_of(draws, (3, 5, 7)), *draws.integers([0, 2], [3, 4])
        p, s = int(p), int(s)
        if (n + 2 * p - f) % s:
            break
    value = output_size(n, f, stride=s, padding=p)
    return Exercise(
        f"n = {n}, f = {f}, p = {p}, s = {s}: how large is the output (its rows, as many as columns)?",
        (),
        Number(value),
        "Round down before you add 1: a window that does not fit is not taken.",
        Step.of("The size formula", size_lines(n, f, p, s), {}),
        {"n": n, "f": f, "padding": p, "stride": s},
        known(
            value,
            (-(-(n + 2 * p - f) // s) + 1, "that is rounded up: the last window would hang over the end"),
            ((n + 2 * p - f) // s, "1 is missing: the first window counts, too"),
            ((n + p - f) // s + 1, "p zeros are on each of two sides: 2p"),
            (n + 2 * p - f + 1, "that is at stride 1"),
        ),
    )


def cell_at_stride(draws: Draws) -> Exercise:
    """Compute one cell at stride 2."""
    while True:
        x, w = matrix(draws, 6, 6), kernel(draws, 2)
        out, at = valid(x, w, stride=2), cell(draws, (3, 3))
        if out[at] not in (valid(x, w)[at], out[at[::-1]], valid(x, w[::-1, ::-1], stride=2)[at]):
            break
    name = cell_name("out", at)
    return Exercise(
        f"Stride 2, no padding: what is {name}?",
        (pair(x, w),),
        Number(out[at]),
        f"For each row of out the window moves two rows down: for row {at[0] + 1} it begins at row "
        f"{2 * at[0] + 1} of the input. Columns alike.",
        lambda: window_step(x, w, at, stride=2),
        {"input": x.tolist(), "kernel": w.tolist(), "cell": list(at), "stride": 2},
        known(
            out[at],
            (valid(x, w)[at], "that is at stride 1"),
            (valid(x, w[::-1, ::-1], stride=2)[at], "that is with the kernel flipped"),
            (out[at[::-1]], f"that is {cell_name('out', at[::-1])}: rows come first"),
        ),
    )


def whole_at_stride(draws: Draws) -> Exercise:
    """Compute a whole output at stride 2."""
    while True:
        x, w = matrix(draws, 5, 5, 0, 3), kernel(draws, 3)
        out = valid(x, w, stride=2)
        if not np.array_equal(out, out.T) and not np.array_equal(out, valid(x, w[::-1, ::-1], stride=2)):
            break
    return Exercise(
        "What is out, the whole output, at stride 2? (No padding.)",
        (pair(x, w),),
        Matrix(out, "out"),
        "⌊(5 − 3) / 2⌋ + 1 = 2: out is 2 × 2, and its windows begin in rows and columns 1 and 3.",
        lambda: window_step(x, w, (1, 1), stride=2),
        {"input": x.tolist(), "kernel": w.tolist(), "stride": 2},
        known(
            out,
            (valid(x, w), "that is at stride 1"),
            (valid(x, w)[:2, :2], "that is the beginning of the output at stride 1"),
            (valid(x, w[::-1, ::-1], stride=2), "that is with the kernel flipped"),
            (out.T, "rows and columns are exchanged"),
        ),
    )


def which_padding(draws: Draws) -> Exercise:
    """Find a padding that makes a size; often several are right."""
    while True:
        n, f, s = int(draws.integers(7, 15)), one_of(draws, (3, 5)), int(draws.integers(2, 5))
        wanted = output_size(n, f, stride=s, padding=int(draws.integers(1, f)))
        found = [p for p in range(40) if n + 2 * p >= f and output_size(n, f, stride=s, padding=p) == wanted]
        if found and found[0] > 0:
            break
    many = f" ({' and '.join(map(str, found))} do)" if len(found) > 1 else ""
    return Exercise(
        f"Which padding p makes {wanted} of n = {n} with f = {f} and s = {s}? (If several do, one is "
        "enough.)",
        (),
        Numbers(found[0], lambda p: n + 2 * p >= f and output_size(n, f, stride=s, padding=p) == wanted),
        f"⌊({n} + 2p − {f}) / {s}⌋ has to be {wanted - 1}: try p = 0, 1, 2 …",
        Step.of(f"p = {found[0]}{many}", size_lines(n, f, found[0], s), {}),
        {"n": n, "f": f, "stride": s, "out": wanted},
    )


def unused(draws: Draws) -> Exercise:
    """Count the columns that no window reaches."""
    while True:
        n, f, s = int(draws.integers(8, 20)), one_of(draws, (2, 3, 5)), int(draws.integers(2, 5))
        rest = (n - f) % s
        if rest:
            break
    reached = n - rest
    out = (n - f) // s + 1
    lines = (
        f"the last of {counted(out, 'window')} begins at {(out - 1) * s + 1} and ends at {reached}",
        f"({n} − {f}) mod {s} = {rest}",
    )
    return Exercise(
        f"A kernel of f = {f} slides over n = {n} columns at stride {s}, without padding. How many columns "
        "at the right end lie in no window?",
        (),
        Number(rest),
        f"The windows begin at columns 1, {1 + s}, {1 + 2 * s}, … Which is the last that ends within {n} "
        "columns?",
        Step.of("What remains of the division", lines, {}),
        {"n": n, "f": f, "stride": s},
        known(rest, ((n % s), "the first window takes f columns; the remainder is of n − f")),
    )


register(
    Lesson(
        "stride",
        "Stride, and the size of the output",
        (
            Words(
                "The stride s says how far the window moves from one cell of the output to the next, to the "
                "right and down. With s = 2 every other position is left out, and the output has about half "
                "the rows and columns."
            ),
            Words(
                "What does not fit at the end is not taken: the division is rounded down, and the last "
                "columns may lie in no window at all."
            ),
            Formula("out = ⌊(n + 2p − f) / s⌋ + 1"),
        ),
        figure,
        (size, cell_at_stride, which_padding, unused, whole_at_stride),
        "stride",
    )
)
