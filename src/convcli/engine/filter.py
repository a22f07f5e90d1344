"""Slides one kernel over one plane: `filter2d`, in two steps, a plan (what to do, and how) and its run.

The output is made in bands of rows. A band's padded input is gathered from the plane when it is needed, so
that it stays in the cache and no padded copy of the whole plane exists. What turns a band into output is one
of three strategies, each a function with its reason; `choose` is the one place that picks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.errors import ShapeError, UnknownNameError, UsageError
from convcli.shapes import IntOrPair, Padding, Pair, Window

Plane: TypeAlias = NDArray[Any]
Strategy: TypeAlias = Callable[[Plane, "Plan"], Plane]

BORDERS = ("reflect", "zero", "edge", "symmetric", "wrap", "constant")
OPERATIONS = ("correlate", "convolve")

BAND_BYTES = 2**20  # a band, its output and one intermediate: more leaves the cache, less pays for calls
SPECTRAL_TAPS = 80  # taps a pixel from which Fourier tiles are faster by far; measured: equal at about 40
SPECTRAL_TILE = 256  # cells per side of the smallest tile, unless the plane is smaller
MOST_CELLS = 2**32  # of a padded plane: what asks for more is a slip, and would end in a killed process
RANK_ONE = 1e-12  # largest deviation from an outer product, relative to the largest weight


def filter2d(
    plane: ArrayLike,
    kernel: ArrayLike,
    *,
    padding: Padding = "same",
    border: str = "reflect",
    fill: float = 0,
    stride: IntOrPair = 1,
    dilation: IntOrPair = 1,
    op: str = "correlate",
) -> Plane:
    """Return the responses of a kernel at every position on a plane.

    Parameters
    ----------
    plane
        (H, W), of any real dtype.
    kernel
        (f_h, f_w) finite weights.
    padding
        "same" (at stride 1 the output is as large as the plane), "valid", "full", an int, (rows, columns), or
        ((top, bottom), (left, right)). "same" pads d(f−1) in all, the smaller half before.
    border
        What stands around the plane: "reflect" (``dcb|abcd|cba``), "symmetric" (``cba|abcd|dcb``), "edge"
        (``aaa|abcd|ddd``), "wrap" (``bcd|abcd|abc``), "zero", or "constant" (`fill`).
    fill
        The value that "constant" stands for.
    stride, dilation
        An int or (rows, columns): step between positions; distance between the cells of the kernel.
    op
        "correlate" lays the kernel on as it is, as CNNs do; "convolve" turns it by 180° first.

    Returns
    -------
    ndarray (H', W')
        float32 for planes of at most 16 bits and of float32, float64 for the rest.

    Raises
    ------
    ShapeError
        If the plane or the kernel is not a matrix, sizes are out of range, or not one window fits.
    UsageError
        If a border or operation is unknown, or values are not real and finite where they must be.

    Notes
    -----
    At an odd kernel, "same" and stride 1 this is ``scipy.ndimage.correlate`` with mode "mirror" (reflect),
    "reflect" (symmetric), "nearest" (edge), "grid-wrap" (wrap) or "constant".

    Examples
    --------
    >>> import numpy as np
    >>> step = np.array([[0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9]])
    >>> filter2d(step, [[-1, 0, 1]])
    array([[0., 9., 9., 0.],
           [0., 9., 9., 0.],
           [0., 9., 9., 0.]])
    >>> filter2d(step, [[-1, 0, 1]], padding="valid", stride=2).shape
    (2, 1)
    """
    plane = np.asarray(plane)
    steps = plan(
        plane.shape,
        plane.dtype,
        kernel,
        padding=padding,
        border=border,
        fill=fill,
        stride=stride,
        dilation=dilation,
        op=op,
    )
    return run(steps, plane)


@dataclass(frozen=True, eq=False)
class Plan:
    """What `run` does to a plane of one shape and dtype; every argument checked and normalised.

    Attributes
    ----------
    shape, output_shape
        (rows, columns) of the plane and of the result.
    dtype
        float32 or float64: the type computed in, and the result's.
    kernel
        The weights as they are laid on a window: float64, already turned by 180° for "convolve".
    window
        Sizes, stride, padding and dilation.
    rows, columns
        The plane's row (column) at each row (column) of the padded plane; −1 where `fill` stands.
    fill
        The value around the plane.
    strategy
        Makes a band of output from a band of padded input.
    band_rows
        Rows of output in a band.
    """

    shape: Pair
    output_shape: Pair
    dtype: np.dtype[Any]
    kernel: Plane
    window: Window
    rows: Plane
    columns: Plane
    fill: float
    strategy: Strategy
    band_rows: int


def plan(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    kernel: ArrayLike,
    *,
    padding: Padding,
    border: str,
    fill: float,
    stride: IntOrPair,
    dilation: IntOrPair,
    op: str,
) -> Plan:
    """Return how to filter planes of `shape` and `dtype`; the arguments are those of `filter2d`."""
    if len(shape) != 2 or 0 in shape:
        raise ShapeError(f"Expected a plane of (rows, columns), found an array of shape {shape}.")
    if border not in BORDERS:
        raise UnknownNameError("border", border, BORDERS)
    if op not in OPERATIONS:
        raise UnknownNameError("op", op, OPERATIONS)
    if not math.isfinite(fill):
        raise UsageError(f"fill must be a finite number, not {fill!r}.")
    weights = checked_kernel(kernel)
    window = Window.of(
        (weights.shape[0], weights.shape[1]), stride=stride, padding=padding, dilation=dilation
    )
    padded = [n + before + after for n, (before, after) in zip(shape, window.padding, strict=True)]
    if math.prod(padded) > MOST_CELLS:
        raise ShapeError(f"A padded plane of {padded[0]} × {padded[1]} is too large; pad or dilate less.")
    rows, columns = (border_indices(n, sides, border) for n, sides in zip(shape, window.padding, strict=True))
    plane_shape = (shape[0], shape[1])
    output_shape = window.output_shape(plane_shape)
    computed = computing_dtype(dtype)
    weights = weights[::-1, ::-1] if op == "convolve" else weights
    strategy, band_rows = choose(weights, window, (len(rows), len(columns)), output_shape, computed)
    value = float(fill) if border == "constant" else 0.0
    return Plan(
        plane_shape, output_shape, computed, weights, window, rows, columns, value, strategy, band_rows
    )


def run(steps: Plan, plane: Plane) -> Plane:
    """Return the plane (H', W') that `steps` make of `plane`."""
    strategy = steps.strategy
    if isinstance(strategy, partial) and strategy.func is spectral and not is_finite(plane):
        strategy = direct  # a transform would carry one NaN to a whole tile
    try:
        output = np.empty(steps.output_shape, steps.dtype)
    except MemoryError as error:
        rows, columns = steps.output_shape
        raise ShapeError(f"An output of {rows} × {columns} does not fit the memory; pad less.") from error
    stride, span = steps.window.stride[0], steps.window.span[0]
    for first in range(0, len(output), steps.band_rows):
        last = min(first + steps.band_rows, len(output))
        band = padded_rows(plane, steps, first * stride, (last - 1) * stride + span)
        output[first:last] = strategy(band, steps)
    return output


def computing_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return float32 if it holds every value of `dtype`, float64 for wider reals.

    >>> computing_dtype(np.dtype(np.uint16)), computing_dtype(np.dtype(np.int32))
    (dtype('float32'), dtype('float64'))
    """
    if dtype.kind not in "buif":
        raise UsageError(f"Expected a plane of real numbers, found {dtype}.")
    return np.dtype(np.float32 if np.can_cast(dtype, np.float32) else np.float64)


