"""Ways to turn a block of padded cells into a block of responses; `planner` says which is the fastest.

A strategy is prepared once for a kernel, and then called for block after block:
`strategy(cells, out, workspace)` with cells (rows and columns that the windows of `out` reach) and out
(rows, columns). Times in the comments are milliseconds for 24 million float32 cells, NumPy 2.4, one thread of
a 2.6 GHz AMD EPYC (Zen 4); `python -m benchmarks.filter_costs` measures them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from convcli.engine.plane.borders import Plane
from convcli.engine.workspace import Workspace
from convcli.shapes import Pair, Window

Place: TypeAlias = tuple[int, int]
Taps: TypeAlias = tuple[tuple[float, tuple[tuple[int, Place], ...]], ...]

DOWN = 4  # rows of results that one product makes: of 2 to 24 the fastest, or near it, for 3 to 25 taps
COMPARED = 2**18  # cells of a kernel
RANK_ONE = 1e-12  # largest deviation from an outer product, relative to the largest weight
ACROSS = 16  # results of one row that one product makes; of 8 to 48 the fastest for 3 to 25 taps


class Strategy(Protocol):
    """What every strategy can do and tells.

    `spreads` says that one NaN or infinity among the cells may reach results whose window does not hold it.
    """

    spreads: bool

    def __call__(self, cells: Plane, out: Plane, workspace: Workspace) -> None:
        """Put the responses to `cells` into `out`."""

    def mapped(self, function: Callable[[Plane], Plane]) -> Strategy:
        """Return the same for other weights, in float64: `function` of these, which keeps products."""


def grouped(weights: Iterable[tuple[Place, float]]) -> Taps:
    """Return the non-zero weights as groups of the same size: their cells are added up and multiplied once.

    Each group is (weight, ((sign, place), …)); the first sign is positive.

    >>> grouped([((0, 0), -2.0), ((0, 1), 0.0), ((0, 2), 2.0)])
    ((2.0, ((1, (0, 2)), (-1, (0, 0)))),)
    """
    sizes: dict[float, list[tuple[int, Place]]] = {}
    for place, weight in weights:
        if weight:
            sizes.setdefault(abs(float(weight)), []).append((1 if weight > 0 else -1, place))
    groups = []
    for weight, members in sizes.items():
        members.sort(key=lambda member: -member[0])
        sign = members[0][0]
        groups.append((sign * weight, tuple((sign * own, place) for own, place in members)))
    return tuple(groups)


def nonzero(kernel: Plane) -> Iterator[tuple[Place, float]]:
    """Yield the place and the weight of each cell that is not 0, by rows."""
    for i, j in np.argwhere(kernel):
        yield (int(i), int(j)), float(kernel[i, j])


def passes(taps: Taps) -> int:
    """Return how many times `add_up` goes over a block.

    >>> passes(grouped([((0, 0), 1.0), ((0, 1), 2.0), ((0, 2), 1.0)]))
    3
    """
    count = 0
    for number, (weight, members) in enumerate(taps):
        if number:
            count += len(members) + (abs(weight) != 1)
        else:
            count += max(len(members) - 1 + (weight != 1), 1)
    return max(count, 1)


def add_up(taps: Taps, view: Callable[[Place], Plane], out: Plane, part: Plane) -> None:
    """Put the weighted sum of the views into `out`, whole blocks at a time, in place; `part` is scratch."""
    if not taps:
        out[...] = 0
    for number, (weight, members) in enumerate(taps):
        if number and abs(weight) == 1:
            for sign, place in members:
                (np.add if sign * weight > 0 else np.subtract)(out, view(place), out=out)
            continue
        target = part if number else out
        if len(members) == 1:
            np.multiply(view(members[0][1]), weight, out=target)
        else:
            (_, first), (sign, second), *others = members
            (np.add if sign > 0 else np.subtract)(view(first), view(second), out=target)
            for sign, place in others:
                (np.add if sign > 0 else np.subtract)(target, view(place), out=target)
            if weight != 1:
                np.multiply(target, weight, out=target)
        if number:
            np.add(out, target, out=out)


def shifted_sum(
    taps: Taps, lines: Plane, steps: Place, strides: Place, out: Plane, workspace: Workspace
) -> None:
    """Put the sum of `lines`, moved by each tap's place times `steps`, at every stride-th place into `out`.

    At stride 1 rows are taken end to end, as one line: what a moved line's end holds of the next row lies
    right of `out` and is dropped. A ufunc over one line takes 2.3 ms; over many short rows, which NumPy's
    iterator copies through its buffer, up to 10.
    """
    (rows, columns), pitch, (down, across) = out.shape, lines.shape[1], steps
    if strides == (1, 1):
        flat, length = lines.reshape(-1), (rows - 1) * pitch + columns
        total = workspace.array("total", (rows * pitch,), out.dtype)
        part = workspace.array("part", (length,), out.dtype)

        def line(place: Place) -> Plane:
            start = place[0] * down * pitch + place[1] * across
            return flat[start : start + length]

        add_up(taps, line, total[:length], part)
        np.copyto(out, total.reshape(rows, pitch)[:, :columns])
        return
    s_h, s_w = strides

    def thinned(place: Place) -> Plane:
        i, j = place[0] * down, place[1] * across
        return lines[i : i + (rows - 1) * s_h + 1 : s_h, j : j + (columns - 1) * s_w + 1 : s_w]

    add_up(taps, thinned, out, workspace.array("part", out.shape, out.dtype))


class Direct:
    """Add up the block once per non-zero weight, moved to that weight's place.

    Few taps, as in most edge kernels, need no more. Always right, whatever the cells hold.
    """

    spreads = False

    def __init__(self, kernel: Plane, window: Window) -> None:
        self.kernel, self.window = kernel, window
        self.taps = grouped(nonzero(kernel))

    def mapped(self, function: Callable[[Plane], Plane]) -> Direct:
        """Return the same for other weights."""
        return Direct(function(self.kernel), self.window)

    def __call__(self, cells: Plane, out: Plane, workspace: Workspace) -> None:
        shifted_sum(self.taps, cells, self.window.dilation, self.window.stride, out, workspace)


@dataclass(frozen=True)
class Axis:
    """One axis of a kernel: taps, stride, dilation."""

    taps: int
    stride: int
    dilation: int

    @property
    def span(self) -> int:
        """Cells from the first tap to the last."""
        return self.dilation * (self.taps - 1) + 1

    def band(self, weights: Plane, outputs: int) -> Plane:
        """Return the matrix (outputs, cells) whose product with a line of cells is their correlation.

        >>> Axis(2, 1, 1).band(np.array([1.0, 2.0]), 2).tolist()
        [[1.0, 2.0, 0.0], [0.0, 1.0, 2.0]]
        """
        matrix = np.zeros((outputs, (outputs - 1) * self.stride + self.span))
        for output in range(outputs):
            first = output * self.stride
            matrix[output, first : first + self.span : self.dilation] = weights
        return matrix


def axes(window: Window) -> tuple[Axis, Axis]:
    """Return the window's two axes."""
    down, across = (
        Axis(*numbers) for numbers in zip(window.size, window.stride, window.dilation, strict=True)
    )
    return down, across


