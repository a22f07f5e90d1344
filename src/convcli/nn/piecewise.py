"""Smooth functions of float32 numbers by straight pieces: a table that a number's own first bits lead into.

NumPy has no erf, and each operation of a formula goes over all numbers again. To look up is as fast for one
function as for another. Between two powers of two there are 256 pieces of one width.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convcli.engine.workspace import Array, Workspace

BITS = 17  # sign, exponent and 8 of the fraction
SHIFT = 32 - BITS
NEAR, FAR = 2.0**-24, 128.0  # closer to 0 than that, and further off, a function is a line in float32
BLOCK = 1 << 15  # numbers that are looked up one after the other, while a cache has them

Function = Callable[[Array], Array]


class Piecewise:
    """A function with its slope as straight pieces. Infinity and NaN go through the line that they are on.

    A piece of width w differs from f by f″ w² / 16 at most. With what float32 rounds, values and slopes of
    gelu and silu are right to 1e-6, and of numbers above 4 to three in the last place.

    Parameters
    ----------
    value, slope
        What float64 numbers give. Both are to be lines from ±`FAR` on, and smooth on either side of 0.
    """

    def __init__(self, value: Function, slope: Function) -> None:
        self.value, self.slope = _lines(value), _lines(slope)

    def apply(self, z: Array, a: Array, slopes: Array | None, scratch: Workspace) -> None:
        """Write the values of a float32 vector `z` to `a`, which may be `z`, and if asked for the slopes."""
        for start in range(0, z.size, BLOCK):
            block = slice(start, start + BLOCK)
            part = z[block]
            place = scratch.array("place", (BLOCK,), np.intp)[: part.size]
            rest = scratch.array("rest", (BLOCK,), np.float32)[: part.size]
            np.copyto(place, np.right_shift(part.view(np.uint32), SHIFT, out=rest.view(np.uint32)))
            if slopes is not None:
                _line(self.slope, part, place, slopes[block], rest)
            _line(self.value, part, place, a[block], rest)


def _line(pieces: tuple[Array, Array], z: Array, place: Array, out: Array, rest: Array) -> None:
    """Write start + rise · z to `out`, which may be `z`, by the pieces at `place`."""
    start, rise = pieces
    np.take(rise, place, out=rest, mode="clip")
    rest *= z
    np.take(start, place, out=out, mode="clip")
    out += rest


def _lines(f: Function) -> tuple[Array, Array]:
    """Return where each piece's line starts at 0, and how it rises."""
    first, last = (int(np.float32(edge).view(np.uint32)) >> SHIFT for edge in (NEAR, FAR))
    edges = (
        (np.arange(first, last + 1, dtype=np.uint32) << np.uint32(SHIFT)).view(np.float32).astype(np.float64)
    )
    start, rise = np.empty((2, 2, 1 << BITS - 1))
    for side, sign in enumerate((1.0, -1.0)):
        left, right = sign * edges[:-1], sign * edges[1:]
        at, middle = f(sign * edges), (left + right) / 2
        rise[side, first:last] = np.diff(at) / (right - left)
        # In the middle of a piece f is furthest from the line between its ends: half of that on either side.
        start[side, first:last] = (at[:-1] + f(middle)) / 2 - rise[side, first:last] * (left + middle) / 2
        near, far = f(sign * np.array([0.0, NEAR])), f(sign * np.array([FAR, 2 * FAR]))
        rise[side, :first], start[side, :first] = (near[1] - near[0]) / (sign * NEAR), near[0]
        rise[side, last:] = (far[1] - far[0]) / (sign * FAR)
        start[side, last:] = far[0] - rise[side, -1] * sign * FAR
    return start.astype(np.float32).ravel(), rise.astype(np.float32).ravel()
