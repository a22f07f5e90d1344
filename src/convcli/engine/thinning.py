"""Gradients thinned to their crests: a pixel stays if none across it is larger."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array

TAN_22 = 13573 / 2**15  # tan 22.5°, as OpenCV rounds it; tan 67.5° is 2 more


def gradient(cells: Array) -> tuple[Array, Array]:
    """Return the Sobel responses (h, w) across and down of cells (h + 2, w + 2)."""
    smooth = cells[:-2] + 2 * cells[1:-1] + cells[2:]
    across = smooth[:, 2:] - smooth[:, :-2]
    smooth = cells[:, :-2] + 2 * cells[:, 1:-1] + cells[:, 2:]
    return across, smooth[2:] - smooth[:-2]


def crests_between(size: Array, across: Array, down: Array) -> Array:
    """Return where sizes (h + 2, w + 2) of gradients (h, w) are no less than those before and behind.

    These lie between two pixels, and are interpolated: J. Canny, A computational approach to edge detection,
    1986, as ``skimage.feature.canny`` has it.
    """
    own = size[1:-1, 1:-1]
    steep = np.abs(down) > np.abs(across)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(steep, np.abs(across) / np.abs(down), np.abs(down) / np.abs(across))
    share = np.where(np.isfinite(share), share, 0.0)
    crest = np.ones(own.shape, bool)
    rising = down * across < 0  # up to the right
    for sign in (1, -1):
        straight = np.where(steep, _moved(size, sign, 0), _moved(size, 0, sign))
        falling = _moved(size, sign, sign)
        other = np.where(steep, _moved(size, sign, -sign), _moved(size, -sign, sign))
        diagonal = np.where(rising, other, falling)
        crest &= diagonal * share + straight * (1 - share) <= own
    return crest


def crests_in_sectors(size: Array, across: Array, down: Array) -> Array:
    """Return where sizes (h + 2, w + 2) of gradients (h, w) are larger than their neighbours across.

    Directions are rounded to four; of two equal neighbours the later one stays, as ``cv2.Canny`` has it.
    """
    own = size[1:-1, 1:-1]
    x, y = np.abs(across), np.abs(down)
    flat = x * TAN_22
    horizontal, vertical = y < flat, y > flat + 2 * x
    crest = np.where(
        horizontal,
        (own > _moved(size, 0, -1)) & (own >= _moved(size, 0, 1)),
        (own > _moved(size, -1, 0)) & (own >= _moved(size, 1, 0)),
    )
    opposite = (across < 0) != (down < 0)
    diagonal = np.where(
        opposite,
        (own > _moved(size, -1, 1)) & (own > _moved(size, 1, -1)),
        (own > _moved(size, -1, -1)) & (own > _moved(size, 1, 1)),
    )
    return np.where(horizontal | vertical, crest, diagonal)


def _moved(size: Array, rows: int, columns: int) -> Array:
    """Return the neighbours so many rows below and columns to the right, as (h, w)."""
    height, width = size.shape
    return size[1 + rows : height - 1 + rows, 1 + columns : width - 1 + columns]
