"""Local binary patterns: which of the points on a circle are at least as bright as its centre.

Source: T. Ojala, M. Pietikäinen and T. Mäenpää, Multiresolution gray-scale and rotation invariant texture
classification with local binary patterns, 2002 (doi:10.1109/TPAMI.2002.1017623), in the details of
scikit-image's `local_binary_pattern`: the first point is right of the centre, the next ones follow
counter-clockwise, each is interpolated between four pixels at places rounded to five decimals, and changes
are counted from the first point to the last, not around.
"""

from __future__ import annotations

import math

import numpy as np

from convcli.engine.workspace import Array, Workspace

METHODS = ("default", "ror", "uniform", "var")
MOST_POINTS = 24  # whose codes float32 holds

BAND_CELLS = 2**15  # of rows that are gone through at a time: a second-level cache holds them


def local_binary_pattern(
    cells: Array,
    points: int,
    radius: float,
    method: str,
    out: Array,
    workspace: Workspace,
    seen: Array | None = None,
) -> None:
    """Put the pattern around each cell into `out`.

    Parameters
    ----------
    cells
        (h + 2r, w + 2r) with r = ⌈radius⌉, of any real dtype, border included (scikit-image's is "zero").
    points, radius
        How many points the circle has, 1 to 24, and its radius in pixels, more than 0.
    method
        "default": point i counts 2^i; "ror": the least of those numbers of all rotations; "uniform": how many
        points count, if that changes at most twice along the circle, else points + 1; "var": not which, but
        the variance of the points' values (0 where scikit-image has NaN for it).
    out
        (h, w). A point or centre that a NaN takes part in gives NaN.
    seen
        Which cells can be seen, of the shape of `cells`: others are as bright as the centre. None: all.

    Notes
    -----
    A point's value is compared as a sum of differences to the centre, so that where all is flat it counts,
    wherever that is. scikit-image interpolates values, whose rounding there depends on the place.
    """
    rows = len(out)
    beyond, width = math.ceil(radius), cells.shape[1]
    band = max(BAND_CELLS // width, 1)
    for first in range(0, rows, band):
        some = out[first : first + band]
        here = slice(first, first + len(some) + 2 * beyond)
        _band(cells[here], points, radius, method, some, workspace, None if seen is None else seen[here])


def _band(
    cells: Array,
    points: int,
    radius: float,
    method: str,
    out: Array,
    workspace: Workspace,
    seen: Array | None,
) -> None:
    """Do the same for a few rows, which are taken end to end, as one line."""
    (rows, columns), width, beyond = out.shape, cells.shape[1], math.ceil(radius)
    count = (rows - 1) * width + columns
    lines = workspace.array("lines", cells.shape, np.float64)
    np.copyto(lines, cells)
    nan = np.isnan(lines)
    if seen is not None:
        nan &= seen
        lines[~seen] = 0
        shown = np.ascontiguousarray(seen).reshape(-1)
    flat = lines.reshape(-1)
    centre = flat[beyond * width + beyond :][:count]
    above, part, total, square = (
        workspace.array(name, (count,), np.float64) for name in ("above", "part", "total", "square")
    )
    bit, code, changes, before = (
        workspace.array(name, (count,), np.int32) for name in ("bit", "code", "changes", "before")
    )
    total[...], square[...], code[...], changes[...] = 0, 0, 0, 0
    for point in range(points):
        angle = 2 * math.pi * point / points
        down, across = round(-radius * math.sin(angle), 5), round(radius * math.cos(angle), 5)
        above[...] = 0
        for row, column, share in _between(down, across):
            start = (beyond + row) * width + beyond + column
            np.subtract(flat[start : start + count], centre, out=part)
            np.multiply(part, share, out=part)
            if seen is not None:
                np.multiply(part, shown[start : start + count], out=part)
            np.add(above, part, out=above)
        if method == "var":
            np.add(total, above, out=total)
            np.add(square, np.multiply(above, above, out=part), out=square)
            continue
        np.greater_equal(above, 0, out=bit, casting="unsafe")
        if method == "uniform":
            np.add(code, bit, out=code)
            if point:
                changes += bit != before
            before[...] = bit
        else:
            np.add(code, np.left_shift(bit, point, out=bit), out=code)
    if method == "var":
        np.subtract(square, np.multiply(total, total, out=part) / points, out=square)
        result = np.maximum(square / points, 0)
    elif method == "uniform":
        result = np.where(changes <= 2, code, points + 1)
    else:
        result = code if method == "default" else _least_rotation(code, points)
    _put(result, width, out)
    if nan.any():
        _spoil(nan, points, radius, out)


def _between(down: float, across: float) -> list[tuple[int, int, float]]:
    """Return the pixels (row, column) around a place that count there, and what each of them counts.

    >>> _between(0.0, 1.0), _between(-0.5, 0.5)
    ([(0, 1, 1.0)], [(-1, 0, 0.25), (-1, 1, 0.25), (0, 0, 0.25), (0, 1, 0.25)])
    """
    top, left = math.floor(down), math.floor(across)
    low, right = down - top, across - left
    corners = [
        (top, left, (1 - low) * (1 - right)),
        (top, left + 1, (1 - low) * right),
        (top + 1, left, low * (1 - right)),
        (top + 1, left + 1, low * right),
    ]
    return [corner for corner in corners if corner[2]]


def _least_rotation(code: Array, points: int) -> Array:
    """Return the least of the numbers that the rotations of a pattern are."""
    least, turned = code.copy(), code.copy()
    for _ in range(points - 1):
        turned = (turned >> 1) | ((turned & 1) << (points - 1))
        np.minimum(least, turned, out=least)
    return least


def _put(line: Array, width: int, out: Array) -> None:
    rows, columns = out.shape
    for row in range(rows):
        out[row] = line[row * width : row * width + columns]


def _spoil(nan: Array, points: int, radius: float, out: Array) -> None:
    """Put NaN where a point or the centre is made of NaN."""
    beyond, (rows, columns) = math.ceil(radius), out.shape
    places = {(0, 0)}
    for point in range(points):
        angle = 2 * math.pi * point / points
        down, across = round(-radius * math.sin(angle), 5), round(radius * math.cos(angle), 5)
        places |= {(row, column) for row, column, _ in _between(down, across)}
    for row, column in places:
        out[nan[beyond + row :, beyond + column :][:rows, :columns]] = np.nan
