"""Grouped and depthwise convolution: filters that see some of the channels only, forward and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.checking import check_step
from convcli.explaining.elements import Arrow, Explanation, Graph, Grid, Link, Row, Step, Words, exact, planes
from convcli.explaining.gradients import Backward, check
from convcli.explaining.notation import cell_name, factor, number, products, total
from convcli.explaining.problem import Example, Problem, posed
from convcli.explaining.request import RUN, WINDOW, Request
from convcli.explaining.topics import topic
from convcli.explaining.volume import SHOWN_CHANNELS, filter_step
from convcli.wording import by, counted

EXAMPLE = Example(
    input="1 2 0; 0 1 3; 2 1 1 | 0 1 1; 2 0 1; 1 1 0 | 2 0 1; 1 1 0; 0 2 1 | 1 0 2; 0 3 1; 1 0 0",
    kernels=(
        "1 0; 0 -1 | 0 1; 1 0",
        "1 1; -1 -1 | 1 0; 0 1",
        "0 2; 1 0 | 1 -1; 1 -1",
        "-1 0; 0 1 | 2 0; 0 1",
    ),
    bias=(0, 1, -1, 2),
    gradient="1 0; 2 -1 | 0 1; 1 0 | 1 1; 0 -2 | 2 0; 0 1",
)
MOST_NODES = 16  # of a side of a graph
POINTWISE = (
    "As many groups as channels: depthwise. No channel hears of another; a convolution of 1 × 1 after it, "
    "pointwise, mixes them, and both together are a separable convolution."
)


@topic(
    "groups",
    "grouped and depthwise convolution: which channels feed which filters, the parameters saved, and back",
    *("input", "kernels", "bias", *WINDOW, "groups", "gradient", *RUN, "filter"),
)
def groups(ask: Request) -> Explanation:
    """Return the connections, a step for each output cell, and the gradients of each filter and channel.

    `--groups` is the input's depth over that of the kernels if it is not given. Without `--gradient` dZ is 1
    everywhere, but for the example's own.
    """
    problem = posed(ask, EXAMPLE, grouped=True)
    shown = ask.shown_filters(problem.w.shape[3])
    da = np.ones(problem.z.shape) if problem.da is None else problem.da
    back = Backward(problem, da, range(problem.w.shape[3]), range(problem.x.shape[2]))
    channels = list(dict.fromkeys(c for k in shown for c in problem.seen_by(k)))[
        : None if ask.model is None else 1
    ]
    errors = check(back) if ask.model is None else check(_alone(back, shown[0]))
    forward = [filter_step(problem, k, position) for k in shown for position in problem.sliding.positions()]
    weights = [_weights(back, k) for k in shown]
    inputs = [_input(back, c) for c in channels]
    steps = (_connections(problem, shown), *forward, *weights, *inputs, check_step(errors))
    dx, dw, db = back.gradients
    first = 1 + len(forward)
    return Explanation(
        topic="groups",
        title=f"{'Depthwise' if _depthwise(problem) else 'Grouped'} convolution: {by(problem.x.shape)} → "
        f"{by(problem.z.shape)} in {counted(problem.groups, 'group')}",
        steps=steps,
        data={
            **problem.document(),
            "groups": problem.groups,
            "output": planes(problem.z),
            "dZ": planes(back.dz),
            "dW": exact(np.transpose(dw, (3, 2, 0, 1))),
            "db": exact(db),
            "dA_prev": planes(dx),
            "relative_errors": errors,
        },
        still=(0, 1, first, first + len(weights)),
        notes=problem.notes,
    )


def _depthwise(problem: Problem) -> bool:
    return problem.groups > 1 and problem.w.shape[2] == 1


def _alone(back: Backward, k: int) -> Backward:
    """Return a filter's group as a layer by itself, of which that filter and a channel are checked."""
    problem = back.problem
    seen, fellows = problem.seen_by(k), problem.fellows(k)
    ks = slice(fellows.start, fellows.stop)
    own = replace(
        problem, x=problem.x[:, :, seen.start : seen.stop], w=problem.w[..., ks], b=problem.b[ks], groups=1
    )
    at = k - fellows.start
    return Backward(own, back.da[:, :, ks], range(at, at + 1), range(1))


def _connections(problem: Problem, shown: range) -> Step:
    """Return what feeds what, without groups and with them, and what that saves."""
    (f_h, f_w, depth, n_f), n_c, g = problem.w.shape, problem.x.shape[2], problem.groups
    rows, columns = problem.z.shape[:2]
    full, own = f_h * f_w * n_c * n_f, problem.w.size
    lines = [
        f"groups = {count}: {by((f_h, f_w, deep))} × {n_f} filters = {weights:,} weights, "
        f"{weights * rows * columns:,} multiply-adds"
        for count, deep, weights in dict.fromkeys(((1, n_c, full), (g, depth, own)))
    ]
    if g > 1:
        seen = f"{n_c} / {g} = {counted(depth, 'channel')}"
        lines.append(f"each filter sees {seen}: 1/{g} of the weights and of the work")
    words: tuple[Row, ...] = ((Words(POINTWISE),),) if _depthwise(problem) else ()
    pairs = [[c, k] for k in range(n_f) for c in problem.seen_by(k)]
    data = {"links": pairs, "weights": own, "weights_without_groups": full, "parameters": problem.parameters}
    drawn = _graphs(problem, shown)
    return Step.of("Which channels feed which filters", (*drawn, *lines, *words, *problem.size_lines()), data)


