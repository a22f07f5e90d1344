"""Gradients thinned to their crests: a pixel stays if none across it is larger."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array

TAN_22 = 13573 / 2**15  # tan 22.5°, as OpenCV rounds it; tan 67.5° is 2 more


def gradient(cells: Array) -> tuple[Array, Array]:
    """Return the Sobel responses (h, w) across and down of cells (h + 2, w + 2)."""
    twice = cells + cells
    smooth = cells[:-2] + twice[1:-1]
    smooth += cells[2:]
    across = smooth[:, 2:] - smooth[:, :-2]
    smooth = np.add(cells[:, :-2], twice[:, 1:-1], out=twice[:, 1:-1])
    smooth += cells[:, 2:]
    return across, smooth[2:] - smooth[:-2]


def crests_between(size: Array, across: Array, down: Array, where: Array) -> Array:
    """Return which sizes (h + 2, w + 2) of gradients (h, w) are no less than those before and behind.

    Asked of the pixels `where`, places in gradients row by row. What is before and behind lies between two
    pixels, and is interpolated: J. Canny, A computational approach to edge detection, 1986, as
    ``skimage.feature.canny`` has it.
    """
    around = _Around(size, where)
    x, y = np.take(across, where), np.take(down, where)
    steep = np.abs(y) > np.abs(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(steep, np.abs(x) / np.abs(y), np.abs(y) / np.abs(x))
    share = np.where(np.isfinite(share), share, 0.0)
    row = around.row
    straight = np.where(steep, row, 1)
    rising = np.where(steep, row - 1, 1 - row)  # up to the right
    diagonal = np.where(y * x < 0, rising, row + 1)
    crest = np.ones(len(where), bool)
    for sign in (1, -1):
        beside = around(sign * diagonal) * share
        beside += around(sign * straight) * (1 - share)
        crest &= beside <= around.own
    return crest


def crests_in_sectors(size: Array, across: Array, down: Array, where: Array) -> Array:
    """Return which sizes (h + 2, w + 2) of gradients (h, w) are larger than their neighbours across.

    Asked of the pixels `where`, places in gradients row by row. Directions are rounded to four; of two equal
    neighbours the later one stays, as ``cv2.Canny`` has it.
    """
    around = _Around(size, where)
    signed_x, signed_y = np.take(across, where), np.take(down, where)
    x, y = np.abs(signed_x), np.abs(signed_y)
    flat = x * TAN_22
    horizontal, vertical = y < flat, y > flat + 2 * x
    row = around.row
    diagonal = np.where((signed_x < 0) != (signed_y < 0), row - 1, row + 1)
    behind = np.where(horizontal, 1, np.where(vertical, row, diagonal))
    after = around(behind)
    crest: Array = around.own > after
    crest |= (horizontal | vertical) & (around.own == after)
    crest &= around.own > around(-behind)
    return crest


class _Around:
    """Some of the pixels within a rim, and their neighbours by how far away these lie, row by row."""

    def __init__(self, size: Array, where: Array) -> None:
        self.row = size.shape[1]
        self.size = size.ravel()
        rows, columns = np.divmod(where, self.row - 2)
        self.places = (rows + 1) * self.row + columns + 1
        self.own = self.size[self.places]

    def __call__(self, away: Array) -> Array:
        values: Array = self.size[self.places + away]
        return values
