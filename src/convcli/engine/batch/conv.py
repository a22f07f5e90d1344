"""Convolution and its gradients, side by side: columns of windows and one matrix product."""

from __future__ import annotations

import numpy as np

from convcli.engine.arguments import computing_dtype, gradient, real, volumes
from convcli.engine.batch import winograd
from convcli.engine.batch.windows import SHORT_RUN, columns, padded_tile, tiles, window_cell
from convcli.engine.products import multiply
from convcli.engine.sums import column_sums
from convcli.engine.workspace import Array, Workspace
from convcli.errors import ShapeError
from convcli.shapes import IntOrPair, Padding, Pair, Window, checked_count

# With fewer kernels a product is so thin that copying its columns takes longer.
FEW_KERNELS = 16


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
    x, w, window = _checked(x, w, stride, padding, dilation, groups)
    if b is not None:
        b = real(b, "b")
        if b.shape != w.shape[3:]:
            raise ShapeError(f"b must have shape {w.shape[3:]}, one number a kernel of w, not {b.shape}.")
    z = np.empty((len(x), *window.output_shape(x.shape[1:3]), w.shape[3]), x.dtype)
    forward(x, w, b, window, groups, z, Workspace())
    if not np.isfinite(z).all():  # the fast ways spread NaN and infinity beyond the windows that hold them
        _forward_by_columns(x, w, b, window, groups, z, Workspace())
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
    x, w, window = _checked(x, w, stride, padding, dilation, groups)
    dy = gradient(dy, (len(x), *window.output_shape(x.shape[1:3]), w.shape[3])).astype(
        x.dtype, order="C", copy=False
    )
    dx, dw = np.empty(x.shape, x.dtype), np.zeros(w.shape, w.dtype)
    weight_gradient(dy, x, dw, window, groups, Workspace())
    input_gradient(dy, w, dx, window, groups, Workspace())
    if not (np.isfinite(dw).all() and np.isfinite(dx).all()):  # as in `conv2d`
        dw[:] = 0
        _weight_gradient_by_columns(dy, x, dw, window, groups, Workspace())
        _input_gradient_by_scattering(dy, w, dx, window, groups, Workspace())
    return dx, dw, column_sums(dy).astype(x.dtype)


def _checked(
    x: Array, w: Array, stride: IntOrPair, padding: Padding, dilation: IntOrPair, groups: int
) -> tuple[Array, Array, Window]:
    """Return floating `x` and `w` of one dtype, and the window."""
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
    return x.astype(dtype, copy=False), w.astype(dtype, copy=False), window


def forward(
    x: Array, w: Array, b: Array | None, window: Window, groups: int, z: Array, scratch: Workspace
) -> None:
    """Write Z = W * A_prev + b to `z`, the fastest way."""
    if winograd.suits(w, window, groups):
        winograd.forward(winograd.Phases.of(x), w, b, window, winograd.Phases.of(z), scratch)
        return
    if _pays_in_pairs(w, window, groups, z):
        _forward_in_pairs(x, w, b, window, z, scratch)
        return
    _forward_by_columns(x, w, b, window, groups, z, scratch)


