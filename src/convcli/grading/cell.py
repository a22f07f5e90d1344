"""One cell of a result with all that it is made of: the cells, the weights, their products and their sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.elements import Arrow, Cell, Grid, Role, Row, Step
from convcli.explaining.notation import factor, number, products, total
from convcli.explaining.sliding import Sliding
from convcli.shapes import Window

if TYPE_CHECKING:
    from convcli.grading.cases import Case

MOST_ROWS = 4
"""Channels, images or filters that are drawn; the sum has them all."""

Index = tuple[int, ...]


def drawn(case: Case, output: str, index: Index, value: float, found: float | None = None) -> Step | None:
    """Return how one cell comes about, or None where there is nothing to draw.

    Parameters
    ----------
    output
        The name of the result.
    index
        The cell, as the engine's layout has it.
    value, found
        What comes out, and what somebody else has there.
    """
    draw = _DRAWN.get((case.operation, output)) or _DRAWN.get((case.operation, ""))
    if draw is None:
        return None
    rows, line = draw(case, index)
    if len(rows) > MOST_ROWS:
        rows = rows[:MOST_ROWS]
    told = f"{line} = {number(value)}"
    if found is not None:
        told += f", found {number(found) if np.isfinite(found) else found}"
    return Step.of("The first wrong cell", (*rows, told), {"cell": list(index), "value": float(value)})


Drawing = tuple[list[Row], str]


def _sliding(case: Case) -> tuple[Array, Sliding]:
    x = case.arrays["x"]
    size = case.options["size"] if "size" in case.options else case.arrays["w"].shape[:2]
    window = Window.of(size, stride=case.options.get("stride", 1), padding=case.options.get("padding", 0))
    return x, Sliding((x.shape[1], x.shape[2]), window)


def _named(what: str, number_of: int, among: int) -> str:
    return f"{what} {number_of + 1}" if among > 1 else ""


def _captioned(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _of_convolution(case: Case, index: Index) -> Drawing:
    n, row, column, k = index
    (x, sliding), w = _sliding(case), case.arrays["w"]
    seen = sliding.windows(x[n])[row, column]
    rows: list[Row] = []
    sums = []
    for c in range(x.shape[3]):
        padded = sliding.padded(x[n, :, :, c])
        channel = _named("channel", c, x.shape[3])
        shares = seen[:, :, c] * w[:, :, c, k]
        sums.append(float(shares.sum()))
        rows.append(
            (
                Grid.of(padded, _captioned("A_prev", channel), sliding.marks((row, column))),
                Arrow("·"),
                Grid.of(w[:, :, c, k], _captioned("W", _named("filter", k, w.shape[3])), "kernel"),
                Arrow("="),
                Grid.of(shares, f"sum {number(sums[-1])}", "window"),
            )
        )
    b = case.arrays.get("b")
    bias = None if b is None else float(b.reshape(-1)[k])
    if len(sums) == 1:
        return rows, f"Z[{row + 1}, {column + 1}] = {products(seen[:, :, 0], w[:, :, 0, k], bias)}"
    return rows, f"Z[{row + 1}, {column + 1}] = {total(map(factor, sums), bias)}"


def _of_kernel_gradient(case: Case, index: Index) -> Drawing:
    i, j, c, k = index
    (x, sliding), dz = _sliding(case), case.arrays["dz"]
    (s_h, s_w), (d_h, d_w) = sliding.window.stride, sliding.window.dilation
    met: dict[Cell, Role] = {
        (row * s_h + i * d_h, column * s_w + j * d_w): "window" for row, column in sliding.positions()
    }
    rows: list[Row] = []
    terms, sums = "", []
    for n in range(len(x)):
        seen, image = sliding.windows(x[n])[:, :, i, j, c], _named("image", n, len(x))
        sums.append(float((seen * dz[n, :, :, k]).sum()))
        terms = products(seen, dz[n, :, :, k])
        padded = sliding.padded(x[n, :, :, c])
        rows.append(
            (
                Grid.of(
                    padded,
                    _captioned("A_prev", image, _named("channel", c, x.shape[3])),
                    {**sliding.padding_marks(), **met},
                ),
                Arrow("·"),
                Grid.of(dz[n, :, :, k], _captioned("dZ", _named("filter", k, dz.shape[3])), "kernel"),
                Arrow("="),
                Grid.of(seen * dz[n, :, :, k], f"sum {number(sums[-1])}", "window"),
            )
        )
    return rows, f"dW[{i + 1}, {j + 1}] = {terms if len(sums) == 1 else total(map(factor, sums))}"


def _of_bias_gradient(case: Case, index: Index) -> Drawing:
    dz, k = case.arrays["dz"], index[-1]
    rows: list[Row] = [
        (Grid.of(plane[:, :, k], _captioned("dZ", _named("image", n, len(dz))), "window"),)
        for n, plane in enumerate(dz)
    ]
    return rows, f"db = {total(map(factor, dz[..., k].ravel().tolist()))}"


def _of_input_gradient(case: Case, index: Index) -> Drawing:
    n, row, column, c = index
    (x, sliding), w, dz = _sliding(case), case.arrays["w"], case.arrays["dz"]
    places = _windows_on(sliding, (row, column))
    rows: list[Row] = []
    terms: list[str] = []
    for k in range(w.shape[3]):
        kernel = _named("filter", k, w.shape[3])
        rows.append(
            (
                Grid.of(dz[n, :, :, k], _captioned("dZ", kernel), {at: "window" for at, _ in places}),
                Arrow("·"),
                Grid.of(
                    w[:, :, c, k],
                    _captioned("W", kernel, _named("channel", c, x.shape[3])),
                    {cell: "window" for _, cell in places},
                ),
            )
        )
        terms += [f"{factor(dz[(n, *at, k)])}·{factor(w[(*cell, c, k)])}" for at, cell in places]
    return rows, f"dA_prev[{row + 1}, {column + 1}] = {total(terms) if terms else 'nothing saw it'}"


def _windows_on(sliding: Sliding, cell: Cell) -> list[tuple[Cell, Cell]]:
    """Return the positions whose window lies on a cell of the plane, and which of the window's cells does."""
    (top, _), (left, _) = sliding.window.padding
    at, width = (cell[0] + top, cell[1] + left), sliding.window.size[1]
    found = []
    for position in sliding.positions():
        under = sliding.under(position)
        if at in under:
            found.append((position, divmod(under.index(at), width)))
    return found


