"""A drawing to try filters on where no photo is given: waves, edges, colours, ramps, points, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 320  # of the drawing; of each of its four parts half
NOISE = 24.0  # standard deviation


def chart() -> NDArray[np.uint8]:
    """Return the drawing as RGB (320, 320, 3), the same every time.

    Above a zone plate, whose waves get finer outwards up to half a cycle a pixel, and a disc and a square in
    colour; below a ramp over steps, and points, lines and noise.
    """
    half = SIDE // 2
    y, x = np.mgrid[:half, :half].astype(np.float64)
    away = (x - half / 2) ** 2 + (y - half / 2) ** 2
    plate = 127.5 + 127.5 * np.cos(np.pi * away / half)
    shapes = np.full((half, half, 3), (236.0, 232.0, 220.0))
    shapes[away < (half * 0.3) ** 2] = (200, 60, 40)
    shapes[half // 8 : half // 3, half // 8 : half // 3] = (30, 90, 160)
    shapes[2 * half // 3 :, :: half // 16] = (20, 20, 20)
    ramp = np.where(y < half / 2, x * 255 / (half - 1), np.floor(x * 8 / half) * 255 / 7)
    marks = 128 + np.random.default_rng(0).normal(0, NOISE, (half, half)) * (x > half / 2)
    marks[half // 4 :: half // 4, half // 8 : half // 2 : half // 8] = 255
    marks[np.abs(y - x * 0.4 - half * 0.55) < 1] = 0
    marks[np.abs((y - half / 2) + (x - half / 4) * 2) < 1.5] = 255
    above = np.hstack([np.repeat(plate[:, :, None], 3, 2), shapes])
    below = np.repeat(np.hstack([ramp, marks])[:, :, None], 3, 2)
    drawn: NDArray[np.uint8] = np.rint(np.clip(np.vstack([above, below]), 0, 255)).astype(np.uint8)
    return drawn