def checked_kernel(kernel: ArrayLike) -> Plane:
    """Return the kernel as finite float64 weights (f_h, f_w)."""
    weights = np.asarray(kernel)
    if weights.ndim != 2 or weights.size == 0:
        raise ShapeError(f"Expected a kernel of (rows, columns), found an array of shape {weights.shape}.")
    if weights.dtype.kind not in "buif" or not np.isfinite(weights).all():
        raise UsageError(
            f"Expected a kernel of finite real numbers, found {weights.dtype} with others in it."
        )
    return weights.astype(np.float64)


def border_indices(n: int, sides: Pair, border: str) -> Plane:
    """Return which of `n` cells stands at each place of the padded axis, −1 where none does.

    >>> border_indices(4, (3, 2), "reflect").tolist()
    [3, 2, 1, 0, 1, 2, 3, 2, 1]
    >>> border_indices(4, (1, 1), "zero").tolist()
    [-1, 0, 1, 2, 3, -1]
    """
    cells = np.arange(n)
    if border in ("zero", "constant"):
        return np.pad(cells, sides, constant_values=-1)
    return np.pad(cells, sides, mode=border)  # type: ignore[call-overload, no-any-return]


def padded_rows(plane: Plane, steps: Plan, first: int, last: int) -> Plane:
    """Return rows `first` to `last` of the padded plane, in the dtype computed in."""
    rows = steps.rows[first:last]
    left, width = steps.window.padding[1][0], steps.shape[1]
    band = np.empty((len(rows), len(steps.columns)), steps.dtype)
    if rows[0] >= 0 and (np.diff(rows) == 1).all():
        band[:, left : left + width] = plane[rows[0] : rows[-1] + 1]  # saves the copy that picking makes
    else:
        band[:, left : left + width] = plane[rows]
    for outside in (slice(0, left), slice(left + width, None)):
        columns = steps.columns[outside]
        band[:, outside] = np.where(columns < 0, steps.fill, band[:, left + columns])
    band[rows < 0] = steps.fill
    return band


