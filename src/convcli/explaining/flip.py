"""Convolution beside correlation: the kernel flipped, both outputs, and when they differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.convolution import input_caption
from convcli.explaining.elements import Arrow, Cell, Explanation, Grid, Row, Step, Words, every, exact
from convcli.explaining.notation import cell_name, number, place, products
from convcli.explaining.problem import Example, Problem, posed
from convcli.explaining.request import RUN, WINDOW, Request
from convcli.explaining.sliding import progress
from convcli.explaining.topics import topic
from convcli.wording import by, counted

# A single 1 brings out which way the kernel lies.
EXAMPLE = Example(
    input="0 0 0 0 0; 0 0 0 0 0; 0 0 1 0 0; 0 0 0 0 0; 0 0 0 0 0", kernels=("1 2 3; 4 5 6; 7 8 9",)
)
LEARNED = (
    "Networks correlate, and call it convolution: their kernels are learned, and would be learned flipped "
    "just as well."
)
ORDER = "Signal processing flips, so that kernels can be applied in any order: convcli filter --op convolve."
EQUAL = 1e-9  # what the order of a sum may leave, of the largest number


@topic(
    "flip",
    "convolution beside correlation on the same numbers: the kernel flipped, both outputs, when they differ",
    *("input", "kernels", "bias", *WINDOW, *RUN, "filter", "channel"),
)
def flip(ask: Request) -> Explanation:
    """Return the kernel flipped, a step for each position of the window, and both outputs."""
    problem = posed(ask, EXAMPLE, single=True)
    flipped = replace(problem, w=problem.w[::-1, ::-1])
    correlation, convolution = problem.z[:, :, 0], flipped.z[:, :, 0]
    apart = _apart(correlation, convolution)
    steps = (
        _flipped(problem, flipped),
        *(_step(problem, flipped, position) for position in problem.sliding.positions()),
        _both(problem, correlation, convolution, apart),
    )
    return Explanation(
        topic="flip",
        title=f"Flip: {by(problem.sliding.plane)} and {by(problem.window.size)}, convolution beside "
        "correlation",
        steps=steps,
        data={
            **problem.document(),
            "kernel_flipped": exact(flipped.w[:, :, 0, 0]),
            "correlation": exact(correlation),
            "convolution": exact(convolution),
            "cells_that_differ": len(apart),
        },
        still=(0, len(steps) - 1),
        notes=problem.notes,
        settings=problem.settings(),
    )


def _apart(correlation: Array, convolution: Array) -> list[Cell]:
    """Return the cells in which both differ by more than rounding."""
    difference = np.abs(correlation - convolution)
    largest = max(1.0, float(np.abs(correlation).max()))
    return [cell for cell in every(difference) if difference[cell] > EQUAL * largest]


def _flipped(problem: Problem, flipped: Problem) -> Step:
    kernel, turned = problem.w[:, :, 0, 0], flipped.w[:, :, 0, 0]
    row: Row = (
        Grid.of(kernel, "kernel", "kernel"),
        Arrow("→", "rows in reverse"),
        Grid.of(kernel[::-1], "upside down", "kernel"),
        Arrow("→", "columns in reverse"),
        Grid.of(turned, "flipped: rotated by 180°", "kernel"),
    )
    lines = (
        "correlation = Σ window[a, b] · w[a, b]",
        "convolution = Σ window[a, b] · w[f_h + 1 − a, f_w + 1 − b]",
    )
    return Step.of("The kernel flipped", (*problem.photo_row(), row, *lines), {"flipped": exact(turned)})


def _step(problem: Problem, flipped: Problem, position: Cell) -> Step:
    """Return the step in which both kernels lie on one window."""
    sliding = problem.sliding
    window = sliding.windows(problem.x)[position][:, :, 0]
    known, roles = progress(position, sliding.output[1])
    bias = float(problem.b[0]) if problem.biased else None
    padded = problem.input_grid(0, input_caption(problem), sliding.marks(position))
    rows: list[Row] = []
    lines = []
    for name, one in (("correlation", problem), ("convolution", flipped)):
        kernel, output = one.w[:, :, 0, 0], one.z[:, :, 0]
        rows.append(
            (
                padded,
                Arrow("·"),
                Grid.of(kernel, "kernel" if one is problem else "kernel flipped", "kernel"),
                Arrow("→", "sum" if bias is None else "sum + b"),
                Grid.of(output, name, roles, known=known),
            )
        )
        value = number(output[position])
        lines.append(f"{cell_name(name, position)} = {products(window, kernel, bias)} = {value}")
    data = {
        "position": list(position),
        "window": exact(window),
        "correlation": exact(problem.z[(*position, 0)]),
        "convolution": exact(flipped.z[(*position, 0)]),
    }
    return Step.of(place(position).capitalize(), (*rows, *lines), data)


def _both(problem: Problem, correlation: Array, convolution: Array, apart: list[Cell]) -> Step:
    """Return both outputs beside each other, and why networks go without the flip."""
    row: Row = (
        Grid.of(correlation, "correlation: kernel as it is", dict.fromkeys(apart, "window")),
        Arrow("≠" if apart else "="),
        Grid.of(convolution, "convolution: kernel flipped", dict.fromkeys(apart, "window")),
    )
    words = (
        _verdict(problem, len(apart), correlation.size),
        *_impulse(problem.x),
        LEARNED,
        ORDER,
    )
    lines: tuple[Row, ...] = tuple((Words(line),) for line in words)
    return Step.of("Both outputs", (row, *lines), {"differ": [list(cell) for cell in apart]})


def _verdict(problem: Problem, apart: int, count: int) -> str:
    kernel = problem.w[:, :, 0, 0]
    turned = kernel[::-1, ::-1]
    if np.array_equal(kernel, turned):
        return "The kernel is its own rotation by 180°: both are the same, whatever the input."
    if not apart:
        return "The kernel is not its own rotation by 180°, but on these numbers both are the same."
    if np.array_equal(kernel, -turned):
        return "Flipped, every weight changes its sign: so does every sum, and nothing else."
    return f"They differ in {apart} of {counted(count, 'cell')}."


def _impulse(x: Array) -> tuple[str, ...]:
    if np.count_nonzero(x) != 1:
        return ()
    told = "convolution repeats the kernel there, correlation repeats it flipped."
    return (f"A single number that is not 0: {told}",)
