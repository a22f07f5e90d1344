"""The brightness of colours, block by block."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.arguments import computing_dtype
from convcli.engine.workspace import Workspace
from convcli.errors import ShapeError
from convcli.filtering.picture import Picture, Stored, StoredImage, pointwise
from convcli.shapes import Pair

Pixels: TypeAlias = NDArray[Any]

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness. Source: ITU-R BT.601-7, section 2.5.1."""

LUMA_709 = (0.2126, 0.7152, 0.0722)
"""Those of high definition, whose primaries are sRGB's: of light, its luminance.

Source: ITU-R BT.709-6, section 3.2.
"""

LUMA_PIXELS = 2**17  # whose channels are converted at a time: they stay in the cache
LUMA_COLUMNS = 2**11  # OpenBLAS spreads a product of 3 × 3072 and more over its own threads


class LumaPlane:
    """The brightness of an RGB image (H, W, 3), as floats and not rounded.

    Source: ITU-R BT.601-7, section 2.5.1: 0.299 R + 0.587 G + 0.114 B, if there are no other weights.
    """

    def __init__(self, pixels: Pixels, weights: Sequence[float] = LUMA) -> None:
        self.pixels, self.weights = pixels, weights
        self.shape: Pair = (pixels.shape[0], pixels.shape[1])
        self.dtype = pixels.dtype
        self._local = threading.local()

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Put the brightness of `rows` and `columns` into `out`.

        All three channels are converted in one go and weighted by a matrix-vector product, which reads them
        once and not strided. Its parts are too small for BLAS to spread.
        """
        if not hasattr(self._local, "workspace"):
            self._local.workspace = Workspace()
        weights = np.array(self.weights, out.dtype)
        width = columns.stop - columns.start
        height = max(LUMA_PIXELS // width, 1)
        for first in range(0, len(out), height):
            band = out[first : first + height]
            colours = self._local.workspace.array("colours", (*band.shape, 3), out.dtype)
            start = rows.start + first
            np.copyto(colours, self.pixels[start : start + len(band), columns])
            for left in range(0, width, LUMA_COLUMNS):
                some = slice(left, left + LUMA_COLUMNS)
                np.matmul(colours[:, some], weights, out=band[:, some])


def luma(pixels: Pixels) -> Pixels:
    """Return the brightness (H, W) of an RGB image (H, W, 3), as floats and not rounded: see `LumaPlane`.

    >>> luma(np.array([[[255, 0, 0], [255, 255, 255]]], dtype=np.uint8)).round(1).tolist()
    [[76.19999694824219, 255.0]]
    """
    brightness = np.empty(pixels.shape[:2], computing_dtype(pixels.dtype))
    LumaPlane(pixels).read(slice(0, pixels.shape[0]), slice(0, pixels.shape[1]), brightness)
    return brightness


def gray(picture: Picture, weights: Sequence[float] = LUMA) -> Picture:
    """Return the brightness of a picture, not rounded; a picture of one channel is that.

    Raises `ShapeError` if it has neither one nor three.
    """
    if picture.channels == 1:
        return picture
    if picture.channels != 3:
        raise ShapeError(
            f"Brightness is that of 3 channels (RGB); this picture has {picture.channels}; "
            "take channels each."
        )
    if isinstance(picture, StoredImage):
        return Stored([LumaPlane(picture.pixels, weights)], picture.levels, veil=picture.veil)

    def weighted(cells: Pixels, out: Pixels) -> None:
        for colour, weight in zip(cells, weights, strict=True):
            colour *= weight
        np.add(cells[0], cells[1], out=out[0])
        out[0] += cells[2]

    return pointwise(picture, weighted, channels=1)
