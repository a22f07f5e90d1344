"""A plane: rows and columns of numbers, read and converted in parts, never all at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from convcli.engine.workspace import Array
from convcli.shapes import Pair


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
