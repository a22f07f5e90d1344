"""All windows of a batch at once: as strided views, as shifted slices, as columns.

Arrays lie, and are, (h, w, n, c) here: a cell of all images together (`engine/volumes.py`).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window

# With kernels that see fewer channels, copying a window's cells costs more in loop overhead than in bytes.
FEW_CHANNELS = 16


@lru_cache(maxsize=1024)  # training asks for the same few, many times a step
def bands(rows: int, row_bytes: int, most: int, unit: int = 1) -> tuple[slice, ...]:
    """Return rows that cover a plane in bands of about one size, of `most` bytes or one `unit` of rows."""
    units = -(-rows // unit)
    count = -(-units // max(1, most // max(row_bytes * unit, 1)))
    ends = [k * units // count * unit for k in range(count + 1)]
    return tuple(slice(first, min(end, rows)) for first, end in pairwise(ends))


def padded_band(x: Array, window: Window, rows: slice, workspace: Workspace, *, apart: bool = False) -> Array:
    """Return the rows of `x` that the windows of some rows of outputs see, with zeros beyond the plane.

    With `apart` each channel lies by itself.
    """
    height, width, n, channels = x.shape
    (top, _), (left, right) = window.padding
    first = rows.start * window.stride[0] - top
    last = (rows.stop - 1) * window.stride[0] - top + window.span[0]
    inside = slice(max(first, 0), max(min(last, height), 0))
    part, above = x[inside], inside.start - first
    if above == 0 and last == inside.stop and left == right == 0 and not (apart and channels > 1):
        return part
    shape = (last - first, left + width + right, n)
    if apart:
        padded = workspace.array("padded", (channels, *shape), x.dtype).transpose(1, 2, 3, 0)
    else:
        padded = workspace.array("padded", (*shape, channels), x.dtype)
    below = above + len(part)
    padded[:above] = 0
    padded[below:] = 0
    padded[above:below, :left] = 0
    padded[above:below, left + width :] = 0
    padded[above:below, left : left + width] = part
    return padded


def window_view(x: Array, window: Window, output: Pair) -> Array:
    """Return all windows of a padded `x` as a view (out_h, out_w, n, f_h, f_w, c)."""
    height, width, n, c = x.shape
    s_h, s_w, s_n, s_c = x.strides
    # Whoever steps over the whole plane takes one window, however far it is to the next.
    (stride_h, d_h), (stride_w, d_w) = (
        (min(window.stride[axis], side), min(window.dilation[axis], side))
        for axis, side in enumerate((height, width))
    )
    shape = (*output, n, *window.size, c)
    return strided(x, shape, (s_h * stride_h, s_w * stride_w, s_n, s_h * d_h, s_w * d_w, s_c))


def strided(x: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Return a view that begins with the first number of `x`."""
    if x.flags.c_contiguous and x.size:
        # Faster than as_strided, which shows where pieces are small; and it checks the bounds.
        return np.ndarray(shape, x.dtype, x, 0, strides)
    return as_strided(x, shape, strides, writeable=False)


def window_cell(x: Array, window: Window, output: Pair, i: int, j: int) -> Array:
    """Return the cell (i, j) of every window of a padded `x`: a view (out_h, out_w, n, c)."""
    top, left = i * window.dilation[0], j * window.dilation[1]
    (rows, columns), (s_h, s_w) = output, window.stride
    return x[top : top + (rows - 1) * s_h + 1 : s_h, left : left + (columns - 1) * s_w + 1 : s_w]


def columns(x: Array, window: Window, output: Pair, groups: int, workspace: Workspace) -> Array:
    """Return every window of a padded `x` as a row: (groups, out_h·out_w·n, f_h·f_w·c/groups)."""
    n, c = x.shape[2:]
    (f_h, f_w), depth = window.size, c // groups
    if groups == 1 and window.size == window.stride == (1, 1) and x.flags.c_contiguous:
        return x.reshape(1, -1, c)
    view = window_view(x, window, output).reshape(*output, n, f_h, f_w, groups, depth)
    shape = (groups, output[0] * output[1] * n, f_h * f_w * depth)
    if depth >= FEW_CHANNELS:
        buffer = workspace.array("columns", (groups, *output, n, f_h, f_w, depth), x.dtype)
        np.copyto(buffer, view.transpose(5, 0, 1, 2, 3, 4, 6))
        return buffer.reshape(shape)
    # One long contiguous copy for each cell of the window, of each channel; the product takes it transposed.
    buffer = workspace.array("columns", (groups, f_h, f_w, depth, *output, n), x.dtype)
    np.copyto(buffer, view.transpose(5, 3, 4, 6, 0, 1, 2))
    return buffer.reshape(groups, shape[2], shape[1]).transpose(0, 2, 1)


def by_group(z: Array, groups: int) -> Array:
    """Return (h, w, n, c) as a view (groups, h·w·n, c / groups)."""
    return z.reshape(-1, groups, z.shape[3] // groups).transpose(1, 0, 2)
