"""Max and average pooling and their gradients, over windows of one size or windows that share a plane."""

from __future__ import annotations

from convcli.engine.arguments import computing_dtype, gradient, volumes
from convcli.engine.batch.pooling import avg_backward, avg_forward, max_backward, max_forward
from convcli.engine.batch.taps import AnyWindow
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import IntOrPair, Padding
from convcli.shapes.pooling import AdaptiveWindow, PoolWindow


def max_pool2d(
    x: Array,
    size: IntOrPair,
    stride: IntOrPair | None = None,
    *,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> Array:
    """Return the maximum of every window.

    Parameters
    ----------
    x : (n, h, w, c)
        A batch of volumes, of any real dtype. The batch may be empty.
    size, stride, dilation
        An int or (rows, columns); the stride defaults to the size.
    padding
        "valid", "same", "full", an int, (rows, columns), or ((top, bottom), (left, right)). What stands there
        is below every number, and never a maximum.
    ceil_mode
        Whether rows and columns at the end that fill no whole window have one that hangs over; else they are
        left out. A window that would begin behind the image and the padding before it never counts.

    Returns
    -------
    (n, out_h, out_w, c), in the dtype of `x`.

    Raises
    ------
    ShapeError
        If not even one window fits, or one would lie on padding alone.
    UsageError
        If something else than real numbers is given.

    Notes
    -----
    The maximum of a window that holds NaN is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> max_pool2d(x, 2)[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    >>> max_pool2d(x, 3, 2, padding=1)[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """
    window = PoolWindow.of(size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    return max_forward(volumes(x), window, Workspace())[0]


def max_pool2d_backward(
    dy: Array,
    x: Array,
    size: IntOrPair,
    stride: IntOrPair | None = None,
    *,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> Array:
    """Return dx, given dy = dL/dy for y = max_pool2d(x, size, stride, …).

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
    window = PoolWindow.of(size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    return _max_backward(dy, x, window)


def avg_pool2d(
    x: Array,
    size: IntOrPair,
    stride: IntOrPair | None = None,
    *,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Return the mean of every window; arguments, shapes and errors as in `max_pool2d`.

    Padding counts as zeros, or not at all without `count_include_pad`. What hangs over the end of image and
    padding never counts. The mean is float32 where that holds every value of the dtype of `x`, float64 for
    wider ones.

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    >>> avg_pool2d(np.ones((1, 2, 2, 1)), 2, padding=1, count_include_pad=False)[0, :, :, 0].tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    window = PoolWindow.of(size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    return avg_forward(_floating(volumes(x)), window, count_include_pad, Workspace())


def avg_pool2d_backward(
    dy: Array,
    x: Array,
    size: IntOrPair,
    stride: IntOrPair | None = None,
    *,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Return dx, given dy = dL/dy for y = avg_pool2d(x, size, stride, …): each cell gets its equal share.

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool2d_backward(np.ones((1, 1, 1, 1)), np.ones((1, 2, 2, 1)), 2)[0, :, :, 0].tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """
    window = PoolWindow.of(size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    return _avg_backward(dy, x, window, count_include_pad)


def adaptive_max_pool2d(x: Array, output_size: IntOrPair) -> Array:
    """Return the maximum of each of so many windows as share the plane.

    Parameters
    ----------
    x : (n, h, w, c)
        As in `max_pool2d`.
    output_size
        Rows and columns that come out, whatever goes in: an int or (rows, columns). Window i of `out` reaches
        from cell ⌊i·n/out⌋ to before ⌈(i+1)·n/out⌉, as in PyTorch.

    Returns
    -------
    (n, *output_size, c), in the dtype of `x`.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_max_pool2d(np.arange(5.0).reshape(1, 1, 5, 1), (1, 3)).ravel().tolist()
    [1.0, 3.0, 4.0]
    """
    x = volumes(x)
    return max_forward(x, _sharing(output_size, x), Workspace())[0]


def adaptive_max_pool2d_backward(dy: Array, x: Array, output_size: IntOrPair) -> Array:
    """Return dx, given dy = dL/dy for y = adaptive_max_pool2d(x, output_size), as of `max_pool2d`."""
    x = volumes(x)
    return _max_backward(dy, x, _sharing(output_size, x))


def adaptive_avg_pool2d(x: Array, output_size: IntOrPair) -> Array:
    """Return the mean of each of so many windows as share the plane; dtypes as in `avg_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> adaptive_avg_pool2d(np.arange(5.0).reshape(1, 1, 5, 1), (1, 3)).ravel().tolist()
    [0.5, 2.0, 3.5]
    """
    x = _floating(volumes(x))
    return avg_forward(x, _sharing(output_size, x), True, Workspace())


def adaptive_avg_pool2d_backward(dy: Array, x: Array, output_size: IntOrPair) -> Array:
    """Return dx, given dy = dL/dy for y = adaptive_avg_pool2d(x, output_size)."""
    x = volumes(x)
    return _avg_backward(dy, x, _sharing(output_size, x), True)


def _sharing(output_size: IntOrPair, x: Array) -> AnyWindow:
    """Return the windows that share the planes of `x`."""
    return AdaptiveWindow.of(output_size).on((x.shape[1], x.shape[2]))


def _max_backward(dy: Array, x: Array, window: AnyWindow) -> Array:
    x, workspace = volumes(x), Workspace()
    y, kept = max_forward(x, window, workspace)
    return max_backward(_floating(gradient(dy, y.shape)), x, y, kept, window, workspace)


def _avg_backward(dy: Array, x: Array, window: AnyWindow, count_include_pad: bool) -> Array:
    x = volumes(x)
    shape = (len(x), *window.output_shape((x.shape[1], x.shape[2])), x.shape[3])
    return avg_backward(_floating(gradient(dy, shape)), x.shape, window, count_include_pad, Workspace())


def _floating(x: Array) -> Array:
    return x.astype(computing_dtype(x.dtype), copy=False)
