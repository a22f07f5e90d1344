"""The least or greatest cell under a flat footprint, at a cost that does not grow with it, or barely.

The extreme of 2m cells in a row is that of two times m: lengths are doubled until two of them cover the run
(they may overlap, which sums must not). A rectangle is one such line after another, so that 101 × 101 costs
14 passes over the cells and 3 × 3 four. Any other footprint is the runs of its rows: those of one length
share the passes along the row, and where the same run stands in many rows, lengths are doubled down them,
too. J. Gil and M. Werman, Computing 2-D min, median, and max filters, 1993 (doi:10.1109/34.211471), and M.
van Herk, 1992 (doi:10.1016/0167-8655(92)90069-C) need three comparisons a cell, whatever the length, but each
after the one before; doubling needs log₂ f, each a whole block at a time.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from convcli.engine.workspace import Array, Workspace

Ufunc: TypeAlias = "np.ufunc"

BAND_BYTES = 2**18  # of cells that are gone through at a time: a second-level cache holds them
LEAST_STRIP = 128  # columns


def extremes(cells: Array, footprint: Array, of: Ufunc, out: Array, workspace: Workspace) -> None:
    """Put the extreme of the cells under a footprint, laid at every position, into `out`.

    Parameters
    ----------
    cells
        (h + f_h − 1, w + f_w − 1), of any real dtype, border included.
    footprint
        (f_h, f_w) of bool, at least one of them True. It is laid on as it is: erosion (`numpy.minimum`) by
        it, dilation (`numpy.maximum`) by it turned by 180°.
    of
        `numpy.minimum` or `numpy.maximum`: a window that holds a NaN gives NaN.
    out
        (h, w) of the same dtype.
    """
    key = footprint.shape, footprint.tobytes()
    if footprint.all():
        _rectangle(cells, footprint.shape, of, out, workspace)
        return
    runs = _runs(*key)
    f_h, width = len(footprint), cells.shape[1]
    band = max(BAND_BYTES // cells.itemsize // width, f_h)
    for first in range(0, len(out), band):
        some = out[first : first + band]
        _of_runs(np.ascontiguousarray(cells[first : first + len(some) + f_h - 1]), runs, of, some, workspace)


def _rectangle(cells: Array, size: tuple[int, ...], of: Ufunc, out: Array, workspace: Workspace) -> None:
    """Put the extremes under all of a rectangle into `out`: down the columns first, then along the rows."""
    (f_h, f_w), h, (height, width) = size, len(out), cells.shape
    lines, at_once = workspace.array("lines", (h, width), cells.dtype), BAND_BYTES // cells.itemsize
    strip = max(at_once // height, LEAST_STRIP)
    for left in range(0, width, strip):
        some = cells[:, left : left + strip]
        columns = workspace.array("strip", some.shape, cells.dtype)
        np.copyto(columns, some)
        found = slid(columns.reshape(-1), f_h, columns.shape[1], of, workspace, "down")
        np.copyto(lines[:, left : left + strip], found.reshape(h, -1))
    band = max(at_once // width, 1)
    for first in range(0, h, band):
        some = lines[first : first + band]
        found = slid(some.reshape(-1), f_w, 1, of, workspace, "along")
        # Rows end to end: the last windows of each reach into the next row, and are dropped.
        put_lines(found, width, out[first : first + len(some)])


def put_lines(found: Array, width: int, out: Array) -> None:
    """Put lines `width` apart, whose last may be cut after the columns of `out`, into `out`."""
    rows, columns = out.shape
    whole = found[: (rows - 1) * width].reshape(rows - 1, width)
    np.copyto(out[:-1], whole[:, :columns])
    np.copyto(out[-1], found[(rows - 1) * width :][:columns])


def slid(cells: Array, length: int, step: int, of: Ufunc, workspace: Workspace, name: str) -> Array:
    """Return the extremes of `length` cells that are `step` apart, from each cell of a line on: a view.

    >>> slid(np.array([3, 1, 2, 5, 4]), 3, 1, np.minimum, Workspace(), "").tolist()
    [1, 1, 2]
    """
    covered, turn = 1, 0
    while covered < length:
        ahead = min(covered, length - covered)
        following = cells[ahead * step :]
        out = workspace.array(f"{name} {turn % 2}", following.shape, cells.dtype)
        of(cells[: len(following)], following, out=out)
        cells, covered, turn = out, covered + ahead, turn + 1
    return cells


@lru_cache(maxsize=64)
def _runs(shape: tuple[int, int], footprint: bytes) -> dict[int, list[tuple[int, int, int]]]:
    """Return the runs of a footprint by their length: each its first column, first row and how many rows.

    >>> _runs((3, 3), np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool).tobytes())
    {1: [(1, 0, 1), (1, 2, 1)], 3: [(0, 1, 1)]}
    """
    cells = np.frombuffer(footprint, bool).reshape(shape)
    found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    open_runs: dict[tuple[int, int], int] = {}  # start and length → first row
    for row in range(shape[0] + 1):
        here = _row_runs(cells[row]) if row < shape[0] else set()
        for run in sorted(open_runs.keys() - here):
            first = open_runs.pop(run)
            found[run[1]].append((run[0], first, row - first))
        for run in here:
            open_runs.setdefault(run, row)
    return dict(sorted(found.items()))


def _row_runs(row: Array) -> set[tuple[int, int]]:
    """Return where runs begin in one row, and how long they are."""
    edges = np.flatnonzero(np.diff(row.astype(np.int8), prepend=0, append=0))
    return {(int(start), int(end - start)) for start, end in zip(edges[::2], edges[1::2], strict=True)}


def _of_runs(cells: Array, runs: Any, of: Ufunc, out: Array, workspace: Workspace) -> None:
    """Put the extremes of the runs' cells into `out`; all in lines of rows end to end."""
    width, (rows, columns) = cells.shape[1], out.shape
    flat, count = cells.reshape(-1), (rows - 1) * width + columns
    total = workspace.array("total", (count,), cells.dtype)
    begun, doubled, covered = False, flat, 1
    for length, places in runs.items():
        while 2 * covered <= length:  # what longer runs need as well
            following = doubled[covered:]
            # Each of two in turn: a run's own line is made of the last alone.
            longer = workspace.array(f"doubled {covered.bit_length() % 2}", following.shape, cells.dtype)
            of(doubled[: len(following)], following, out=longer)
            doubled, covered = longer, 2 * covered
        line = doubled
        if covered < length:
            following = doubled[length - covered :]
            line = workspace.array("run", following.shape, cells.dtype)
            of(doubled[: len(following)], following, out=line)
        for column, row, deep in places:
            start = row * width + column
            part = line[start : start + count + (deep - 1) * width]
            deeper = (
                [slid(part, deep, width, of, workspace, "deep")] if deep > 2 else _each(part, deep, width)
            )
            for one in deeper:
                if begun:
                    of(total, one[:count], out=total)
                else:
                    np.copyto(total, one[:count])
                    begun = True
    put_lines(total, width, out)


def _each(line: Array, deep: int, width: int) -> list[Array]:
    """Return the line from each of a few rows on."""
    return [line[row * width :] for row in range(deep)]
