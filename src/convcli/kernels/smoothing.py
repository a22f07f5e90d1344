"""Kernels that keep brightness (their weights sum to one): blurring, sharpening, and the identity."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from convcli.kernels.definition import constant, define
from convcli.kernels.weights import Weights
from convcli.shapes import Pair

BASIC = "basic"
SMOOTHING = "smoothing"
SHARPENING = "sharpening"

TEXTBOOK = "Gonzalez and Woods, Digital Image Processing, 4th ed., 2018"


def offsets(size: int) -> Weights:
    """Return the cells' distances from the middle of a side: −1, 0, 1 for three, −½, ½ for two."""
    return np.arange(size, dtype=np.float64) - (size - 1) / 2


def size_for(sigma: float) -> int:
    """Return the odd side that holds four standard deviations each way, as scipy.ndimage cuts a Gaussian."""
    return 2 * max(1, int(4 * sigma + 0.5)) + 1


def square(size: int) -> Pair:
    """Return the sides of a kernel whose parameter is its size."""
    return size, size


def bell(sigma: float, size: int) -> Weights:
    """Return a sampled Gaussian of one dimension that sums to one."""
    weights = np.exp(-0.5 * (offsets(size) / sigma) ** 2)
    return np.asarray(weights / weights.sum())


IDENTITY = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
constant("identity", BASIC, "Changes nothing.", "the unit of convolution", IDENTITY)


@define("box", group=SMOOTHING, source=f"{TEXTBOOK}, section 3.5", sides=square)
def box(size: int = 3) -> ArrayLike:
    """Mean of a square.

    1 1 1
    1 1 1   / size²
    1 1 1
    """
    return np.broadcast_to(1 / size**2, (size, size))


@define(
    "gaussian",
    group=SMOOTHING,
    source=f"{TEXTBOOK}, section 3.5; cut at 4 sigma like scipy.ndimage",
    sides=lambda sigma, size, sigma_x, sigma_y: (
        size or size_for(sigma_y or sigma),
        size or size_for(sigma_x or sigma),
    ),
)
def gaussian(
    sigma: float = 1.0,
    size: int | None = None,
    sigma_x: float | None = None,
    sigma_y: float | None = None,
) -> Weights:
    """Soft blur; without a size, wide enough for four sigma.

    sigma_x (across) and sigma_y (down) stand for sigma where they are given.

    With sigma 0.85 and size 3 about

    1 2 1
    2 4 2   / 16
    1 2 1
    """
    across, down = sigma_x or sigma, sigma_y or sigma
    return np.outer(bell(down, size or size_for(down)), bell(across, size or size_for(across)))


def _motion_sides(size: int, angle: float) -> Pair:
    """Return the rows and columns that the line of `motion` touches, from the cells near its end alone."""
    sides = []
    for turned in (angle, angle + 90):  # the columns of a line are the rows of the one that is turned
        along, up = math.radians(turned), abs(math.sin(math.radians(turned))) * (size - 1) / 2
        places = offsets(size)
        near = places[(places >= 0) & (abs(places - up) < 2)]
        above, below = (_motion(places, half, size, along).any(axis=1) for half in (near, -near))
        most = near[above | below].max()
        sides.append(int(2 * most + 1))
    return sides[0], sides[1]


def _motion(x: Weights, y: Weights, size: int, angle: float) -> Weights:
    """Return 1 less each cell's distance from the line, and 0 from 1 on; y grows upward, as angles do."""
    across, up = math.cos(angle), math.sin(angle)
    x, y = x[None, :], y[:, None]
    half = (size - 1) / 2
    along = np.clip(x * across + y * up, -half, half)
    weights = np.maximum(1 - np.hypot(x - along * across, y - along * up), 0)
    weights[weights < 1e-9] = 0
    return np.asarray(weights)


@define(
    "motion",
    group=SMOOTHING,
    source="MATLAB, fspecial motion: cells by their distance from the line",
    sides=_motion_sides,
)
def motion(size: int = 9, angle: float = 0.0) -> Weights:
    """Blur along a line, as of a camera that moves.

    With size 3: 1 1 1 / 3; with size 3 and angle 90 the same upright.
    """
    rows, columns = map(offsets, _motion_sides(size, angle))  # symmetric about the middle
    weights = _motion(columns, -rows, size, math.radians(angle))
    return np.asarray(weights / weights.sum())


constant(
    "sharpen",
    SHARPENING,
    "Adds the detail that the Laplacian finds.",
    f"identity minus laplacian; {TEXTBOOK}, section 3.6",
    [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
)


@define(
    "unsharp",
    group=SHARPENING,
    source=f"unsharp masking, f + amount (f − blurred f); {TEXTBOOK}, section 3.6",
    sides=lambda sigma, amount: square(size_for(sigma)),
)
def unsharp(sigma: float = 1.0, amount: float = 1.0) -> Weights:
    """Sharpens by what a Gaussian blur takes away.

    (1 + amount) identity − amount gaussian
    """
    weights = -amount * gaussian(sigma)
    middle = len(weights) // 2
    weights[middle, middle] += 1 + amount
    return weights


constant(
    "emboss",
    SHARPENING,
    "Relief, as if lit from a corner.",
    "Wikipedia, Image embossing; light from the upper left, sum one",
    [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
)
