"""How responses become pixels: the ranges that `policy` documents."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[Any]

RANGES = ("auto", "clip", "abs", "stretch", "offset", "raw")


def finish(
    plane: Pixels,
    out: Pixels,
    dtype: np.dtype[Any],
    policy: str,
    extremes: tuple[float, float],
    limits: tuple[float, float],
) -> int:
    """Put responses as pixels of `dtype` into `out`; return how many had to be cut. `plane` is used up.

    `extremes` are the block's, infinite if not all of it is finite; `limits` what "stretch" takes for black
    and white.
    """
    black, white = limits_of(dtype)
    low, high = extremes
    odd = math.isinf(low)  # some are NaN or infinite, or not one is seen
    whole = dtype.kind == "f" and out.dtype.kind != "f"  # floats as 0 … 255
    if policy == "raw":
        np.copyto(out, plane, casting="same_kind")
        return 0
    if policy == "abs":
        if not low >= 0:
            np.abs(plane, out=plane)
            low, high = 0.0, max(-low, high)
        if out.dtype.kind == "f":
            np.copyto(out, plane, casting="same_kind")
            return 0
    elif policy == "offset":
        shift = 0.5 if dtype.kind == "f" else float((white + black + 1) // 2)
        plane += shift
        low, high = low + shift, high + shift
    elif policy == "stretch":
        least, spread = max(black, 0.0), limits[1] - limits[0]
        plane -= limits[0]
        factor = (white - least) / spread if spread else np.inf
        plane *= factor if factor <= float(np.finfo(plane.dtype).max) else 0.0  # too flat to be stretched
        plane += least
        low, high = -np.inf, np.inf
    if dtype.kind != "f":
        np.rint(plane, out=plane)
    cut = 0
    if not (low >= black and high <= white):  # most blocks have nothing to cut
        cut = int(np.count_nonzero(plane < black) + np.count_nonzero(plane > white))
        np.clip(plane, black, white, out=plane)
    if whole:
        plane *= 255
        np.rint(plane, out=plane)
    if odd and out.dtype.kind != "f":
        np.copyto(plane, 0, where=np.isnan(plane))
    np.copyto(out, plane, casting="unsafe")
    return cut


def limits_of(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return black and white: what an integer dtype holds, or 0 and 1 for floats."""
    if dtype.kind == "f":
        return 0.0, 1.0
    limits = np.iinfo(dtype)
    white = float(limits.max)
    if int(white) > limits.max:  # 2⁶³ − 1 is no float64; the float above it would not fit back
        white = float(np.nextafter(white, 0))
    return float(limits.min), white
