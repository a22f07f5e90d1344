"""Convolution over volumes: products channel by channel, the sum over channels, a plane for each filter."""

from __future__ import annotations

from convcli.explaining.elements import (
    Arrow,
    Block,
    Cell,
    Explanation,
    Grid,
    Part,
    Row,
    Step,
    exact,
    planes,
)
from convcli.explaining.notation import cell_name, factor, number, place, products, total
from convcli.explaining.problem import Example, Problem, posed
from convcli.explaining.request import RUN, WINDOW, Request, the_only
from convcli.explaining.sliding import progress
from convcli.explaining.topics import topic
from convcli.wording import by, counted

SHOWN_CHANNELS = 4

EXAMPLE = Example(
    input="1 2 0 1; 0 1 3 1; 2 1 0 0; 1 0 1 2 | 0 1 1 0; 2 0 1 1; 1 1 0 2; 0 3 1 0 "
    "| 2 0 1 1; 1 1 0 0; 0 2 1 1; 1 0 0 2",
    kernels=(
        "1 0 -1; 1 0 -1; 1 0 -1 | 0 -1 0; 0 1 0; 0 -1 0 | 1 0 0; 0 -1 0; 0 0 1",
        "1 1 1; 0 0 0; -1 -1 -1 | 0 0 0; 1 -1 1; 0 0 0 | 0 0 1; 0 -1 0; 1 0 0",
    ),
    bias=(1, -2),
)


@topic(
    "volume",
    "n×n×n_c with several f×f×n_c filters: products per channel, the sum over channels, the stacked result",
    *("input", "kernels", "op", "bias", *WINDOW, *RUN, "filter"),
)
def volume(ask: Request) -> Explanation:
    """Return the shapes, then a step for each filter and position; `--filter` leaves one filter."""
    problem = posed(ask, EXAMPLE)
    count = problem.w.shape[3]
    filters = ask.shown_filters(count)
    steps = [_shapes(problem)]
    steps += [filter_step(problem, k, position) for k in filters for position in problem.sliding.positions()]
    last = _stacked(problem, list(filters))
    return Explanation(
        topic="volume",
        title=f"Volume: {by(problem.x.shape)} * {counted(count, 'filter')} of {by(problem.w.shape[:3])} → "
        f"{by(problem.z.shape)}",
        steps=(*steps, last),
        data={**problem.document(), "output": planes(problem.z)},
        still=(0, len(steps) - 1, len(steps)),
        notes=problem.notes,
        settings=problem.settings(filter=the_only(filters, count)),
    )


def shapes_row(problem: Problem, result: str) -> Row:
    """Return the shapes as solids, with what happens between them."""
    count = problem.w.shape[3]
    return (
        Block(problem.x.shape, "A_prev: n × n × n_c", tints=problem.tints),
        Arrow("*"),
        Block(
            problem.w.shape[:3],
            f"{counted(count, 'filter')} W: f × f × n_c",
            count=count,
            tints=problem.filter_tints(0),
        ),
        Arrow("="),
        Block(problem.z.shape, result),
    )


def _shapes(problem: Problem) -> Step:
    count = problem.w.shape[3]
    lines = (
        f"{by(problem.x.shape)} * {by(problem.w.shape[:3])} → {by(problem.z.shape[:2])} per filter",
        f"n_f = {counted(count, 'filter')}, stacked: {by(problem.z.shape)}",
    )
    shapes = {
        "A_prev": list(problem.x.shape),
        "W": list(problem.w.shape),
        "b": list(problem.b.shape),
        "Z": list(problem.z.shape),
    }
    return Step.of(
        "Shapes",
        (*problem.photo_row(), shapes_row(problem, "Z: out × out × n_f"), *lines, *problem.size_lines()),
        shapes,
    )


def filter_step(problem: Problem, k: int, position: Cell) -> Step:
    """Return one output cell of one filter: a row for each channel, then the sum over channels."""
    sliding = problem.sliding
    seen = problem.seen_by(k)
    window = sliding.windows(problem.x)[position][:, :, seen.start : seen.stop]
    shares = window * problem.w[..., k]
    sums = shares.sum(axis=(0, 1))
    value = float(problem.z[(*position, k)])
    name = cell_name(f"Z_{k + 1}", position)
    rows: list[Row] = []
    for n, c in enumerate(seen[:SHOWN_CHANNELS]):
        kernel = problem.w[:, :, n, k]
        rows.append(
            (
                problem.input_grid(c, f"channel {c + 1}", sliding.marks(position)),
                Arrow("·"),
                Grid.of(kernel, f"W, filter {k + 1}", "kernel"),
                Arrow("="),
                Grid.of(shares[:, :, n], f"sum {number(sums[n])}", "window"),
            )
        )
    known, roles = progress(position, sliding.output[1])
    rows[0] = (
        *rows[0],
        Arrow("→", "sum + b" if problem.biased else "sum"),
        Grid.of(problem.z[:, :, k], f"Z, filter {k + 1}", roles, known=known),
    )
    lines = [
        f"channel {c + 1}: {products(window[:, :, n], problem.w[:, :, n, k])} = {number(sums[n])}"
        for n, c in enumerate(seen[:SHOWN_CHANNELS])
    ]
    bias = float(problem.b[k]) if problem.biased else None
    lines.append(f"{name} = {total(map(factor, sums.tolist()), bias)} = {number(value)}")
    data = {
        "filter": k + 1,
        "position": list(position),
        "products": planes(shares),
        "channel_sums": exact(sums),
        "bias": exact(problem.b[k]),
        "output": exact(value),
    }
    title = f"Filter {k + 1}: {place(position)}"
    return Step.of(title, (_moving(problem, k, position), *rows, *lines), data)


def _moving(problem: Problem, k: int, position: Cell) -> Row:
    """Return the window as a part of the input, as deep as it, and the one cell that comes of it."""
    sliding, channels = problem.sliding, tuple(problem.seen_by(k))
    under = sliding.under(position)
    rows, columns = (tuple(sorted({cell[axis] for cell in under})) for axis in (0, 1))
    padded = "" if sliding.padded_shape == sliding.plane else ", padded"
    window = Part(rows, columns, channels, "window")
    cell = Part((position[0],), (position[1],), (k,), "result")
    return (
        problem.input_block(f"A_prev{padded}, and the window in it", (window,)),
        Arrow("·"),
        Block(problem.w.shape[:3], f"W, filter {k + 1}", tints=problem.filter_tints(k)),
        Arrow("→", "sum + b" if problem.biased else "sum"),
        Block(problem.z.shape, f"Z: {cell_name(f'Z_{k + 1}', position)}", parts=(cell,)),
    )


def _stacked(problem: Problem, filters: list[int]) -> Step:
    grids = tuple(Grid.of(problem.z[:, :, k], f"filter {k + 1}", "done") for k in filters)
    row: Row = (*grids, Arrow("→", "stack"), Block(problem.z.shape, "Z: out × out × n_f"))
    count = problem.parameters
    bias = f" + {problem.b.size} of b" if problem.biased else ""
    line = f"learned numbers: {by(problem.w.shape)} = {problem.w.size} of W{bias} = {count}"
    return Step.of(
        "The filters' planes, stacked",
        (row, line),
        {"output": planes(problem.z), "parameters": count},
    )