def _of_pool(case: Case, index: Index) -> Drawing:
    n, row, column, c = index
    x, sliding = _sliding(case)
    marks = sliding.marks((row, column))
    mean = case.operation.startswith("avg")
    seen = _values(sliding, x[n, :, :, c], (row, column), mean)
    grids: Row = (Grid.of(sliding.padded(x[n, :, :, c]), "A_prev", marks),)
    if not mean:
        return [grids], f"out[{row + 1}, {column + 1}] = max({', '.join(map(number, seen))})"
    text = f"({' + '.join(map(factor, seen))}) / {len(seen)}"
    return [grids], f"out[{row + 1}, {column + 1}] = {text}"


def _values(sliding: Sliding, plane: Array, position: Cell, mean: bool) -> list[float]:
    """Return what lies under the window: of a mean with the zeros of the padding, of a maximum without."""
    padding = {} if mean else sliding.padding_marks()
    padded = sliding.padded(plane)
    return [float(padded[cell]) for cell in sliding.under(position) if cell not in padding]


def _of_pool_gradient(case: Case, index: Index) -> Drawing:
    n, row, column, c = index
    (x, sliding), dz = _sliding(case), case.arrays["dz"]
    places = _windows_on(sliding, (row, column))
    (top, _), (left, _) = sliding.window.padding
    cell, mean = (row + top, column + left), case.operation.startswith("avg")
    terms = []
    for position, _ in places:
        gradient = float(dz[(n, *position, c)])
        values = _values(sliding, x[n, :, :, c], position, mean)
        if mean:
            terms.append(f"{factor(gradient)}/{len(values)}")
        else:
            padding = sliding.padding_marks()
            under = [at for at in sliding.under(position) if at not in padding]
            first = under[int(np.argmax(values))] == cell
            terms.append(f"{factor(gradient)}·{int(first)}")
    marks: dict[Cell, Role] = {cell: "chosen"}
    rows: list[Row] = [
        (
            Grid.of(sliding.padded(x[n, :, :, c]), "A_prev", {**sliding.padding_marks(), **marks}),
            Arrow("·"),
            Grid.of(dz[n, :, :, c], "dA", {at: "window" for at, _ in places}),
        )
    ]
    return rows, f"dA_prev[{row + 1}, {column + 1}] = {total(terms) if terms else 'no window saw it'}"


