"""How responses become pixels: the ranges that `policy` documents."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.filtering.summary import Summary

Pixels: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Range:
    """How the responses to one image become pixels.

    Attributes
    ----------
    name
        "clip", "abs", "stretch", "offset" or "raw".
    dtype
        The pixels'.
    levels
        The dtype whose black and white they have: not their own where floats become 0 … 255.
    missing
        What stands in the result where nothing is seen.
    black, white
        The responses that "stretch" takes for them.
    """

    name: str
    dtype: np.dtype[Any]
    levels: np.dtype[Any]
    missing: float = 0.0
    black: float = 0.0
    white: float = 0.0

    def put(self, plane: Pixels, out: Pixels, sees: Pixels | None, found: Summary) -> int:
        """Put responses as pixels into `out`; return how many that are seen had to be cut.

        `plane` is used up; `sees` says where anything is seen (None: everywhere); `found` is its summary.
        """
        low, high = self._moved(plane, found)
        cut = 0
        if self.name == "raw" or (self.name == "abs" and self.dtype.kind == "f"):
            np.copyto(out, plane, casting="same_kind")
        else:
            cut = self._rounded(plane, sees, low, high)
            if self.levels.kind == "f" and self.dtype.kind != "f":  # floats as 0 … 255
                plane *= 255
                np.rint(plane, out=plane)
            if found.odd and self.dtype.kind != "f":
                np.copyto(plane, 0, where=np.isnan(plane))
            np.copyto(out, plane, casting="unsafe")
        if sees is not None:
            out[~sees] = self.missing
        return cut

    def _moved(self, plane: Pixels, found: Summary) -> tuple[float, float]:
        """Bring responses to where their pixels are; return their extremes, infinite if not known."""
        black, white = limits_of(self.levels)
        low, high = (-math.inf, math.inf) if found.odd else (found.minimum, found.maximum)
        if self.name == "abs" and not low >= 0:
            np.abs(plane, out=plane)
            low, high = 0.0, max(-low, high)
        elif self.name == "offset":
            shift = 0.5 if self.levels.kind == "f" else float((white + black + 1) // 2)
            plane += shift
            low, high = low + shift, high + shift
        elif self.name == "stretch":
            least, spread = max(black, 0.0), self.white - self.black
            plane -= self.black
            factor = (white - least) / spread if spread else np.inf
            plane *= factor if factor <= float(np.finfo(plane.dtype).max) else 0.0  # too flat to be stretched
            plane += least
            low, high = -math.inf, math.inf
        return low, high

    def _rounded(self, plane: Pixels, sees: Pixels | None, low: float, high: float) -> int:
        """Round what lies from `low` to `high`, and cut it to black and white; return how many were cut."""
        black, white = limits_of(self.levels)
        if self.levels.kind != "f":
            np.rint(plane, out=plane)
        if low >= black and high <= white:  # most blocks have nothing to cut
            return 0
        cut = int(np.count_nonzero(plane < black) + np.count_nonzero(plane > white))
        if cut and sees is not None:
            cut = int(np.count_nonzero(sees & ((plane < black) | (plane > white))))
        np.clip(plane, black, white, out=plane)
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
