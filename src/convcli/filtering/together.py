"""Pictures of one size, pixel by pixel together: an image and its blur, a dilation less an erosion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import WORKSPACES, Effort
from convcli.filtering.picture import Derived, Kind, Picture
from convcli.filtering.visibility import Veil

Pixels: TypeAlias = NDArray[Any]
Merge: TypeAlias = Callable[[Sequence[Pixels], Pixels], None]


class _Together(Derived):
    """What a function makes of the same place in several pictures."""

    def __init__(
        self, pictures: Sequence[Picture], merge: Merge, channels: int, kind: Kind, veil: Veil | None
    ) -> None:
        first, *others = pictures
        dtype = np.result_type(*(picture.dtype for picture in pictures))
        effort = sum((picture.effort for picture in others), Effort())
        super().__init__(first, channels=channels, dtype=dtype, kind=kind, effort=effort, veil=veil)
        self.pictures, self.merge = pictures, merge
        # The widest first, of which the others are a part where the picture is `remembered`.
        self.order = sorted(range(len(pictures)), key=lambda number: -sum(pictures[number].halo))
        self.halo = (
            max(picture.halo[0] for picture in pictures),
            max(picture.halo[1] for picture in pictures),
        )

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        self._put(rows, columns, out, None)

    def read_seen(self, rows: slice, columns: slice, out: Pixels, sees: Pixels) -> None:
        """Do the same; what is seen is what all of them see."""
        self._put(rows, columns, out, sees)

    def _put(self, rows: slice, columns: slice, out: Pixels, sees: Pixels | None) -> None:
        size = out.shape[1:]
        with WORKSPACES.lent() as workspace:
            found: dict[int, Pixels] = {}
            for number in self.order:
                picture = self.pictures[number]
                own = workspace.array(f"together {number}", (picture.channels, *size), picture.dtype)
                if sees is None or picture.veil is None:
                    picture.read(rows, columns, own)
                elif not found:
                    picture.read_seen(rows, columns, own, sees)
                else:
                    also = workspace.array("also seen", size, bool)
                    picture.read_seen(rows, columns, own, also)
                    sees &= also
                found[number] = own
            self.merge([found[number] for number in range(len(self.pictures))], out)


def together(
    pictures: Sequence[Picture],
    merge: Merge,
    *,
    channels: int,
    kind: Kind = "pixels",
    veil: Veil | None = None,
) -> Picture:
    """Return the picture that a function makes of the same place in several pictures of one size.

    Parameters
    ----------
    pictures
        What it is made of.
    merge
        Called with the cells (c, h, w) of each, which it may overwrite, and ``out`` (channels, h, w): any
        block, by any thread.
    channels, kind
        Of the result.
    veil
        What hides parts of the result; what hides them of the first picture, if not given.
    """
    return _Together(pictures, merge, channels, kind, veil)


def difference(first: Picture, second: Picture) -> Picture:
    """Return the picture of the first's values less the second's, of one shape; hidden where either is."""

    def merge(cells: Sequence[Pixels], out: Pixels) -> None:
        np.subtract(cells[0], cells[1], out=out)

    veil = None
    if first.veil is not None and second.veil is not None:
        veil = _Both(first.veil, second.veil)
    return together([first, second], merge, channels=first.channels, veil=veil)


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
