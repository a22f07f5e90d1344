"""A plane, what stands around it, and what a block's windows see of both.

Cells are read and converted in parts: no padded or converted copy of the whole plane exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from convcli.engine.plane.borders import border_indices
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Sides, Window


class Plane(Protocol):
    """Whatever has rows and columns of numbers."""

    @property
    def shape(self) -> Pair:
        """Rows and columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that the cells are stored in."""

    def read(self, rows: slice, columns: slice, out: Array) -> None:
        """Put the cells of `rows` and `columns`, converted to the dtype of `out`, into `out`."""


class ArrayPlane:
    """A plane that is an array."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.shape: Pair = (array.shape[0], array.shape[1])
        self.dtype = array.dtype

    def read(self, rows: slice, columns: slice, out: Array) -> None:
        """Copy the cells of `rows` and `columns`."""
        np.copyto(out, self.array[rows, columns])


class MappedPlane:
    """A plane of what a function makes of another's cells."""

    def __init__(self, plane: Plane, function: Callable[[Array], Array]) -> None:
        self.plane, self.function = plane, function
        self.shape, self.dtype = plane.shape, plane.dtype

    def read(self, rows: slice, columns: slice, out: Array) -> None:
        """Put what the function makes of the cells of `rows` and `columns` into `out`."""
        self.plane.read(rows, columns, out)
        out[...] = self.function(out)


@dataclass(frozen=True, eq=False)
class Frame:
    """A plane of one shape with what its border adds."""

    shape: Pair  # of the plane
    before: Pair  # rows above and columns left of it
    rows: Array  # the plane's row at each row of the padded plane; −1 where `fill` stands
    columns: Array
    fill: float

    @property
    def padded(self) -> Pair:
        """Rows and columns of the plane with its border."""
        return len(self.rows), len(self.columns)

    @classmethod
    def of(cls, shape: Pair, padding: Sides, border: str, fill: float) -> Frame:
        """Return the frame that `padding` cells of `border` make around a plane of `shape`."""
        rows, columns = (border_indices(n, sides, border) for n, sides in zip(shape, padding, strict=True))
        value = float(fill) if border == "constant" else 0.0
        return cls(shape, (padding[0][0], padding[1][0]), rows, columns, value)

    def gather(self, plane: Plane, rows: slice, columns: slice, out: Array) -> None:
        """Put `rows` and `columns` of the padded plane into `out`.

        What lies inside the plane is one copy; only the rest is picked cell by cell.
        """
        inside_rows, inside_columns = (
            slice(*(min(max(edge - part.start, 0), part.stop - part.start) for edge in (first, first + n)))
            for part, first, n in zip((rows, columns), self.before, self.shape, strict=True)
        )
        down, across = self.rows[rows], self.columns[columns]
        if inside_rows.stop > inside_rows.start and inside_columns.stop > inside_columns.start:
            plane.read(
                _run(down[inside_rows]), _run(across[inside_columns]), out[inside_rows, inside_columns]
            )
            for beside in _around(inside_columns, len(across)):
                near = across[beside] - across[inside_columns.start] + inside_columns.start
                if self._is_near(across[beside], near, inside_columns):
                    out[inside_rows, beside] = out[inside_rows, near]
                else:
                    self._pick(plane, down[inside_rows], across[beside], out[inside_rows, beside])
            for beyond in _around(inside_rows, len(down)):
                near = down[beyond] - down[inside_rows.start] + inside_rows.start
                if self._is_near(down[beyond], near, inside_rows):
                    out[beyond] = out[near]
                else:
                    self._pick(plane, down[beyond], across, out[beyond])
        else:
            self._pick(plane, down, across, out)

    @staticmethod
    def _is_near(indices: Array, near: Array, inside: slice) -> bool:
        """Whether the cells at `indices` have been read already, and stand at the places `near`."""
        return bool(indices.min() >= 0 and near.min() >= inside.start and near.max() < inside.stop)

    def _pick(self, plane: Plane, rows: Array, columns: Array, out: Array) -> None:
        """Put the cells at `rows` × `columns` into `out`, whatever their order."""
        out[...] = self.fill
        down, across = np.flatnonzero(rows >= 0), np.flatnonzero(columns >= 0)
        if not down.size or not across.size:
            return
        rows_read, row_of = np.unique(rows[down], return_inverse=True)
        columns_read, column_of = np.unique(columns[across], return_inverse=True)
        cells = np.empty((len(rows_read), len(columns_read)), out.dtype)
        for at_row, row_run in runs(rows_read):
            for at_column, column_run in runs(columns_read):
                plane.read(row_run, column_run, cells[at_row, at_column])
        out[np.ix_(down, across)] = cells[np.ix_(row_of, column_of)]


def _around(inside: slice, n: int) -> list[slice]:
    """Return the parts of n places before and after those inside, without empty ones."""
    parts = (slice(0, inside.start), slice(inside.stop, n))
    return [part for part in parts if part.stop > part.start]


def _run(indices: Array) -> slice:
    return slice(int(indices[0]), int(indices[-1]) + 1)


def runs(indices: Array) -> Iterator[tuple[slice, slice]]:
    """Yield where ascending neighbours stand in `indices`, and which cells they are."""
    cuts = [0, *(np.flatnonzero(np.diff(indices) != 1) + 1).tolist(), len(indices)]
    for first, last in pairwise(cuts):
        yield slice(first, last), _run(indices[first:last])


@dataclass(frozen=True)
class Block:
    """A part of the output."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> Pair:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


@dataclass(frozen=True, eq=False)
class Patch:
    """What the windows of a block see of a plane."""

    plane: Plane
    frame: Frame
    window: Window
    block: Block
    dtype: np.dtype[Any]  # of the cells
    workspace: Workspace  # where they are gathered, and where strategies have their scratch arrays

    @cached_property
    def cells(self) -> Array:
        """The rows and columns of the padded plane that the windows reach, gathered when first asked for."""
        rows, columns = (
            slice(part.start * s, (part.stop - 1) * s + span)
            for part, s, span in zip(
                (self.block.rows, self.block.columns), self.window.stride, self.window.span, strict=True
            )
        )
        shape = rows.stop - rows.start, columns.stop - columns.start
        cells = self.workspace.array("cells", shape, self.dtype)
        self.frame.gather(self.plane, rows, columns, cells)
        return cells

    def mapped(self, function: Callable[[Array], Array]) -> Patch:
        """Return the patch of what `function` makes of the cells, wherever they are taken from."""
        frame = replace(self.frame, fill=float(function(np.array([self.frame.fill]))[0]))
        patch = replace(self, plane=MappedPlane(self.plane, function), frame=frame)
        if "cells" in vars(self):
            vars(patch)["cells"] = function(self.cells)
        return patch
