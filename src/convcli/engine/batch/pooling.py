"""Pooling a batch, forward and back: maxima and means of windows.

Windows that touch have each of their cells taken as one; over all others the passes of `taps` go, first along
rows, then along columns: f_h + f_w of them instead of f_h · f_w.

To a pool images are as channels are. A batch that lies as `engine/volumes.py` says is one image here, of
n · c channels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeGuard

import numpy as np

from convcli.engine.batch.taps import AnyWindow, Axis, axis_of, combine, put_back, spread, untouched
from convcli.engine.sums import plane_sums
from convcli.engine.volumes import batch, cells, laid_out, lies_so
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair
from convcli.shapes.pooling import PoolWindow

SHORT_RUN = 64  # shorter ones, strided, NumPy copies faster than it compares them
FEW_CELLS = 9  # of windows that touch: to add them up in one go is faster
MANY_APART = 64  # cells of windows that touch: beyond, rows and columns have far fewer passes
FEW_PASSES = 16  # to compare every cell with the maximum is faster than to find its row, and its place there
TILE_BYTES = 1 << 19  # of what the columns' passes take from the rows', so that it is still in a cache


def _as_one(x: Array) -> Array:
    """Return (n, h, w, c) as (1, h, w, n · c) where it lies so, or as it is, if it does in its own order."""
    if not lies_so(x) or not len(x):
        return np.ascontiguousarray(x)
    n, height, width, c = x.shape
    return cells(x).reshape(1, height, width, n * c)


def _as_batch(y: Array, n: int) -> Array:
    """Return what pools made of `_as_one(x)` as a batch of n."""
    if len(y) == n:
        return y
    _, height, width, c = y.shape
    return batch(y.reshape(height, width, n, c // n))


def _axes(window: AnyWindow, plane: Pair) -> tuple[Axis, Axis]:
    """Return the windows along rows' and along columns' axis."""
    output = window.output_shape(plane)
    return axis_of(window, 0, plane[0], output[0]), axis_of(window, 1, plane[1], output[1])


def _tiles(x: Array, columns: Axis) -> Iterator[slice]:
    """Yield images that go through together; a batch as one is one."""
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

    Of windows that touch that is each of their cells, in row order, of large ones their rows' maxima.
    """
    count, x = len(x), _as_one(x)
    n, height, width, c = x.shape
    rows, columns = _axes(window, (height, width))
    y = workspace.array("y", (n, rows.out, columns.out, c), x.dtype)
    if _touches(window):
        blocks = _blocks(x, window, (rows.out, columns.out))
        if c < SHORT_RUN:
            copied = workspace.array("cells", blocks.shape, x.dtype)
            np.copyto(copied, blocks)
            blocks = copied
        seen = [cell for row in blocks for cell in row]
        return _as_batch(maximum(seen, y), count), seen
    kept = not _few(rows, columns)
    if kept:
        of_rows = workspace.array("of rows", (n, height, columns.out, c), x.dtype)
    for tile in _tiles(x, columns):
        size = (tile.stop - tile.start, height, columns.out, c)
        middle = of_rows[tile] if kept else workspace.array("middle", size, x.dtype)
        combine(np.maximum, x[tile], untouched(height), columns, middle)
        combine(np.maximum, middle, rows, untouched(columns.out), y[tile])
    return _as_batch(y, count), [of_rows] if kept else []


def _touches(window: AnyWindow) -> TypeGuard[PoolWindow]:
    return window.touching and math.prod(window.size) <= MANY_APART


def _few(rows: Axis, columns: Axis) -> bool:
    return len(rows.taps) * len(columns.taps) <= FEW_PASSES


def maximum(seen: list[Array], out: Array, won: Array | None = None) -> Array:
    """Write the maximum of the cells of each window to `out` and return it.

    `won` (cells, *out.shape), bool, tells which windows each cell wins: the first that is the maximum, or the
    last NaN.
    """
    best = seen[0]
    for number, cell in enumerate(seen[1:], 1):
        if won is not None:
            np.greater(cell, best, out=won[number])
        best = np.maximum(best, cell, out=out)
    if best is not out:
        np.copyto(out, best)
    if won is not None:
        free = won[0]
        free[...] = True
        for later in won[:0:-1]:  # of those that were larger than all before it is the last
            later &= free
            free ^= later
        if out.size and np.isnan(out.max()):
            _won_among_nan(out, seen, won)
    return out


