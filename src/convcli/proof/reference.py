"""The engine's operations as slow loops, as one would write them on the board: what it is held to.

Every function takes the same arrays as its fast counterpart, computes in float64, and shares no code with it
but the size formula.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UnknownNameError
from convcli.shapes import Pair, Window
from convcli.shapes.pooling import AdaptiveWindow, PoolWindow
from convcli.shapes.transposed import Transposed

Position = tuple[int, int, int, list[int], list[int]]
AnyWindow: TypeAlias = PoolWindow | AdaptiveWindow


def positions(x: Array, window: Window) -> Iterator[Position]:
    """Yield (image, output row, output column, rows, columns): the padded cells that each window covers."""
    (s_h, s_w), (d_h, d_w), (f_h, f_w) = window.stride, window.dilation, window.size
    out_h, out_w = window.output_shape((x.shape[1], x.shape[2]))
    for image in range(len(x)):
        for row in range(out_h):
            for column in range(out_w):
                rows = [row * s_h + i * d_h for i in range(f_h)]
                columns = [column * s_w + j * d_w for j in range(f_w)]
                yield image, row, column, rows, columns


def conv2d(x: Array, w: Array, b: Array, window: Window, groups: int = 1) -> Array:
    """Return Z: at each position, for each kernel, Σ patch · kernel + bias.

    `x` (n, h, w, c_in), `w` (f_h, f_w, c_in / groups, c_out), `b` (c_out,).
    """
    depth, count = w.shape[2], w.shape[3] // groups
    padded = _padded(x, window)
    y = _outputs(x, window, w.shape[3])
    for image, row, column, rows, columns in positions(x, window):
        patch = padded[image][np.ix_(rows, columns)]
        for kernel in range(w.shape[3]):
            group = kernel // count
            seen = patch[:, :, group * depth : (group + 1) * depth]
            y[image, row, column, kernel] = (seen * w[..., kernel]).sum() + b[kernel]
    return y


def conv2d_backward(
    dy: Array, x: Array, w: Array, window: Window, groups: int = 1
) -> tuple[Array, Array, Array]:
    """Return dx, dw and db: each window hands its dZ to the cells and the weights that it was made of."""
    depth, count = w.shape[2], w.shape[3] // groups
    padded = _padded(x, window)
    dpadded, dw = np.zeros_like(padded), np.zeros(w.shape)
    for image, row, column, rows, columns in positions(x, window):
        for kernel in range(w.shape[3]):
            channels = range((kernel // count) * depth, (kernel // count + 1) * depth)
            cells = np.ix_([image], rows, columns, channels)
            dw[..., kernel] += padded[cells][0] * dy[image, row, column, kernel]
            dpadded[cells] += w[..., kernel] * dy[image, row, column, kernel]
    (top, _), (left, _) = window.padding
    dx = dpadded[:, top : top + x.shape[1], left : left + x.shape[2]]
    return dx, dw, dy.sum((0, 1, 2), dtype=np.float64)


def transposed_conv2d(x: Array, w: Array, b: Array, transposed: Transposed, groups: int = 1) -> Array:
    """Return Z: each cell lays down every kernel times itself; what lies outside is cropped; plus bias.

    `x` (n, h, w, c_in), `w` (f_h, f_w, c_out / groups, c_in), `b` (c_out,).
    """
    window, (n, height, width, c_in) = transposed.window, x.shape
    (s_h, s_w), (d_h, d_w), ((top, _), (left, _)) = window.stride, window.dilation, window.padding
    out_h, out_w = transposed.output_shape((height, width))
    count = c_in // groups
    y = np.zeros((n, out_h, out_w, len(b)))
    for image, row, column, channel in np.ndindex(*x.shape):
        outputs = slice(channel // count * w.shape[2], (channel // count + 1) * w.shape[2])
        for i, j in np.ndindex(*window.size):
            to = (row * s_h + i * d_h - top, column * s_w + j * d_w - left)
            if 0 <= to[0] < out_h and 0 <= to[1] < out_w:
                y[image, to[0], to[1], outputs] += x[image, row, column, channel] * w[i, j, :, channel]
    return y + b


def bilinear(x: Array, factor: Pair) -> Array:
    """Return planes `factor` times as large: at each place the four cells around, the nearer the more."""
    (n, *plane, c), (f_h, f_w) = x.shape, factor
    y = np.zeros((n, plane[0] * f_h, plane[1] * f_w, c))
    for row, column in np.ndindex(*y.shape[1:3]):
        for i, down in _around((row + 0.5) / f_h - 0.5, plane[0]):
            for j, right in _around((column + 0.5) / f_w - 0.5, plane[1]):
                y[:, row, column] += down * right * x[:, i, j]
    return y


def _around(place: float, n: int) -> list[tuple[int, float]]:
    """Return the two of n cells that a place lies between, and each one's share; outside is the last one."""
    first = math.floor(place)
    beyond = place - first
    return [(min(max(first, 0), n - 1), 1 - beyond), (min(max(first + 1, 0), n - 1), beyond)]


