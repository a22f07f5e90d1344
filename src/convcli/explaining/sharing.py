"""Pruning and sharing: a dense layer's connections beside a convolution's, both counted."""

from __future__ import annotations

from convcli.errors import UsageError
from convcli.explaining.elements import Arrow, Cell, Explanation, Graph, Grid, Link, Row, Step, every, exact
from convcli.explaining.notation import factor, number, total
from convcli.explaining.problem import Example, Problem, posed
from convcli.explaining.request import RUN, WINDOW, Request
from convcli.explaining.sliding import progress
from convcli.explaining.topics import topic
from convcli.wording import by

MOST_INPUTS, MOST_OUTPUTS = 36, 25
MOST_COLOURS = 9  # of links that can be told apart

# The smallest layer that shows it: nine pixels, a window of four, four outputs.
EXAMPLE = Example(input="3 0 1; 1 5 8; 2 7 2", kernels=("1 -1; 2 0",))


@topic(
    "sharing",
    "the dense connection graph beside the convolution's: which inputs feed which outputs, what is shared",
    *("input", "kernels", "op", "bias", *WINDOW, *RUN, "filter", "channel"),
)
def sharing(ask: Request) -> Explanation:
    """Return all connections, those that are left, those that share a weight, and each output's own."""
    problem = posed(ask, EXAMPLE, single=True)
    inputs, outputs = _cells(problem)
    if len(inputs) > MOST_INPUTS or len(outputs) > MOST_OUTPUTS:
        raise UsageError(
            f"sharing draws at most {MOST_INPUTS} inputs and {MOST_OUTPUTS} outputs; these are "
            f"{len(inputs)} and {len(outputs)}. Take a smaller input, such as 4 × 4, or a larger stride."
        )
    links = _links(problem)
    weights = problem.window.size[0] * problem.window.size[1]
    counts = {
        "inputs": len(inputs),
        "outputs": len(outputs),
        "dense": {"connections": len(inputs) * len(outputs), "parameters": (len(inputs) + 1) * len(outputs)},
        "pruned": {"connections": len(links), "parameters": len(links) + len(outputs)},
        "convolution": {"connections": len(links), "parameters": weights + 1},
    }
    steps = (*_overview(problem, links, weights), *(_one(problem, links, cell) for cell in outputs))
    return Explanation(
        topic="sharing",
        title=f"Pruning and sharing: {by(problem.sliding.plane)} * {by(problem.window.size)} → "
        f"{by(problem.sliding.output)}",
        steps=steps,
        data={**problem.document(), "output": exact(problem.z[:, :, 0]), **counts},
        still=(0,),
        notes=problem.notes,
        settings=problem.settings(),
    )


def _cells(problem: Problem) -> tuple[list[Cell], list[Cell]]:
    return every(problem.x[:, :, 0]), list(problem.sliding.positions())


def _links(problem: Problem) -> list[Link]:
    """Return what connects pixels and outputs; zeros of the padding are no inputs."""
    sliding = problem.sliding
    (top, _), (left, _) = problem.window.padding
    rows, columns = sliding.plane
    links = []
    for end, position in enumerate(sliding.positions()):
        for weight, (i, j) in enumerate(sliding.under(position)):
            if 0 <= i - top < rows and 0 <= j - left < columns:
                links.append(Link((i - top) * columns + j - left, end, weight))
    return links


def _graph(problem: Problem, links: list[Link], caption: str) -> Graph:
    inputs, outputs = _cells(problem)
    return Graph(
        tuple(f"x{n}" for n in range(1, len(inputs) + 1)),
        tuple(roman(n) for n in range(1, len(outputs) + 1)),
        tuple(links),
        caption,
        _legend(problem) if any(link.weight is not None for link in links) else (),
    )