def _forward_by_columns(
    x: Array, w: Array, b: Array | None, window: Window, groups: int, z: Array, scratch: Workspace
) -> None:
    """Tile by tile: columns of windows, then one product."""
    f_h, f_w, depth, c_out = w.shape
    matrix = w.reshape(-1, groups, c_out // groups).transpose(1, 0, 2)
    for tile in tiles(len(x), z.shape[1:3], (f_h * f_w * depth * groups + c_out) * x.itemsize):
        part = z[tile]
        windows = columns(padded_tile(x, window, tile, scratch), window, part.shape[1:3], groups, scratch)
        multiply(windows, matrix, by_group(part, groups))
        if b is not None:
            rows = part.reshape(-1, part.shape[2] * c_out)
            rows += np.tile(b, part.shape[2])  # whole rows: a run of c_out numbers is too short to be fast


def _pays_in_pairs(w: Array, window: Window, groups: int, z: Array) -> bool:
    """Whether so few kernels see so many channels that copying columns costs more than multiplying them."""
    plain = groups == window.stride[1] == window.dilation[1] == 1
    thin = w.shape[3] < FEW_KERNELS and w.shape[1] * w.shape[2] >= SHORT_RUN
    return plain and thin and w.shape[1] > 1 and z.shape[2] % 2 == 0 and z.flags.c_contiguous


def _forward_in_pairs(
    x: Array, w: Array, b: Array | None, window: Window, z: Array, scratch: Workspace
) -> None:
    """Compute two neighbours of Z at once, as if they were twice as many kernels, one column wider.

    A third more multiplications for 3×3 kernels, but a third less to copy, and a product twice as wide: for
    32 images of 14×14×16 and 8 kernels 385 µs against 489, for 64×64×3 and 8 kernels of 7×7 280 against 408.
    """
    f_h, f_w, c_in, c_out = w.shape
    both = np.zeros((f_h, f_w + 1, c_in, 2, c_out), w.dtype)
    both[:, :-1, :, 0] = both[:, 1:, :, 1] = w
    wider = Window((f_h, f_w + 1), (window.stride[0], 2), window.padding, window.dilation)
    pairs = z.reshape(*z.shape[:2], z.shape[2] // 2, 2 * c_out)
    bias = None if b is None else np.tile(b, 2)
    forward(x, both.reshape(f_h, f_w + 1, c_in, 2 * c_out), bias, wider, 1, pairs, scratch)


def weight_gradient(dz: Array, x: Array, dw: Array, window: Window, groups: int, scratch: Workspace) -> None:
    """Add to `dw` the correlation of the padded A_prev with dZ."""
    if winograd.suits(dw, window, groups):
        winograd.weight_gradient(winograd.Phases.of(dz), winograd.Phases.of(x), dw, window, scratch)
        return
    _weight_gradient_by_columns(dz, x, dw, window, groups, scratch)


def _weight_gradient_by_columns(
    dz: Array, x: Array, dw: Array, window: Window, groups: int, scratch: Workspace
) -> None:
    f_h, f_w, depth, c_out = dw.shape
    product = scratch.array("dw", (groups, f_h * f_w * depth, c_out // groups), dw.dtype)
    total = dw.reshape(-1, groups, c_out // groups).transpose(1, 0, 2)
    for tile in tiles(len(x), dz.shape[1:3], (f_h * f_w * depth * groups + c_out) * x.itemsize):
        part = dz[tile]
        windows = columns(padded_tile(x, window, tile, scratch), window, part.shape[1:3], groups, scratch)
        total += multiply(windows.transpose(0, 2, 1), by_group(part, groups), product)


def input_gradient(dz: Array, w: Array, dx: Array, window: Window, groups: int, scratch: Workspace) -> None:
    """Write dA_prev to `dx`."""
    reach = tuple(span - 1 for span in window.span)
    (top, _), (left, _) = window.padding
    if window.stride == (1, 1) and top <= reach[0] and left <= reach[1]:
        _input_gradient_by_full_convolution(dz, w, dx, window, groups, scratch)
    else:
        _input_gradient_by_scattering(dz, w, dx, window, groups, scratch)


def _input_gradient_by_full_convolution(
    dz: Array, w: Array, dx: Array, window: Window, groups: int, scratch: Workspace
) -> None:
    """Stride 1: convolve dZ with the kernels rotated by 180°; about twice as fast as scattering."""
    full, (bottom, right) = full_convolution(dz.shape, dx.shape, window)
    cropped = dz[:, : dz.shape[1] - bottom, : dz.shape[2] - right]
    forward(cropped, rotated(w, groups), None, full, groups, dx, scratch)


def rotated(w: Array, groups: int) -> Array:
    """Return the kernels rotated by 180°, inputs and outputs changed places."""
    f_h, f_w, depth, c_out = w.shape
    turned = w[::-1, ::-1].reshape(f_h, f_w, depth, groups, c_out // groups)
    return turned.transpose(0, 1, 4, 3, 2).reshape(f_h, f_w, c_out // groups, depth * groups)


def full_convolution(dz: tuple[int, ...], dx: tuple[int, ...], window: Window) -> tuple[Window, Pair]:
    """Return the window that takes dZ to dA_prev at stride 1, and the rows and columns of dZ it must not see.

    It pads fully, less what the forward pass padded; where that leaves less than nothing, it crops.
    """
    top, left = (span - 1 - before for span, (before, _) in zip(window.span, window.padding, strict=True))
    bottom = dx[1] - dz[1] + window.span[0] - 1 - top
    right = dx[2] - dz[2] + window.span[1] - 1 - left
    sides = ((top, max(bottom, 0)), (left, max(right, 0)))
    return Window(window.size, (1, 1), sides, window.dilation), (max(-bottom, 0), max(-right, 0))


def _input_gradient_by_scattering(
    dz: Array, w: Array, dx: Array, window: Window, groups: int, scratch: Workspace
) -> None:
    """Any stride: add each window's share back where it came from; dilating dZ would multiply zeros."""
    f_h, f_w, depth, c_out = w.shape
    n, height, width, c_in = dx.shape
    (top, bottom), (left, right) = window.padding
    padded = scratch.array("padded", (n, top + height + bottom, left + width + right, c_in), dx.dtype)
    padded[:] = 0
    kernels = w.reshape(f_h, f_w, depth, groups, c_out // groups).transpose(0, 1, 3, 4, 2)
    shares = scratch.array("shares", (*dz.shape[:3], c_in), dx.dtype)
    for i in range(f_h):
        for j in range(f_w):
            multiply(by_group(dz, groups), kernels[i, j], by_group(shares, groups))
            window_cell(padded, window, dz.shape[1:3], i, j)[...] += shares
    np.copyto(dx, padded[:, top : top + height, left : left + width])


def by_group(z: Array, groups: int) -> Array:
    """Return (n, h, w, c) as a view (groups, n·h·w, c / groups)."""
    return z.reshape(-1, groups, z.shape[3] // groups).transpose(1, 0, 2)
