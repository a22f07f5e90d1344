"""A direction as a colour: its angle as hue, its size as value, at full saturation."""

from __future__ import annotations

import math

import numpy as np

from convcli.engine.workspace import Array


def put_directions(x: Array, y: Array, out: Array) -> None:
    """Put red, green and blue of the directions (x, y) into `out` (3, h, w).

    Hue is atan2(y, x), red at 0, green at 2π/3, blue at 4π/3; value is √(x² + y²), in the same units, however
    large. Source: Smith, Color gamut transform pairs, SIGGRAPH 1978, at saturation 1.

    >>> out = np.empty((3, 1, 2))
    >>> put_directions(np.array([[2.0, -1.0]]), np.array([[0.0, 0.0]]), out)
    >>> out[:, 0].T.round(6).tolist()
    [[2.0, 0.0, 0.0], [0.0, 1.0, 1.0]]
    """
    sixth = np.arctan2(y, x) * (3 / math.pi)  # −3 … 3
    size = np.hypot(x, y)
    for colour, own in enumerate(out):
        np.subtract(sixth, 2 * colour, out=own)
        own += 9  # so that the middle of its six sixths is 3 from where the colour is full
        np.remainder(own, 6, out=own)
        own -= 3
        np.abs(own, out=own)  # 0 where it is full, 3 on the other side
        np.subtract(2, own, out=own)
        np.clip(own, 0, 1, out=own)
        own *= size
