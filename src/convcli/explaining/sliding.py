"""A window on a padded plane, position by position: which cells it lies on, and what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from convcli.engine.batch.windows import window_view
from convcli.engine.workspace import Array
from convcli.explaining.elements import Cell, Role
from convcli.shapes import Pair, Window


@dataclass(frozen=True)
class Sliding:
    """A window that slides over a plane of (rows, columns); cells are counted on the padded plane."""

    plane: Pair
    window: Window

    @property
    def output(self) -> Pair:
        """Rows and columns of positions."""
        return self.window.output_shape(self.plane)

    @property
    def padded_shape(self) -> Pair:
        """Rows and columns of the padded plane."""
        (top, bottom), (left, right) = self.window.padding
        return self.plane[0] + top + bottom, self.plane[1] + left + right

    def positions(self) -> Iterator[Cell]:
        """Yield the positions, row by row, as cells of the output."""
        rows, columns = self.output
        return product(range(rows), range(columns))

    def padded(self, array: Array) -> Array:
        """Return (h, w) or (h, w, c) with the zeros around it."""
        return np.pad(array, (*self.window.padding, *[(0, 0)] * (array.ndim - 2)))

    def windows(self, array: Array) -> Array:
        """Return all windows of (h, w, c) as the engine sees them: (rows, columns, f_h, f_w, c)."""
        view = window_view(self.padded(array)[:, :, None], self.window, self.output)
        return np.asarray(view[:, :, 0])

    def under(self, position: Cell) -> list[Cell]:
        """Return the padded plane's cells under the window, in row order."""
        (s_h, s_w), (d_h, d_w) = self.window.stride, self.window.dilation
        return [
            (position[0] * s_h + i * d_h, position[1] * s_w + j * d_w)
            for i, j in product(*map(range, self.window.size))
        ]

    def padding_marks(self) -> dict[Cell, Role]:
        """Return the role of every cell outside the plane."""
        (top, _), (left, _) = self.window.padding
        rows, columns = self.plane
        return {
            (i, j): "padding"
            for i, j in product(*map(range, self.padded_shape))
            if not (top <= i < top + rows and left <= j < left + columns)
        }

    def marks(self, position: Cell) -> dict[Cell, Role]:
        """Return the roles on the padded plane while the window is at a position."""
        lying: dict[Cell, Role] = dict.fromkeys(self.under(position), "window")
        return {**self.padding_marks(), **lying}

    def uses(self) -> Array:
        """Return how many windows lie on each cell of the padded plane."""
        counts = np.zeros(self.padded_shape)
        for position in self.positions():
            for cell in self.under(position):
                counts[cell] += 1
        return counts


def progress(position: Cell, columns: int) -> tuple[list[Cell], dict[Cell, Role]]:
    """Return the cells of an output that are known once `position` is, and their roles."""
    last = position[0] * columns + position[1]
    known = [divmod(number, columns) for number in range(last + 1)]
    roles: dict[Cell, Role] = dict.fromkeys(known, "done")
    return known, {**roles, position: "result"}
