"""Edges by second derivatives and waves, which sum to zero, and the edges that courses begin with.

Signs are those of correlation, as in `gradients`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from convcli.errors import KernelError
from convcli.kernels.definition import constant, define
from convcli.kernels.gradients import MOST_SIZED, derivative
from convcli.kernels.smoothing import TEXTBOOK, bell, offsets, size_for, square
from convcli.kernels.weights import MAX_SIDE, Weights
from convcli.shapes import Pair

SECOND = "second derivative"
WAVE = "wave"
COURSE = "course examples"


def _laplacian_sides(size: int | None) -> Pair:
    size = size or 1
    if size % 2 == 0 or size > MOST_SIZED:
        raise KernelError(f"laplacian: size: expected an odd number from 1 to {MOST_SIZED}, found {size}.")
    return (size, size) if size > 1 else (3, 3)


@define(
    "laplacian",
    group=SECOND,
    source=f"{TEXTBOOK}, section 3.6; larger as OpenCV's Laplacian of that ksize",
    sides=_laplacian_sides,
)
def laplacian(size: int | None = None) -> ArrayLike:
    """Second derivative along rows and columns.

    0  1  0
    1 -4  1
    0  1  0

    That is size 1, as in OpenCV. From size 3 on it smooths across the derivative: 2 0 2; 0 -8 0; 2 0 2.
    """
    if size is None or size == 1:
        return [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    along = np.outer(derivative(0, size), derivative(2, size))
    return along + along.T


constant(
    "laplacian8",
    SECOND,
    "Second derivative along rows, columns and diagonals.",
    f"{TEXTBOOK}, section 3.6",
    [[1, 1, 1], [1, -8, 1], [1, 1, 1]],
)

MOMENT_TOLERANCE = 0.02


@define(
    "log",
    group=SECOND,
    source="Marr and Hildreth, Theory of edge detection, 1980",
    sides=lambda sigma: square(size_for(sigma)),
)
def log(sigma: float = 1.4) -> Weights:
    """Laplacian of a Gaussian: blobs and edges of the size of sigma.

    ((x² + y² − 2 sigma²) / sigma⁴) gaussian, less its mean, so that the cut tails leave the sum at zero.
    Where the samples lie too far apart (sigma below about 0.8) it is scaled so that the second derivative of
    x² is 2, as it is for larger ones within one percent.
    """
    size = size_for(sigma)
    squares = offsets(size) ** 2
    weights = bell(sigma, size)
    radius = (squares[:, None] + squares[None, :] - 2 * sigma**2) / sigma**4
    result = radius * np.outer(weights, weights)
    result = np.asarray(result - result.mean())
    moment = float((result * squares).sum())
    return result if abs(moment - 2) < MOMENT_TOLERANCE else result * (2 / moment)


def _dog_sides(sigma1: float, sigma2: float) -> Pair:
    if sigma1 >= sigma2:
        raise KernelError(f"dog: sigma1 must be below sigma2, found {sigma1:g} and {sigma2:g}.")
    return square(size_for(sigma2))


@define(
    "dog",
    group=SECOND,
    source="Marr and Hildreth, Theory of edge detection, 1980 (ratio 1.6)",
    sides=_dog_sides,
)
def dog(sigma1: float = 1.0, sigma2: float = 1.6) -> Weights:
    """Difference of two Gaussians: detail between two sizes.

    gaussian(sigma1) − gaussian(sigma2)
    """
    size, _ = _dog_sides(sigma1, sigma2)
    narrow, wide = bell(sigma1, size), bell(sigma2, size)
    return np.asarray(np.outer(narrow, narrow) - np.outer(wide, wide))


def _gabor_sides(theta: float, sigma: float, gamma: float) -> Pair:
    cosine, sine = math.cos(math.radians(theta)), math.sin(math.radians(theta))
    reach = 3 * sigma, 3 * sigma / gamma
    half_width = math.ceil(max(abs(reach[0] * cosine), abs(reach[1] * sine), 1))
    half_height = math.ceil(max(abs(reach[0] * sine), abs(reach[1] * cosine), 1))
    columns, rows = 2 * half_width + 1, 2 * half_height + 1
    if max(rows, columns) > MAX_SIDE:
        raise KernelError(
            f"gabor: sigma and gamma make {rows} × {columns} cells; at most {MAX_SIDE} per side."
        )
    return rows, columns


@define(
    "gabor",
    group=WAVE,
    source="Daugman, Uncertainty relation for resolution in space, spatial frequency, and orientation, 1985; "
    "zero mean as in Lee, Image representation using 2D Gabor wavelets, 1996",
    sides=lambda theta, wavelength, sigma, gamma: _gabor_sides(theta, sigma, gamma),
)
def gabor(theta: float = 0.0, wavelength: float = 8.0, sigma: float = 4.0, gamma: float = 0.5) -> Weights:
    """Stripes of one width and direction.

    (cos(2π x' / wavelength) − c) exp(−(x'² + gamma² y'²) / 2 sigma²), with x' along theta and y' across; so
    theta 0 finds upright stripes. The Gaussian is scaled to the sum one; c makes the whole sum to zero.
    """
    cosine, sine = math.cos(math.radians(theta)), math.sin(math.radians(theta))
    rows, columns = _gabor_sides(theta, sigma, gamma)
    y, x = np.meshgrid(-offsets(rows), offsets(columns), indexing="ij")  # y grows upward, as angles do
    along, across = x * cosine + y * sine, y * cosine - x * sine
    envelope = np.exp(-(along**2 + (gamma * across) ** 2) / (2 * sigma**2))
    envelope /= envelope.sum()
    wave = np.cos(2 * math.pi * along / wavelength)
    return np.asarray(envelope * (wave - (envelope * wave).sum()))


constant(
    "horizontal-edges",
    COURSE,
    "Edges that lie level, bright above dark.",
    "Sobel and Feldman, 1968, with the sign of sobel-y turned",
    [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
)
constant(
    "diagonal-edges",
    COURSE,
    "Edges that run down to the right, bright above dark.",
    "Robinson, Edge detection by compass gradient masks, 1977",
    [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
)
constant(
    "corner-cross",
    COURSE,
    "Corners and crossings: the mixed second derivative.",
    "Abramowitz and Stegun, 1964, 25.3.26: four times ∂²f/∂x∂y",
    [[1, 0, -1], [0, 0, 0], [-1, 0, 1]],
)
