"""Long outer products, one axis after the other: running sums of equal weights, Fourier for any others.

The border's cells are gathered for a strip of columns at a time; across, they are copies of what the columns
gave. So a kernel longer than the plane needs hardly more memory than a short one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convcli.engine.costs import costs
from convcli.engine.plane.planes import ArrayPlane, Frame, Patch, Plane
from convcli.engine.plane.strategies.bands import Pass
from convcli.engine.plane.strategies.running import RunningSum
from convcli.engine.plane.strategies.spectral import fast_length
from convcli.engine.plane.strategy import Offer, Strategy, Task
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Window

MOST_BETWEEN = 2**22  # results of the columns, in one block
BLOCKS = (2, 8)  # into how many a plane is cut at least; and at most, if it is for speed alone
STRIP_CELLS = 2**19  # that are gathered at a time
STRIP = (48, 496)  # columns: rows a power of two apart would share few places of a cache


def offer(task: Task) -> Offer | None:
    """Offer an axis after the other if the kernel is an outer product."""
    if task.factors is None:
        return None
    column, row = task.factors
    (rows, columns), window = task.output, task.window
    between = min(_reach(columns, window, 1), task.frame.shape[1])
    height = max(math.ceil(rows / BLOCKS[1]), min(2 * window.span[0], math.ceil(rows / BLOCKS[0])))
    block = min(height, max(MOST_BETWEEN // between, 1)), columns
    down = _cost(column, window, 0, block[0]) * between / columns
    cost = down + _cost(row, window, 1, columns)
    return Offer(cost, block, lambda: Lines(column, row, window, task.dtype))


def _cost(line: Array, window: Window, axis: int, results: int) -> float:
    """Return what an axis costs for each result of a block that has so many along it."""
    cells = _reach(results, window, axis)
    if _is_sum(line, window.dilation[axis]):
        return (costs().gather + costs().shared) * cells / results + costs().running * window.stride[axis]
    return (costs().gather * cells + costs().line * fast_length(cells)) / results


def _reach(results: int, window: Window, axis: int) -> int:
    """Return how many cells of the padded axis so many results see."""
    return (results - 1) * window.stride[axis] + window.span[axis]


def _is_sum(line: Array, dilation: int) -> bool:
    """Whether neighbours are added up, and multiplied by one number."""
    return bool(dilation == 1 and (line == line[0]).all())


class Lines(Strategy):
    """Columns of cells, whose results are written as rows; and these once more."""

    scratch_bytes = 8 * (MOST_BETWEEN + 3 * STRIP_CELLS)

    def __init__(self, column: Array, row: Array, window: Window, dtype: np.dtype[Any]) -> None:
        self.column, self.row, self.window, self.dtype = column, row, window, dtype
        self.axes = [
            _along(line, stride, dilation, dtype)
            for line, stride, dilation in zip((column, row), window.stride, window.dilation, strict=True)
        ]
        self.rounds = any(isinstance(axis, Transformed) for axis in self.axes)

    def mapped(self, function: Callable[[Array], Array]) -> Lines:
        """Return the same for other weights."""
        return Lines(function(self.column), function(self.row), self.window, np.dtype(np.float64))

    def respond(self, patch: Patch, out: Array) -> None:
        """Filter the plane's columns, then extend and filter the rows of what comes of it."""
        frame, (rows, columns), workspace = patch.frame, out.shape, patch.workspace
        top, left = (
            part.start * stride
            for part, stride in zip((patch.block.rows, patch.block.columns), self.window.stride, strict=True)
        )
        reached = frame.columns[left : left + _reach(columns, self.window, 1)]
        seen = reached[reached >= 0]
        first, last = (int(seen.min()), int(seen.max()) + 1) if seen.size else (0, 0)
        between = workspace.array("between", (last - first, rows), self.dtype)
        down = slice(top, top + _reach(rows, self.window, 0))
        across = slice(frame.before[1] + first, frame.before[1] + last)
        _put(self.axes[0], patch.plane, frame, down, across, between, workspace)
        places = np.where(reached >= 0, reached - first, -1)
        fill = frame.fill * float(self.column.sum())
        turned = Frame(between.shape, (across.start - left, 0), places, np.arange(rows), fill)
        _put(self.axes[1], ArrayPlane(between), turned, slice(0, len(places)), slice(0, rows), out, workspace)


def _put(
    along: Pass, plane: Plane, frame: Frame, rows: slice, columns: slice, out: Array, workspace: Workspace
) -> None:
    """Put what `along` makes of `rows` of `columns` of the padded plane into `out`, a row for a column."""
    height = rows.stop - rows.start
    step = min(max(STRIP_CELLS // height // 32 * 32 + 16, STRIP[0]), STRIP[1])
    for start in range(columns.start, columns.stop, step):
        some = slice(start, min(start + step, columns.stop))
        strip = out[start - columns.start : some.stop - columns.start]
        cells = workspace.array("strip", (height, len(strip)), out.dtype)
        frame.gather(plane, rows, some, cells)
        along(cells, strip, workspace)


def _along(line: Array, stride: int, dilation: int, dtype: np.dtype[Any]) -> Pass:
    """Return a function that correlates the columns of cells with one line: f(cells, out turned, scratch)."""
    if not _is_sum(line, dilation):
        return Transformed(line, stride, dilation, dtype)
    running = RunningSum(len(line), dtype, float(line[0]))

    def add(cells: Array, out: Array, workspace: Workspace) -> None:
        if stride == 1:
            running(cells, out.T, workspace)
            return
        sums = workspace.array("sums", ((out.shape[1] - 1) * stride + 1, len(out)), cells.dtype)
        running(cells, sums, workspace)
        np.copyto(out, sums[::stride].T)

    return add


class Transformed:
    """Correlates columns with one line in the Fourier domain: f(cells, out turned, scratch)."""

    def __init__(self, line: Array, stride: int, dilation: int, dtype: np.dtype[Any]) -> None:
        self.line = np.zeros(dilation * (len(line) - 1) + 1)
        self.line[::dilation] = line
        self.stride, self.dtype = stride, np.result_type(dtype, np.complex64)
        self._spectra: dict[int, Array] = {}

    def __call__(self, cells: Array, out: Array, workspace: Workspace) -> None:
        """Transform the cells, multiply, and transform back."""
        length = fast_length(len(cells))
        if length not in self._spectra:
            self._spectra[length] = np.fft.rfft(self.line, length).conj().astype(self.dtype)
        factors = self._spectra[length]
        turned = workspace.array("turned", (len(out), length), cells.dtype)
        turned[:, : len(cells)] = cells.T
        turned[:, len(cells) :] = 0
        spectrum = workspace.array("spectrum", (len(out), len(factors)), self.dtype)
        np.fft.rfft(turned, axis=1, norm="ortho", out=spectrum)
        np.multiply(spectrum, factors, out=spectrum)
        np.fft.irfft(spectrum, length, axis=1, norm="ortho", out=turned)
        np.copyto(out, turned[:, : (out.shape[1] - 1) * self.stride + 1 : self.stride])
