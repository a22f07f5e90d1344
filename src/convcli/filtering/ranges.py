"""How responses become pixels: the ranges that `policy` documents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Summary:
    """What there is to say of the responses that are seen, in a block or in all."""

    minimum: float  # of those that are finite; ∞ and −∞ if there are none
    maximum: float
    clipped: int = 0  # how many were cut
    odd: int = 0  # how many are NaN or infinite

    @classmethod
    def of(cls, plane: Pixels, sees: Pixels | None) -> Summary:
        """Return the summary of a plane, which sees something where `sees` says (None: everywhere)."""
        low, high = float(plane.min()), float(plane.max())
        if sees is None and math.isfinite(low) and math.isfinite(high):
            return cls(low, high)
        finite = np.isfinite(plane)
        counted = finite if sees is None else finite & sees
        odd = int(np.count_nonzero(~finite if sees is None else sees & ~finite))
        low = float(np.min(plane, initial=math.inf, where=counted))
        high = float(np.max(plane, initial=-math.inf, where=counted))
        return cls(low, high, 0, odd)

    @classmethod
    def of_all(cls, parts: Sequence[Summary]) -> Summary:
        """Return the summary of all parts."""
        return cls(
            min(part.minimum for part in parts),
            max(part.maximum for part in parts),
            sum(part.clipped for part in parts),
            sum(part.odd for part in parts),
        )

    @property
    def extremes(self) -> tuple[float, float] | None:
        """The smallest and the largest response, None if there is none."""
        return (self.minimum, self.maximum) if self.minimum <= self.maximum else None

    def fits(self, range: str, dtype: np.dtype[Any]) -> bool:  # noqa: A002  (the option's name)
        """Whether all is finite that `dtype` holds on the way from responses to pixels."""
        reach = self.maximum - self.minimum if range == "stretch" else max(-self.minimum, self.maximum)
        return not self.odd and reach <= float(np.finfo(dtype).max)


@dataclass(frozen=True)
class Range:
    """How the responses to one image become pixels."""

    name: str  # "clip", "abs", "stretch", "offset", "angle" or "raw"
    dtype: np.dtype[Any]  # the pixels'
    levels: np.dtype[Any]  # whose black and white they have: not their own where they become 0 … 255
    missing: float = 0.0  # what stands in the result where nothing is seen
    black: float = 0.0  # the responses that "stretch" takes for black and white
    white: float = 0.0

    @property
    def is_rescaled(self) -> bool:
        """Whether pixels are integers of another depth than the image's."""
        return self.dtype.kind != "f" and self.dtype != self.levels

    @property
    def limits(self) -> tuple[float, float]:
        """Black and white of the levels: of what is made 0 … 255, nothing below 0 is one."""
        black, white = limits_of(self.levels)
        return (max(black, 0.0) if self.is_rescaled else black), white

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
            if self.is_rescaled:
                plane *= limits_of(self.dtype)[1] / limits_of(self.levels)[1]
                np.rint(plane, out=plane)
            if found.odd and self.dtype.kind != "f":
                np.copyto(plane, 0, where=np.isnan(plane))
            np.copyto(out, plane, casting="unsafe")
        if sees is not None:
            out[~sees] = self.missing
        return cut

    def _moved(self, plane: Pixels, found: Summary) -> tuple[float, float]:
        """Bring responses to where their pixels are; return their extremes, infinite if not known."""
        black, white = self.limits
        low, high = (-math.inf, math.inf) if found.odd else (found.minimum, found.maximum)
        if self.name == "abs" and not low >= 0:
            np.abs(plane, out=plane)
            low, high = 0.0, max(-low, high)
        elif self.name == "angle":
            np.remainder(plane, math.tau, out=plane)
            plane *= white / math.tau
            low, high = 0.0, white
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
        """Cut what lies from `low` to `high` to black and white; return how many were. Levels are rounded."""
        black, white = self.limits
        if self.levels.kind != "f" and not self.is_rescaled:
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
