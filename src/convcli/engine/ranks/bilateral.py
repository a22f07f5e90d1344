"""A mean that stops at edges: neighbours count the less, the farther and the more unlike they are.

Source: C. Tomasi and R. Manduchi, Bilateral filtering for gray and color images, 1998
(doi:10.1109/ICCV.1998.710815). Of its details this is OpenCV's `bilateralFilter`: neighbours lie in a disk,
and the difference of two colours is the sum of their channels' differences.
"""

from __future__ import annotations

import math

import numpy as np

from convcli.engine.workspace import Array, Workspace

BAND_CELLS = 2**15  # of rows that are gone through at a time: a second-level cache holds them


def disk_offsets(size: int) -> list[tuple[int, int, int]]:
    """Return the cells (row, column, distance²) of the disk in a window of an odd size.

    >>> disk_offsets(3)
    [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 2, 1), (2, 1, 1)]
    """
    radius = size // 2
    square = range(-radius, radius + 1)
    return [
        (y + radius, x + radius, y * y + x * x)
        for y in square
        for x in square
        if y * y + x * x <= radius * radius
    ]


def bilateral(
    cells: Array,
    size: int,
    sigma_color: float,
    sigma_space: float,
    out: Array,
    workspace: Workspace,
    seen: Array | None = None,
) -> None:
    """Put the means of neighbours into `out`, each weighted by how near and how like the pixel it is.

    The weight of a neighbour is exp(−d² / 2 sigma_space²) · exp(−c² / 2 sigma_color²), d its distance and c
    the sum of the channels' absolute differences. A window that holds NaN or infinity gives NaN.

    Parameters
    ----------
    cells
        (c, h + size − 1, w + size − 1), float32 or float64, border included.
    size
        Of the window, odd.
    sigma_color, sigma_space
        In the cells' units, and in pixels; greater than 0.
    out
        (c, h, w).
    seen
        How much of each cell is seen, 0 to 1, (h + size − 1, w + size − 1): another factor of its weight. A
        cell of which nothing is seen has no say, whatever stands in it.
    """
    rows, width = out.shape[1], cells.shape[2]
    band = max(BAND_CELLS // width, 1)
    for first in range(0, rows, band):
        some = out[:, first : first + band]
        here = slice(first, first + some.shape[1] + size - 1)
        shares = None if seen is None else np.ascontiguousarray(seen[here])
        _band(np.ascontiguousarray(cells[:, here]), size, sigma_color, sigma_space, some, workspace, shares)


def _band(
    cells: Array,
    size: int,
    sigma_color: float,
    sigma_space: float,
    out: Array,
    workspace: Workspace,
    shares: Array | None,
) -> None:
    """Do the same for a few rows, which are taken end to end, as one line."""
    channels, rows, columns = out.shape
    width, radius, dtype = cells.shape[2], size // 2, cells.dtype
    count = (rows - 1) * width + columns
    lines = cells.reshape(channels, -1)
    if shares is not None:
        shares = shares.reshape(-1)
        lines = np.where(shares > 0, lines, dtype.type(0))
    start = radius * width + radius
    centre = lines[:, start : start + count]
    weight, part, total = (workspace.array(name, (count,), dtype) for name in ("weight", "part", "total"))
    sums = workspace.array("sums", (channels, count), dtype)
    total[...], sums[...] = 0, 0
    narrow = dtype.type(-0.5 / sigma_color**2)
    for row, column, distance in disk_offsets(size):
        start = row * width + column
        neighbour = lines[:, start : start + count]
        np.subtract(neighbour[0], centre[0], out=weight)
        np.abs(weight, out=weight)
        for channel in range(1, channels):
            np.subtract(neighbour[channel], centre[channel], out=part)
            np.abs(part, out=part)
            np.add(weight, part, out=weight)
        np.multiply(weight, weight, out=weight)
        np.multiply(weight, narrow, out=weight)
        np.add(weight, dtype.type(-0.5 * distance / sigma_space**2), out=weight)
        np.exp(weight, out=weight)
        if shares is not None:
            np.multiply(weight, shares[start : start + count], out=weight)
        np.add(total, weight, out=total)
        for channel in range(channels):
            np.multiply(neighbour[channel], weight, out=part)
            np.add(sums[channel], part, out=sums[channel])
    _divide(sums, total, width, out)


def _divide(sums: Array, total: Array, width: int, out: Array) -> None:
    """Put the means into `out`; 0 where nothing is seen."""
    rows, columns = out.shape[1:]
    np.maximum(total, np.finfo(total.dtype).tiny, out=total)
    for own, line in zip(out, sums, strict=True):
        np.divide(line, total, out=line)
        for row in range(rows):
            np.copyto(own[row], line[row * width : row * width + columns])


def window_for(sigma_space: float) -> int:
    """Return the size that goes with a sigma where none is given: as far as 1.5 sigma, which is OpenCV's.

    >>> window_for(1.0), window_for(3.0)
    (5, 9)
    """
    return 2 * max(round(1.5 * sigma_space), 1) + 1 if math.isfinite(sigma_space) else 3
