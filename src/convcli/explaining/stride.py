"""Stride: the windows that remain, the pixels that none of them reaches, the size formula in numbers."""

from __future__ import annotations

from dataclasses import replace

from convcli.explaining.convolution import window_step
from convcli.explaining.elements import Arrow, Cell, Explanation, Grid, Role, Row, Step, every, exact
from convcli.explaining.problem import Example, Problem, posed
from convcli.explaining.request import RUN, WINDOW, Request
from convcli.explaining.topics import topic
from convcli.shapes import Window
from convcli.wording import by, counted


@topic(
    "stride",
    "the windows that remain at stride s, the pixels never used, the size formula in numbers",
    *("input", "kernels", "op", "bias", *WINDOW, *RUN, "filter", "channel"),
)
def stride(ask: Request) -> Explanation:
    """Return what is left out, and then a step for each window that remains."""
    if ask.stride is None and ask.model is None:
        ask = replace(ask, stride=2)
    problem = posed(ask, Example(), single=True)
    window, output = problem.window, problem.z[:, :, 0]
    steps = (
        _overview(problem),
        *(window_step(problem, position) for position in problem.sliding.positions()),
    )
    return Explanation(
        topic="stride",
        title=f"Stride {by(window.stride)}: {by(problem.sliding.plane)} * {by(window.size)} → "
        f"{by(output.shape)}",
        steps=steps,
        data={**problem.document(), "output": exact(output)},
        still=(0, len(steps) - 1),
        notes=problem.notes,
        settings=problem.settings(),
    )


def _overview(problem: Problem) -> Step:
    sliding, window, output = problem.sliding, problem.window, problem.z[:, :, 0]
    counts = sliding.uses()
    unused = [cell for cell in every(counts) if not counts[cell]]
    marks: dict[Cell, Role] = {**sliding.padding_marks(), **dict.fromkeys(unused, "unused")}
    at_one = replace(
        problem,
        window=Window.of(window.size, padding=window.padding, dilation=window.dilation),
    )
    full = at_one.z[:, :, 0]
    s_h, s_w = window.stride
    kept: dict[Cell, Role] = {
        (i, j): "done" for i in range(0, full.shape[0], s_h) for j in range(0, full.shape[1], s_w)
    }
    row: Row = (
        problem.input_grid(0, "input; crossed out: in no window", marks),
        Arrow("→", f"s = {by(window.stride)}"),
        Grid.of(full, f"at stride 1: {by(full.shape)}; coloured: what remains", kept),
        Arrow("→"),
        Grid.of(output, f"output {by(sliding.output)}", "done"),
    )
    rows, columns = window.remainder(sliding.plane)
    inside = [cell for cell in unused if cell not in sliding.padding_marks()]
    line = (
        f"unused: the last {counted(rows, 'row')} and {counted(columns, 'column')} of the padded input, "
        f"{counted(len(inside), 'pixel')} in all"
    )
    data = {
        "windows": [list(position) for position in sliding.positions()],
        "uses": exact(counts),
        "unused": [list(cell) for cell in unused],
        "unused_rows_and_columns": [rows, columns],
        "at_stride_1": exact(full),
    }
    return Step.of("What remains", (row, *problem.size_lines(), line), data)
