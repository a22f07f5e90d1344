"""Max and average pooling and their gradients: one pass a cell of the window, over all windows at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

from convcli.engine.arguments import computing_dtype, gradient, volumes
from convcli.engine.batch.windows import window_cell
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import IntOrPair, Pair, Window

FEW_CELLS = 9  # of a window: to add them up in one go is faster


def max_pool2d(x: Array, size: IntOrPair, stride: IntOrPair | None = None) -> Array:
    """Return the maximum of every window.

    Parameters
    ----------
    x : (n, h, w, c)
        A batch of volumes, of any real dtype. The batch may be empty.
    size, stride
        An int or (rows, columns); the stride defaults to the size. Rows and columns at the end that fill
        no whole window are left out.

    Returns
    -------
    (n, out_h, out_w, c), in the dtype of `x`.

    Raises
    ------
    ShapeError
        If not even one window fits.
    UsageError
        If something else than real numbers is given.

    Notes
    -----
    The maximum of a window that holds NaN is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> max_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """
    return max_forward(volumes(x), pool_window(size, stride), Workspace())[0]


def max_pool2d_backward(dy: Array, x: Array, size: IntOrPair, stride: IntOrPair | None = None) -> Array:
    """Return dx, given dy = dL/dy for y = max_pool2d(x, size, stride).

    The gradient of a window goes to the position of its maximum, the first one in row order where several
    tie, and nowhere else; overlapping windows add up. Of a window that holds NaN it goes to the NaN, the last
    one where there are several, as in PyTorch. dx has the dtype of dy, or the floats that hold its integers.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 3], [3, 2]]).reshape(1, 2, 2, 1)
    >>> max_pool2d_backward(np.ones((1, 1, 1, 1)), x, 2)[0, :, :, 0].tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    x, window = volumes(x), pool_window(size, stride)
    workspace = Workspace()
    y, cells = max_forward(x, window, workspace)
    return max_backward(_floating(gradient(dy, y.shape)), y, cells, x.shape, window, workspace)


def avg_pool2d(x: Array, size: IntOrPair, stride: IntOrPair | None = None) -> Array:
    """Return the mean of every window; arguments, shapes and errors as in `max_pool2d`.

    It is float32 where that holds every value of the dtype of `x`, float64 for wider ones.

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    return avg_forward(_floating(volumes(x)), pool_window(size, stride), Workspace())


def avg_pool2d_backward(dy: Array, x: Array, size: IntOrPair, stride: IntOrPair | None = None) -> Array:
    """Return dx, given dy = dL/dy for y = avg_pool2d(x, size, stride): each cell gets its equal share.

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool2d_backward(np.ones((1, 1, 1, 1)), np.ones((1, 2, 2, 1)), 2)[0, :, :, 0].tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """
    x, window = volumes(x), pool_window(size, stride)
    shape = (len(x), *window.output_shape(x.shape[1:3]), x.shape[3])
    return avg_backward(_floating(gradient(dy, shape)), x.shape, window, Workspace())


def pool_window(size: IntOrPair, stride: IntOrPair | None) -> Window:
    """Return the window of a pool; without a stride the windows touch and do not overlap."""
    return Window.of(size, stride=size if stride is None else stride)


def _floating(x: Array) -> Array:
    return x.astype(computing_dtype(x.dtype), copy=False)


def _cells(window: Window) -> list[tuple[int, int]]:
    """Return the window's cells in row order."""
    return list(product(range(window.size[0]), range(window.size[1])))


def _blocks(x: Array, window: Window, output: Pair) -> Array:
    """Return windows that touch and do not overlap as a view (f_h, f_w, n, out_h, out_w, c)."""
    (f_h, f_w), (rows, columns) = window.size, output
    covered = x[:, : rows * f_h, : columns * f_w]
    split = covered.reshape(len(x), rows, f_h, columns, f_w, x.shape[3])
    return split.transpose(2, 4, 0, 1, 3, 5)