# Products stay small: BLAS multiplies at ten times the rate of the ufuncs, 0.42 ms a multiply-add, and
# OpenBLAS computes a product of up to 2¹⁸ of them on the thread that asks for it.


def product_down(line: Plane, axis: Axis, dtype: np.dtype[Any]) -> Callable[[Plane, Plane], None]:
    """Return a function that correlates the columns of cells with one line: f(cells, out (rows, columns)).

    `DOWN` rows at a time are the product of one banded matrix and the rows under it.
    """
    matrices = {rows: axis.band(line, rows).astype(dtype) for rows in range(1, DOWN + 1)}

    def multiply(cells: Plane, out: Plane) -> None:
        groups, rest = divmod(len(out), DOWN)
        columns, pitch = cells.shape[1], cells.strides[0] * axis.stride
        if groups:
            matrix = matrices[DOWN]
            shape, strides = (groups, matrix.shape[1], columns), (DOWN * pitch, *cells.strides)
            under = np.ndarray(shape, cells.dtype, cells, 0, strides)
            np.matmul(matrix, under, out=out[: groups * DOWN].reshape(groups, DOWN, columns))
        if rest:
            matrix, first = matrices[rest], groups * DOWN * axis.stride
            np.matmul(matrix, cells[first : first + matrix.shape[1]], out=out[groups * DOWN :])

    return multiply