def roman(count: int) -> str:
    """Return a number of up to 39 as Romans wrote it: outputs have no digits, which inputs and weights have.

    >>> roman(4), roman(19), roman(25)
    ('IV', 'XIX', 'XXV')
    """
    ones = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    return "X" * (count // 10) + ones[count % 10]


def _legend(problem: Problem) -> tuple[str, ...]:
    """Return what each weight is, in row order of the kernel."""
    return tuple(f"w{n} = {number(value)}" for n, value in enumerate(problem.w.ravel().tolist(), 1))


def _kernel(problem: Problem) -> Grid:
    kernel = problem.w[:, :, 0, 0]
    last = kernel.size
    return Grid.of(kernel, f"the weights w1 … w{last}" if last > 1 else "the weight w1", "kernel")


def _overview(problem: Problem, links: list[Link], weights: int) -> tuple[Step, ...]:
    """Return the dense graph beside the convolution's, and what lies between them."""
    inputs, outputs = (len(cells) for cells in _cells(problem))
    everything = [Link(i, j) for j in range(outputs) for i in range(inputs)]
    pruned = [Link(link.start, link.end) for link in links]
    dense_count, left = inputs * outputs, len(links)
    dense = (
        f"dense: {inputs} · {outputs} = {dense_count} connections; "
        f"{dense_count} weights + {outputs} biases = {dense_count + outputs} parameters"
    )
    unshared = (
        f"pruned: {left} of {dense_count} connections; if no weight were shared: "
        f"{left} weights + {outputs} biases = {left + outputs} parameters"
    )
    shared = f"convolution: {left} connections; {weights} weights + 1 bias = {weights + 1} parameters"

    def step(title: str, own: list[Link], lines: tuple[str, ...], row: Row) -> Step:
        pairs = [[link.start, link.end, *([] if link.weight is None else [link.weight])] for link in own]
        return Step.of(title, (row, *lines), {"links": pairs})

    repeating = f"; after {MOST_COLOURS} they begin again" if weights > MOST_COLOURS else ""
    one, two, three = (
        _graph(problem, everything, "dense: every input feeds every output"),
        _graph(problem, pruned, "pruned: an output sees only its window"),
        _graph(problem, links, f"convolution: one colour is one shared weight{repeating}"),
    )
    return (
        step("A dense layer beside the convolution", links, (dense, shared), (one, Arrow("→"), three)),
        step("Dense: every input feeds every output", everything, (dense,), (one,)),
        step("Pruned: an output sees only its window", pruned, (unshared,), (two,)),
        step("Shared: every output uses the same weights", links, (shared,), (three, _kernel(problem))),
    )


def _one(problem: Problem, links: list[Link], position: Cell) -> Step:
    """Return the step that shows what feeds one output."""
    end = position[0] * problem.sliding.output[1] + position[1]
    name = roman(end + 1)
    shown = [Link(link.start, link.end, link.weight, link.end == end) for link in links]
    own = [link for link in shown if link.strong and link.weight is not None]
    x, w = problem.x.ravel(), problem.w.ravel()
    terms = [f"{factor(w[link.weight])}·{factor(x[link.start])}" for link in own if link.weight is not None]
    value = problem.z[(*position, 0)]
    bias = float(problem.b[0]) if problem.biased else None
    names = total(f"w{(link.weight or 0) + 1}·x{link.start + 1}" for link in own)
    lines = (
        f"{name} = {names}{' + b' if problem.biased else ''}",
        f"{name} = {total(terms, bias)} = {number(value)}",
    )
    data = {
        "output_number": end,
        "inputs": [link.start for link in own],
        "weights": [link.weight for link in own],
        "output": exact(value),
    }
    known, roles = progress(position, problem.sliding.output[1])
    outputs = Grid.of(problem.z[:, :, 0], "outputs", roles, known=known)
    row: Row = (_graph(problem, shown, f"what feeds {name}"), _kernel(problem), Arrow("→"), outputs)
    return Step.of(f"Output {name}", (row, *lines), data)
