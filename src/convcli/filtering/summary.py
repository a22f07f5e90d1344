"""What there is to say of responses, of a block or of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Summary:
    """The extremes of the responses that are seen and finite, and how many are not.

    Attributes
    ----------
    minimum, maximum
        ∞ and −∞ if there are none.
    clipped
        How many were cut.
    odd
        How many are NaN or infinite.
    """

    minimum: float
    maximum: float
    clipped: int = 0
    odd: int = 0

    @classmethod
    def of(cls, plane: NDArray[Any], sees: NDArray[Any] | None) -> Summary:
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