def _won_among_nan(y: Array, seen: list[Array], won: Array) -> None:
    numbers = np.empty(y.shape, np.intp)
    for number, cell in reversed([*enumerate(seen)]):
        numbers[cell == y] = number
    for number, cell in enumerate(seen):
        numbers[np.isnan(cell)] = number
    for number, mask in enumerate(won):
        np.equal(numbers, number, out=mask)


def max_backward(
    dy: Array, x: Array, y: Array, kept: list[Array], window: AnyWindow, workspace: Workspace
) -> Array:
    """Put each gradient back where its maximum stood, given what `max_forward` returned.

    The first maximum of a window in row order is the first one in the first of its rows that has it.
    """
    count, cell_by_cell = len(x), lies_so(x)
    dy, x, y = (
        _as_one(laid_out(each)) if cell_by_cell else np.ascontiguousarray(each) for each in (dy, x, y)
    )
    rows, columns = _axes(window, (x.shape[1], x.shape[2]))
    dx = workspace.array("dx", x.shape, dy.dtype)
    if _touches(window):
        return _as_batch(_touched(dy, kept, window, dx, workspace), count)
    for tile in _tiles(x, columns):
        if not kept:
            put_back(dy[tile], x[tile], y[tile], rows, columns, dx[tile], workspace)
            continue
        middle = kept[0][tile]
        dmiddle = workspace.array("dmiddle", middle.shape, dy.dtype)
        put_back(dy[tile], middle, y[tile], rows, untouched(columns.out), dmiddle, workspace)
        put_back(dmiddle, x[tile], middle, untouched(rows.n), columns, dx[tile], workspace)
    return _as_batch(dx, count)


def _touched(dy: Array, seen: list[Array], window: PoolWindow, dx: Array, workspace: Workspace) -> Array:
    if window.remainder((dx.shape[1], dx.shape[2])) != (0, 0):
        dx[:] = 0
    blocks = _blocks(dx, window, (dy.shape[1], dy.shape[2]))
    parts = [part for row in blocks for part in row]
    won = workspace.array("won", (len(seen), *dy.shape), np.bool_)
    maximum(seen, workspace.array("top", dy.shape, seen[0].dtype), won)
    for part, chosen in zip(parts, won, strict=True):
        masked(dy, chosen, part)
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
    count, x = len(x), _as_one(x)
    n, height, width, c = x.shape
    rows, columns = _axes(window, (height, width))
    y = workspace.array("y", (n, rows.out, columns.out, c), x.dtype)
    if _whole(rows, columns):
        y[:, 0, 0] = plane_sums(x.reshape(n, height * width, c)) / (height * width)
        return _as_batch(y, count)
    if _in_one_go(window):
        combine(np.add, x, rows, columns, y)
    else:
        for tile in _tiles(x, columns):
            size = (tile.stop - tile.start, height, columns.out, c)
            middle = workspace.array("middle", size, x.dtype)
            combine(np.add, x[tile], untouched(height), columns, middle)
            combine(np.add, middle, rows, untouched(columns.out), y[tile])
    return _as_batch(_divided(y, rows, columns, count_include_pad, y), count)


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
    if c >= SHORT_RUN:
        np.multiply(sums, shares.astype(sums.dtype)[:, :, None], out=out)
    else:
        lines = np.repeat(shares.astype(sums.dtype), c, axis=1)  # longer runs than of one cell
        np.multiply(sums.reshape(n, height, width * c), lines, out=out.reshape(n, height, width * c))
    return out


def avg_backward(
    dy: Array, shape: tuple[int, ...], window: AnyWindow, count_include_pad: bool, workspace: Workspace
) -> Array:
    """Spread each gradient evenly over its window, in an array of `shape`."""
    count, dy = len(dy), _as_one(dy)
    rows, columns = _axes(window, (shape[1], shape[2]))
    shape = len(dy), rows.n, columns.n, dy.shape[3]
    dx = workspace.array("dx", shape, dy.dtype)
    if _whole(rows, columns):
        return _as_batch(np.divide(dy, rows.n * columns.n, out=dx), count)
    share = _divided(dy, rows, columns, count_include_pad, workspace.array("share", dy.shape, dy.dtype))
    if _in_one_go(window):
        return _as_batch(spread(share, rows, columns, dx), count)
    for tile in _tiles(dx, columns):
        size = (tile.stop - tile.start, rows.n, columns.out, shape[3])
        middle = spread(share[tile], rows, untouched(columns.out), workspace.array("middle", size, dy.dtype))
        spread(middle, untouched(rows.n), columns, dx[tile])
    return _as_batch(dx, count)
