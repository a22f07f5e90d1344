"""Kernels that sum to zero: first and second derivatives, compass directions, waves. Flat areas become black.

Signs are those of correlation: a kernel that ends in -x answers positively where brightness rises to the
right, one that ends in -y where it rises downward, as in scipy.ndimage and OpenCV.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from convcli.errors import KernelError
from convcli.kernels.definition import KERNELS, MAX_SIDE, Combine, Definition, Weights, define
from convcli.kernels.smoothing import TEXTBOOK, bell, offsets, size_for, square
from convcli.shapes import Pair

GRADIENT = "gradient"
COMPASS = "compass"
SECOND = "second derivative"
WAVE = "wave"
COURSE = "course examples"


def _constant(
    name: str, group: str, summary: str, source: str, weights: ArrayLike, combine: Combine = "single"
) -> None:
    """Register a kernel that takes no parameters, as a line of a family."""
    KERNELS.register(name)(Definition(lambda: weights, group, summary, source, combine))


def _gradient(name: str, along_x: Weights, along_y: Weights, source: str) -> None:
    """Register a gradient three times: its magnitude √(gx² + gy²) and its two signed parts."""
    _constant(
        name, GRADIENT, "Strength of edges in every direction.", source, (along_x, along_y), "magnitude"
    )
    _constant(f"{name}-x", GRADIENT, "Brightness rising to the right, signed.", source, along_x)
    _constant(f"{name}-y", GRADIENT, "Brightness rising downward, signed.", source, along_y)


def _smoothed_difference(
    name: str, smoothing: Sequence[float], difference: Sequence[float], source: str
) -> None:
    """Register the gradient that takes the difference along one axis and smooths along the other."""
    along_x = np.outer(smoothing, difference)
    _gradient(name, along_x, along_x.T, source)


MOST_SIZED = 31
"""The largest size of sobel and laplacian: OpenCV has the same."""


def _sized(
    name: str, taps: Callable[[int], tuple[Weights, Weights]], source: str, check: Callable[[str, int], None]
) -> None:
    """Register a gradient of odd sizes; `taps` returns what smooths and what takes the difference."""

    def parts(size: int | None = None) -> tuple[Weights, Weights]:
        smoothing, difference = taps(size or 3)
        along_x = np.outer(smoothing, difference)
        return along_x, along_x.T

    def along_x(size: int | None = None) -> Weights:
        return parts(size)[0]

    def along_y(size: int | None = None) -> Weights:
        return parts(size)[1]

    whole, rising, falling = "Strength of edges in every direction.", "to the right", "downward"
    summaries = (whole, *(f"Brightness rising {way}, signed." for way in (rising, falling)))
    endings: tuple[str, str, str] = ("", "-x", "-y")
    for ending, build, summary in zip(endings, (parts, along_x, along_y), summaries, strict=True):
        own = f"{name}{ending}"

        def sides(size: int | None, own: str = own) -> Pair:
            check(own, size or 3)
            return size or 3, size or 3

        combine: Combine = "single" if ending else "magnitude"
        KERNELS.register(own)(Definition(build, GRADIENT, summary, source, combine, sides))


def _check_odd(name: str, size: int) -> None:
    if size % 2 == 0 or not 3 <= size <= MOST_SIZED:
        raise KernelError(f"{name}: size: expected an odd number from 3 to {MOST_SIZED}, found {size}.")


def _check_three(name: str, size: int) -> None:
    if size != 3:
        family = name.removeprefix("scharr")
        raise KernelError(
            f"{name}: size: expected 3, found {size}: its weights were made for 3 × 3 alone, in OpenCV too. "
            f"Larger ones are sobel{family}:size={size} and farid{family}, which is 5 × 5."
        )


def derivative(order: int, size: int) -> Weights:
    """Return the taps of a derivative, smoothed, as OpenCV's getDerivKernels gives them.

    (1, 1) is laid on itself size − 1 − order times, and (−1, 1) order times.

    >>> derivative(0, 5).tolist(), derivative(1, 5).tolist()
    ([1.0, 4.0, 6.0, 4.0, 1.0], [-1.0, -2.0, 0.0, 2.0, 1.0])
    """
    taps = np.ones(1)
    for _ in range(size - 1 - order):
        taps = np.convolve(taps, (1, 1))
    for _ in range(order):
        taps = np.convolve(taps, (-1, 1))
    return taps


# -1 0 1
# -2 0 2
# -1 0 1
_sized(
    "sobel",
    lambda size: (derivative(0, size), derivative(1, size)),
    "Sobel and Feldman, A 3×3 isotropic gradient operator for image processing, Stanford, 1968",
    _check_odd,
)

# -1 0 1
# -1 0 1
# -1 0 1
_sized(
    "prewitt",
    lambda size: (np.ones(size), offsets(size)),
    "Prewitt, Object enhancement and extraction, 1970: the slope of the plane that fits a window best",
    _check_odd,
)

#  -3 0  3
# -10 0 10
#  -3 0  3
_sized(
    "scharr",
    lambda size: (np.array((3.0, 10, 3)), np.array((-1.0, 0, 1))),
    "Scharr, Optimale Operatoren in der digitalen Bildverarbeitung, 2000",
    _check_three,
)

# x:  0 1    y: -1 0
#    -1 0        0 1
_gradient(
    "roberts",
    np.array([[0.0, 1.0], [-1.0, 0.0]]),
    np.array([[-1.0, 0.0], [0.0, 1.0]]),
    "Roberts, Machine perception of three-dimensional solids, MIT, 1963 (differences along the diagonals)",
)

# -1  0  1
# -√2 0  √2
# -1  0  1
_smoothed_difference(
    "frei-chen",
    (1, math.sqrt(2), 1),
    (-1, 0, 1),
    "Frei and Chen, Fast boundary detection: a generalization and a new algorithm, 1977",
)

# The five-tap pair of the paper's table, made for each other so that the direction is accurate; the smoothing
# sums to one.
_smoothed_difference(
    "farid",
    (0.0376593171958126, 0.249153396177344, 0.426374573253687, 0.249153396177344, 0.0376593171958126),
    (-0.109603762960254, -0.276690988455557, 0, 0.276690988455557, 0.109603762960254),
    "Farid and Simoncelli, Differentiation of discrete multidimensional signals, 2004",
)


def _kirsch() -> None:
    """Register the eight compass masks and the strongest of them.

    North is

     5  5  5
    -3  0 -3
    -3 -3 -3

    and each next direction, counter-clockwise, turns the ring of eight cells by one.
    """
    source = "Kirsch, Computer determination of the constituent structure of biological images, 1971"
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]  # clockwise from the upper left
    masks: dict[str, Weights] = {}
    for turn, direction in enumerate(("n", "nw", "w", "sw", "s", "se", "e", "ne")):
        mask = np.full((3, 3), -3.0)
        mask[1, 1] = 0
        for cell in range(3):
            mask[ring[(cell - turn) % 8]] = 5
        masks[direction] = mask
    strongest = tuple(masks.values())
    _constant("kirsch", COMPASS, "Strongest of eight compass directions.", source, strongest, "maximum")
    for direction, mask in masks.items():
        _constant(f"kirsch-{direction}", COMPASS, f"Brighter towards {direction.upper()}.", source, mask)


_kirsch()


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


@define(
    "laplacian8",
    group=SECOND,
    source=f"{TEXTBOOK}, section 3.6",
)
def laplacian8() -> ArrayLike:
    """Second derivative along rows, columns and diagonals.

    1  1  1
    1 -8  1
    1  1  1
    """
    return [[1, 1, 1], [1, -8, 1], [1, 1, 1]]


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


@define(
    "horizontal-edges",
    group=COURSE,
    source="Sobel and Feldman, 1968, with the sign of sobel-y turned",
)
def horizontal_edges() -> ArrayLike:
    """Edges that lie level, bright above dark.

     1  2  1
     0  0  0
    -1 -2 -1
    """
    return [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]


@define(
    "diagonal-edges",
    group=COURSE,
    source="Robinson, Edge detection by compass gradient masks, 1977",
)
def diagonal_edges() -> ArrayLike:
    """Edges that run down to the right, bright above dark.

     0  1  2
    -1  0  1
    -2 -1  0
    """
    return [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]]


@define("corner-cross", group=COURSE, source="Abramowitz and Stegun, 1964, 25.3.26: four times ∂²f/∂x∂y")
def corner_cross() -> ArrayLike:
    """Corners and crossings: the mixed second derivative.

     1  0 -1
     0  0  0
    -1  0  1
    """
    return [[1, 0, -1], [0, 0, 0], [-1, 0, 1]]
