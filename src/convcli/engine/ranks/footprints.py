"""Footprints: which cells of a window count. True where they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from convcli.engine.arguments import real
from convcli.engine.workspace import Array
from convcli.errors import ShapeError, UnknownNameError, UsageError
from convcli.shapes import Pair

MOST_CELLS = 2**26  # a slip asks for more, and would end in a killed process

SHAPES = ("square", "cross", "disk", "diamond", "ellipse")


def footprint(shape: str, size: Pair) -> Array:
    """Return a footprint (rows, columns) of bool by the name of its shape.

    Parameters
    ----------
    shape
        "square": all cells, a rectangle where the sizes differ; "cross": one row and one column, through the
        cell (f // 2); "disk": x² + y² ≤ r² with r = (f − 1) / 2, each axis's own where they differ
        (`skimage.morphology.disk`); "diamond": |x| + |y| ≤ r (`skimage.morphology.diamond`); both have odd
        sizes; "ellipse": OpenCV's, which is a little fuller (`cv2.getStructuringElement`).
    size
        Rows and columns.

    Examples
    --------
    >>> footprint("disk", (5, 5)).astype(int).tolist()
    [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    """
    if shape not in SHAPES:
        raise UnknownNameError("shape", shape, SHAPES)
    rows, columns = size
    if min(size) < 1:
        raise ShapeError(f"Expected a footprint of at least 1 × 1, found {rows} × {columns}.")
    if rows * columns > MOST_CELLS:
        raise ShapeError(f"A footprint of {rows} × {columns} is too large; the most is {MOST_CELLS:,} cells.")
    if shape == "square":
        return np.ones(size, bool)
    if shape == "cross":
        cells = np.zeros(size, bool)
        cells[rows // 2], cells[:, columns // 2] = True, True
        return cells
    if shape == "ellipse":
        return _ellipse(rows, columns)
    if rows % 2 == 0 or columns % 2 == 0:
        raise ShapeError(f"A {shape} has odd sizes, found {rows} × {columns}; an ellipse takes any.")
    down, across = (np.abs(np.arange(n) - n // 2) for n in size)
    (y, x), (b, a) = np.meshgrid(down, across, indexing="ij"), (max(rows // 2, 1), max(columns // 2, 1))
    if shape == "diamond":
        inside: Array = y * a + x * b <= a * b
    else:
        inside = y * y * a * a + x * x * b * b <= a * a * b * b
    return inside


def _ellipse(rows: int, columns: int) -> Array:
    """Return OpenCV's ellipse: in each row the run that `cv2.getStructuringElement` rounds it to."""
    cells, radius, centre = np.zeros((rows, columns), bool), rows // 2, columns // 2
    inverse = 1 / radius**2 if radius else 0.0
    for row in range(rows):
        above = row - radius
        if abs(above) <= radius:
            reach = round(centre * np.sqrt((radius**2 - above**2) * inverse))
            cells[row, max(centre - reach, 0) : min(centre + reach + 1, columns)] = True
    return cells


def checked_footprint(values: ArrayLike) -> Array:
    """Return a matrix of zeros and ones, at least one of them 1, as a footprint of bool."""
    cells = real(values, "a footprint")
    if cells.ndim != 2 or cells.size == 0:
        raise ShapeError(f"Expected a footprint of (rows, columns), found an array of shape {cells.shape}.")
    if not np.isin(cells, (0, 1)).all():
        odd = cells[~np.isin(cells, (0, 1))].ravel()[0]
        raise UsageError(
            f"Expected a footprint of 0 and 1, found {odd:g} in it: flat footprints have no heights."
        )
    if not cells.any():
        raise UsageError("Expected a footprint with at least one 1, found none.")
    return cells.astype(bool)
