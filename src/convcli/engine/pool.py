"""Max and average pooling and their gradients: one pass a cell of the window, over all windows at once."""

from __future__ import annotations

from itertools import product

import numpy as np

from convcli.engine.windows import window_cell
from convcli.engine.workspace import Array, Workspace
from convcli.errors import ShapeError
from convcli.shapes import IntOrPair, Window


def max_pool2d(x: Array, size: IntOrPair, stride: IntOrPair | None = None) -> Array:
    """Return the maximum of every window.

    Parameters
    ----------
    x : (n, h, w, c)
        A batch of volumes.
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

    Examples
    --------
    >>> import numpy as np
    >>> max_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """
    return max_forward(_batch(x), pool_window(size, stride), Workspace())


def max_pool2d_backward(dy: Array, x: Array, size: IntOrPair, stride: IntOrPair | None = None) -> Array:
    """Return dx, given dy = dL/dy for y = max_pool2d(x, size, stride).

    The gradient of a window goes to the position of its maximum, the first one in row order where several
    tie, and nowhere else; overlapping windows add up.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 3], [3, 2]]).reshape(1, 2, 2, 1)
    >>> max_pool2d_backward(np.ones((1, 1, 1, 1)), x, 2)[0, :, :, 0].tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    x, window = _batch(x), pool_window(size, stride)
    workspace = Workspace()
    y = max_forward(x, window, workspace)
    return max_backward(_gradient(dy, y.shape), x, y, window, workspace)


def avg_pool2d(x: Array, size: IntOrPair, stride: IntOrPair | None = None) -> Array:
    """Return the mean of every window; arguments, shapes and errors as in `max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    return avg_forward(_batch(x), pool_window(size, stride), Workspace())


def avg_pool2d_backward(dy: Array, x: Array, size: IntOrPair, stride: IntOrPair | None = None) -> Array:
    """Return dx, given dy = dL/dy for y = avg_pool2d(x, size, stride): each cell gets its equal share.

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool2d_backward(np.ones((1, 1, 1, 1)), np.ones((1, 2, 2, 1)), 2)[0, :, :, 0].tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """
    x, window = _batch(x), pool_window(size, stride)
    shape = (len(x), *window.output_shape(x.shape[1:3]), x.shape[3])
    return avg_backward(_gradient(dy, shape), x.shape, window, Workspace())


def pool_window(size: IntOrPair, stride: IntOrPair | None) -> Window:
    """Return the window of a pool; without a stride the windows touch and do not overlap."""
    return Window.of(size, stride=size if stride is None else stride)


def _batch(x: Array) -> Array:
    x = np.asarray(x)
    if x.ndim != 4:
        raise ShapeError(f"x must be (n, h, w, c), not {x.shape}.")
    return x.astype(np.result_type(x, np.float32), copy=False)


def _gradient(dy: Array, shape: tuple[int, ...]) -> Array:
    dy = np.asarray(dy)
    if dy.shape != shape:
        raise ShapeError(f"dy must have the output's shape {shape}, not {dy.shape}.")
    return dy


def _cells(window: Window) -> list[tuple[int, int]]:
    """Return the window's cells in row order."""
    return list(product(range(window.size[0]), range(window.size[1])))


def max_forward(x: Array, window: Window, workspace: Workspace) -> Array:
    """Return the maxima: first down the rows, in long contiguous runs, then along the columns."""
    rows, columns = window.output_shape(x.shape[1:3])
    n, _, width, channels = x.shape
    (f_h, f_w), (s_h, s_w) = window.size, window.stride
    tall = [x[:, i : i + (rows - 1) * s_h + 1 : s_h] for i in range(f_h)]
    high = _running_maximum(tall, workspace.array("high", (n, rows, width, channels), x.dtype))
    wide = [high[:, :, j : j + (columns - 1) * s_w + 1 : s_w] for j in range(f_w)]
    return _running_maximum(wide, workspace.array("y", (n, rows, columns, channels), x.dtype))


def _running_maximum(parts: list[Array], out: Array) -> Array:
    if len(parts) == 1:
        np.copyto(out, parts[0])
        return out
    np.maximum(parts[0], parts[1], out=out)
    for part in parts[2:]:
        np.maximum(part, out, out=out)
    return out


def max_backward(dy: Array, x: Array, y: Array, window: Window, workspace: Workspace) -> Array:
    """Put each gradient back where its maximum stood: the first cell in row order of `x` that equals `y`."""
    dx = workspace.array("dx", x.shape, dy.dtype)
    share = workspace.array("share", dy.shape, dy.dtype)
    chosen = workspace.array("chosen", dy.shape, np.bool_)
    free = workspace.array("free", dy.shape, np.bool_)
    free[:] = True
    output = window.output_shape(x.shape[1:3])
    touching = window.stride == window.size
    if not touching or window.remainder(x.shape[1:3]) != (0, 0):
        dx[:] = 0
    for i, j in _cells(window):
        np.equal(window_cell(x, window, output, i, j), y, out=chosen)
        chosen &= free
        free ^= chosen
        target = window_cell(dx, window, output, i, j)
        if touching:
            np.multiply(dy, chosen, out=target)
        else:
            target += np.multiply(dy, chosen, out=share)
    return dx


def avg_forward(x: Array, window: Window, workspace: Workspace) -> Array:
    """Return the means."""
    output = window.output_shape(x.shape[1:3])
    y = workspace.array("y", (len(x), *output, x.shape[3]), x.dtype)
    cells = _cells(window)
    np.copyto(y, window_cell(x, window, output, 0, 0))
    for i, j in cells[1:]:
        y += window_cell(x, window, output, i, j)
    y *= 1 / len(cells)
    return y


def avg_backward(dy: Array, shape: tuple[int, ...], window: Window, workspace: Workspace) -> Array:
    """Spread each gradient evenly over its window, in an array of `shape`."""
    dx = workspace.array("dx", shape, dy.dtype)
    dx[:] = 0
    cells = _cells(window)
    share = workspace.array("share", dy.shape, dy.dtype)
    np.multiply(dy, 1 / len(cells), out=share)
    for i, j in cells:
        window_cell(dx, window, dy.shape[1:3], i, j)[...] += share
    return dx
