"""A result laid on a colour, where its alpha lets that through: for files that hold no alpha."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UsageError
from convcli.filtering.ranges import limits_of
from convcli.filtering.visibility import opaque_of
from convcli.images import colour

Pixels: TypeAlias = NDArray[Any]

_BAND = 2**20  # samples that are mixed at a time


def flattened(pixels: Pixels, alpha: Pixels, background: str) -> Pixels:
    """Return pixels (h, w) or (h, w, 3) over a background: p α + b (1 − α), of stored values, rounded.

    Grey ones become RGB (h, w, 3) on a colour that is no grey. `alpha` is (h, w), whose largest integer or 1
    is opaque. Of integers the same as Pillow's `paste` with a mask.

    Source: T. Porter and T. Duff, Compositing Digital Images, 1984: over, on a ground that is opaque.
    """
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        raise UsageError(
            f"Pixels of {pixels.shape[2]} channels have no colour that a background could be of."
        )
    ground = np.array(colour(background), np.float64) / 255 * limits_of(pixels.dtype)[1]
    if pixels.ndim == 2 and len(set(ground)) > 1:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    coloured = pixels.ndim == 3
    result = np.empty_like(pixels)
    rows = max(_BAND // max(pixels[0].size, 1), 1)
    for first in range(0, len(pixels), rows):
        band = pixels[first : first + rows].astype(np.float64)
        share = alpha[first : first + rows] / opaque_of(alpha.dtype)
        share = share[:, :, None] if coloured else share
        # What is not seen may be NaN, of which no share of 0 makes a number.
        mixed = np.where(share > 0, band, 0) * share + (ground if coloured else ground[0]) * (1 - share)
        result[first : first + rows] = mixed if pixels.dtype.kind == "f" else np.rint(mixed)
    return result
