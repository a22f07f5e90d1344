"""Linear light: a picture's stored values as the light they stand for, and back at the end of a chain.

A blur is a mean of light, as out of focus. Of stored values, which follow the eye, it is too dark where
bright and dark meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from convcli.filtering.picture import Picture, Pixels, pointwise
from convcli.images.curves import Curve


def in_light(picture: Picture, curves: Sequence[Curve]) -> Picture:
    """Return the light of a picture, black and white where they were."""
    return _bent(picture, [curve.decoded for curve in curves])


def as_stored(picture: Picture, curves: Sequence[Curve]) -> Picture:
    """Return light as it is stored; of one channel that is made of three, by green's curve."""
    if picture.kind in ("angle", "hue"):
        return picture  # directions are no light
    return _bent(picture, [curve.encoded for curve in curves])


def _bent(picture: Picture, functions: Sequence[Callable[[Pixels], Pixels]]) -> Picture:
    black, reach = picture.black, picture.white - picture.black
    if picture.channels == 1:
        functions = [functions[len(functions) // 2]]

    def bent(cells: np.ndarray, out: np.ndarray) -> None:
        cells -= black
        cells /= reach
        for number, (own, made) in enumerate(zip(cells, out, strict=True)):
            np.copyto(made, functions[min(number, len(functions) - 1)](own))
        out *= reach
        out += black

    return pointwise(picture, bent)
