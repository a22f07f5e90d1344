"""A picture made of two: one less the other."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import WORKSPACES
from convcli.filtering.picture import Derived, Picture

Pixels: TypeAlias = NDArray[Any]


def difference(first: Picture, second: Picture) -> Picture:
    """Return the picture of the first's values less the second's, both of one shape; hidden where either is.

    What both are made of is computed for each of them.
    """
    return _Difference(first, second)


class _Difference(Derived):
    def __init__(self, first: Picture, second: Picture) -> None:
        wider = first if first.halo >= second.halo else second
        super().__init__(wider, kind="pixels", effort=(first if wider is second else second).effort)
        self.first, self.second = first, second

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Subtract."""
        with WORKSPACES.lent() as workspace:
            other = workspace.array("less", out.shape, self.second.dtype)
            self.first.read(rows, columns, out)
            self.second.read(rows, columns, other)
            np.subtract(out, other, out=out)
