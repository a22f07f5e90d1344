"""Convolution and its gradients, side by side, as functions of arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convcli.engine.arguments import computing_dtype, gradient, real, volumes
from convcli.engine.batch.convolution import Convolution, scatter
from convcli.engine.batch.strategies.columns import Columns
from convcli.engine.batch.strategy import Task
from convcli.engine.sums import column_sums
from convcli.engine.volumes import cells, laid_out, lies_so
from convcli.engine.workspace import Array, Workspace
from convcli.errors import ShapeError
from convcli.shapes import IntOrPair, Padding, Window, checked_count

PART_BYTES = 1 << 22  # of a batch


def conv2d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: IntOrPair = 1,
    padding: Padding = "valid",
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Array:
    """Lay each kernel on every window unflipped, multiply pairwise, sum: Z = W * A_prev + b.

    Parameters
    ----------
    x : (n, h, w, c_in)
        A batch of volumes, channels last, of any real dtype. The batch may be empty.
    w : (f_h, f_w, c_in / groups, c_out)
        Kernels.
    b : (c_out,), optional
        Bias.
    stride, dilation
        An int or (rows, columns).
    padding
        "valid", "same", "full", an int, (rows, columns), or ((top, bottom), (left, right)); zeros.
    groups
        Cut the channels into that many groups that do not see each other; c_in makes it depthwise.

    Returns
    -------
    (n, out_h, out_w, c_out): float32 where it holds every value of the dtypes of `x` and `w`, else float64.

    Raises
    ------
    ShapeError
        If the shapes do not fit each other, or not even one window fits the volume.
    UsageError
        If something else than real numbers is given.

    Notes
    -----
    This is cross-correlation, what the literature on networks calls convolution.
    Source: Goodfellow, Bengio and Courville, "Deep Learning", MIT Press 2016, section 9.1.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(36.0).reshape(1, 6, 6, 1)
    >>> edges = np.array([[1.0, 0, -1]] * 3).reshape(3, 3, 1, 1)
    >>> conv2d(x, edges).shape
    (1, 4, 4, 1)
    >>> float(conv2d(x, edges)[0, 0, 0, 0])
    -6.0
    """
    x, w, task = _checked(x, w, stride, padding, dilation, groups)
    if b is not None:
        b = real(b, "b")
        if b.shape != w.shape[3:]:
            raise ShapeError(f"b must have shape {w.shape[3:]}, one number a kernel of w, not {b.shape}.")
    z = np.empty((len(x), *task.output, task.filters), x.dtype)
    convolution, scratch = Convolution(task), Workspace()
    for images in _parts(x):
        part = z[images] if lies_so(z[images]) else scratch.batch("z", z[images].shape, z.dtype)
        convolution.forward(x[images], w, b, part, scratch)
        if not np.isfinite(part).all():  # fast ways spread NaN and infinity beyond the windows that hold them
            Columns(task).forward(cells(laid_out(x[images])), w, b, cells(part), scratch)
        if part.base is not z:
            z[images] = part
    return z


def conv2d_backward(
    dy: Array,
    x: Array,
    w: Array,
    *,
    stride: IntOrPair = 1,
    padding: Padding = "valid",
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> tuple[Array, Array, Array]:
    """Return the gradients (dx, dw, db) of a loss, given dy = dL/dy for y = conv2d(x, w, b, ...).

    Parameters
    ----------
    dy : (n, out_h, out_w, c_out)
        Gradient of the loss with respect to the output.
    x, w, stride, padding, dilation, groups
        As given to `conv2d`.

    Returns
    -------
    dx, dw, db
        Shaped as `x`, as `w`, and (c_out,), in the dtype of `conv2d`'s result. dx is the full convolution of
        dy (dilated by the stride) with the kernels rotated by 180°, cropped by the padding; dw correlates x
        with dy; db sums dy.

    Raises
    ------
    ShapeError, UsageError
        As `conv2d`.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 1))
    >>> dx, dw, db = conv2d_backward(np.ones((1, 2, 2, 1)), x, w)
    >>> dx[0, :, :, 0].tolist()[0], float(dw[0, 0, 0, 0]), db.tolist()
    ([1.0, 2.0, 2.0, 1.0], 4.0, [4.0])
    """
    x, w, task = _checked(x, w, stride, padding, dilation, groups)
    dy = gradient(dy, (len(x), *task.output, task.filters)).astype(x.dtype, copy=False)
    dx, dw = np.empty(x.shape, x.dtype), np.zeros(w.shape, w.dtype)
    convolution, scratch = Convolution(task), Workspace()
    for images in _parts(x):
        part, own = scratch.batch("dx", x[images].shape, x.dtype), np.zeros_like(dw)
        gradients, inputs = laid_out(dy[images]), laid_out(x[images])
        convolution.weight_gradient(gradients, inputs, own, scratch)
        convolution.input_gradient(gradients, w, part, scratch)
        if not (np.isfinite(own).all() and np.isfinite(part).all()):  # as in `conv2d`
            own[:] = 0
            Columns(task).weight_gradient(cells(gradients), cells(inputs), own, scratch)
            scatter(gradients, w, part, task, scratch)
        dw += own
        dx[images] = part
    return dx, dw, column_sums(dy).astype(x.dtype)


def _parts(x: Array) -> Iterator[slice]:
    """Yield images that are computed together: so many as a cache has, which are copied to lie so."""
    together = max(1, PART_BYTES // max(1, x[:1].nbytes))
    for start in range(0, len(x), together):
        yield slice(start, start + together)


def _checked(
    x: Array, w: Array, stride: IntOrPair, padding: Padding, dilation: IntOrPair, groups: int
) -> tuple[Array, Array, Task]:
    """Return floating `x` and `w` of one dtype, and their shapes."""
    x, w = volumes(x, "(n, h, w, c_in)"), real(w, "w")
    dtype = computing_dtype(x.dtype, w.dtype)
    if w.ndim != 4 or w.size == 0:
        raise ShapeError(f"w must be (f_h, f_w, c_in / groups, c_out), not {w.shape}.")
    groups = checked_count(groups, "groups")
    if w.shape[3] % groups or x.shape[3] != w.shape[2] * groups:
        raise ShapeError(
            f"x with {x.shape[3]} channels does not fit w {w.shape} in {groups} group(s): a kernel needs "
            "c_in / groups channels, and groups must divide c_out."
        )
    window = Window.of(w.shape[:2], stride=stride, padding=padding, dilation=dilation)
    window.output_shape(x.shape[1:3])
    task = Task(x.shape[1:], w.shape[3], window, groups)
    return x.astype(dtype, copy=False), w.astype(dtype, copy=False), task