def product_across(line: Plane, axis: Axis, dtype: np.dtype[Any]) -> Callable[[Plane, Plane], None]:
    """Return a function that correlates the rows of cells with one line: f(cells, out (rows, columns)).

    `ACROSS` columns at a time are the product of many rows and one small banded matrix.
    """
    matrix = np.ascontiguousarray(axis.band(line, ACROSS).T).astype(dtype)
    step = ACROSS * axis.stride

    def multiply(cells: Plane, out: Plane) -> None:
        rows, columns = out.shape
        groups, rest = divmod(columns, ACROSS)
        if groups:
            shape, strides = (groups, rows, len(matrix)), (step * cells.itemsize, *cells.strides)
            under = np.ndarray(shape, cells.dtype, cells, 0, strides)
            results = out[:, : groups * ACROSS].reshape(rows, groups, ACROSS).swapaxes(0, 1)
            np.matmul(under, matrix, out=results)
        if rest:
            reach = (rest - 1) * axis.stride + axis.span
            under = cells[:, groups * step : groups * step + reach]
            np.matmul(under, matrix[:reach, :rest], out=out[:, groups * ACROSS :])

    return multiply


class Separable:
    """Filter the columns, then the rows: an outer product needs f_h + f_w taps, not f_h · f_w.

    Each axis goes by shifted sums or by products, whichever costs less.
    """

    def __init__(
        self,
        column: Plane,
        row: Plane,
        window: Window,
        dtype: np.dtype[Any],
        *,
        down_product: bool,
        across_product: bool,
    ) -> None:
        down, across = axes(window)
        self.column, self.row, self.products = column, row, (down_product, across_product)
        self.window, self.spreads = window, down_product or across_product
        self.down_taps = grouped(((i, 0), weight) for i, weight in enumerate(column))
        self.across_taps = grouped(((0, j), weight) for j, weight in enumerate(row))
        self.down = product_down(column, down, dtype) if down_product else None
        self.across = product_across(row, across, dtype) if across_product else None

    def mapped(self, function: Callable[[Plane], Plane]) -> Separable:
        """Return the same for other weights."""
        down, across = self.products
        column, row, dtype = function(self.column), function(self.row), np.dtype(np.float64)
        return Separable(column, row, self.window, dtype, down_product=down, across_product=across)

    def __call__(self, cells: Plane, out: Plane, workspace: Workspace) -> None:
        (d_h, d_w), (s_h, s_w) = self.window.dilation, self.window.stride
        between = workspace.array("between", (len(out), cells.shape[1]), cells.dtype)
        if self.down is not None:
            self.down(cells, between)
        else:
            shifted_sum(self.down_taps, cells, (d_h, 0), (s_h, 1), between, workspace)
        if self.across is not None:
            self.across(between, out)
        else:
            shifted_sum(self.across_taps, between, (0, d_w), (1, s_w), out, workspace)


class Stacked:
    """Correlate with every column of the kernel in one product, then add the results up, moved across.

    Columns that are multiples of each other are done once. For kernels of up to some eleven cells a side that
    are no outer product: 7 × 7 takes 50 ms, by shifted sums 210, in the Fourier domain 125.
    """

    spreads = True

    def __init__(self, kernel: Plane, window: Window, dtype: np.dtype[Any]) -> None:
        self.kernel, self.window = kernel, window
        lines, factors = distinct_columns(kernel)
        self.lines = lines.astype(dtype)
        self.taps = grouped(((line, j), factor) for j, (line, factor) in enumerate(factors))

    def mapped(self, function: Callable[[Plane], Plane]) -> Stacked:
        """Return the same for other weights."""
        return Stacked(function(self.kernel), self.window, np.dtype(np.float64))

    def __call__(self, cells: Plane, out: Plane, workspace: Workspace) -> None:
        (d_h, d_w), (s_h, s_w) = self.window.dilation, self.window.stride
        (count, taps), rows, width = self.lines.shape, len(out), cells.shape[1]
        pitch, item = cells.strides
        under = np.ndarray((rows, taps, width), cells.dtype, cells, 0, (s_h * pitch, d_h * pitch, item))
        results = workspace.array("results", (count, rows, width), cells.dtype)
        np.matmul(self.lines, under, out=results.swapaxes(0, 1))
        stack = results.reshape(count * rows, width)
        shifted_sum(self.taps, stack, (rows, d_w), (1, s_w), out, workspace)


