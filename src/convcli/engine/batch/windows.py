"""All windows of a batch at once: as strided views, as shifted slices, as columns; and rows of cells."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window

Tile = tuple[slice, slice]

# Below this many contiguous numbers, copying a window row by row costs more in loop overhead than in bytes.
SHORT_RUN = 16


def tiles(n: int, output: Pair, cell_bytes: int, most: int) -> Iterator[Tile]:
    """Yield (images, output rows) that cover a batch, each of about `most` bytes: so many for each output.

    A tile is either several whole images or a band of rows of one image.
    """
    rows, columns = output
    image_bytes = rows * columns * cell_bytes
    if image_bytes <= most:
        count = -(-n // max(1, most // max(image_bytes, 1)))
        for number in range(count):  # of the same size, but for one image
            yield slice(number * n // count, (number + 1) * n // count), slice(0, rows)
    else:
        band = max(1, most // (columns * cell_bytes))
        for image in range(n):
            for top in range(0, rows, band):
                yield slice(image, image + 1), slice(top, min(top + band, rows))


def padded_tile(x: Array, window: Window, tile: Tile, workspace: Workspace) -> Array:
    """Return the rows of `x` (n, h, w, c) that a tile's windows see, with zeros beyond the plane."""
    images, rows = tile
    _, height, width, channels = x.shape
    (top, _), (left, right) = window.padding
    first = rows.start * window.stride[0] - top
    last = (rows.stop - 1) * window.stride[0] - top + window.span[0]
    inside = slice(max(first, 0), max(min(last, height), 0))
    part = x[images, inside]
    above = inside.start - first
    if above == 0 and last == inside.stop and left == right == 0:
        return part
    padded = workspace.array("padded", (len(part), last - first, left + width + right, channels), x.dtype)
    below = above + part.shape[1]
    padded[:, :above] = 0
    padded[:, below:] = 0
    padded[:, above:below, :left] = 0
    padded[:, above:below, left + width :] = 0
    padded[:, above:below, left : left + width] = part
    return padded


def window_view(x: Array, window: Window, output: Pair, first: Pair = (0, 0)) -> Array:
    """Return all windows of a padded `x` (n, h, w, c) as a view (n, out_h, out_w, f_h, f_w, c).

    `first` is the row and column where the first window begins.
    """
    n, height, width, c = x.shape
    s_n, s_h, s_w, s_c = x.strides
    # Whoever steps over the whole plane takes one window, however far it is to the next.
    (stride_h, d_h), (stride_w, d_w) = (
        (min(window.stride[axis], side), min(window.dilation[axis], side))
        for axis, side in enumerate((height, width))
    )
    shape = (n, *output, *window.size, c)
    strides = (s_n, s_h * stride_h, s_w * stride_w, s_h * d_h, s_w * d_w, s_c)
    if x.flags.c_contiguous and x.size:
        # Faster than as_strided, which shows where pieces are small; and it checks the bounds.
        return np.ndarray(shape, x.dtype, x, first[0] * s_h + first[1] * s_w, strides)
    return as_strided(x[:, first[0] :, first[1] :], shape, strides, writeable=False)


def window_cell(x: Array, window: Window, output: Pair, i: int, j: int) -> Array:
    """Return the cell (i, j) of every window of a padded `x`: a view (n, out_h, out_w, c)."""
    top, left = i * window.dilation[0], j * window.dilation[1]
    (rows, columns), (s_h, s_w) = output, window.stride
    return x[:, top : top + (rows - 1) * s_h + 1 : s_h, left : left + (columns - 1) * s_w + 1 : s_w]


def columns(
    x: Array, window: Window, output: Pair, groups: int, workspace: Workspace, first: Pair = (0, 0)
) -> Array:
    """Return every window of a padded `x` as a row: (groups, n·out_h·out_w, f_h·f_w·c/groups).

    `first` is the row and column where the first window begins.
    """
    n, _, _, c = x.shape
    (f_h, f_w), (rows, cols) = window.size, output
    depth = c // groups
    if groups == 1 and window.size == window.stride == (1, 1) and first == (0, 0):
        return x.reshape(1, -1, c)
    view = window_view(x, window, output, first).reshape(n, rows, cols, f_h, f_w, groups, depth)
    shape = (groups, n * rows * cols, f_h * f_w * depth)
    run = f_w * depth if window.dilation[1] == 1 and groups == 1 else depth
    if run >= SHORT_RUN:
        buffer = workspace.array("columns", (groups, n, rows, cols, f_h, f_w, depth), x.dtype)
        np.copyto(buffer, view.transpose(5, 0, 1, 2, 3, 4, 6))
        return buffer.reshape(shape)
    # Few channels: one long contiguous copy for each cell of the window; the product takes it transposed.
    buffer = workspace.array("columns", (groups, f_h, f_w, depth, n, rows, cols), x.dtype)
    np.copyto(buffer, view.transpose(5, 3, 4, 6, 0, 1, 2))
    return buffer.reshape(groups, f_h * f_w * depth, n * rows * cols).transpose(0, 2, 1)


def by_group(z: Array, groups: int) -> Array:
    """Return (n, h, w, c) as a view (groups, n·h·w, c / groups)."""
    return z.reshape(-1, groups, z.shape[3] // groups).transpose(1, 0, 2)


def add_bias(b: Array, z: Array) -> None:
    """Add `b` (c,) to each cell of `z` (n, ..., c)."""
    rows = lines(z)
    rows += line(b, z)


def lines(x: Array) -> Array:
    """Return `x` (n, ..., w, c) as (n, rows, w · c), and (n, c) as one row each: c numbers are few."""
    return x.reshape(
        len(x), math.prod(x.shape[1:-2]), math.prod(x.shape[-2:] if x.ndim > 2 else x.shape[-1:])
    )


def line(numbers: Array, x: Array) -> Array:
    """Return `numbers` (..., c) once for each cell of a row of `lines(x)`."""
    return np.tile(numbers, x.shape[-2] if x.ndim > 2 else 1)
