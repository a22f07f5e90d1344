"""What the windows of a block see of a picture, computed once for all that looks through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.planes import Block, Frame, Plane, runs
from convcli.engine.workspace import Workspace
from convcli.filtering.picture import Picture
from convcli.filtering.visibility import Veil
from convcli.shapes import Pair, Window

Pixels: TypeAlias = NDArray[Any]


def seen_through(window: Window, block: Block) -> tuple[slice, slice]:
    """Return the rows and columns of the padded plane that a block's windows see."""
    down, across = (
        slice(part.start * stride, (part.stop - 1) * stride + span)
        for part, stride, span in zip((block.rows, block.columns), window.stride, window.span, strict=True)
    )
    return down, across


@dataclass(frozen=True, eq=False)
class Held:
    """A part of a plane that has been read: some of its rows and columns, in order."""

    shape: Pair  # the plane's
    rows: Pixels
    columns: Pixels
    cells: Pixels

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the cells."""
        return self.cells.dtype

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Copy `rows` and `columns`, all of which are held."""
        row, column = np.searchsorted(self.rows, rows.start), np.searchsorted(self.columns, columns.start)
        np.copyto(
            out, self.cells[row : row + out.shape[0], column : column + out.shape[1]], casting="same_kind"
        )


def read_ahead(
    picture: Picture, frame: Frame, window: Window, block: Block, workspace: Workspace
) -> Sequence[Plane]:
    """Return the channels of a picture as planes that know what a block's windows see: computed once."""
    if picture.planes is not None:
        return picture.planes
    rows, columns = _places(frame, window, block)
    cells = workspace.array("read ahead", (picture.channels, len(rows), len(columns)), picture.dtype)
    for at_row, row_run in runs(rows):
        for at_column, column_run in runs(columns):
            picture.read(row_run, column_run, cells[:, at_row, at_column])
    return [Held(picture.shape, rows, columns, own) for own in cells]


def veil_ahead(veil: Veil, frame: Frame, window: Window, block: Block, workspace: Workspace) -> Plane:
    """Return how much is seen as such a plane."""
    if veil.at_hand:
        return veil
    rows, columns = _places(frame, window, block)
    shares = workspace.array("shares ahead", (len(rows), len(columns)), np.float64)
    for at_row, row_run in runs(rows):
        for at_column, column_run in runs(columns):
            veil.read(row_run, column_run, shares[at_row, at_column])
    return Held(veil.shape, rows, columns, shares)


def _places(frame: Frame, window: Window, block: Block) -> tuple[Pixels, Pixels]:
    """Return the rows and columns of the plane that a block's windows see, be it through the border."""
    rows, columns = (
        np.unique(axis[part][axis[part] >= 0])
        for axis, part in zip((frame.rows, frame.columns), seen_through(window, block), strict=True)
    )
    return rows, columns
