"""Kernels as long as the plane, if they are outer products: each axis is one matrix, with the border in it.

A response is a sum over rows and one over columns. What a border repeats is one of the plane's own cells, so
that the weights of all places where a cell stands are added up beforehand: no padded cells exist, and of a
kernel of 4096 × 4096 on a plane of 512 × 512 two matrices of 512 × 512 are left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convcli.engine.plane.borders import Frame, Plane, Source
from convcli.engine.plane.strategies import Axis, axes
from convcli.engine.workspace import Workspace
from convcli.shapes import Window

PIECE = 2**20  # cells of the plane that are taken at a time
KEPT = 2**23  # cells of matrices


class Folded:
    """Rows and columns by a matrix each; `respond` takes the plane itself, not a block of padded cells."""

    spreads = True

    def __init__(self, column: Plane, row: Plane, window: Window, frame: Frame, dtype: np.dtype[Any]) -> None:
        self.column, self.row, self.window, self.frame, self.dtype = column, row, window, frame, dtype
        self._kept: dict[tuple[int, int, int], tuple[Plane, Plane, int]] = {}

    def mapped(self, function: Callable[[Plane], Plane]) -> Folded:
        """Return the same for other weights."""
        line = function(self.column), function(self.row)
        return Folded(*line, self.window, self.frame, np.dtype(np.float64))

    def __call__(self, cells: Plane, out: Plane, workspace: Workspace) -> None:
        """Raise an error: what `respond` takes is the plane."""
        raise NotImplementedError

    def respond(
        self, source: Source, fill: float, rows: slice, columns: slice, out: Plane, workspace: Workspace
    ) -> None:
        """Put the responses at `rows` and `columns` into `out`; beyond the plane stands `fill`."""
        left, above, first_row = self._matrix(0, rows)
        right, beside, first = self._matrix(1, columns)
        height, width = left.shape[1], right.shape[1]
        between = workspace.array("between", (len(left), width), self.dtype)
        step = max(PIECE // height, 1)
        for start in range(0, width, step):
            part = slice(start, min(start + step, width))
            cells = workspace.array("piece", (height, part.stop - part.start), self.dtype)
            source.read(
                slice(first_row, first_row + height), slice(first + part.start, first + part.stop), cells
            )
            np.matmul(left, cells, out=between[:, part])
        if fill:
            between += (fill * above)[:, None].astype(self.dtype)
        np.matmul(between, right.T, out=out)
        if fill:
            out += (fill * self.column.sum() * beside).astype(self.dtype)

    def _matrix(self, number: int, outputs: slice) -> tuple[Plane, Plane, int]:
        """Return one axis' matrix for some outputs, as `folded` does; the next block may ask for it again."""
        key = number, outputs.start, outputs.stop
        if key not in self._kept:
            weights, places = ((self.column, self.frame.rows), (self.row, self.frame.columns))[number]
            matrix, beyond, first = folded(weights, axes(self.window)[number], places, outputs)
            made = matrix.astype(self.dtype), beyond, first
            if sum(kept.size for kept, _, _ in list(self._kept.values())) + matrix.size > KEPT:
                return made
            self._kept[key] = made
        return self._kept[key]


def folded(weights: Plane, axis: Axis, cells: Plane, outputs: slice) -> tuple[Plane, Plane, int]:
    """Return the matrix (outputs, cells reached) of a line of weights, border included.

    And for each output the sum of its weights beyond the plane, where no cell stands, and the first cell that
    the matrix is for. `cells` is the cell at each place of the padded axis, −1 where there is none.

    >>> matrix, beyond, first = folded(np.ones(3), Axis(3, 1, 1), np.array([1, 0, 1, -1]), slice(0, 2))
    >>> matrix.tolist(), beyond.tolist(), first
    ([[1.0, 2.0], [1.0, 1.0]], [0.0, 1.0], 0)
    """
    places = cells[outputs.start * axis.stride : (outputs.stop - 1) * axis.stride + axis.span]
    seen = places[places >= 0]
    first, last = (int(seen.min()), int(seen.max()) + 1) if seen.size else (0, 1)
    width = last - first
    matrix = np.empty((outputs.stop - outputs.start, width))
    beyond = np.zeros(len(matrix))
    for output, line in enumerate(matrix):
        start = output * axis.stride
        reached = places[start : start + axis.span : axis.dilation]
        inside = reached >= 0
        line[:] = np.bincount(reached[inside] - first, weights[inside], width)
        if not inside.all():
            beyond[output] = weights[~inside].sum()
    return matrix, beyond, first
