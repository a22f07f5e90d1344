"""Pictures brought to another size."""

from __future__ import annotations

import numpy as np
import PIL.Image
from numpy.typing import NDArray


def resize(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return uint8 pixels (h, w, c) resized to (rows, columns) by Lanczos' filter, smoothed when shrunk."""
    rows, columns = size
    if pixels.shape[:2] == (rows, columns):
        return pixels
    planes = [
        np.asarray(PIL.Image.fromarray(pixels[:, :, c]).resize((columns, rows), PIL.Image.Resampling.LANCZOS))
        for c in range(pixels.shape[2])
    ]
    return np.stack(planes, axis=2)
