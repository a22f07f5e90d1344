"""Backward through one conv layer: dA → dZ → dW, db, dA_prev, cell by cell, and a numeric check of each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.activating import left_out
from convcli.explaining.checking import check_step
from convcli.explaining.convolving import AS_GIVEN
from convcli.explaining.elements import (
    Arrow,
    Cell,
    Explanation,
    Grid,
    Role,
    Row,
    Step,
    Words,
    every,
    exact,
    planes,
)
from convcli.explaining.gradients import Backward, check
from convcli.explaining.notation import cell_name, factor, number, place, products, total
from convcli.explaining.problem import Example, posed
from convcli.explaining.request import RUN, WINDOW, Request, the_only
from convcli.explaining.sliding import Sliding, progress
from convcli.explaining.topics import topic
from convcli.shapes import Window
from convcli.wording import by

EXAMPLE = Example(
    input="1 2 0 1; 3 1 2 0; 0 1 1 2; 2 0 1 3",
    kernels=("1 0 -1; 2 1 0; 0 -1 1",),
    bias=(-4,),
    activation="relu",
    gradient="1 2; -1 3",
)


@topic(
    "backward",
    "dA → dZ → dW, db, dA_prev of one conv layer, with its window products, and a numeric check of each",
    *("input", "kernels", "op", "bias", *WINDOW, "activation", "gradient", *RUN, "filter", "channel"),
)
def backward(ask: Request) -> Explanation:
    """Return the steps back through the layer. Without `--gradient` dA is 1 everywhere."""
    problem = posed(ask, EXAMPLE)
    _, _, channels, filters = problem.w.shape
    da = np.ones(problem.z.shape) if problem.da is None else problem.da
    back = Backward(problem, da, ask.shown_filters(filters), ask.shown_channels(channels))
    steps, still = _steps(back)
    dx, dw, db = back.gradients
    return Explanation(
        topic="backward",
        title=f"Backward of a conv layer: dA {by(da.shape)} → dW {by(dw.shape)}, db {by(db.shape)}, "
        f"dA_prev {by(dx.shape)}",
        steps=tuple(steps),
        data={
            **problem.document(),
            "activation": str(problem.activation),
            "Z": planes(problem.z),
            "dA": planes(da),
            "dZ": planes(back.dz),
            "dW": exact(np.transpose(problem.as_given(dw), (3, 2, 0, 1))),
            "db": exact(db),
            "dA_prev": planes(dx),
            "relative_errors": check(back),
        },
        still=still,
        notes=(*problem.notes, *_silent(back, from_run=ask.model is not None)),
        settings=problem.settings(
            **problem.activation_settings(),
            gradient=None if problem.da is None else planes(problem.da),
            filter=the_only(back.filters, filters),
            channel=the_only(back.channels, channels),
        ),
    )


def _silent(back: Backward, *, from_run: bool) -> Iterator[str]:
    """Say that all steps show zeros, if they do, and what would show more."""
    reasons = {back.silence(k) for k in back.filters}
    if "" in reasons:
        return
    reason = "; ".join(sorted(reasons))
    if from_run:
        remedy = "another --filter, --crop or --image may show more"
    elif back.da.any():
        remedy = "--activation none shows the products"
    else:
        remedy = "--gradient says what comes back"
    yield f"every gradient is 0, since {reason}; {remedy}"


def _steps(back: Backward) -> tuple[list[Step], tuple[int, ...]]:
    """Return all steps, and the numbers of those that tell the story in short."""
    steps: list[Step] = []
    still: list[int] = []

    def keep(step: Step, key: bool = True) -> None:
        still.extend([len(steps)] if key else [])
        steps.append(step)

    pairs = [(c, k) for k in back.filters for c in back.channels]
    for k in back.filters:
        keep(_forward(back, k))
        keep(_through_activation(back, k))
        keep(_bias(back, k), key=False)
    for c, k in pairs:
        cells = every(back.problem.w[:, :, 0, 0])
        for cell in cells:
            keep(_weight(back, c, k, cell), key=cell == cells[-1])
        if back.problem.op == "convolve":
            keep(_turned_back(back, c, k))
    for c, k in pairs:
        keep(_prepared(back, c, k))
        cells = every(back.full(c, k))
        for cell in cells:
            keep(_input(back, c, k, cell), key=cell == cells[-1])
    for c in back.channels:
        keep(_cropped(back, c))
    shown = back.problem.z[:, :, back.filters.start : back.filters.stop]
    keep(check_step(check(back), *left_out(back.problem.activation, shown)))
    return steps, tuple(still)


def _names(back: Backward, c: int | None = None, k: int | None = None) -> str:
    """Return which channel and filter a caption speaks of, where there are several."""
    words = [f"filter {k + 1}"] if k is not None and back.problem.w.shape[3] > 1 else []
    words += [f"channel {c + 1}"] if c is not None and back.problem.w.shape[2] > 1 else []
    return f", {', '.join(words)}" if words else ""


def _input_name(back: Backward, c: int) -> str:
    return f"A_prev{_names(back, c)}{', padded' if _is_padded(back) else ''}"


def _is_padded(back: Backward) -> bool:
    return back.problem.sliding.padded_shape != back.problem.sliding.plane


def _forward(back: Backward, k: int) -> Step:
    problem, sliding = back.problem, back.problem.sliding
    c = back.channels[0]
    kernel, z, a = problem.w[:, :, c, k], problem.z[:, :, k], problem.a[:, :, k]
    row: Row = (
        problem.input_grid(c, _input_name(back, c), sliding.padding_marks()),
        Arrow("*"),
        Grid.of(kernel, f"W{_names(back, c, k)}", "kernel"),
        Arrow("+", f"b = {number(problem.b[k])}"),
        Arrow("="),
        Grid.of(z, "Z", "done"),
        Arrow("→", f"g = {problem.activation}"),
        Grid.of(a, "A", "done"),
    )
    line = "Z = W * A_prev + b, A = g(Z)"
    return Step.of(
        f"Forward{_names(back, k=k)}",
        (*problem.photo_row(), row, line),
        {"Z": exact(z), "A": exact(a)},
    )


def _through_activation(back: Backward, k: int) -> Step:
    da, dz, slope, problem = back.da[:, :, k], back.dz[:, :, k], back.slope[:, :, k], back.problem
    row: Row = (
        Grid.of(da, f"dA{_names(back, k=k)}"),
        Arrow("·"),
        Grid.of(slope, "g′(Z)"),
        Arrow("="),
        Grid.of(dz, "dZ", "done"),
    )
    lines = (
        f"dZ = dA · g′(Z), {problem.activation.formula}",
        *(
            f"{cell_name('dZ', cell)} = {factor(da[cell])}·{factor(slope[cell])} = {number(dz[cell])}"
            for cell in _telling(da, dz)
        ),
        *(f"{reason}: no gradient comes through" for reason in [back.silence(k)] if reason),
    )
    data = {"dA": exact(da), "g_prime": exact(slope), "dZ": exact(dz)}
    return Step.of(f"dZ: back through g{_names(back, k=k)}", (row, *lines), data)


def _telling(da: Array, dz: Array) -> list[Cell]:
    """Return the cells whose product is told: the first, and the first whose gradient g holds back."""
    held = [cell for cell in every(dz) if da[cell] and not dz[cell]]
    return list(dict.fromkeys([(0, 0), *held[:1]]))


def _bias(back: Backward, k: int) -> Step:
    dz, db = back.dz[:, :, k], float(back.gradients[2][k])
    row: Row = (
        Grid.of(dz, f"dZ{_names(back, k=k)}", "window"),
        Arrow("→", "sum"),
        Grid.of(np.array([[db]]), "db", {(0, 0): "result"}),
    )
    line = f"db = {total(map(factor, dz.ravel().tolist()))} = {number(db)}"
    return Step.of(
        f"db: the sum of dZ{_names(back, k=k)}", (row, line), {"terms": exact(dz), "db": exact(db)}
    )


def _weight(back: Backward, c: int, k: int, cell: Cell) -> Step:
    """One cell of dW: the pixels that its weight was multiplied with, times dZ."""
    problem, sliding = back.problem, back.problem.sliding
    dz, dw = back.dz[:, :, k], back.gradients[1][:, :, c, k]
    (s_h, s_w), (d_h, d_w) = problem.window.stride, problem.window.dilation
    met: dict[Cell, Role] = {
        (i * s_h + cell[0] * d_h, j * s_w + cell[1] * d_w): "window" for i, j in sliding.positions()
    }
    seen = sliding.windows(problem.x)[:, :, cell[0], cell[1], c]
    known, roles = progress(cell, dw.shape[1])
    row: Row = (
        problem.input_grid(c, _input_name(back, c), {**sliding.padding_marks(), **met}),
        Arrow("·"),
        Grid.of(dz, f"dZ{_names(back, k=k)}", "kernel"),
        Arrow("=", "products"),
        Grid.of(seen * dz, "", "window"),
        Arrow("→", "sum"),
        Grid.of(dw, f"dW{_names(back, c, k)}", roles, known=known),
    )
    value = float(dw[cell])
    line = f"{cell_name('dW', cell)} = {products(seen, dz)} = {number(value)}"
    data = {
        "filter": k + 1,
        "channel": c + 1,
        "cell": list(cell),
        "products": exact(seen * dz),
        "dW": exact(value),
    }
    title = f"dW: A_prev correlated with dZ{_names(back, c, k)}: {place(cell)}"
    return Step.of(title, (row, line), data)


def _turned_back(back: Backward, c: int, k: int) -> Step:
    """The gradient of the kernel itself, of that of the flipped one."""
    dw = back.gradients[1][:, :, c, k]
    own = back.problem.as_given(dw)
    names = _names(back, c, k)
    row: Row = (
        Grid.of(dw, f"dW′{names}", "done"),
        Arrow("→", "rotated by 180°"),
        Grid.of(own, f"dW{names}", "result"),
    )
    words = Words("W′ is W flipped: each weight takes its gradient back to its own cell.")
    return Step.of(f"dW: flipped back{names}", (row, (words,)), {AS_GIVEN: True, "dW": exact(own)})


def _full_convolution(back: Backward, k: int) -> tuple[Sliding, Array, dict[Cell, Role]]:
    """Return how the rotated kernel slides over dZ dilated and padded, that plane, and its zeros' roles."""
    spread = back.dilated(k)
    window = Window.of(back.problem.window.size, padding="full", dilation=back.problem.window.dilation)
    sliding = Sliding((spread.shape[0], spread.shape[1]), window)
    (top, _), (left, _) = window.padding
    (s_h, s_w), (rows, columns) = back.problem.window.stride, back.problem.sliding.output
    own = {(top + i * s_h, left + j * s_w) for i in range(rows) for j in range(columns)}
    padded = sliding.padded(spread)
    return sliding, padded, {cell: "padding" for cell in every(padded) if cell not in own}


