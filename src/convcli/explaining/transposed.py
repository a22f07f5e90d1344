"""Transposed convolution: each input cell stamps the kernel, overlaps add; the same as a full convolution."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from convcli.engine.batch.conv import conv2d
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.alone import Alone
from convcli.explaining.checking import check_step
from convcli.explaining.elements import Arrow, Cell, Explanation, Grid, Role, Row, Step, Words, every, exact
from convcli.explaining.notation import cell_name, factor, number, place, products, total
from convcli.explaining.problem import typed_filters
from convcli.explaining.reading import MOST_SIDE, read_gradient
from convcli.explaining.request import RUN, WINDOW, Request, chosen_index
from convcli.explaining.sliding import Sliding, progress
from convcli.explaining.topics import topic
from convcli.nn.layers import TransposedConv
from convcli.shapes import Window, formulas
from convcli.shapes.transposed import Transposed
from convcli.wording import by

INPUT, KERNEL, STRIDE = "1 2; 3 -1", "1 2 1; 0 3 0; 2 0 1", 2
GRADIENT = "1 0 0 0 2; 0 1 0 -1 0; 0 0 3 0 0; 0 2 0 1 0; 1 0 0 0 -1"


@topic(
    "transposed",
    "transposed convolution: each input cell stamps the kernel, overlaps add; the same as a full convolution "
    "of the dilated input; its gradients",
    *("input", "kernels", "bias", *WINDOW, "output_padding", "gradient", *RUN, "filter", "channel"),
)
def transposed(ask: Request) -> Explanation:
    """Return a step for each stamp, the crop, the full convolution, and each cell of the gradients.

    Without `--gradient` dY is 1 everywhere, but for the example's own.
    """
    problem = _posed(ask)
    dy = np.ones(problem.y.shape) if problem.dy is None else problem.dy
    errors = problem.layer.check(dy[None, :, :, None], {"x": "dX", "W": "dW", "b": "db"})
    found = problem.layer.gradients(dy[None, :, :, None])
    dx, dw, db = found["x"][0, :, :, 0], found["W"][:, :, 0, 0], float(found["b"][0])
    stamps = _stamps(problem)
    back = [*_input_gradient(problem, dy, dx), *_kernel_gradient(problem, dy, dw), _bias_gradient(dy, db)]
    last = [_cropped(problem)] if (problem.full.shape, problem.b) != (problem.y.shape, 0) else []
    first = [_sizes(problem), *stamps, *last, _as_full(problem)]
    steps = (*first, *back, check_step(errors))
    keys = (0, *range(len(stamps), len(first)), len(first) + dx.size - 1, len(steps) - 3, len(steps) - 1)
    window = problem.window
    return Explanation(
        topic="transposed",
        title=f"Transposed convolution: {by(problem.x.shape)} → {by(problem.y.shape)}, "
        f"kernel {by(window.size)}, stride {by(window.stride)}",
        steps=steps,
        data={
            **problem.facts,
            "input": exact(problem.x),
            "kernel": exact(problem.w),
            "bias": exact(problem.b),
            "stride": list(window.stride),
            "padding": [list(side) for side in window.padding],
            "dilation": list(window.dilation),
            "output_padding": list(problem.transposed.output_padding),
            "full": exact(problem.full),
            "output": exact(problem.y),
            "output_shape": list(problem.y.shape),
            "dY": exact(dy),
            "dX": exact(dx),
            "dW": exact(dw),
            "db": exact(db),
            "relative_errors": errors,
        },
        still=keys,
        notes=problem.notes,
    )


@dataclass(frozen=True, eq=False)
class _Problem:
    """One channel x, one kernel w and the bias b of a transposed convolution, in float64."""

    x: Array
    w: Array
    b: float
    transposed: Transposed
    dy: Array | None = None
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def window(self) -> Window:
        """That of the convolution which it transposes."""
        return self.transposed.window

    @cached_property
    def layer(self) -> Alone:
        """The layer of a network that it is."""
        window = self.window
        layer = TransposedConv(
            filters=1,
            kernel=window.size,
            stride=window.stride,
            padding=window.padding,
            dilation=window.dilation,
            output_padding=self.transposed.output_padding,
        )
        weights = {"W": self.w[:, :, None, None].copy(), "b": np.array([self.b], np.float64)}
        return Alone(layer, self.x[None, :, :, None].copy(), weights)

    @property
    def y(self) -> Array:
        """What comes out."""
        return self.layer.y[0, :, :, 0]

    @cached_property
    def sliding(self) -> Sliding:
        """The window of the convolution on what comes out: where it lies for an input cell, a stamp lands."""
        rows, columns = self.transposed.output_shape((self.x.shape[0], self.x.shape[1]))
        return Sliding((rows, columns), self.window)

    @property
    def dilated(self) -> Array:
        """The input with s − 1 zeros between its cells."""
        (s_h, s_w), (rows, columns) = self.window.stride, self.x.shape
        spread = np.zeros(((rows - 1) * s_h + 1, (columns - 1) * s_w + 1))
        spread[::s_h, ::s_w] = self.x
        return spread

    @cached_property
    def full(self) -> Array:
        """The sum of all stamps: the full convolution of the dilated input with the kernel."""
        spread, kernel = self.dilated[None, :, :, None], self.w[::-1, ::-1, None, None]
        summed = np.zeros(self.sliding.padded_shape)  # with the rows and columns that output padding adds
        full = conv2d(spread, kernel, padding="full", dilation=self.window.dilation)[0, :, :, 0]
        summed[: full.shape[0], : full.shape[1]] = full
        return summed


def _posed(ask: Request) -> _Problem:
    if ask.model is not None:
        return _from_run(ask)
    x = ask.numbers(INPUT, channels=1).volume[:, :, 0]
    w = typed_filters(ask.kernels or (KERNEL,), 1, single=True)[:, :, 0, 0]
    if len(ask.bias) > 1:
        raise UsageError(f"--bias: expected a number for the one filter, found {len(ask.bias)}.")
    own = all(given is None or given == () for given in (ask.input, ask.kernels))
    problem = _Problem(x, w, ask.bias[0] if ask.bias else 0.0, _window(ask, w, STRIDE if own else 1))
    plain = own and (ask.stride, ask.padding, ask.dilation, ask.output_padding) == (None,) * 4
    return _with_gradient(problem, GRADIENT if plain and ask.gradient is None else ask.gradient)


def _window(ask: Request, w: Array, stride: Any, padding: Any = "valid", dilation: Any = 1) -> Transposed:
    """Return the window as asked for; the rest is what is used where nothing is."""
    window = Window.of(
        (w.shape[0], w.shape[1]),
        stride=stride if ask.stride is None else ask.stride,
        padding=padding if ask.padding is None else ask.padding,
        dilation=dilation if ask.dilation is None else ask.dilation,
    )
    extra = (0, 0) if ask.output_padding is None else ask.output_padding
    return Transposed(window, (extra, extra) if isinstance(extra, int) else (extra[0], extra[1]))


def _with_gradient(problem: _Problem, given: str | Array | None) -> _Problem:
    """Return it with dY, unless what comes out is too large to be shown."""
    rows, columns = problem.sliding.padded_shape
    if max(rows, columns) > 2 * MOST_SIDE:
        raise UsageError(
            f"The stamps cover {rows} × {columns} cells; at most {2 * MOST_SIDE} × {2 * MOST_SIDE} can be "
            "read: use a smaller input, kernel or stride."
        )
    if given is None:
        return problem
    dy = read_gradient(given, (*problem.sliding.plane, 1))[:, :, 0]
    return _Problem(problem.x, problem.w, problem.b, problem.transposed, dy, problem.notes, problem.facts)


def _from_run(ask: Request) -> _Problem:
    """Return one channel and one filter of a trained layer."""
    from convcli.explaining.tensors import cropped, layer_of, pass_through, read_image

    assert ask.model is not None
    assert ask.image is not None
    number_, layer = layer_of(ask.model, ask.layer, (TransposedConv,))
    if layer.groups != 1:
        raise UsageError(f"--layer {number_} has groups = {layer.groups}; this shows layers with groups = 1.")
    passage = pass_through(ask.model, read_image(ask.model, ask.image, ask.max_pixels))
    own = ask.model.weights.arrays.at(number_)
    c = chosen_index(ask.channel, own["W"].shape[3], "--channel")
    k = chosen_index(ask.filter, own["W"].shape[2], "--filter")
    x = cropped(passage.trace.input(number_)[0], ask.crop, number_)[:, :, c].astype(np.float64)
    w, b = own["W"][:, :, k, c].astype(np.float64), float(own["b"][k]) if "b" in own else 0.0
    window = _window(ask, w, layer.stride, layer.padding, layer.dilation)
    if ask.output_padding is None:
        window = Transposed(window.window, layer.output_padding)
    channels, notes = own["W"].shape[3], tuple[str, ...]()
    if channels > 1:
        notes = (f"channel {c + 1} of {channels}: one of the summands of filter {k + 1}.",)
    facts = {"layer": number_, "image": ask.image.name, "filter": k + 1, "channel": c + 1}
    return _with_gradient(_Problem(x, w, b, window, None, notes, facts), ask.gradient)


def _sizes(problem: _Problem) -> Step:
    row: Row = (
        Grid.of(problem.x, f"input {by(problem.x.shape)}"),
        Arrow("→", f"s = {by(problem.window.stride)}"),
        Grid.of(problem.w, "kernel W, laid down unflipped", "kernel"),
        Arrow("→"),
        Grid.of(problem.y, f"output {by(problem.y.shape)}", "done"),
    )
    plane = (problem.x.shape[0], problem.x.shape[1])
    sizes = formulas.by_axis(plane, problem.transposed)
    lines = formulas.lines(**sizes, letters=formulas.TRANSPOSED_SIZE)
    back = by(problem.window.output_shape(problem.sliding.plane))
    line = f"the convolution with these numbers goes the other way: {by(problem.y.shape)} → {back}"
    data = {"output_shape": list(problem.y.shape), "formula": sizes}
    return Step.of("Sizes: a small plane becomes a large one", (row, *lines, (Words(line),)), data)


def _stamps(problem: _Problem) -> list[Step]:
    """Return a step for each input cell; what was laid down before it lies under its stamp."""
    so_far, covered, steps = np.zeros(problem.full.shape), set[Cell](), list[Step]()
    for cell in every(problem.x):
        steps.append(_stamp(problem, cell, so_far, covered))
    return steps


def _stamp(problem: _Problem, cell: Cell, so_far: Array, covered: set[Cell]) -> Step:
    """Add a cell's stamp to `so_far`, and where it lies to `covered`; return the step that shows it."""
    value, lands = float(problem.x[cell]), problem.sliding.under(cell)
    stamp, before = value * problem.w, so_far.copy()
    for at, added in zip(lands, stamp.ravel(), strict=True):
        so_far[at] += added
    again = [at for at in lands if at in covered]
    roles: dict[Cell, Role] = {
        **dict.fromkeys(covered, "done"),
        **dict.fromkeys(lands, "result"),
        **dict.fromkeys(again, "chosen"),
    }
    covered.update(lands)
    row: Row = (
        Grid.of(problem.x, "input", {cell: "window"}),
        Arrow("·", "times"),
        Grid.of(problem.w, "W", "kernel"),
        Arrow("="),
        Grid.of(stamp, "stamp", "window"),
        Arrow("→", "add"),
        Grid.of(so_far, "sum of the stamps so far", roles, known=covered),
    )
    lines = [f"{factor(value)}·W, its first cell at {place(lands[0])}"]
    if again:
        at = next((at for at in again if before[at]), again[0])
        sum_ = f"{factor(before[at])} + {factor(so_far[at] - before[at])} = {number(so_far[at])}"
        lines.append(f"{cell_name('sum', at)} = {sum_}: where stamps overlap they add")
    data = {
        "cell": list(cell),
        "stamp": exact(stamp),
        "first_at": list(lands[0]),
        "overlaps": [list(at) for at in again],
        "sum_so_far": exact(so_far),
    }
    return Step.of(f"Stamp of {cell_name('input', cell)}", (row, *lines), data)


