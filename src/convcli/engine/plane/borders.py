"""What stands around a plane, gathered block by block, so that no padded copy of the whole plane exists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from convcli.engine.plane.planes import Plane
from convcli.engine.workspace import Array
from convcli.errors import UnknownNameError, UsageError
from convcli.shapes import Pair, Sides

PATTERNS = {
    "reflect": "dcb|abcd|cba",
    "symmetric": "cba|abcd|dcb",
    "edge": "aaa|abcd|ddd",
    "wrap": "bcd|abcd|abc",
    "zero": "000|abcd|000",
    "constant": "vvv|abcd|vvv",
}
"""What stands around a row abcd; v is the fill."""

BORDERS = tuple(PATTERNS)

SYNONYMS = {
    "mirror": "reflect",  # SciPy, scikit-image
    "reflect101": "reflect",  # OpenCV
    "reflect-101": "reflect",
    "border-reflect101": "reflect",
    "border-reflect-101": "reflect",
    "border-default": "reflect",
    "border-reflect": "symmetric",
    "grid-mirror": "symmetric",  # SciPy
    "nearest": "edge",  # SciPy, scikit-image
    "replicate": "edge",  # MATLAB, OpenCV, PyTorch
    "border-replicate": "edge",
    "clamp": "edge",
    "extend": "edge",
    "circular": "wrap",  # MATLAB, PyTorch
    "periodic": "wrap",
    "cyclic": "wrap",
    "tile": "wrap",  # ImageMagick
    "grid-wrap": "wrap",  # SciPy
    "border-wrap": "wrap",
    "zeros": "zero",  # PyTorch
    "black": "zero",  # ImageMagick
    "grid-constant": "constant",  # SciPy
    "border-constant": "constant",
}
"""What other tools call a border → the border they mean. Their own "reflect" is not among them: SciPy's is
symmetric here, NumPy's, PyTorch's and OpenCV's default are reflect."""

TWO_MEANINGS = {"repeat": ("edge", "wrap"), "border": ("edge", "constant"), "same": ("edge", "zero")}
"""Names that stand for one border here and for another there."""


def border_named(name: str) -> str:
    """Return the border that a name means, its own or another tool's.

    Raises
    ------
    UsageError
        If there is none of that name (`UnknownNameError`), or tools do not agree about it.

    Examples
    --------
    >>> border_named("nearest"), border_named("BORDER_REFLECT_101"), border_named("wrap")
    ('edge', 'reflect', 'wrap')
    """
    word = str(name).strip().lower().replace("_", "-").replace(" ", "-")
    found = SYNONYMS.get(word, word)
    if found in TWO_MEANINGS:
        meanings = " or ".join(f"{border} ({PATTERNS[border]})" for border in TWO_MEANINGS[found])
        raise UsageError(f"border {name!r} means {meanings}, one tool's and another's; name one of these.")
    if found not in BORDERS:
        raise UnknownNameError("border", name, [*BORDERS, *SYNONYMS])
    return found


def border_indices(n: int, sides: Pair, border: str) -> Array:
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


@dataclass(frozen=True, eq=False)
class Frame:
    """A plane of one shape with what its border adds.

    Attributes
    ----------
    shape
        Rows and columns of the plane.
    before
        Rows above and columns left of it.
    rows, columns
        The plane's row (column) at each row (column) of the padded plane; −1 where `fill` stands.
    fill
        The value around the plane.
    """

    shape: Pair
    before: Pair
    rows: Array
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
        for at_row, row_run in _runs(rows_read):
            for at_column, column_run in _runs(columns_read):
                plane.read(row_run, column_run, cells[at_row, at_column])
        out[np.ix_(down, across)] = cells[np.ix_(row_of, column_of)]


def _around(inside: slice, n: int) -> list[slice]:
    """Return the parts of n places before and after those inside, without empty ones."""
    parts = (slice(0, inside.start), slice(inside.stop, n))
    return [part for part in parts if part.stop > part.start]


def _run(indices: Array) -> slice:
    return slice(int(indices[0]), int(indices[-1]) + 1)


def _runs(indices: Array) -> Iterator[tuple[slice, slice]]:
    """Yield where ascending neighbours stand in `indices`, and which cells they are."""
    cuts = [0, *(np.flatnonzero(np.diff(indices) != 1) + 1).tolist(), len(indices)]
    for first, last in pairwise(cuts):
        yield slice(first, last), _run(indices[first:last])
