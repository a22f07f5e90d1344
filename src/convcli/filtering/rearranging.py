"""Pixels that only change their places: cut out, mirrored, turned by a quarter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import WORKSPACES
from convcli.filtering.picture import Derived, Picture
from convcli.filtering.visibility import Veil
from convcli.shapes import Pair

Pixels: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Move:
    """Where pixels go.

    Attributes
    ----------
    shape
        Rows and columns of the result.
    origin
        Returns the rows and columns of the source that lie in some rows and columns of the result.
    turn
        Lays these, an array (…, h, w), as they lie in the result: a view of it.
    """

    shape: Pair
    origin: Callable[[slice, slice], tuple[slice, slice]]
    turn: Callable[[Pixels], Pixels]


def moved(picture: Picture, move: Move) -> Picture:
    """Return a picture whose pixels have moved, and what hides parts of it with them."""
    return _Moved(picture, move)


class _Moved(Derived):
    """A picture whose pixels have moved."""

    def __init__(self, source: Picture, move: Move) -> None:
        veil = None if source.veil is None else _MovedVeil(source.veil, move)
        super().__init__(source, shape=move.shape, veil=veil)
        self.move = move

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        with WORKSPACES.lent() as workspace:
            down, across = self.move.origin(rows, columns)
            shape = down.stop - down.start, across.stop - across.start
            cells = workspace.array("moved", (self.channels, *shape), self.dtype)
            self.source.read(down, across, cells)
            np.copyto(out, self.move.turn(cells))


class _MovedVeil(Veil):
    """A veil whose pixels have moved."""

    def __init__(self, source: Veil, move: Move) -> None:
        super().__init__(move.shape, source.alpha_dtype, weighs=source.weighs, has_data=source.has_data)
        self.source, self.move = source, move

    def sees(self, rows: slice, columns: slice, out: Pixels) -> None:
        down, across = self.move.origin(rows, columns)
        cells = np.empty((down.stop - down.start, across.stop - across.start), bool)
        self.source.sees(down, across, cells)
        out[...] = self.move.turn(cells)

    def alpha(self, rows: slice, columns: slice, out: Pixels, sees: Pixels | None = None) -> None:
        down, across = self.move.origin(rows, columns)
        cells = np.empty((down.stop - down.start, across.stop - across.start), out.dtype)
        self.source.alpha(down, across, cells)
        out[...] = self.move.turn(cells)


def crop(shape: Pair, corner: Pair) -> Move:
    """Cut `shape` out, from the row and column `corner` on."""

    def origin(rows: slice, columns: slice) -> tuple[slice, slice]:
        top, left = corner
        return slice(rows.start + top, rows.stop + top), slice(columns.start + left, columns.stop + left)

    return Move(shape, origin, lambda cells: cells)


def flip(shape: Pair, *, down: bool, across: bool) -> Move:
    """Mirror a picture of `shape`: top and bottom, left and right change places."""

    def origin(rows: slice, columns: slice) -> tuple[slice, slice]:
        return _from_the_end(rows, shape[0], down), _from_the_end(columns, shape[1], across)

    step = slice(None, None, -1)
    whole = slice(None)
    view = (..., step if down else whole, step if across else whole)
    return Move(shape, origin, lambda cells: cells[view])


def quarter_turns(shape: Pair, turns: int) -> Move:
    """Turn a picture of `shape` by so many quarters, anticlockwise."""
    turns %= 4
    if turns % 2 == 0:
        return flip(shape, down=turns == 2, across=turns == 2)

    def origin(rows: slice, columns: slice) -> tuple[slice, slice]:
        # Anticlockwise the last column becomes the first row; clockwise the last row the first column.
        return _from_the_end(columns, shape[0], turns == 3), _from_the_end(rows, shape[1], turns == 1)

    return Move((shape[1], shape[0]), origin, lambda cells: np.rot90(cells, turns, axes=(-2, -1)))


def _from_the_end(part: slice, length: int, reverse: bool) -> slice:
    return slice(length - part.stop, length - part.start) if reverse else part
