"""An order statistic under any footprint: the cells of some windows side by side, and put in order."""

from __future__ import annotations

import numpy as np

from convcli.engine.ranks.order import Order
from convcli.engine.workspace import Array, Workspace

AT_ONCE = 2**16  # cells of windows that lie side by side: a second-level cache holds them


def sort_some(
    cells: Array,
    footprint: Array,
    order: Order,
    windows: Array,
    out: Array,
    workspace: Workspace,
    seen: Array | None = None,
) -> None:
    """Put the number at a place in the order of the cells of some windows into `out`; no cell may be NaN.

    Parameters
    ----------
    cells
        (h + f_h − 1, w + f_w − 1), border included.
    footprint, order
        Which cells of a window (f_h, f_w) count, and which place is wanted.
    windows
        Their numbers, row by row, in (h, w).
    out
        (h, w) of the same dtype; 0 where a window sees nothing. Others than `windows` are left as they are.
    seen
        Which cells count, of the shape of `cells`; None: all.
    """
    if cells.dtype in (np.uint8, np.uint16):  # NumPy sorts floats in vectors on more processors
        cells = cells.astype(np.float32)
    flat, width = np.ascontiguousarray(cells).reshape(-1), cells.shape[1]
    rows, columns = np.nonzero(footprint)
    offsets = rows * width + columns
    place, shown = order.of(offsets.size), None if seen is None else np.ascontiguousarray(seen).reshape(-1)
    last = flat.dtype.type(np.inf) if flat.dtype.kind == "f" else np.iinfo(flat.dtype).max
    at_once = max(AT_ONCE // offsets.size, 1)
    for first in range(0, windows.size, at_once):
        some = windows[first : first + at_once]
        row, column = np.divmod(some, out.shape[1])
        shape = some.size, offsets.size
        places = workspace.array("places", shape, np.intp)
        np.add((row * width + column)[:, None], offsets, out=places)
        beside = workspace.array("beside", shape, cells.dtype)
        np.take(flat, places, out=beside, mode="clip")
        if shown is None:
            beside.partition(place, axis=1)
            out[row, column] = beside[:, place]
            continue
        sees = shown[places]
        beside[~sees] = last
        beside.sort(axis=1)
        counts = np.count_nonzero(sees, axis=1)
        found = np.take_along_axis(beside, order.of(counts)[:, None], axis=1)[:, 0]
        found[counts == 0] = 0
        out[row, column] = found
