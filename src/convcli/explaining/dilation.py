"""Dilation: the kernel spread, the cells that its window lies on, the size formula in numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.convolution import input_caption, window_step
from convcli.explaining.elements import Arrow, Cell, Explanation, Grid, Role, Row, Step, every, exact
from convcli.explaining.notation import number
from convcli.explaining.problem import Example, Problem, posed
from convcli.explaining.request import RUN, WINDOW, Request
from convcli.explaining.topics import topic
from convcli.shapes import Pair, Window
from convcli.wording import by, counted

# A soft edge, wider than a kernel of 3 × 3: spread, it reaches from one side to the other.
EXAMPLE = Example(
    input="0 0 1 2 3 3 3; 0 1 1 2 3 4 3; 0 0 1 2 2 3 3; 1 0 2 2 3 3 4; 0 0 1 3 3 3 3; 0 1 1 2 3 4 3; "
    "0 0 1 2 3 3 3"
)
SHOWN = ((1, 1), (2, 2), (3, 3))


@topic(
    "dilation",
    "the kernel spread, its effective size, the cells under the window step by step, the size formula",
    *("input", "kernels", "op", "bias", *WINDOW, *RUN, "filter", "channel"),
)
def dilation(ask: Request) -> Explanation:
    """Return the kernel spread, what each dilation covers, a step for each window, and what it amounts to."""
    if ask.dilation is None and ask.model is None:
        ask = replace(ask, dilation=2)
    problem = posed(ask, EXAMPLE, single=True)
    window, output = problem.window, problem.z[:, :, 0]
    steps = (
        _spread(problem),
        _covered(problem),
        *(window_step(problem, position) for position in problem.sliding.positions()),
        _with_zeros(problem),
    )
    return Explanation(
        topic="dilation",
        title=f"Dilation {by(window.dilation)}: {by(problem.sliding.plane)} * {by(window.size)} → "
        f"{by(output.shape)}",
        steps=steps,
        data={**problem.document(), "span": list(window.span), "output": exact(output)},
        still=(0, 1, len(steps) - 2),
        notes=problem.notes,
        settings=problem.settings(),
    )


def _spread_kernel(problem: Problem) -> tuple[Array, dict[Cell, Role]]:
    """Return the kernel with d − 1 zeros between its cells, and the role of each cell."""
    window = problem.window
    spread = np.zeros(window.span)
    spread[:: window.dilation[0], :: window.dilation[1]] = problem.w[:, :, 0, 0]
    roles: dict[Cell, Role] = {
        (i, j): "padding" if i % window.dilation[0] or j % window.dilation[1] else "kernel"
        for i, j in every(spread)
    }
    return spread, roles


def _spread(problem: Problem) -> Step:
    window = problem.window
    spread, roles = _spread_kernel(problem)
    row: Row = (
        Grid.of(problem.w[:, :, 0, 0], f"kernel {by(window.size)}", "kernel"),
        Arrow("→", "d − 1 zeros between"),
        Grid.of(spread, f"reaches over {by(window.span)}", roles),
    )
    sizes = [
        f"{f} + ({f} − 1)({d} − 1) = {span}"
        for f, d, span in zip(window.size, window.dilation, window.span, strict=True)
    ]
    names = ["effective size"] if sizes[0] == sizes[1] else ["effective rows", "effective columns"]
    lines = (
        "effective size = f + (f − 1)(d − 1)",
        *(f"{name} = {size}" for name, size in zip(names, sizes, strict=False)),
        f"weights: {by(window.size)} = {window.size[0] * window.size[1]}, whatever d is",
    )
    data = {"spread": exact(spread), "span": list(window.span)}
    return Step.of("The kernel spread", (*problem.photo_row(), row, *lines, *problem.size_lines()), data)


def _covered(problem: Problem) -> Step:
    """Return the first window at several dilations, where they fit."""
    own = problem.window
    grids, lines, covered = [], [], []
    for d in dict.fromkeys((*SHOWN, own.dilation)):
        window = Window.of(own.size, stride=own.stride, padding=problem.padding, dilation=d)
        sliding = replace(problem.sliding, window=window)
        name = f"d = {by(dict.fromkeys(d))}"
        if not _fits(window, sliding.padded_shape):
            lines.append(f"{name}: {by(window.span)} does not fit {by(sliding.padded_shape)}")
            continue
        caption = f"{name}: over {by(window.span)}, output {by(sliding.output)}"
        grids.append(problem.input_grid(0, caption, sliding.marks((0, 0)), sliding))
        covered.append({"dilation": list(d), "span": list(window.span), "output_shape": list(sliding.output)})
    return Step.of("What each dilation covers", (tuple(grids), *lines), {"covered": covered})


def _fits(window: Window, plane: Pair) -> bool:
    return window.span[0] <= plane[0] and window.span[1] <= plane[1]


def _with_zeros(problem: Problem) -> Step:
    """Return the spread kernel at dilation 1, which gives the same."""
    window, sliding, output = problem.window, problem.sliding, problem.z[:, :, 0]
    spread, roles = _spread_kernel(problem)
    added = f"with b = {number(problem.b[0])}" if problem.biased else ""
    row: Row = (
        problem.input_grid(0, input_caption(problem), sliding.padding_marks()),
        Arrow("*"),
        Grid.of(spread, "the spread kernel, d = 1", roles),
        Arrow("=", added),
        Grid.of(output, f"output {by(output.shape)}", "done"),
    )
    weights, cells = window.size[0] * window.size[1], spread.size
    line = f"d = {by(dict.fromkeys(window.dilation))} spreads nothing"
    if cells > weights:
        left_out = f"those with {counted(cells - weights, 'zero')} in between are left out"
        line = f"a window takes {counted(weights, 'product')}, not {cells}: {left_out}"
    return Step.of(
        "The same as a larger kernel with zeros", (row, line), {"products": weights, "cells": cells}
    )
