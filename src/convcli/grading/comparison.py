"""A result held against ours, cell by cell: where it is wrong, by how much, and a grid that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.elements import Arrow, Cell, Formula, Grid, Role, Row, Step, Words, every, exact
from convcli.explaining.notation import number
from convcli.wording import by, counted

MOST_SIDE = 12
"""Rows and columns of a plane that are shown; of a larger one, those around its first wrong cell."""
MOST_PLANES = 3


@dataclass(frozen=True, eq=False)
class Comparison:
    """What somebody computed beside what comes out.

    Attributes
    ----------
    name
        Of the result, such as dW.
    expected, found
        In the same layout.
    axes
        What each axis counts, such as ("image", "row", "column", "channel"); "" of one that counts nothing.
    tolerance
        By which part of the largest number of `expected` a cell may differ.
    """

    name: str
    expected: Array
    found: Array
    axes: tuple[str, ...]
    tolerance: float = 1e-6

    @property
    def same_shape(self) -> bool:
        """Whether cells stand opposite each other."""
        return self.expected.shape == self.found.shape

    @property
    def wrong(self) -> Array:
        """Which cells differ; only of results of the same shape."""
        return differing(self.found, self.expected, self.tolerance)

    @property
    def right(self) -> bool:
        """Whether all of it is as it should be."""
        return self.same_shape and not self.wrong.any()

    @property
    def first(self) -> tuple[int, ...] | None:
        """The first wrong cell in the order of memory; None where shapes differ, or none is wrong."""
        if not self.same_shape or not self.wrong.any():
            return None
        return tuple(int(i) for i in np.argwhere(self.wrong)[0])

    @property
    def count(self) -> int:
        """How many cells are wrong."""
        return int(self.wrong.sum())

    @property
    def largest(self) -> float:
        """The largest difference; infinite where one of the two is no number."""
        with np.errstate(invalid="ignore"):
            difference = np.abs(self.found - self.expected)[self.wrong]
        return float(np.where(np.isnan(difference), np.inf, difference).max(initial=0.0))

    def summary(self) -> str:
        """Return in one line whether it is right, and else how far off."""
        shape = by(self.found.shape) if self.found.ndim else "one number"
        if not self.same_shape:
            return (
                f"{self.name}: {shape} found, {by(self.expected.shape) or 'one number'} expected "
                f"({', '.join(self.axes)})"
            )
        if self.right:
            return f"{self.name}: {shape}, {_all(self.found.size)}"
        return (
            f"{self.name}: {self.count:,} of {counted(self.found.size, 'cell')} wrong, "
            f"by {number(self.largest)} at most"
        )

    def place(self, index: tuple[int, ...]) -> str:
        """Return a cell as people say it, counted from 1, and as NumPy has it."""
        words = ", ".join(f"{axis} {i + 1}" for axis, i in zip(self.axes, index, strict=True) if axis)
        return f"{self.name}[{', '.join(map(str, index))}] ({words})"

    def steps(self) -> Iterator[Step]:
        """Yield what shows both results: a step for each plane with a wrong cell, the first few."""
        if not self.same_shape:
            yield from self._shapes()
            return
        planes = self._wrong_planes()
        for index in planes[:MOST_PLANES]:
            yield self._plane(index)
        if len(planes) > MOST_PLANES:
            more = counted(len(planes) - MOST_PLANES, "further plane")
            yield Step("", ((Words(f"{more} with wrong cells."),),))

    def _wrong_planes(self) -> list[tuple[int, ...]]:
        """Return the indices along the axes that are no rows or columns where a cell is wrong."""
        others = [axis for axis in range(self.found.ndim) if axis not in self._plane_axes()]
        wrong = np.moveaxis(self.wrong, others, range(len(others)))
        return [index for index in np.ndindex(*wrong.shape[: len(others)]) if wrong[index].any()]

    def _plane_axes(self) -> tuple[int, ...]:
        """Return which axes are rows and columns: those of that name, or the last two."""
        named = tuple(n for n, axis in enumerate(self.axes) if axis in ("row", "column"))
        return named or tuple(range(self.found.ndim))[-2:]

    def _at(self, array: Array, index: tuple[int, ...]) -> Array:
        others = [axis for axis in range(array.ndim) if axis not in self._plane_axes()]
        plane: Array = np.moveaxis(array, others, range(len(others)))[index]
        return plane.reshape(1, -1) if plane.ndim < 2 else plane

    def _plane(self, index: tuple[int, ...]) -> Step:
        wrong = self._at(self.wrong, index)
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        rows, columns = (_around(at, side) for at, side in zip(first, wrong.shape, strict=True))
        part = wrong[rows, columns]
        marks: dict[Cell, Role] = {cell: "chosen" if part[cell] else "done" for cell in every(part)}
        expected, found = (self._at(array, index)[rows, columns] for array in (self.expected, self.found))
        others = [axis for n, axis in enumerate(self.axes) if n not in self._plane_axes()]
        where = ", ".join(f"{axis} {i + 1}" for axis, i in zip(others, index, strict=True) if axis)
        lines: list[Row] = [(grid(expected, "expected"), Arrow("≠"), grid(found, "found", marks))]
        if part.shape != wrong.shape:
            lines.append(
                (
                    Words(
                        f"Rows {rows.start + 1}–{rows.stop}, columns {columns.start + 1}–{columns.stop} "
                        f"of {by(wrong.shape)}."
                    ),
                )
            )
        title = f"{self.name}, {where}" if where else self.name
        data = {"expected": _plain(expected), "found": _plain(found)}
        return Step(title, tuple(lines), data)

    def _shapes(self) -> Iterator[Step]:
        small = all(
            0 < array.size <= MOST_SIDE**2 and array.ndim <= 2 for array in (self.expected, self.found)
        )
        if small:
            both = (np.atleast_2d(self.expected), np.atleast_2d(self.found))
            yield Step(self.name, ((grid(both[0], "expected"), Arrow("≠"), grid(both[1], "found")),))


def differing(found: Array, expected: Array, tolerance: float) -> Array:
    """Return which cells differ by more than a part of the largest number that is expected."""
    finite = np.abs(expected[np.isfinite(expected)])
    allowed = tolerance * float(finite.max(initial=0.0)) + 1e-12
    with np.errstate(invalid="ignore"):
        close: Array = np.isclose(found, expected, rtol=0, atol=allowed, equal_nan=True)
    wrong: Array = ~close
    return wrong


def grid(array: Array, caption: str, marks: dict[Cell, Role] | None = None) -> Grid:
    """Return a grid of a plane in which what is no number may stand."""
    made = Grid.of(np.where(np.isfinite(array), array, 0.0), caption, marks)
    if np.isfinite(array).all():
        return made
    cells = tuple(
        tuple(value if np.isfinite(array[i, j]) else float(array[i, j]) for j, value in enumerate(row))
        for i, row in enumerate(made.cells)
    )
    return Grid(cells, caption, made.marks)


def formula(text: str) -> Row:
    """Return a row of one line of mathematics."""
    return (Formula(text),)


def _around(at: int, side: int) -> slice:
    start = max(0, min(at - MOST_SIDE // 2, side - MOST_SIDE))
    return slice(start, min(side, start + MOST_SIDE))


def _all(size: int) -> str:
    return "right" if size == 1 else f"all {counted(size, 'cell')} right"


def _plain(array: Array) -> object:
    """Return numbers as JSON has them; what is none is a word."""
    if np.isfinite(array).all():
        return exact(array)
    return [[exact(v) if np.isfinite(v) else str(v) for v in row] for row in array.tolist()]
