"""Kernels of rank one: an outer product of a column and a row."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array

COMPARED = 2**18  # cells of a kernel
RANK_ONE = 1e-12  # largest deviation from an outer product, relative to the largest weight


def outer_factors(kernel: Array) -> tuple[Array, Array] | None:
    """Return a column and a row whose outer product is `kernel`, or None if there are none.

    Through the largest weight, so that whole weights keep exact factors, which singular vectors would not be.

    >>> column, row = outer_factors(np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]))
    >>> column.tolist(), row.tolist()
    ([0.5, 1.0, 0.5], [-2.0, 0.0, 2.0])
    """
    i, j = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    largest = kernel[i, j]
    if largest == 0:
        return None
    column, row = kernel[:, j] / largest, kernel[i]
    least = RANK_ONE * abs(largest)
    step = max(COMPARED // len(row), 1)  # at a time: of a kernel of 4096 × 4096 another copy is much
    for start in range(0, len(column), step):
        some = slice(start, start + step)
        if np.abs(kernel[some] - np.outer(column[some], row)).max() > least:
            return None
    return column, row
