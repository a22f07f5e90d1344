"""Maxima and sums of windows and their gradients: one pass a cell of the window, over all windows at once.

What a cell of the window lies on is two slices, of the plane and of the output, so that padding needs no
copy: windows whose cell would lie outside are not among those of the pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from convcli.engine.workspace import Array, Workspace
from convcli.shapes.pooling import AdaptiveWindow, PoolWindow, Series

AnyWindow: TypeAlias = PoolWindow | AdaptiveWindow
Slices: TypeAlias = tuple[slice, slice, slice]


class Tap(NamedTuple):
    """One cell of all windows along an axis that have it there.

    Attributes
    ----------
    distance
        How far it lies behind the window's begin.
    cells, outputs
        Where it lies, and where the results of those windows stand.
    """

    distance: int
    cells: slice
    outputs: slice


@dataclass(frozen=True, eq=False)
class Axis:
    """Windows along an axis.

    Attributes
    ----------
    n, out
        How many cells there are, and how many windows.
    taps
        Of each window in the order of its cells.
    starts
        Where each window begins (out,); below 0 in the padding.
    counts
        How many cells of the axis each window holds (out,).
    padded_counts
        How many with those in the padding; what hangs over the end of that is none.
    """

    n: int
    out: int
    taps: tuple[Tap, ...]
    starts: Array
    counts: Array
    padded_counts: Array


@lru_cache(maxsize=256)
def axis_of(window: AnyWindow, axis: int, n: int, out: int) -> Axis:
    """Return the windows along an axis of n cells, of which there are `out`."""
    series = list(window.series(axis, n, out))
    taps = tuple(tap for one in series for tap in _taps(one, n))
    starts, counts, padded = (np.zeros(out, np.intp) for _ in range(3))
    end = n + (window.padding[axis][1] if isinstance(window, PoolWindow) else 0)
    for one in series:
        own = slice(one.output, None, one.step)
        starts[own] = one.start + one.stride * np.arange(one.count)
        padded[own] = np.minimum(one.cells, -((starts[own] - end) // one.dilation))
    for tap in taps:
        counts[tap.outputs] += 1
    return Axis(n, out, taps, starts, counts, padded)


@lru_cache(maxsize=256)
def untouched(n: int) -> Axis:
    """Return the axis along which each cell is a window by itself."""
    return axis_of(PoolWindow.of(1), 0, n, n)


def _taps(series: Series, n: int) -> Iterator[Tap]:
    s = series.stride
    for cell in range(series.cells):
        distance = cell * series.dilation
        at = series.start + distance
        first = max(0, -(at // s))  # of the windows whose cell is on the axis
        last = min(series.count - 1, (n - 1 - at) // s)
        if first <= last:
            begin = series.output + first * series.step
            end = series.output + last * series.step + 1
            yield Tap(distance, slice(at + first * s, at + last * s + 1, s), slice(begin, end, series.step))


def _passes(rows: Axis, columns: Axis) -> Iterator[tuple[Slices, Slices]]:
    """Yield for each cell of the window, in row order, where it lies in x and in y: (image, row, column)."""
    images = slice(None)
    for row, column in product(rows.taps, columns.taps):
        yield (images, row.cells, column.cells), (images, row.outputs, column.outputs)


def combine(operation: np.ufunc, x: Array, rows: Axis, columns: Axis, y: Array) -> Array:
    """Write the maximum or the sum of each window of `x` (n, h, w, c) to `y` (n, out_h, out_w, c)."""
    passes = list(_passes(rows, columns))
    everywhere = (slice(None), slice(0, rows.out, 1), slice(0, columns.out, 1))
    whole = [number for number, (_, outputs) in enumerate(passes) if outputs == everywhere][:2]
    if len(whole) == 2:
        operation(*(x[passes[number][0]] for number in whole), out=y)
    elif whole:
        np.copyto(y, x[passes[whole[0]][0]])
    else:
        y[:] = least(x.dtype) if operation is np.maximum else 0
    for number, (cells, outputs) in enumerate(passes):
        if number not in whole:
            part = y[outputs]
            operation(part, x[cells], out=part)
    return y


def least(dtype: np.dtype[Any]) -> Any:
    """Return what no number of a dtype is below."""
    if dtype.kind == "f":
        return -np.inf
    return np.iinfo(dtype).min if dtype.kind in "iu" else False


def spread(dy: Array, rows: Axis, columns: Axis, dx: Array) -> Array:
    """Write to `dx` the sum of `dy` over the windows of each cell."""
    dx[:] = 0
    for cells, outputs in _passes(rows, columns):
        part = dx[cells]
        part += dy[outputs]
    return dx


def put_back(
    dy: Array, x: Array, y: Array, rows: Axis, columns: Axis, dx: Array, workspace: Workspace
) -> Array:
    """Write to `dx` (n, h, w, c) the sum of `dy` over the windows whose maximum, in `y`, each cell of `x` is.

    Of several it is the first in row order, of NaN the last. Windows may overlap: each gradient is added
    where it belongs, one after the other, which takes no longer for many cells than for few.
    """
    numbers = _winners(x, y, rows, columns, workspace)
    width, depth = columns.n * x.shape[3], x.shape[3]
    distances = [i.distance * width + j.distance * depth for i, j in product(rows.taps, columns.taps)]
    index = workspace.array("index", y.shape, np.intp)
    np.take(np.array([*distances[::-1], *distances]), numbers, out=index, mode="clip")
    index += (rows.starts * width)[:, None, None] + (columns.starts * depth)[:, None] + np.arange(depth)
    index += (np.arange(len(x)) * (rows.n * width))[:, None, None, None]
    dx[:] = 0
    np.add.at(dx.reshape(-1), index.reshape(-1), dy.reshape(-1))
    return dx


def _winners(x: Array, y: Array, rows: Axis, columns: Axis, workspace: Workspace) -> Array:
    """Return which pass found the maximum of each window, counted from the last one, 0, to the first.

    Of a NaN it is the number of passes and the pass itself, counted from the first one, 0.
    """
    passes = list(_passes(rows, columns))
    dtype = np.min_scalar_type(2 * len(passes))
    numbers = workspace.array("numbers", y.shape, dtype)
    numbers[:] = 0
    flags = workspace.array("flags", y.shape, np.bool_)
    marks = workspace.array("marks", y.shape, dtype)

    def mark(outputs: Slices, number: int) -> None:
        part = numbers[outputs]
        marked = np.multiply(flags[outputs], dtype.type(number), out=marks[outputs])
        np.maximum(part, marked, out=part)

    for number, (cells, outputs) in enumerate(passes[:-1]):  # if none of these is, it is the last
        np.equal(x[cells], y[outputs], out=flags[outputs])
        mark(outputs, len(passes) - 1 - number)
    if y.size and np.isnan(y.max()):
        for number, (cells, outputs) in enumerate(passes):
            np.isnan(x[cells], out=flags[outputs])
            mark(outputs, len(passes) + number)
    return numbers
