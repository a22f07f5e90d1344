"""Matrix products in blocks small enough for OpenBLAS to multiply the numbers where they lie.

Before OpenBLAS multiplies it copies both operands into an order of its own. Thin products, as those of
convolutions are, multiply each number they copy only a few times, so that the copies take much of the time.
Its kernels for AVX-512 do without for up to 100³ multiplications, unless the second operand is transposed
(kernel/x86_64/sgemm_small_kernel_permit_skylakex.c). Such are

    columns × kernels        (1568, 72) × (72, 16)
    their weights' gradient  (72, 1568) × (1568, 16)
    Winograd                 (490, 64) × (64, 64)
    dense, forward           (32, 3136) × (3136, 256)

One thread computes such a block. Where products may use several, or BLAS has other kernels, they stay whole.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from convcli.engine.blas import blas_libraries, held
from convcli.engine.workspace import Array

MOST = 100**3  # multiplications
WIDTH = 16  # rows or columns: a vector's
SHORTEST = 64  # in shorter blocks the operand that all of them share is read too often

IN_PLACE = ("SkylakeX", "Cooperlake", "SapphireRapids")  # as OpenBLAS calls its kernels for AVX-512


def in_blocks() -> bool:
    """Whether products are computed block by block: by one thread, whose library multiplies in place."""
    return held() and has_avx512_kernels()


@cache
def has_avx512_kernels() -> bool:
    """Whether BLAS multiplies with AVX-512, and in place."""
    return any(library.get("architecture") in IN_PLACE for library in blas_libraries())


def multiply(a: Array, b: Array, out: Array) -> Array:
    """Write the product of `a` (..., m, k) and `b` (..., k, n) to `out` (..., m, n) and return it."""
    (m, k), n = a.shape[-2:], b.shape[-1]
    if m * k * n <= MOST or not in_blocks():
        return np.matmul(a, b, out=out)
    if rows := _block(k * n):
        for start in range(0, m, rows):
            block = slice(start, start + rows)
            np.matmul(a[..., block, :], b, out=out[..., block, :])
    elif columns := _block(m * k):
        for start in range(0, n, columns):
            block = slice(start, start + columns)
            np.matmul(a, b[..., block], out=out[..., block])
    elif inner := _block(m * n):
        np.matmul(a[..., :inner], b[..., :inner, :], out=out)
        for start in range(inner, k, inner):
            block = slice(start, start + inner)
            out += np.matmul(a[..., block], b[..., block, :])
    else:
        np.matmul(a, b, out=out)
    return out


def _block(others: int) -> int:
    """Return how long a block may be along one axis, given the other two's product; 0 if that is short.

    >>> _block(32 * 32), _block(128 * 128)
    (976, 0)
    """
    length = MOST // others // WIDTH * WIDTH
    return length if length >= SHORTEST else 0
