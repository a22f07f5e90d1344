"""Mistakes of the order of axes: of arrays that are transposed, or reshaped where axes had to be moved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.convolution.forward import forward
from convcli.grading.mistakes.mistake import Mistake

if TYPE_CHECKING:
    from convcli.grading.cases import Case


ROWS_AND_COLUMNS = Mistake(
    "rows-and-columns-swapped",
    "rows taken for columns: the output, or the kernel, is transposed",
    "The first axis of a plane counts rows: x[i, j] is row i, column j.",
)


@ROWS_AND_COLUMNS.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case).transpose(0, 2, 1, 3)


@ROWS_AND_COLUMNS.made_in("conv_forward")
def _(case: Case) -> Array:
    w = case.arrays["w"]
    return forward(case, w=w.transpose(1, 0, 2, 3)) if w.shape[0] == w.shape[1] else forward(case)


AXIS_ORDER = Mistake(
    "axis-order",
    "axes in the wrong order: an array reshaped where its axes had to be moved",
    "reshape keeps the order of the numbers; use transpose to move an axis, then reshape.",
)


def _reordered(
    w: Array, first: tuple[int, ...], move: tuple[int, ...] | None, back: tuple[int, ...]
) -> Array:
    """Return filters that lie as `first` says, read as though they lay otherwise."""
    lies = w.transpose(first)
    shape = [w.shape[axis] for axis in first]
    read = shape if move is None else [shape[axis] for axis in move]
    return lies.reshape(read).transpose(back)


# How filters lie, as which axes they are read, and how that becomes (i, j, c, k) again.
_TO_KCIJ, _TO_KIJC, _OWN = (3, 2, 0, 1), (3, 0, 1, 2), (0, 1, 2, 3)
_READINGS = (
    (_TO_KCIJ, (1, 2, 3, 0), (1, 2, 0, 3)),  # (k, c, i, j) reshaped (c·i·j, k), columns (c, i, j)
    (_TO_KIJC, (1, 2, 3, 0), (0, 1, 2, 3)),  # (k, i, j, c) reshaped (i·j·c, k)
    (_TO_KCIJ, (0, 2, 3, 1), (1, 2, 3, 0)),  # (k, c, i, j) beside columns (i, j, c)
    (_TO_KIJC, (0, 3, 1, 2), (2, 3, 1, 0)),  # (k, i, j, c) beside columns (c, i, j)
    (_OWN, (3, 0, 1, 2), (1, 2, 3, 0)),  # (i, j, c, k) reshaped (k, i·j·c)
    (_OWN, (3, 2, 0, 1), (2, 3, 1, 0)),  # (i, j, c, k) reshaped (k, c·i·j)
    (_OWN, (2, 0, 1, 3), (1, 2, 0, 3)),  # (i, j, c, k) beside columns (c, i, j)
)

for _reading in _READINGS:

    @AXIS_ORDER.made_in("conv_forward")
    def _(case: Case, reading: tuple[tuple[int, ...], ...] = _reading) -> Array:
        return forward(case, w=_reordered(case.arrays["w"], *reading))


@AXIS_ORDER.made_in("conv_forward")
def _(case: Case) -> Array:  # results (positions, k) reshaped (n, k, out_h, out_w)
    z = forward(case)
    n, rows, columns, k = z.shape
    return z.reshape(n, k, rows, columns).transpose(0, 2, 3, 1)


@AXIS_ORDER.made_in("conv_forward")
def _(case: Case) -> Array:  # results (k, positions) reshaped (n, k, out_h, out_w)
    z = forward(case)
    n, rows, columns, k = z.shape
    return np.ascontiguousarray(z.transpose(3, 0, 1, 2)).reshape(n, k, rows, columns).transpose(0, 2, 3, 1)


@AXIS_ORDER.made_in("conv_forward")
def _(case: Case) -> Array:  # results (k, positions) reshaped (n, out_h, out_w, k)
    z = forward(case)
    return np.ascontiguousarray(z.transpose(3, 0, 1, 2)).reshape(z.shape)


@AXIS_ORDER.made_in("conv_forward")
def _(case: Case) -> Array:  # images (n, c, h, w) reshaped (n, h, w, c)
    x = case.arrays["x"]
    read = np.ascontiguousarray(x.transpose(0, 3, 1, 2)).reshape(x.shape)
    return forward(replace(case, arrays={**case.arrays, "x": read}))
