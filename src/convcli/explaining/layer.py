"""One convolutional layer: A_prev → Z = W * A_prev + b → A = g(Z), with the dimensions of every tensor."""

from __future__ import annotations

from dataclasses import replace

from convcli.engine.workspace import Array
from convcli.explaining.elements import (
    Arrow,
    Block,
    Cell,
    Explanation,
    Formula,
    Grid,
    Row,
    Step,
    every,
    exact,
    planes,
)
from convcli.explaining.notation import cell_name, factor, number
from convcli.explaining.problem import Problem, posed
from convcli.explaining.request import RUN, WINDOW, Request, the_only
from convcli.explaining.topics import topic
from convcli.explaining.volume import EXAMPLE
from convcli.wording import by, counted

SHOWN_CHANNELS = 4


@topic(
    "layer",
    "A_prev → Z = W*A_prev + b → A = g(Z) of one conv layer, with all tensor dimensions",
    *("input", "kernels", "op", "bias", *WINDOW, "activation", *RUN, "filter"),
)
def layer(ask: Request) -> Explanation:
    """Return the dimensions, then a step for each filter; `--filter` leaves one."""
    problem = posed(ask, replace(EXAMPLE, activation="relu"))
    filters = ask.shown_filters(problem.w.shape[3])
    steps = (_dimensions(problem), *(_filter(problem, k) for k in filters))
    return Explanation(
        topic="layer",
        title=f"A conv layer: {by(problem.x.shape)} → {by(problem.a.shape)}, g = {problem.activation}",
        steps=steps,
        data={
            **problem.document(),
            "activation": str(problem.activation),
            "Z": planes(problem.z),
            "A": planes(problem.a),
        },
        still=tuple(range(min(len(steps), 3))),
        notes=problem.notes,
        settings=problem.settings(
            **problem.activation_settings(), filter=the_only(filters, problem.w.shape[3])
        ),
    )


def _dimensions(problem: Problem) -> Step:
    n_f = problem.w.shape[3]
    row: Row = (
        Block(problem.x.shape, "A_prev", tints=problem.tints),
        Arrow("*"),
        Block(
            problem.w.shape[:3], f"W of {counted(n_f, 'filter')}", count=n_f, tints=problem.filter_tints(0)
        ),
        Arrow("+"),
        Block((n_f,), "b"),
        Arrow("="),
        Block(problem.z.shape, "Z"),
        Arrow("→", f"g = {problem.activation}"),
        Block(problem.a.shape, "A"),
    )
    rows, columns = problem.z.shape[:2]
    bias = f" + {n_f}" if problem.biased else ""
    lines = [
        f"A_prev: {by(problem.x.shape)}, W: {by(problem.w.shape)}, b: {n_f}",
        f"Z and A: {by(problem.z.shape)}",
        f"learned numbers: {by(problem.w.shape)}{bias} = {problem.parameters:,}",
        f"multiply-adds: {by(problem.w.shape)} × {rows} × {columns} = {problem.w.size * rows * columns:,}",
        problem.activation.formula,
    ]
    data = {
        "A_prev": list(problem.x.shape),
        "W": list(problem.w.shape),
        "b": [n_f],
        "Z": list(problem.z.shape),
        "A": list(problem.a.shape),
        "parameters": problem.parameters,
        "multiply_adds": problem.w.size * rows * columns,
    }
    return Step.of("Dimensions", (*problem.photo_row(), row, *lines, *problem.size_lines()), data)


def _filter(problem: Problem, k: int) -> Step:
    sliding, bias = problem.sliding, float(problem.b[k])
    channels = problem.x.shape[2]
    inputs = tuple(
        problem.input_grid(c, f"A_prev, channel {c + 1}", sliding.padding_marks())
        for c in range(min(channels, SHOWN_CHANNELS))
    )
    weights = tuple(
        Grid.of(problem.w[:, :, c, k], f"W_{k + 1}, channel {c + 1}", "kernel")
        for c in range(min(channels, SHOWN_CHANNELS))
    )
    z, a = problem.z[:, :, k], problem.a[:, :, k]
    results: Row = (
        Grid.of(z, f"Z_{k + 1}", "done"),
        Arrow("→", f"g = {problem.activation}"),
        Grid.of(a, f"A_{k + 1}", "done"),
    )
    rest = (
        f" (the first {SHOWN_CHANNELS} of {channels} channels are shown)" if channels > SHOWN_CHANNELS else ""
    )
    added = f" + {factor(bias)}" if problem.biased else ""
    lines = (
        f"Z_{k + 1} = W_{k + 1} * A_prev{added}{rest}",
        *(
            f"{cell_name(f'A_{k + 1}', cell)} = g({number(z[cell])}) = {number(a[cell])}"
            for cell in _telling(z, a)
        ),
    )
    rows: tuple[Row, ...] = (
        inputs,
        (Arrow("*"), *weights, Arrow("+"), Formula(f"b = {number(bias)}"), Arrow("=")),
        results,
    )
    return Step.of(
        f"Filter {k + 1}",
        (*rows, *lines),
        {"filter": k + 1, "bias": exact(bias), "Z": exact(z), "A": exact(a)},
    )


def _telling(z: Array, a: Array) -> list[Cell]:
    """Return the cells whose g(Z) is told: the first, and the first below 0 that g changes."""
    changed = [cell for cell in every(z) if z[cell] < 0 and z[cell] != a[cell]]
    return list(dict.fromkeys([(0, 0), *changed[:1]]))