def _prepared(back: Backward, c: int, k: int) -> Step:
    problem = back.problem
    kernel, rotated, dz, spread = problem.w[:, :, c, k], back.rotated(c, k), back.dz[:, :, k], back.dilated(k)
    _, padded, zeros = _full_convolution(back, k)
    (s_h, s_w), (rows, columns) = problem.window.stride, problem.sliding.output
    inserted: dict[Cell, Role] = {
        (i, j): "padding"
        for i, j in every(spread)
        if i % s_h or j % s_w or i > (rows - 1) * s_h or j > (columns - 1) * s_w
    }
    extra = problem.window.remainder(problem.sliding.plane)
    reach = [span - 1 for span in problem.window.span]
    top: Row = (
        Grid.of(kernel, f"W{_names(back, c, k)}", "kernel"),
        Arrow("→", "rotated by 180°"),
        Grid.of(rotated, "W rotated", "kernel"),
    )
    dilating: Row = (
        Arrow("→", f"s − 1 zeros between, {extra[0]} + {extra[1]} more"),
        Grid.of(spread, f"dilated: {by(spread.shape)}", inserted),
    )
    bottom: Row = (
        Grid.of(dz, f"dZ{_names(back, k=k)}"),
        *(dilating if _dilates(back) else ()),
        Arrow("→", "full padding"),
        Grid.of(padded, f"padded by {by(reach)}: {by(padded.shape)}", zeros),
    )
    more = ", ".join(
        f"({n} + {before + after} − {span}) mod {s} = {rest}"
        for n, (before, after), span, s, rest in zip(
            problem.sliding.plane,
            problem.window.padding,
            problem.window.span,
            problem.window.stride,
            extra,
            strict=True,
        )
    )
    lines = [f"further zeros: (n + 2p − f) mod s: {more} (rows, columns)"] if _dilates(back) else []
    data = {
        "filter": k + 1,
        "channel": c + 1,
        "rotated": exact(rotated),
        "dilated": exact(spread),
        "further_zeros": list(extra),
        "padded": exact(padded),
    }
    title = f"dA_prev: dZ {_spread_name(back)}, the kernel rotated{_names(back, c, k)}"
    return Step.of(title, (top, bottom, *lines), data)


