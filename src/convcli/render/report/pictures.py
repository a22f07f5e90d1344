"""Images, kernels and feature maps as pixels to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convcli.engine.workspace import Array
from convcli.render.drawing.thumbnails import thumbnail

MOST_SIDE = 96  # pixels of a picture's longer side: it is not drawn larger


def photo(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image (h, w, c) as (h, w) or (h, w, 3); of other depths the mean of the channels."""
    if pixels.shape[2] not in (1, 3):
        pixels = np.rint(pixels.mean(2, keepdims=True)).astype(np.uint8)
    return thumbnail(pixels, MOST_SIDE)


def kernel(weights: Array, largest: float) -> NDArray[np.uint8]:
    """Return weights (h, w, c) as a picture: 0 in the middle between black and white, `largest` white."""
    volume = weights if weights.shape[2] in (1, 3) else weights.mean(2, keepdims=True)
    share = volume / largest if largest else np.zeros_like(volume)
    return thumbnail(np.rint(127.5 + 127.5 * share).astype(np.uint8), MOST_SIDE)


def feature_map(plane: Array, low: float, high: float) -> NDArray[np.uint8]:
    """Return a map (h, w) as a picture, `low` black and `high` white."""
    share = (plane - low) / (high - low) if high > low else np.zeros_like(plane)
    return thumbnail(np.rint(255 * share).astype(np.uint8), MOST_SIDE)