def _cropped(problem: _Problem) -> Step:
    window, extra = problem.window, problem.transposed.output_padding
    cropped = any(any(side) for side in window.padding)
    row: Row = (
        Grid.of(problem.full, "sum of the stamps", problem.sliding.padding_marks()),
        Arrow("→", "crop by p" if cropped else "p = 0"),
        *((Arrow("+", f"b = {number(problem.b)}"),) if problem.b else ()),
        Grid.of(problem.y, f"output {by(problem.y.shape)}", "done"),
    )
    lines = ["padding crops here: it belongs to the convolution that goes the other way"] if cropped else []
    if any(extra):
        lines.append(f"output padding adds {by(extra)} rows and columns at the end, before the crop")
    data = {"full": exact(problem.full), "output": exact(problem.y)}
    rows: list[Row | str] = [row, *((Words(line),) for line in lines)]
    return Step.of("Cropped by the padding" if cropped else "The output", rows, data)


def _as_full(problem: _Problem) -> Step:
    spread, (s_h, s_w) = problem.dilated, problem.window.stride
    window = Window.of(problem.window.size, padding="full", dilation=problem.window.dilation)
    sliding = Sliding((spread.shape[0], spread.shape[1]), window)
    (top, _), (left, _) = window.padding
    own = {(top + i * s_h, left + j * s_w) for i, j in every(problem.x)}
    padded = sliding.padded(spread)
    zeros: dict[Cell, Role] = {cell: "padding" for cell in every(padded) if cell not in own}
    (rows, columns), middle = sliding.output, (top, left)
    middle = (min(middle[0], rows - 1), min(middle[1], columns - 1))
    lying: dict[Cell, Role] = dict.fromkeys(sliding.under(middle), "window")
    seen = sliding.windows(spread[:, :, None])[middle][:, :, 0]
    row: Row = (
        Grid.of(padded, "input, s − 1 zeros between, full padding", {**zeros, **lying}),
        Arrow("*"),
        Grid.of(problem.w[::-1, ::-1], "W rotated by 180°", "kernel"),
        Arrow("="),
        Grid.of(problem.full, "sum of the stamps", {**_done(problem.full), middle: "result"}),
    )
    value = number(problem.full[middle])
    lines = (f"{cell_name('sum', middle)} = {products(seen, problem.w[::-1, ::-1])} = {value}",)
    data = {"padded": exact(padded), "rotated": exact(problem.w[::-1, ::-1]), "full": exact(problem.full)}
    return Step.of("The same as a full convolution of the dilated input", (row, *lines), data)


