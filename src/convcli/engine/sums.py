"""Sums over many rows that stay right: short ones in the dtype given, and their sums in float64.

Each addition in float32 rounds what has been added so far. After a million rows, one by one, that is an error
of 1e-4 in a mean, after a hundred million 0.07; in turns of `DEPTH`, added up in float64, 1e-8. It costs no
time: rows of few numbers are taken several at once, as one line that processors add fast.
"""

from __future__ import annotations

import math

import numpy as np

from convcli.engine.volumes import cells
from convcli.engine.workspace import Array

DEPTH = 16  # lines added in the dtype given
LINE = 64  # numbers side by side; from 1 to 1024 the fastest, or near it, for 2 to 512 channels
LONG_LINE = 2048  # for sums of products, which are a call each
FEW_ROWS = 64  # one turn is faster here, and as right
PART = 1 << 17  # numbers of a vector whose squares are added in the dtype given, by BLAS in many lanes


def column_sums(x: Array) -> Array:
    """Return the sums of a floating `x` (..., c) over all axes but the last, as float64 (c,).

    >>> column_sums(np.full((1000, 1000, 2), 0.1, np.float32)).round(1).tolist()
    [100000.0, 100000.0]
    """
    sums: Array = plane_sums(cells(x).reshape(1, -1, x.shape[-1]))[0]
    return sums


def plane_sums(x: Array) -> Array:
    """Return the sums of each plane of a floating `x` (n, rows, c) over its rows, as float64 (n, c)."""
    n, rows, c = x.shape
    if rows <= FEW_ROWS:
        one_turn: Array = np.matmul(np.ones(rows, x.dtype), x)
        return one_turn.astype(np.float64)
    together = max(1, LINE // c) if rows > 4 * DEPTH else 1
    turns = rows // (together * DEPTH)
    split = turns * together * DEPTH
    lines = x[:, :split].reshape(n, turns, DEPTH, together * c)
    # A product with ones is faster by far than np.sum.
    sums = np.matmul(np.ones(DEPTH, x.dtype), lines).sum(1, dtype=np.float64)
    total: Array = sums.reshape(n, together, c).sum(1) + x[:, split:].sum(1, dtype=np.float64)
    return total


def column_products(x: Array, y: Array) -> Array:
    """Return the sums of x · y over all axes but the last, as float64 (c,)."""
    c = x.shape[-1]
    together = max(1, LONG_LINE // c)
    count = x.size // (together * c)
    x, y = cells(x).reshape(-1, c), cells(y).reshape(-1, c)
    split = count * together
    lines, others = (rows[:split].reshape(count, together * c) for rows in (x, y))
    turns = np.empty((-(-count // DEPTH), together * c), x.dtype)
    for number, turn in enumerate(turns):
        part = slice(number * DEPTH, (number + 1) * DEPTH)
        np.einsum("ij,ij->j", lines[part], others[part], out=turn)
    sums = turns.sum(0, dtype=np.float64).reshape(together, c).sum(0)
    total: Array = sums + np.multiply(x[split:], y[split:], dtype=np.float64).sum(0)
    return total


def vector_norm(x: Array) -> float:
    """Return √Σx² of a vector."""
    parts = (x[start : start + PART] for start in range(0, x.size, PART))
    return math.sqrt(math.fsum(float(np.vdot(part, part)) for part in parts))
