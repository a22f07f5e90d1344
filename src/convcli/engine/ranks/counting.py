"""An order statistic of large rectangles by counting, at a cost that does not grow with them.

A window's number at rank k is the least level v with more than k cells up to v. How many cells are up to a
level is a sum over the window, and sums of all windows take log₂ f passes. The levels are the 256 of 8 bits;
any other numbers are first put into 255 classes of as many cells each (a value that many cells have is a
class of its own), which leaves of a window's cells few: those of one class, gone through in order until the
window holds enough of them.

Source: T. S. Huang, G. J. Yang and G. Y. Tang, A fast two-dimensional median filtering algorithm, 1979
(doi:10.1109/TASSP.1979.1163188) counts levels in windows; here all windows are counted level by level.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convcli.engine.ranks.order import Order
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair

TILE = 128  # rows and columns of output at a time, or of the window if that is larger
CLASSES = 255
COARSE = 16  # levels between two that are counted of every tile
PAIRS = 2**18  # of windows and cells that are looked at together

NONE = 255  # the class of a cell that is not seen, and of no other where there are such
EIGHT_BITS = 256


def count_to(
    cells: Array, size: Pair, order: Order, out: Array, workspace: Workspace, seen: Array | None = None
) -> None:
    """Put the number at a place in the order of each window's cells into `out`; no cell may be NaN.

    Parameters
    ----------
    cells
        (h + f_h − 1, w + f_w − 1), of any real dtype, border included.
    size, order
        f_h and f_w, and which place.
    out
        (h, w) of the same dtype; 0 where a window sees nothing.
    seen
        Which cells count, of the shape of `cells`; None: all.
    """
    rows, columns = out.shape
    # Of a plane of few rows or columns longer ones, so that there are as few calls as for a square.
    high = min(max(TILE, size[0], TILE * TILE // columns), rows)
    wide = max(TILE, size[1], TILE * TILE // high)
    for top in range(0, rows, high):
        for left in range(0, columns, wide):
            some = out[top : top + high, left : left + wide]
            window = tuple(
                slice(first, first + n + f - 1)
                for first, n, f in zip((top, left), some.shape, size, strict=True)
            )
            of_seen = None if seen is None else seen[window]
            if of_seen is not None and of_seen.all():
                of_seen = None
            _tile(cells[window], size, order, some, workspace, of_seen)


def _tile(
    cells: Array, size: Pair, order: Order, out: Array, workspace: Workspace, seen: Array | None
) -> None:
    """Do the same for a tile."""
    values: Array | None = None
    bounds = np.arange(EIGHT_BITS)
    if cells.dtype == np.uint8 and seen is None:
        codes = np.ascontiguousarray(cells)
    else:
        values = cells[seen] if seen is not None else cells.ravel()
        if not values.size:
            out[...] = 0
            return
        values = np.sort(values)
        bounds = _bounds(values)
        codes = np.searchsorted(bounds, cells.ravel()).astype(np.uint8).reshape(cells.shape)
        if seen is not None:
            codes[~seen] = NONE
    counts = np.full(out.shape, size[0] * size[1])
    if seen is not None:
        counts = _box(seen.view(np.uint8), size, out.shape, workspace).astype(np.int64)
    places = order.of(counts)
    found, rest = _classes(codes, size, places, out.shape, workspace, within=values is not None)
    if values is None:
        np.copyto(out, found)
        return
    np.minimum(found, bounds.size - 1, out=found)  # where nothing is seen
    np.copyto(out, bounds[found])
    least = values[np.searchsorted(values, bounds, "left")]
    first = np.concatenate(
        (values[:1], values[np.minimum(np.searchsorted(values, bounds[:-1], "right"), values.size - 1)])
    )
    _within(cells, codes, size, found, rest, first < least, out)
    if seen is not None:
        out[counts == 0] = 0


def _bounds(values: Array) -> Array:
    """Return the greatest value of each class of sorted values: at most `CLASSES`.

    Of a value that many cells have, the one before it is a bound as well: then it is a class of its own.
    """
    for classes in (CLASSES, CLASSES // 2):
        steps = np.linspace(0, values.size, classes + 1).astype(np.int64)[1:] - 1
        quantiles = values[np.maximum(steps, 0)]
        heavy = quantiles[:-1][quantiles[1:] == quantiles[:-1]]
        starts = np.searchsorted(values, heavy, "left")
        before = values[starts[starts > 0] - 1]
        bounds: Array = np.unique(np.concatenate((quantiles, before)))
        if bounds.size <= CLASSES:
            break
    return bounds


def _classes(
    codes: Array, size: Pair, places: Array, shape: tuple[int, ...], workspace: Workspace, *, within: bool
) -> tuple[Array, Array]:
    """Return the class of each window's number, and, `within` it, its place among the window's cells of it.

    Every sixteenth class is counted, and the others where a window's number lies between two of those.
    """
    places = places.astype(_holding(size[0] * size[1]))  # what counts are compared with without a conversion
    upto = np.cumsum(np.bincount(codes.ravel(), minlength=EIGHT_BITS))
    rest = places.copy()

    def go_beyond(classes: range, here: Array | None, found: Array) -> None:
        """Count the cells up to each class: windows that have too few go one class on."""
        known, beyond, count = -1, np.empty(0, bool), np.empty(0)
        for number in classes:
            if upto[number] == codes.size:
                return
            if upto[number] != known:
                known = int(upto[number])
                count = _box((codes <= number).view(np.uint8), size, shape, workspace)
                beyond = count <= places if here is None else (count <= places) & here
            np.add(found, beyond.view(np.uint8), out=found)
            if within:
                np.subtract(places, count, out=rest, where=beyond)

    coarse, every = np.zeros(shape, np.uint8), range(EIGHT_BITS)
    go_beyond(every[COARSE - 1 : -1 : COARSE], None, coarse)
    found = coarse * np.uint8(COARSE)
    for block in np.flatnonzero(np.bincount(coarse.ravel())):
        first = int(block) * COARSE
        go_beyond(every[first : first + COARSE - 1], coarse == block, found)
    return found, rest


def _box(cells: Array, size: Pair, shape: tuple[int, ...], workspace: Workspace) -> Array:
    """Return how many of the cells (0 or 1, of uint8) each window holds: a view."""
    (f_h, f_w), width = size, cells.shape[1]
    down = _summed(cells.reshape(-1), f_h, width, f_h, workspace, "down")
    along = _summed(down, f_w, 1, f_h * f_w, workspace, "along")
    lines = workspace.array("box", (shape[0] * width,), along.dtype)
    lines[: along.size] = along
    box: Array = lines.reshape(shape[0], width)[:, : shape[1]]
    return box


def _summed(cells: Array, length: int, step: int, most: int, workspace: Workspace, name: str) -> Array:
    """Return the sums of `length` cells that are `step` apart, from each cell of a line on: at most `most`.

    Sums of 2m cells are those of m; a length is some of those powers, one after another.
    """
    dtype = _holding(most)
    if cells.dtype != dtype:  # NumPy would add in the narrower one
        wider = workspace.array(f"{name} wider", cells.shape, dtype)
        np.copyto(wider, cells)
        cells = wider
    count = cells.size - (length - 1) * step
    total = workspace.array(f"{name} total", (count,), dtype)
    covered, power, turn = 0, 1, 0
    while True:
        if length & power:
            part = cells[covered * step :][:count]
            if covered:
                np.add(total, part, out=total)
            else:
                np.copyto(total, part)
            covered += power
        if covered == length:
            return total
        following = cells[power * step :]
        out = workspace.array(f"{name} {turn % 2}", following.shape, dtype)
        np.add(cells[: following.size], following, out=out)
        cells, power, turn = out, 2 * power, turn + 1


def _holding(most: int) -> np.dtype[Any]:
    """Return the narrowest dtype that counts up to `most`."""
    return np.dtype(np.uint8 if most < 2**8 else np.uint16 if most < 2**16 else np.uint32)


def _within(
    cells: Array, codes: Array, size: Pair, found: Array, rest: Array, several: Array, out: Array
) -> None:
    """Put the number itself into `out`, where the class that was found has several values.

    A class's cells are gone through in order, and those that lie in a window counted, until there are more
    than `rest`.
    """
    order = np.argsort(codes.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(codes.ravel(), minlength=EIGHT_BITS))
    windows = np.argsort(found.ravel(), kind="stable")
    window_ends = np.cumsum(np.bincount(found.ravel(), minlength=EIGHT_BITS))
    flat, ranks = cells.ravel(), rest.ravel()
    results = out.ravel() if out.flags.c_contiguous else out.flatten()
    for number in np.flatnonzero(several):
        own = windows[(window_ends[number - 1] if number else 0) : window_ends[number]]
        if not own.size:
            continue
        members = order[(ends[number - 1] if number else 0) : ends[number]]
        members = members[np.argsort(flat[members], kind="stable")]
        rows, columns = (axis.astype(np.int32) for axis in np.divmod(members, cells.shape[1]))
        at_once = max(PAIRS // members.size, 1)
        for first in range(0, own.size, at_once):
            some = own[first : first + at_once]
            top, left = (axis.astype(np.int32)[:, None] for axis in np.divmod(some, out.shape[1]))
            # One comparison of whole numbers without a sign: those below 0 are large.
            inside = (rows - top).view(np.uint32) < size[0]
            inside &= (columns - left).view(np.uint32) < size[1]
            passed = np.cumsum(inside, axis=1, dtype=np.int32) > ranks[some][:, None]
            results[some] = flat[members[passed.argmax(axis=1)]]
    out[...] = results.reshape(out.shape)