def _graphs(problem: Problem, shown: range) -> tuple[Row, ...]:
    """Return both graphs where they can be drawn; of very many nodes only the shown filter's group."""
    cs, ks = range(problem.x.shape[2]), range(problem.w.shape[3])
    if max(len(cs), len(ks)) > MOST_NODES:
        cs, ks = problem.seen_by(shown[0]), problem.fellows(shown[0])
        if max(len(cs), len(ks)) > MOST_NODES:
            return ()
        return ((_graph(problem, cs, ks, f"the group of filter {shown[0] + 1}", every=False),),)
    whole = _graph(problem, cs, ks, "groups = 1: every channel feeds every filter", every=True)
    own = _graph(problem, cs, ks, f"groups = {problem.groups}: only within a group", every=False)
    return ((whole, Arrow("→"), own) if problem.groups > 1 else (own,),)


def _graph(problem: Problem, cs: range, ks: range, caption: str, *, every: bool) -> Graph:
    links = tuple(
        Link(start, end)
        for end, k in enumerate(ks)
        for start, c in enumerate(cs)
        if every or c in problem.seen_by(k)
    )
    return Graph(tuple(f"c{c + 1}" for c in cs), tuple(f"f{k + 1}" for k in ks), links, caption)


def _weights(back: Backward, k: int) -> Step:
    """Return the gradient of one filter: of its own channels, and of no other."""
    problem, seen = back.problem, back.problem.seen_by(k)
    _, dw, db = back.gradients
    dz = back.dz[:, :, k]
    rows: list[Row] = [
        (
            problem.input_grid(c, f"A_prev, channel {c + 1}", problem.sliding.padding_marks()),
            Arrow("*"),
            Grid.of(dz, f"dZ_{k + 1}", "window"),
            Arrow("="),
            Grid.of(dw[:, :, n, k], f"dW_{k + 1}, channel {c + 1}", "done"),
        )
        for n, c in enumerate(seen[:SHOWN_CHANNELS])
    ]
    met = problem.sliding.windows(problem.x)[:, :, 0, 0, seen[0]]
    first = f"{cell_name(f'dW_{k + 1}', (0, 0))} in channel {seen[0] + 1}"
    lines = (
        f"{first} = {products(met, dz)} = {number(dw[0, 0, 0, k])}",
        f"db_{k + 1} = {total(map(factor, dz.ravel().tolist()))} = {number(db[k])}",
    )
    data = {"filter": k + 1, "channels": [c + 1 for c in seen], "dW": planes(dw[..., k]), "db": exact(db[k])}
    return Step.of(f"dW and db of filter {k + 1}", (*rows, *lines), data)


def _input(back: Backward, c: int) -> Step:
    """Return the gradient of one channel, to which the filters of its group give."""
    problem, dx = back.problem, back.gradients[0][:, :, c]
    fellows = next(problem.fellows(k) for k in range(problem.w.shape[3]) if c in problem.seen_by(k))
    parts = [_given_back(back, c, k) for k in fellows]
    row: list[Arrow | Grid] = []
    for k, part in list(zip(fellows, parts, strict=True))[:SHOWN_CHANNELS]:
        row += [*([Arrow("+")] if row else []), Grid.of(part, f"from filter {k + 1}")]
    left = len(parts) - SHOWN_CHANNELS
    row += [Arrow("+", f"{left} more")] if left > 0 else []
    row += [Arrow("="), Grid.of(dx, f"dA_prev, channel {c + 1}", "done")]
    terms = total([factor(part[0, 0]) for part in parts])
    lines = (
        f"from a filter: its dZ in full convolution with its kernel for channel {c + 1}, cropped by p",
        f"{cell_name('dA_prev', (0, 0))} = {terms} = {number(dx[0, 0])}",
    )
    data = {
        "channel": c + 1,
        "filters": [k + 1 for k in fellows],
        "parts": exact(np.stack(parts)),
        "dA_prev": exact(dx),
    }
    return Step.of(f"dA_prev: channel {c + 1}, from the filters of its group", (tuple(row), *lines), data)


def _given_back(back: Backward, c: int, k: int) -> Array:
    """Return what a filter gives back to a channel of its group."""
    (top, _), (left, _) = back.problem.window.padding
    rows, columns = back.problem.sliding.plane
    full = back.full(c - back.problem.seen_by(k).start, k)
    return full[top : top + rows, left : left + columns]
