"""How batches of volumes lie in memory while they are computed: (h, w, n, c), a cell of all images together.

Shapes stay (n, h, w, c): such an array is a view. But rows, columns and cells of the plane are runs of n · c
numbers or more. What goes down the rows or along the columns of a plane, as windows do, takes them where they
lie, where images one after the other would have to be copied first.
"""

from __future__ import annotations

import math

import numpy as np

from convcli.engine.workspace import Array


def cells(x: Array) -> Array:
    """Return a batch (n, h, w, c) as (h, w, n, c), and anything else as it is: a view."""
    return x.transpose(1, 2, 0, 3) if x.ndim == 4 else x


def batch(x: Array) -> Array:
    """Return (h, w, n, c) as the batch (n, h, w, c) that it is, and anything else as it is: a view."""
    return x.transpose(2, 0, 1, 3) if x.ndim == 4 else x


def lies_so(x: Array) -> bool:
    """Whether a batch lies in memory as `cells` shows it, without gaps."""
    return cells(x).flags.c_contiguous


def laid_out(x: Array) -> Array:
    """Return a batch, or a copy of it, that lies so."""
    return x if lies_so(x) else batch(np.ascontiguousarray(cells(x)))


def to_write(x: Array) -> Array:
    """Return `cells` of what is to be written to, or raise ValueError: views of them might be copies."""
    if not lies_so(x):
        raise ValueError(
            f"an array of shape {x.shape} is written to that does not lie as engine/volumes.py says"
        )
    return cells(x)


def flat(x: Array) -> Array:
    """Return all numbers of an array, of a batch as it lies: a view that may be written to."""
    return to_write(x).reshape(-1)


def lines(x: Array) -> Array:
    """Return a batch (n, h, w, c) as (cells, n · c), or (n, c) as one line: a view that may be written to.

    >>> lines(laid_out(np.zeros((2, 3, 4, 5)))).shape, lines(np.zeros((2, 5))).shape
    ((12, 10), (1, 10))
    """
    return flat(x).reshape(math.prod(x.shape[1:-1]), len(x) * x.shape[-1])


def line(numbers: Array, x: Array) -> Array:
    """Return a number for each channel, (c,), as they stand in each of `lines(x)`."""
    return numbers[None].repeat(len(x), 0).ravel()


def add_bias(b: Array, z: Array) -> None:
    """Add `b` (c,) to each cell of a batch `z` that lies so."""
    rows = lines(z)
    rows += line(b, z)
