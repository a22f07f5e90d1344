"""A map laid over a picture: warm where it is above 0, cold where it is below."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convcli.engine.workspace import Array

# Told apart from each other, from black and from white, by people who confuse red and green, too.
WARM, COLD = np.array([255.0, 106, 0]), np.array([30.0, 120, 255])
MOST = 0.75  # of the colour where the map is 1 or −1: the picture is still to be seen
_LUMA = np.array([0.299, 0.587, 0.114])


def overlaid(pixels: NDArray[np.uint8], heat: Array) -> NDArray[np.uint8]:
    """Return a picture (h, w) or (h, w, 3) in grey under `heat` (h, w), from −1 to 1: uint8 (h, w, 3)."""
    grey = pixels @ _LUMA if pixels.ndim == 3 else pixels.astype(np.float64)
    share = MOST * np.minimum(np.abs(heat), 1)[:, :, None]
    colour = np.where(heat[:, :, None] > 0, WARM, COLD)
    return np.rint(grey[:, :, None] * (1 - share) + colour * share).astype(np.uint8)
