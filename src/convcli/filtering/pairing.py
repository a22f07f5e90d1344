"""A picture made of two: one less the other."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import WORKSPACES
from convcli.filtering.picture import Derived, Picture
from convcli.filtering.visibility import Veil

Pixels: TypeAlias = NDArray[Any]


def difference(first: Picture, second: Picture) -> Picture:
    """Return the picture of the first's values less the second's, both of one shape; hidden where either is.

    What both are made of is computed for each of them.
    """
    return _Difference(first, second)


class _Difference(Derived):
    """What is read of one picture less what is read of another."""

    def __init__(self, first: Picture, second: Picture) -> None:
        wider, other = (first, second) if first.halo >= second.halo else (second, first)
        veil = None
        if first.veil is not None and second.veil is not None:
            veil = _Both(first.veil, second.veil)
        super().__init__(wider, kind="pixels", effort=other.effort, veil=veil)
        self.first, self.second = first, second

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Subtract."""
        with WORKSPACES.lent() as workspace:
            other = workspace.array("less", out.shape, self.second.dtype)
            parts = [(self.first, out), (self.second, other)]
            for picture, cells in sorted(parts, key=lambda part: -sum(part[0].halo)):  # see `remembered`
                picture.read(rows, columns, cells)
            np.subtract(out, other, out=out)


class _Both(Veil):
    """What hides either of two pictures of the same pixels."""

    def __init__(self, first: Veil, second: Veil) -> None:
        super().__init__(first.shape, first.alpha_dtype, weighs=first.weighs, has_data=first.has_data)
        self.first, self.second = first, second

    def sees(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Say where both are seen."""
        other = np.empty_like(out)
        self.first.sees(rows, columns, out)
        self.second.sees(rows, columns, other)
        out &= other

    def alpha(self, rows: slice, columns: slice, out: Pixels, sees: Pixels | None = None) -> None:
        """Take the lesser."""
        other = np.empty_like(out)
        self.first.alpha(rows, columns, out)
        self.second.alpha(rows, columns, other)
        np.minimum(out, other, out=out)
