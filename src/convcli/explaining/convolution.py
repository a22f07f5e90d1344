"""The convolution itself: window, pairwise products, sum, output cell."""

from __future__ import annotations

from convcli.explaining.elements import Arrow, Cell, Explanation, Grid, Row, Step, exact
from convcli.explaining.notation import cell_name, number, place, products
from convcli.explaining.problem import Example, Problem, posed
from convcli.explaining.request import RUN, WINDOW, Request
from convcli.explaining.sliding import progress
from convcli.explaining.topics import topic
from convcli.wording import by


@topic(
    "convolution",
    "the window on the padded grid, the pairwise products, their sum, the output cell, step by step",
    *("input", "kernels", "op", "bias", *WINDOW, *RUN, "filter", "channel"),
)
def convolution(ask: Request) -> Explanation:
    """Return a step for each position of the window."""
    problem = posed(ask, Example(), single=True)
    sliding, output = problem.sliding, problem.z[:, :, 0]
    steps = tuple(window_step(problem, position) for position in sliding.positions())
    shapes = [by(shape) for shape in (sliding.plane, problem.window.size, output.shape)]
    return Explanation(
        topic="convolution",
        title=f"Convolution (cross-correlation): {shapes[0]} * {shapes[1]} → {shapes[2]}",
        steps=steps,
        data={**problem.document(), "output": exact(output)},
        still=(len(steps) - 1,),
        notes=problem.notes,
        settings=problem.settings(),
    )


def window_step(problem: Problem, position: Cell) -> Step:
    """Return the step in which the window of a single-channel convolution is at `position`."""
    sliding = problem.sliding
    kernel, output = problem.w[:, :, 0, 0], problem.z[:, :, 0]
    window = sliding.windows(problem.x)[position][:, :, 0]
    shares = window * kernel
    bias = float(problem.b[0]) if problem.biased else None
    known, roles = progress(position, sliding.output[1])
    value = float(output[position])
    name = cell_name("out", position)
    row: Row = (
        problem.input_grid(0, input_caption(problem), sliding.marks(position)),
        Arrow("·"),
        Grid.of(kernel, "kernel", "kernel"),
        Arrow("="),
        Grid.of(shares, "products", "window"),
        Arrow("→", "sum" if bias is None else "sum + b"),
        Grid.of(output, f"output {by(output.shape)}", roles, known=known),
    )
    line = f"{name} = {products(window, kernel, bias)} = {number(value)}"
    data = {
        "position": list(position),
        "window": exact(window),
        "products": exact(shares),
        "sum": exact(shares.sum()),
        "output": exact(value),
    }
    return Step.of(place(position).capitalize(), (row, line), data)


def input_caption(problem: Problem) -> str:
    """Return what stands under the padded input."""
    sliding = problem.sliding
    padded = "" if sliding.padded_shape == sliding.plane else f", padded to {by(sliding.padded_shape)}"
    return f"input {by(sliding.plane)}{padded}"