def _input_gradient(problem: _Problem, dy: Array, dx: Array) -> list[Step]:
    """Return a step for each cell of dX: what its stamp lay on, times W."""
    return [_input_cell(problem, dy, dx, cell) for cell in every(dx)]


def _input_cell(problem: _Problem, dy: Array, dx: Array, cell: Cell) -> Step:
    sliding, seen = problem.sliding, problem.sliding.windows(dy[:, :, None])[cell][:, :, 0]
    known, roles = progress(cell, dx.shape[1])
    row: Row = (
        Grid.of(sliding.padded(dy), _name(problem), sliding.marks(cell)),
        Arrow("*", f"s = {by(problem.window.stride)}"),
        Grid.of(problem.w, "W", "kernel"),
        Arrow("→", "sum"),
        Grid.of(dx, "dX", roles, known=known),
    )
    line = f"{cell_name('dX', cell)} = {products(seen, problem.w)} = {number(dx[cell])}"
    data = {"cell": list(cell), "products": exact(seen * problem.w), "dX": exact(dx[cell])}
    title = f"dX: an ordinary convolution of dY: {place(cell)}"
    return Step.of(title, (row, line), data)


def _kernel_gradient(problem: _Problem, dy: Array, dw: Array) -> list[Step]:
    """Return a step for each cell of dW: where its stamps laid it down, times what they were made of."""
    return [_kernel_cell(problem, dy, dw, cell) for cell in every(dw)]