class Spectral:
    """Multiply in the Fourier domain, one tile a block (overlap-save): the kernel's size hardly matters.

    Correlation is the product with the conjugate spectrum. A tile's first tile − span + 1 results are those
    that the transform's wrap-around has not touched. `norm="ortho"` not only shares the scaling out: with the
    default NumPy passes the transform the integer 1 for a factor, and computes in extended precision for it,
    seven times slower (NumPy 2.4). 256 × 256 cells take 0.3 ms.
    """

    spreads = True

    def __init__(self, kernel: Plane, window: Window, tile: Pair, dtype: np.dtype[Any]) -> None:
        self.kernel, self.window, self.tile = kernel, window, tile
        wide = kernel
        if window.dilation != (1, 1):
            wide = np.zeros(window.span)
            wide[:: window.dilation[0], :: window.dilation[1]] = kernel
        self.spectrum = np.fft.rfft2(wide, tile).conj().astype(np.result_type(dtype, np.complex64))

    def mapped(self, function: Callable[[Plane], Plane]) -> Spectral:
        """Return the same for other weights."""
        return Spectral(function(self.kernel), self.window, self.tile, np.dtype(np.float64))

    def __call__(self, cells: Plane, out: Plane, workspace: Workspace) -> None:
        width, (s_h, s_w), (rows, columns) = self.tile[1], self.window.stride, out.shape
        spectrum = workspace.array("spectrum", self.spectrum.shape, self.spectrum.dtype)
        other = workspace.array("other", self.spectrum.shape, self.spectrum.dtype)
        np.fft.rfft(cells, width, axis=1, norm="ortho", out=spectrum[: len(cells)])
        spectrum[len(cells) :] = 0
        np.fft.fft(spectrum, axis=0, norm="ortho", out=other)
        np.multiply(other, self.spectrum, out=other)
        np.fft.ifft(other, axis=0, norm="ortho", out=spectrum)
        results = workspace.array("results", (rows, width), cells.dtype)
        np.fft.irfft(spectrum[: (rows - 1) * s_h + 1 : s_h], width, axis=1, norm="ortho", out=results)
        np.copyto(out, results[:, : (columns - 1) * s_w + 1 : s_w])


@np.errstate(over="ignore", invalid="ignore")  # a factor that overflows is none that float32 holds
def distinct_columns(kernel: Plane) -> tuple[Plane, list[tuple[int, float]]]:
    """Return lines (p, f_h) and for each column of the kernel which line, and how many times it.

    Only factors that float32 holds are used, so that whole weights keep exact results.

    >>> lines, factors = distinct_columns(np.array([[1.0, 2, 0], [2, 4, 0]]))
    >>> lines.tolist(), factors
    ([[1.0, 2.0]], [(0, 1.0), (0, 2.0), (0, 0.0)])
    """
    lines: list[Plane] = []
    factors = []
    for column in kernel.T:
        at = np.abs(column).argmax()
        for number, line in enumerate(lines):
            factor = column[at] / line[at] if line[at] else 0.0
            if np.float32(factor) == factor and np.array_equal(column, factor * line):
                factors.append((number, float(factor)))
                break
        else:
            if column[at]:
                factors.append((len(lines), 1.0))
                lines.append(column)
            else:
                factors.append((0, 0.0))
    return np.array(lines or [np.zeros(len(kernel))]), factors


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
    least = RANK_ONE * abs(largest)
    step = max(COMPARED // len(row), 1)  # at a time: of a kernel of 4096 × 4096 another copy is much
    for start in range(0, len(column), step):
        some = slice(start, start + step)
        if np.abs(kernel[some] - np.outer(column[some], row)).max() > least:
            return None
    return column, row