def held(x: Array, window: AnyWindow) -> Iterator[Position]:
    """Yield the same of a pool: the cells of the plane that each window holds, without the padding's."""
    if isinstance(window, AdaptiveWindow):
        down, across = (enumerate(window.spans(axis, x.shape[1 + axis])) for axis in range(2))
        for image, (row, (top, bottom)), (column, (left, right)) in product(range(len(x)), down, across):
            yield image, row, column, [*range(top, bottom)], [*range(left, right)]
        return
    (top, _), (left, _) = window.padding
    for image, row, column, rows, columns in positions(x, window):
        inside = [i - top for i in rows if 0 <= i - top < x.shape[1]]
        yield image, row, column, inside, [j - left for j in columns if 0 <= j - left < x.shape[2]]


def max_pool2d(x: Array, window: AnyWindow) -> Array:
    """Return the maximum of each window."""
    y = _outputs(x, window, x.shape[3])
    for image, row, column, rows, columns in held(x, window):
        y[image, row, column] = x[image][np.ix_(rows, columns)].max((0, 1))
    return y


def max_pool2d_backward(dy: Array, x: Array, window: AnyWindow) -> Array:
    """Return dx: each dY goes to the first maximum of its window in row order."""
    dx = np.zeros(x.shape)
    for image, row, column, rows, columns in held(x, window):
        for channel in range(x.shape[3]):
            patch = x[image, :, :, channel][np.ix_(rows, columns)]
            i, j = np.unravel_index(patch.argmax(), patch.shape)
            dx[image, rows[i], columns[j], channel] += dy[image, row, column, channel]
    return dx


def avg_pool2d(x: Array, window: AnyWindow, count_include_pad: bool = True) -> Array:
    """Return the mean of each window, padding as zeros if it is to count."""
    y = _outputs(x, window, x.shape[3])
    counts = _counts(x, window, count_include_pad)
    for (image, row, column, rows, columns), count in zip(held(x, window), counts, strict=True):
        y[image, row, column] = x[image][np.ix_(rows, columns)].sum((0, 1), dtype=np.float64) / count
    return y


def avg_pool2d_backward(dy: Array, x: Array, window: AnyWindow, count_include_pad: bool = True) -> Array:
    """Return dx: each dY in equal shares to the cells of its window."""
    dx = np.zeros(x.shape)
    counts = _counts(x, window, count_include_pad)
    for (image, row, column, rows, columns), count in zip(held(x, window), counts, strict=True):
        for i in rows:
            for j in columns:
                dx[image, i, j] += dy[image, row, column] / count
    return dx


def _counts(x: Array, window: AnyWindow, count_include_pad: bool) -> Iterator[int]:
    """Yield by what each window's sum is divided: its cells on the plane, or on that and its padding."""
    if isinstance(window, AdaptiveWindow) or not count_include_pad:
        yield from (len(rows) * len(columns) for *_, rows, columns in held(x, window))
        return
    height, width = (n + sum(sides) for n, sides in zip(x.shape[1:3], window.padding, strict=True))
    for *_, rows, columns in positions(x, window):
        yield sum(i < height for i in rows) * sum(j < width for j in columns)


def filter2d(
    plane: Array, kernel: Array, window: Window, border: str = "reflect", fill: float = 0.0
) -> Array:
    """Return the responses of `kernel` (f_h, f_w), laid on unflipped, on `plane` (h, w)."""
    (top, bottom), (left, right) = window.padding
    height, width = plane.shape
    outside = fill if border == "constant" else 0.0
    padded = np.array(
        [
            [
                _cell(plane, border_cell(row, height, border), border_cell(column, width, border), outside)
                for column in range(-left, width + right)
            ]
            for row in range(-top, height + bottom)
        ]
    )
    y = np.zeros(window.output_shape((height, width)))
    for _, row, column, rows, columns in positions(plane[None, :, :, None], window):
        y[row, column] = (padded[np.ix_(rows, columns)] * kernel).sum()
    return y


def border_cell(i: int, n: int, border: str) -> int | None:
    """Return which of n cells stands at the place i, which may be outside; None for no cell.

    >>> [border_cell(i, 4, "reflect") for i in range(-3, 7)]
    [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    >>> [border_cell(i, 4, "symmetric") for i in range(-3, 7)]
    [2, 1, 0, 0, 1, 2, 3, 3, 2, 1]
    """
    if 0 <= i < n:
        return i
    if border in ("zero", "constant"):
        return None
    if border == "edge":
        return 0 if i < 0 else n - 1
    if border == "wrap":
        return i % n
    if border == "symmetric":
        return border_cell(-1 - i if i < 0 else 2 * n - 1 - i, n, border)
    if border == "reflect":
        return 0 if n == 1 else border_cell(-i if i < 0 else 2 * (n - 1) - i, n, border)
    raise UnknownNameError("border", border, ("reflect", "zero", "edge", "symmetric", "wrap", "constant"))


def _cell(plane: Array, row: int | None, column: int | None, outside: float) -> float:
    return outside if row is None or column is None else float(plane[row, column])


def _padded(x: Array, window: Window) -> Array:
    (top, bottom), (left, right) = window.padding
    n, h, w, c = x.shape
    padded = np.zeros((n, top + h + bottom, left + w + right, c))
    padded[:, top : top + h, left : left + w] = x
    return padded


def _outputs(x: Array, window: Window | AdaptiveWindow, channels: int) -> Array:
    return np.zeros((len(x), *window.output_shape((x.shape[1], x.shape[2])), channels))