def _dilates(back: Backward) -> bool:
    """Return whether the full convolution has zeros between the cells of dZ, or further ones."""
    return max(back.problem.window.stride) > 1


def _spread_name(back: Backward) -> str:
    return "dilated" if _dilates(back) else "padded"


def _input(back: Backward, c: int, k: int, cell: Cell) -> Step:
    """One cell of the full convolution, before the crop."""
    sliding, padded, zeros = _full_convolution(back, k)
    rotated, full = back.rotated(c, k), back.full(c, k)
    window = sliding.windows(back.dilated(k)[:, :, None])[cell][:, :, 0]
    known, roles = progress(cell, full.shape[1])
    lying: dict[Cell, Role] = dict.fromkeys(sliding.under(cell), "window")
    outside = {at: role for at, role in back.problem.sliding.padding_marks().items() if at in known}
    dilated = "dilated and " if _dilates(back) else ""
    still = ", still with its padding" if _is_padded(back) else ""
    row: Row = (
        Grid.of(padded, f"dZ, {dilated}padded{_names(back, k=k)}", {**zeros, **lying}),
        Arrow("·"),
        Grid.of(rotated, "W rotated", "kernel"),
        Arrow("→", "sum"),
        Grid.of(full, f"dA_prev{still}", {**roles, **outside, cell: "result"}, known=known),
    )
    value = float(full[cell])
    line = f"{cell_name('full', cell)} = {products(window, rotated)} = {number(value)}"
    data = {
        "filter": k + 1,
        "channel": c + 1,
        "cell": list(cell),
        "products": exact(window * rotated),
        "full": exact(value),
    }
    title = f"dA_prev: full convolution{_names(back, c, k)}: {place(cell)}"
    return Step.of(title, (row, line), data)


def _cropped(back: Backward, c: int) -> Step:
    """The sum over the filters, without the padding."""
    problem, dx = back.problem, back.gradients[0][:, :, c]
    count = problem.w.shape[3]
    summed = np.sum([back.full(c, k) for k in range(count)], axis=0)
    words = f"sum over {count} filters" if count > 1 else "full convolution"
    row: Row = (
        Grid.of(summed, f"{words}: {by(summed.shape)}", problem.sliding.padding_marks()),
        Arrow("→", "crop by p" if _is_padded(back) else "p = 0: nothing to crop"),
        Grid.of(dx, f"dA_prev{_names(back, c)}: {by(dx.shape)}", "done"),
    )
    line = f"dA_prev has the size of A_prev: {by(dx.shape)}"
    data = {"channel": c + 1, "summed": exact(summed), "dA_prev": exact(dx)}
    return Step.of(f"dA_prev: cropped{_names(back, c)}", (row, line), data)