def _of_step(case: Case, _: Index) -> Drawing:
    x, w, b = case.arrays["x"], case.arrays["w"], case.arrays.get("b")
    return [], f"z = {products(x, w, None if b is None else float(b.reshape(-1)[0]))}"


def _of_dense(case: Case, index: Index) -> Drawing:
    n, k = index
    x, w, b = case.arrays["x"], case.arrays["w"], case.arrays.get("b")
    bias = None if b is None else float(b.reshape(-1)[k])
    return [], f"Z[{n + 1}, {k + 1}] = {products(x[n], w[:, k], bias)}"


def _of_dense_weights(case: Case, index: Index) -> Drawing:
    i, k = index
    return [], f"dW[{i + 1}, {k + 1}] = {products(case.arrays['x'][:, i], case.arrays['dz'][:, k])}"


def _of_dense_bias(case: Case, index: Index) -> Drawing:
    return [], f"db[{index[-1] + 1}] = {total(map(factor, case.arrays['dz'][:, index[-1]].tolist()))}"


def _of_dense_input(case: Case, index: Index) -> Drawing:
    n, i = index
    return [], f"dA_prev[{n + 1}, {i + 1}] = {products(case.arrays['dz'][n], case.arrays['w'][i])}"


def _of_relu(case: Case, index: Index) -> Drawing:
    return [], f"max({number(case.arrays['x'][index])}, 0)"


def _of_relu_gradient(case: Case, index: Index) -> Drawing:
    x, dz = case.arrays["x"][index], case.arrays["dz"][index]
    sign = ">" if x > 0 else "≤"
    return [], f"Z is {number(x)} {sign} 0: {factor(dz)}·{int(x > 0)}"


def _of_softmax(case: Case, index: Index) -> Drawing:
    row = case.arrays["x"][index[:-1]]
    top = float(row.max())
    below = " + ".join(f"e^{number(v - top)}" for v in row.tolist())
    return [], f"e^{number(row[index[-1]] - top)} / ({below}), each score less the largest, {number(top)}, "


_DRAWN: dict[tuple[str, str], Callable[[Case, Index], Drawing]] = {
    ("conv_forward", ""): _of_convolution,
    ("conv_backward", "dw"): _of_kernel_gradient,
    ("conv_backward", "db"): _of_bias_gradient,
    ("conv_backward", "dx"): _of_input_gradient,
    ("conv_single_step", ""): _of_step,
    ("max_pool", ""): _of_pool,
    ("avg_pool", ""): _of_pool,
    ("max_pool_backward", ""): _of_pool_gradient,
    ("avg_pool_backward", ""): _of_pool_gradient,
    ("dense", ""): _of_dense,
    ("dense_backward", "dw"): _of_dense_weights,
    ("dense_backward", "db"): _of_dense_bias,
    ("dense_backward", "dx"): _of_dense_input,
    ("relu", ""): _of_relu,
    ("relu_backward", ""): _of_relu_gradient,
    ("softmax", ""): _of_softmax,
}
