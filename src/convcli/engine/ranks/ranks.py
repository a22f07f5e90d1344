"""Any place in the order of a window's cells: least, greatest, median, percentile; by the fastest way."""

from __future__ import annotations

import numpy as np

from convcli.engine.ranks.counting import TILE, count_to
from convcli.engine.ranks.extremes import extremes
from convcli.engine.ranks.networks import select, selection
from convcli.engine.ranks.order import Order
from convcli.engine.ranks.windows import sort_some
from convcli.engine.workspace import Array, Workspace

NETWORK_CELLS = 625  # 25 × 25: of larger windows the network has more comparisons than it takes to count
MOST_COMPARISONS = 5000
SORTING, COUNTING = 8.0, 2000.0  # nanoseconds: of a cell of a window, and of a window


def ranked(
    cells: Array, footprint: Array, order: Order, out: Array, workspace: Workspace, seen: Array | None = None
) -> None:
    """Put the number at a place in the order of the cells under a footprint, at every position, into `out`.

    It is one of the window's cells, unchanged. A window that holds a NaN gives NaN.

    Parameters
    ----------
    cells
        (h + f_h − 1, w + f_w − 1), of any real dtype, border included.
    footprint
        (f_h, f_w) of bool, at least one of them True: which cells count.
    order
        Which place among them.
    out
        (h, w) of the same dtype.
    workspace
        For scratch.
    seen
        Which cells can be seen, of the shape of `cells`; what is not is left out, and the place is one among
        the others, as `Order` says. Where a window has none, the result is 0. None: all.
    """
    if seen is not None and seen.all():
        seen = None
    if seen is not None:
        cells = np.where(seen, cells, cells.dtype.type(0))
    spoiled = None
    if cells.dtype.kind == "f" and (nan := np.isnan(cells)).any():
        spoiled = any_of(nan, footprint, out.shape, workspace)
        cells = np.where(nan, cells.dtype.type(0), cells)
    narrow = narrowed(cells)
    if narrow is not cells and not order.is_extreme(int(np.count_nonzero(footprint))):
        found = workspace.array("narrow", out.shape, narrow.dtype)
        ranked(narrow, footprint, order, found, workspace, seen)
        np.copyto(out, found)
    elif seen is None:
        _of_all(cells, footprint, order, out, workspace)
    else:
        _of_seen(cells, footprint, order, out, workspace, seen)
    if spoiled is not None:
        out[spoiled] = np.nan


def narrowed(cells: Array) -> Array:
    """Return floats that are whole numbers of 8 or 16 bits as such, which takes less time; else the cells.

    >>> narrowed(np.array([0.0, 255.0])).dtype, narrowed(np.array([0.5, -1.0])).dtype
    (dtype('uint8'), dtype('float64'))
    """
    if cells.dtype.kind != "f" or (cells[:1] != np.rint(cells[:1])).any() or not cells.min() >= 0:
        return cells
    greatest = cells.max()
    for dtype in (np.uint8, np.uint16):
        if greatest <= np.iinfo(dtype).max:
            whole = cells.astype(dtype)
            return whole if (whole == cells).all() else cells
    return cells


def any_of(cells: Array, footprint: Array, shape: tuple[int, ...], workspace: Workspace) -> Array:
    """Return where a window has any of the cells that are True."""
    found = np.empty(shape, np.uint8)
    extremes(cells.view(np.uint8), footprint, np.maximum, found, workspace)
    return found.view(bool)


def _of_all(cells: Array, footprint: Array, order: Order, out: Array, workspace: Workspace) -> None:
    count = int(np.count_nonzero(footprint))
    size = footprint.shape[0], footprint.shape[1]
    place, rectangle = order.of(count), count == footprint.size
    if place in (0, count - 1):
        extremes(cells, footprint, np.maximum if place else np.minimum, out, workspace)
    elif rectangle and count <= NETWORK_CELLS and selection(size, place).cost <= MOST_COMPARISONS:
        select(cells, size, place, out, workspace)
    elif rectangle:
        count_to(cells, size, order, out, workspace)
    else:
        sort_some(cells, footprint, order, np.arange(out.size), out, workspace)


def _of_seen(
    cells: Array, footprint: Array, order: Order, out: Array, workspace: Workspace, seen: Array
) -> None:
    """Do it as if all were seen, and again for windows that see a part, tile by tile in the faster way."""
    size, count = (footprint.shape[0], footprint.shape[1]), int(np.count_nonzero(footprint))
    touched = any_of(~seen, footprint, out.shape, workspace)
    if not touched.all():
        _of_all(cells, footprint, order, out, workspace)
    for top in range(0, len(out), TILE):
        for left in range(0, out.shape[1], TILE):
            at = slice(top, top + TILE), slice(left, left + TILE)
            some = out[at]
            windows = np.flatnonzero(touched[at])
            if not windows.size:
                continue
            here = slice(top, top + len(some) + size[0] - 1), slice(left, left + some.shape[1] + size[1] - 1)
            if count == footprint.size and windows.size * count * SORTING > some.size * COUNTING:
                count_to(cells[here], size, order, some, workspace, seen[here])
            else:
                sort_some(cells[here], footprint, order, windows, some, workspace, seen[here])
