"""Pooling a batch, forward and back: maxima and means of windows.

Windows that touch have their cells copied apart; over all others the passes of `taps` go, first along rows,
then along columns: f_h + f_w of them instead of f_h · f_w.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeGuard

import numpy as np

from convcli.engine.batch.taps import AnyWindow, Axis, axis_of, combine, put_back, spread, untouched
from convcli.engine.sums import plane_sums
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair
from convcli.shapes.pooling import PoolWindow

FEW_CELLS = 9  # of windows that touch: to add them up in one go is faster
MANY_APART = 64  # cells of windows that touch: beyond, rows and columns have far fewer passes
FEW_PASSES = 16  # to compare every cell with the maximum is faster than to find its row, and its place there
TILE_BYTES = 1 << 19  # of what the columns' passes take from the rows', so that it is still in a cache


def _axes(window: AnyWindow, plane: Pair) -> tuple[Axis, Axis]:
    """Return the windows along rows' and along columns' axis."""
    output = window.output_shape(plane)
    return axis_of(window, 0, plane[0], output[0]), axis_of(window, 1, plane[1], output[1])


def _tiles(x: Array, columns: Axis) -> Iterator[slice]:
    """Yield images that go through together."""
    each = x.shape[1] * columns.out * x.shape[3] * x.itemsize
    step = max(1, TILE_BYTES // each)
    for start in range(0, len(x), step):
        yield slice(start, min(start + step, len(x)))


def _blocks(x: Array, window: PoolWindow, output: Pair) -> Array:
    """Return windows that touch and do not overlap as a view (f_h, f_w, n, out_h, out_w, c)."""
    (f_h, f_w), (rows, columns) = window.size, output
    covered = x[:, : rows * f_h, : columns * f_w]
    split = covered.reshape(len(x), rows, f_h, columns, f_w, x.shape[3])
    return split.transpose(2, 4, 0, 1, 3, 5)


def max_forward(x: Array, window: AnyWindow, workspace: Workspace) -> tuple[Array, list[Array]]:
    """Return the maxima (n, out_h, out_w, c), and what the backward pass needs beside them and `x`.

    Of windows that touch that is each of their cells, in row order: NumPy copies short strided runs faster
    than it compares them, and the backward pass finds them again. Of large ones it is their rows' maxima.
    """
    n, height, width, c = x.shape
    rows, columns = _axes(window, (height, width))
    y = workspace.array("y", (n, rows.out, columns.out, c), x.dtype)
    if _apart(window):
        apart = workspace.array("cells", (*window.size, *y.shape), x.dtype)
        np.copyto(apart, _blocks(x, window, (rows.out, columns.out)))
        cells = list(apart.reshape(math.prod(window.size), *y.shape))
        return maximum(cells, y), cells
    kept = not _few(rows, columns)
    if kept:
        of_rows = workspace.array("of rows", (n, height, columns.out, c), x.dtype)
    for tile in _tiles(x, columns):
        size = (tile.stop - tile.start, height, columns.out, c)
        middle = of_rows[tile] if kept else workspace.array("middle", size, x.dtype)
        combine(np.maximum, x[tile], untouched(height), columns, middle)
        combine(np.maximum, middle, rows, untouched(columns.out), y[tile])
    return y, [of_rows] if kept else []


def _apart(window: AnyWindow) -> TypeGuard[PoolWindow]:
    return window.touching and math.prod(window.size) <= MANY_APART


def _few(rows: Axis, columns: Axis) -> bool:
    return len(rows.taps) * len(columns.taps) <= FEW_PASSES


def maximum(cells: list[Array], out: Array) -> Array:
    """Write the maximum of the cells of each window to `out` and return it."""
    np.maximum(cells[0], cells[-1], out=out)
    for cell in cells[1:-1]:
        np.maximum(out, cell, out=out)
    return out


def winners(y: Array, cells: list[Array], workspace: Workspace) -> Iterator[Array]:
    """Yield for each cell which windows it wins: the first that equals `y`, or the last NaN."""
    if y.size and np.isnan(y.max()):
        yield from _winners_among_nan(y, cells)
        return
    chosen = workspace.array("chosen", y.shape, np.bool_)
    free = workspace.array("free", y.shape, np.bool_)
    free[:] = True
    for cell in cells:
        np.equal(cell, y, out=chosen)
        chosen &= free
        free ^= chosen
        yield chosen


def _winners_among_nan(y: Array, cells: list[Array]) -> Iterator[Array]:
    numbers = np.empty(y.shape, np.intp)
    for number, cell in reversed([*enumerate(cells)]):
        numbers[cell == y] = number
    for number, cell in enumerate(cells):
        numbers[np.isnan(cell)] = number
    for number in range(len(cells)):
        yield numbers == number


def max_backward(
    dy: Array, x: Array, y: Array, kept: list[Array], window: AnyWindow, workspace: Workspace
) -> Array:
    """Put each gradient back where its maximum stood, given what `max_forward` returned.

    The first maximum of a window in row order is the first one in the first of its rows that has it.
    """
    rows, columns = _axes(window, (x.shape[1], x.shape[2]))
    dx = workspace.array("dx", x.shape, dy.dtype)
    if _apart(window):
        return _touched(dy, y, kept, window, dx, workspace)
    for tile in _tiles(x, columns):
        if not kept:
            put_back(dy[tile], x[tile], y[tile], rows, columns, dx[tile], workspace)
            continue
        middle = kept[0][tile]
        dmiddle = workspace.array("dmiddle", middle.shape, dy.dtype)
        put_back(dy[tile], middle, y[tile], rows, untouched(columns.out), dmiddle, workspace)
        put_back(dmiddle, x[tile], middle, untouched(rows.n), columns, dx[tile], workspace)
    return dx


def _touched(
    dy: Array, y: Array, cells: list[Array], window: PoolWindow, dx: Array, workspace: Workspace
) -> Array:
    if window.remainder((dx.shape[1], dx.shape[2])) != (0, 0):
        dx[:] = 0
    shares = workspace.array("shares", (len(cells), *dy.shape), dy.dtype)
    for share, chosen in zip(shares, winners(y, cells, workspace), strict=True):
        masked(dy, chosen, share)
    blocks = _blocks(dx, window, (dy.shape[1], dy.shape[2]))
    np.copyto(blocks, shares.reshape(blocks.shape))
    return dx


def masked(values: Array, mask: Array, out: Array) -> Array:
    """Write `values` (float32 or float64) to `out` where `mask` is true, 0 elsewhere, and return it.

    It multiplies their bits by 1 or 0, for 0 · NaN is NaN. np.where is slower by far.
    """
    bits = np.dtype(f"u{values.dtype.itemsize}")
    np.multiply(values.view(bits), mask, out=out.view(bits))
    return out


def avg_forward(x: Array, window: AnyWindow, count_include_pad: bool, workspace: Workspace) -> Array:
    """Return the means (n, out_h, out_w, c) of a floating `x`.

    Sums of sums have fewer additions, and each rounds less.
    """
    n, height, width, c = x.shape
    rows, columns = _axes(window, (height, width))
    y = workspace.array("y", (n, rows.out, columns.out, c), x.dtype)
    if _whole(rows, columns):
        y[:, 0, 0] = plane_sums(x.reshape(n, height * width, c)) / (height * width)
        return y
    if _in_one_go(window):
        combine(np.add, x, rows, columns, y)
    else:
        for tile in _tiles(x, columns):
            size = (tile.stop - tile.start, height, columns.out, c)
            middle = workspace.array("middle", size, x.dtype)
            combine(np.add, x[tile], untouched(height), columns, middle)
            combine(np.add, middle, rows, untouched(columns.out), y[tile])
    return _divided(y, rows, columns, count_include_pad, y)


def _whole(rows: Axis, columns: Axis) -> bool:
    """Return whether there is one window, and it is the plane."""
    return all(
        axis.out == 1 and axis.counts[0] == axis.padded_counts[0] == axis.n for axis in (rows, columns)
    )


def _in_one_go(window: AnyWindow) -> bool:
    return window.touching and math.prod(window.size) <= FEW_CELLS


def _divided(sums: Array, rows: Axis, columns: Axis, count_include_pad: bool, out: Array) -> Array:
    """Write each window's sum over how many cells it has to `out` and return it."""
    high, wide = (axis.padded_counts if count_include_pad else axis.counts for axis in (rows, columns))
    shares = 1 / np.outer(high, wide)
    if (shares == shares[0, 0]).all():
        return np.multiply(sums, float(shares[0, 0]), out=out)
    n, height, width, c = sums.shape
    lines = np.repeat(shares.astype(sums.dtype), c, axis=1)  # longer runs than of one pixel's channels
    np.multiply(sums.reshape(n, height, width * c), lines, out=out.reshape(n, height, width * c))
    return out


def avg_backward(
    dy: Array, shape: tuple[int, ...], window: AnyWindow, count_include_pad: bool, workspace: Workspace
) -> Array:
    """Spread each gradient evenly over its window, in an array of `shape`."""
    rows, columns = _axes(window, (shape[1], shape[2]))
    dx = workspace.array("dx", shape, dy.dtype)
    if _whole(rows, columns):
        return np.divide(dy, rows.n * columns.n, out=dx)
    share = _divided(dy, rows, columns, count_include_pad, workspace.array("share", dy.shape, dy.dtype))
    if _in_one_go(window):
        return spread(share, rows, columns, dx)
    for tile in _tiles(dx, columns):
        size = (tile.stop - tile.start, rows.n, columns.out, shape[3])
        middle = spread(share[tile], rows, untouched(columns.out), workspace.array("middle", size, dy.dtype))
        spread(middle, untouched(rows.n), columns, dx[tile])
    return dx
