"""Images, kernels and feature maps as pixels to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convcli.engine.workspace import Array
from convcli.render.drawing.heat import overlaid
from convcli.render.drawing.thumbnails import thumbnail

MOST_SIDE = 96  # pixels of a picture's longer side: it is not drawn larger
LARGE = 192  # of one that is to be judged


def photo(pixels: NDArray[np.uint8], most: int = MOST_SIDE) -> NDArray[np.uint8]:
    """Return an image (h, w, c) as (h, w) or (h, w, 3); of other depths the mean of the channels."""
    return thumbnail(_to_see(pixels), most)


def overlay(pixels: NDArray[np.uint8], plane: Array, largest: float) -> NDArray[np.uint8]:
    """Return an image (h, w, c) under a map (h, w) of 0 and more, which is warmest at `largest`.

    Of each colour 32 shades are left, which nobody tells from more, and which make files half as large.
    """
    seen, heat = _to_see(pixels), plane / largest if largest else plane
    drawn = overlaid(seen if seen.shape[2] == 3 else seen[:, :, 0], heat)
    return thumbnail(drawn // 8 * 8 + 4, MOST_SIDE)


def _to_see(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels if pixels.shape[2] in (1, 3) else np.rint(pixels.mean(2, keepdims=True)).astype(np.uint8)


def kernel(weights: Array, largest: float) -> NDArray[np.uint8]:
    """Return weights (h, w, c) as a picture: 0 in the middle between black and white, `largest` white."""
    volume = weights if weights.shape[2] in (1, 3) else weights.mean(2, keepdims=True)
    share = volume / largest if largest else np.zeros_like(volume)
    return thumbnail(np.rint(127.5 + 127.5 * share).astype(np.uint8), MOST_SIDE)


def feature_map(plane: Array) -> NDArray[np.uint8]:
    """Return a map (h, w) as a picture, its least black and its most white; a constant one is black."""
    low, high = plane.min(), plane.max()
    share = (plane - low) / (high - low) if high > low else np.zeros_like(plane)
    return thumbnail(np.rint(255 * share).astype(np.uint8), MOST_SIDE)