def choose(
    kernel: Plane, window: Window, padded_shape: Pair, output_shape: Pair, dtype: np.dtype[Any]
) -> tuple[Strategy, int]:
    """Return the strategy that should be the fastest, and how many rows of output its bands have."""
    stride_rows, stride_columns = window.stride
    input_row, output_row = padded_shape[1], output_shape[1]
    row_bytes = dtype.itemsize * (stride_rows * input_row + 2 * output_row)
    band_rows = max(BAND_BYTES // row_bytes, window.span[0] // 4, 1)

    taps = np.count_nonzero(kernel)
    factors = outer_factors(kernel)
    if factors is not None and np.count_nonzero(factors[0]) + np.count_nonzero(factors[1]) < taps:
        column, row = factors
        return partial(separable, column=column, row=row), band_rows
    if taps >= SPECTRAL_TAPS * stride_rows * stride_columns:
        rows, columns = (
            fast_length(min(max(4 * span, SPECTRAL_TILE), n))
            for span, n in zip(window.span, padded_shape, strict=True)
        )
        spectrum = np.fft.rfft2(spread(kernel, window), (rows, columns)).conj()
        spectrum = spectrum.astype(np.result_type(dtype, np.complex64))
        return partial(spectral, spectrum=spectrum, tile=(rows, columns)), (
            rows - window.span[0]
        ) // stride_rows + 1
    return direct, band_rows


def direct(band: Plane, steps: Plan) -> Plane:
    """Add up the band once per non-zero weight, moved to that weight's place.

    Few taps, as in most edge kernels, need no more; every operation is a whole array's.
    """
    (d_h, d_w), (s_h, s_w) = steps.window.dilation, steps.window.stride
    rows, columns = (len(band) - steps.window.span[0]) // s_h + 1, steps.output_shape[1]
    taps = (
        (
            steps.kernel[i, j],
            band[
                i * d_h : i * d_h + (rows - 1) * s_h + 1 : s_h,
                j * d_w : j * d_w + (columns - 1) * s_w + 1 : s_w,
            ],
        )
        for i, j in np.argwhere(steps.kernel)
    )
    return weighted_sum(taps, (rows, columns), band.dtype)


def separable(band: Plane, steps: Plan, *, column: Plane, row: Plane) -> Plane:
    """Filter the columns, then the rows: an outer product needs f_h + f_w taps, not f_h · f_w."""
    (d_h, d_w), (s_h, s_w) = steps.window.dilation, steps.window.stride
    rows, columns = (len(band) - steps.window.span[0]) // s_h + 1, steps.output_shape[1]
    upright = (
        (column[i], band[i * d_h : i * d_h + (rows - 1) * s_h + 1 : s_h]) for i in np.flatnonzero(column)
    )
    between = weighted_sum(upright, (rows, band.shape[1]), band.dtype)
    level = (
        (row[j], between[:, j * d_w : j * d_w + (columns - 1) * s_w + 1 : s_w]) for j in np.flatnonzero(row)
    )
    return weighted_sum(level, (rows, columns), band.dtype)


def spectral(band: Plane, steps: Plan, *, spectrum: Plane, tile: Pair) -> Plane:
    """Multiply in the Fourier domain, tile by tile (overlap-save): the kernel's size hardly matters.

    Correlation is the product with the conjugate spectrum. A tile's first tile − span + 1 results are those
    that the transform's wrap-around has not touched.
    """
    (s_h, s_w), (span_h, span_w) = steps.window.stride, steps.window.span
    rows, columns = (len(band) - span_h) // s_h + 1, steps.output_shape[1]
    output = np.empty((rows, columns), band.dtype)
    columns_per_tile = (tile[1] - span_w) // s_w + 1
    for first in range(0, columns, columns_per_tile):
        last = min(first + columns_per_tile, columns)
        cells = band[:, first * s_w : (last - 1) * s_w + span_w]
        response = np.fft.irfft2(np.fft.rfft2(cells, tile) * spectrum, tile)
        output[:, first:last] = response[: (rows - 1) * s_h + 1 : s_h, : (last - 1 - first) * s_w + 1 : s_w]
    return output


def weighted_sum(taps: Iterable[tuple[float, Plane]], shape: Pair, dtype: np.dtype[Any]) -> Plane:
    """Return the sum of arrays of `shape`, each times its weight."""
    total, product = np.zeros(shape, dtype), np.empty(shape, dtype)
    for weight, cells in taps:
        if weight == 1:
            total += cells
        elif weight == -1:
            total -= cells
        else:
            total += np.multiply(cells, float(weight), out=product)
    return total


def outer_factors(kernel: Plane) -> tuple[Plane, Plane] | None:
    """Return a column and a row whose outer product is `kernel`, or None if there are none.

    Through the largest weight, so that whole weights keep exact factors, which singular vectors would not be.

    >>> column, row = outer_factors(np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]))
    >>> column.tolist(), row.tolist()
    ([0.5, 1.0, 0.5], [-2.0, 0.0, 2.0])
    """
    i, j = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    largest = kernel[i, j]
    if largest == 0:
        return None
    column, row = kernel[:, j] / largest, kernel[i]
    deviation = np.abs(kernel - np.outer(column, row)).max()
    return (column, row) if deviation <= RANK_ONE * abs(largest) else None


def spread(kernel: Plane, window: Window) -> Plane:
    """Return the kernel with d − 1 zeros between its cells."""
    wide = np.zeros(window.span)
    wide[:: window.dilation[0], :: window.dilation[1]] = kernel
    return wide


def fast_length(n: int) -> int:
    """Return the smallest length from `n` on that transforms fast: a product of twos, threes and fives.

    >>> fast_length(257), fast_length(1021)
    (270, 1024)
    """
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


def is_finite(plane: Plane) -> bool:
    """Whether every value is finite; a NaN or infinity shows in the extremes."""
    return plane.dtype.kind != "f" or bool(np.isfinite(plane.min()) and np.isfinite(plane.max()))
