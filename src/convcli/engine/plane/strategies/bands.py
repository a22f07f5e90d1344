"""Correlation along one axis as products with a banded matrix, which BLAS multiplies faster than ufuncs add.

Products stay small: OpenBLAS computes those of up to `PRODUCT_SIZE` multiply-adds on the thread that asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from convcli.engine.workspace import Array, Workspace

Pass: TypeAlias = Callable[[Array, Array, Workspace], None]

DOWN = 4  # rows of results that one product makes: of 2 to 24 the fastest, or near it, for 3 to 25 taps
ACROSS = 16  # results of one row that one product makes; of 8 to 48 the fastest for 3 to 25 taps


def reach_of(line: Array, stride: int, dilation: int, outputs: int) -> int:
    """Return how many cells in a row a line of weights reaches for so many results."""
    return (outputs - 1) * stride + dilation * (len(line) - 1) + 1


def banded(line: Array, stride: int, dilation: int, outputs: int) -> Array:
    """Return the matrix (outputs, cells) whose product with a line of cells is their correlation.

    >>> banded(np.array([1.0, 2.0]), 1, 1, 2).tolist()
    [[1.0, 2.0, 0.0], [0.0, 1.0, 2.0]]
    """
    matrix = np.zeros((outputs, reach_of(line, stride, dilation, outputs)))
    span = reach_of(line, stride, dilation, 1)
    for output in range(outputs):
        matrix[output, output * stride : output * stride + span : dilation] = line
    return matrix


def product_down(line: Array, stride: int, dilation: int, dtype: np.dtype[Any]) -> Pass:
    """Return a function that correlates the columns of cells with one line: f(cells, out, scratch).

    `DOWN` rows at a time are the product of one banded matrix and the rows under it.
    """
    matrices = {rows: banded(line, stride, dilation, rows).astype(dtype) for rows in range(1, DOWN + 1)}

    def multiply(cells: Array, out: Array, _: Workspace) -> None:
        groups, rest = divmod(len(out), DOWN)
        columns, pitch = cells.shape[1], cells.strides[0] * stride
        if groups:
            matrix = matrices[DOWN]
            shape, strides = (groups, matrix.shape[1], columns), (DOWN * pitch, *cells.strides)
            under = np.ndarray(shape, cells.dtype, cells, 0, strides)
            np.matmul(matrix, under, out=out[: groups * DOWN].reshape(groups, DOWN, columns))
        if rest:
            matrix, first = matrices[rest], groups * DOWN * stride
            np.matmul(matrix, cells[first : first + matrix.shape[1]], out=out[groups * DOWN :])

    return multiply


def product_across(line: Array, stride: int, dilation: int, dtype: np.dtype[Any]) -> Pass:
    """Return a function that correlates the rows of cells with one line: f(cells, out, scratch).

    `ACROSS` columns at a time are the product of many rows and one small banded matrix.
    """
    matrix = np.ascontiguousarray(banded(line, stride, dilation, ACROSS).T).astype(dtype)
    step = ACROSS * stride

    def multiply(cells: Array, out: Array, _: Workspace) -> None:
        rows, columns = out.shape
        groups, rest = divmod(columns, ACROSS)
        if groups:
            shape, strides = (groups, rows, len(matrix)), (step * cells.itemsize, *cells.strides)
            under = np.ndarray(shape, cells.dtype, cells, 0, strides)
            results = out[:, : groups * ACROSS].reshape(rows, groups, ACROSS).swapaxes(0, 1)
            np.matmul(under, matrix, out=results)
        if rest:
            reach = reach_of(line, stride, dilation, rest)
            under = cells[:, groups * step : groups * step + reach]
            np.matmul(under, matrix[:reach, :rest], out=out[:, groups * ACROSS :])

    return multiply