def _kernel_cell(problem: _Problem, dy: Array, dw: Array, cell: Cell) -> Step:
    sliding, index = problem.sliding, cell[0] * dw.shape[1] + cell[1]
    laid: dict[Cell, Role] = {sliding.under(at)[index]: "window" for at in every(problem.x)}
    rows, columns = problem.x.shape
    seen = sliding.windows(dy[:, :, None])[:rows, :columns, cell[0], cell[1], 0]
    known, roles = progress(cell, dw.shape[1])
    row: Row = (
        Grid.of(problem.x, "input"),
        Arrow("·"),
        Grid.of(sliding.padded(dy), _name(problem), {**sliding.padding_marks(), **laid}),
        Arrow("→", "sum of products"),
        Grid.of(dw, "dW", roles, known=known),
    )
    line = f"{cell_name('dW', cell)} = {products(problem.x, seen)} = {number(dw[cell])}"
    data = {"cell": list(cell), "products": exact(problem.x * seen), "dW": exact(dw[cell])}
    return Step.of(f"dW: the input times dY where it was laid down: {place(cell)}", (row, line), data)


def _bias_gradient(dy: Array, db: float) -> Step:
    row: Row = (Grid.of(dy, "dY", "window"), Arrow("→", "sum"), Grid.of(np.array([[db]]), "db", "result"))
    line = f"db = {total(map(factor, dy.ravel().tolist()))} = {number(db)}"
    return Step.of("db: the sum of dY", (row, line), {"db": exact(db)})


def _done(array: Array) -> dict[Cell, Role]:
    return dict.fromkeys(every(array), "done")


def _name(problem: _Problem) -> str:
    return "dY" if problem.sliding.padded_shape == problem.sliding.plane else "dY, 0 where it was cropped"
