"""Valid, same and full side by side, and how often each pixel is used: why borders lose influence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convcli.engine.batch.conv import conv2d_backward
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.elements import Arrow, Cell, Explanation, Grid, Role, Row, Step, every, exact
from convcli.explaining.notation import number
from convcli.explaining.problem import Example, Problem, posed
from convcli.explaining.request import RUN, Request
from convcli.explaining.topics import topic
from convcli.shapes import NAMED_PADDINGS, Padding, Sides, Window
from convcli.wording import by, counted, short_pair


@topic(
    "padding",
    "valid, same and full side by side, and how often each pixel is used, before and after padding",
    *("input", "kernels", "op", "bias", "stride", "padding", "dilation", *RUN, "filter", "channel"),
)
def padding(ask: Request) -> Explanation:
    """Return a step for each padding and one with their heat maps; `--padding N` adds that one."""
    if ask.crop is not None:
        raise UsageError("padding takes no --crop: around a crop there are no zeros to be padded.")
    problem = posed(replace(ask, padding=None), Example(), single=True)
    kinds: list[tuple[str, Padding]] = [(name, name) for name in NAMED_PADDINGS]
    own = None
    if ask.padding is not None and ask.padding not in NAMED_PADDINGS:
        own = _padded(problem, ask.padding).window.padding
        kinds.append((f"p = {_short(own)}", own))
    variants = [(name, _padded(problem, kind)) for name, kind in kinds]
    steps = [_variant(name, variant) for name, variant in variants]
    steps.append(_influence(variants))
    return Explanation(
        topic="padding",
        title=f"Padding: {by(problem.sliding.plane)} * {by(problem.window.size)}",
        steps=tuple(steps),
        data={
            key: value for key, value in problem.document().items() if key not in ("padding", "output_shape")
        },
        still=tuple(range(len(steps))),
        notes=problem.notes,
        settings=problem.settings(padding=own),
    )


def _short(sides: Sides) -> str:
    """Return `1`, `1 × 2` (rows × columns), or top, bottom, left and right where opposite ones differ."""
    (top, bottom), (left, right) = sides
    if top == bottom and left == right:
        return short_pair((top, left))
    return f"{top}, {bottom}, {left}, {right}"


def _padded(problem: Problem, kind: Padding) -> Problem:
    window = problem.window
    return replace(
        problem,
        window=Window.of(window.size, stride=window.stride, padding=kind, dilation=window.dilation),
    )


def uses(problem: Problem) -> Array:
    """Return how many windows each pixel lies in: the gradient of the sum of all windows' sums."""
    size = (1, *problem.x.shape[:2], 1)
    ones = np.ones((*problem.window.size, 1, 1))
    dy = np.ones((1, *problem.sliding.output, 1))
    dx, _, _ = conv2d_backward(dy, np.ones(size), ones, **problem.options)
    return np.asarray(np.rint(dx[0, :, :, 0]))


def _variant(name: str, problem: Problem) -> Step:
    sliding, output = problem.sliding, problem.z[:, :, 0]
    kernel = problem.w[:, :, 0, 0]
    caption = f"{name}: {by(sliding.plane)}"
    if sliding.padded_shape != sliding.plane:
        caption += f" padded to {by(sliding.padded_shape)}"
    done: dict[Cell, Role] = dict.fromkeys(every(output), "done")
    row: Row = (
        problem.input_grid(0, caption, sliding.padding_marks()),
        Arrow("*"),
        Grid.of(kernel, "kernel", "kernel"),
        Arrow("="),
        Grid.of(output, f"output {by(output.shape)}", done),
    )
    data = {
        "padding": [list(side) for side in problem.window.padding],
        "padded": exact(sliding.padded(problem.x[:, :, 0])),
        "output_shape": list(sliding.output),
        "output": exact(output),
        "uses": exact(uses(problem)),
    }
    return Step.of(f"Padding {name}", (row, *problem.size_lines()), data)


def _influence(variants: list[tuple[str, Problem]]) -> Step:
    counts = {name: uses(problem) for name, problem in variants}
    hottest = max(float(array.max()) for array in counts.values())
    row = tuple(
        Grid.heat_map(array, f"{name}: times each pixel is used", hottest=hottest)
        for name, array in counts.items()
    )
    lines = (
        f"{name}: a corner is used {counted(int(array[0, 0]), 'time')}, the most used pixel "
        f"{number(array.max())}: {number(array[0, 0] / array.max())} of its influence"
        for name, array in counts.items()
        if array.max()
    )
    return Step.of(
        "How often each pixel is used",
        (row, *lines),
        {name: exact(array) for name, array in counts.items()},
    )
