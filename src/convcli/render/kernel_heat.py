"""A kernel's weights as pixels: warm above 0, cold below, white 0; of RGB kernels as the colours they see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convcli.kernels import Kernel
from convcli.kernels.weights import Weights
from convcli.render.drawing.palette import WARMEST_COLDEST

Bytes = NDArray[np.uint8]

WARM, COLD = (np.array(list(bytes.fromhex(name[1:])), float) for name in WARMEST_COLDEST)
"""Told apart from each other, and from white between them, by people who confuse red and green, too."""


def heat_of(weights: Weights, largest: float) -> Bytes:
    """Return weights (f_h, f_w) as uint8 (f_h, f_w, 3): white for 0, a full colour for ± `largest`."""
    share = np.clip(weights / (largest or 1.0), -1, 1)[:, :, None]
    full = np.where(share > 0, WARM, COLD)
    heat: Bytes = np.rint(255 + np.abs(share) * (full - 255)).astype(np.uint8)
    return heat


def heats(kernel: Kernel, *, coloured: bool = True) -> list[Bytes]:
    """Return a kernel's parts as pixels, all on one scale; those of three channels as one in colour.

    There grey is 0, and light of a colour a positive weight on it. So it is of all, where nothing is
    `coloured`.
    """
    largest = max(float(np.abs(part).max()) for part in kernel.parts)
    if kernel.combine == "volume" and len(kernel.parts) == 3:
        return [grey_heat(np.dstack(kernel.parts), largest)]
    if not coloured:
        return [grey_heat(np.dstack([part] * 3), largest) for part in kernel.parts]
    return [heat_of(part, largest) for part in kernel.parts]


def grey_heat(weights: Weights, largest: float) -> Bytes:
    """Return weights (f_h, f_w, 3) as uint8: grey for 0, white for `largest`, black for its negative."""
    grey: Bytes = np.rint(127.5 + 127.5 * weights / (largest or 1.0)).astype(np.uint8)
    return grey