def max_forward(x: Array, window: Window, workspace: Workspace) -> tuple[Array, list[Array]]:
    """Return the maxima, and each cell of all windows, in row order, for the backward pass.

    Cells of touching windows are copied apart first: NumPy copies short strided runs faster than it compares
    them, and the backward pass finds them again.
    """
    output = window.output_shape(x.shape[1:3])
    if window.stride == window.size:
        apart = workspace.array("cells", (*window.size, len(x), *output, x.shape[3]), x.dtype)
        np.copyto(apart, _blocks(x, window, output))
        cells = list(apart.reshape(math.prod(window.size), *apart.shape[2:]))
    else:
        cells = [window_cell(x, window, output, i, j) for i, j in _cells(window)]
    return maximum(cells, workspace.array("y", (len(x), *output, x.shape[3]), x.dtype)), cells


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
    dy: Array, y: Array, cells: list[Array], shape: tuple[int, ...], window: Window, workspace: Workspace
) -> Array:
    """Put each gradient back where its maximum stood: the first of the `cells` that equals `y`."""
    dx = workspace.array("dx", shape, dy.dtype)
    output = (dy.shape[1], dy.shape[2])
    touching = window.stride == window.size
    if not touching or window.remainder((shape[1], shape[2])) != (0, 0):
        dx[:] = 0
    shares = workspace.array("shares", (len(cells) if touching else 1, *dy.shape), dy.dtype)
    for number, ((i, j), chosen) in enumerate(zip(_cells(window), winners(y, cells, workspace), strict=True)):
        share = masked(dy, chosen, shares[number if touching else 0])
        if not touching:
            window_cell(dx, window, output, i, j)[...] += share
    if touching:
        blocks = _blocks(dx, window, output)
        np.copyto(blocks, shares.reshape(blocks.shape))
    return dx


def masked(values: Array, mask: Array, out: Array) -> Array:
    """Write `values` (float32 or float64) to `out` where `mask` is true, 0 elsewhere, and return it.

    It multiplies their bits by 1 or 0, for 0 · NaN is NaN. np.where is slower by far.
    """
    bits = np.dtype(f"u{values.dtype.itemsize}")
    np.multiply(values.view(bits), mask, out=out.view(bits))
    return out


def avg_forward(x: Array, window: Window, workspace: Workspace) -> Array:
    """Return the means."""
    for number, part in enumerate(_parts(window)):
        output = part.output_shape(x.shape[1:3])
        sums = workspace.array(f"sums {number}", (len(x), *output, x.shape[3]), x.dtype)
        first, *others = _cells(part)
        np.copyto(sums, window_cell(x, part, output, *first))
        for cell in others:
            sums += window_cell(x, part, output, *cell)
        x = sums
    x *= 1 / math.prod(window.size)
    return x


def _parts(window: Window) -> tuple[Window, ...]:
    """Return windows one after the other whose sums are the window's: its row and its column if it is large.

    A sum of sums has fewer additions, and each rounds less.
    """
    (f_h, f_w), (s_h, s_w) = window.size, window.stride
    if f_h * f_w <= FEW_CELLS:
        return (window,)
    return Window.of((1, f_w), stride=(1, s_w)), Window.of((f_h, 1), stride=(s_h, 1))


def avg_backward(dy: Array, shape: tuple[int, ...], window: Window, workspace: Workspace) -> Array:
    """Spread each gradient evenly over its window, in an array of `shape`."""
    share = workspace.array("share", dy.shape, dy.dtype)
    np.multiply(dy, 1 / math.prod(window.size), out=share)
    parts, planes = _parts(window), [(shape[1], shape[2])]
    for part in parts[:-1]:
        planes.append(part.output_shape(planes[-1]))
    for number, (part, plane) in reversed([*enumerate(zip(parts, planes, strict=True))]):
        dx = workspace.array(f"dx {number}", (shape[0], *plane, shape[3]), dy.dtype)
        dx[:] = 0
        for cell in _cells(part):
            window_cell(dx, part, (share.shape[1], share.shape[2]), *cell)[...] += share
        share = dx
    return share
