"""Pixels no larger than they are drawn: more would only make files larger."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def thumbnail(pixels: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """Return uint8 (h, w) or (h, w, c) with a longer side of `most`; grey without a last axis."""
    rows, columns = pixels.shape[:2]
    volume = pixels if pixels.ndim == 3 else pixels[:, :, None]
    share = most / max(rows, columns)
    if share < 1:
        from convcli.images import resize  # few pixels need Pillow

        volume = resize(volume, (max(1, round(rows * share)), max(1, round(columns * share))))
    return volume[:, :, 0] if volume.shape[2] == 1 else volume
