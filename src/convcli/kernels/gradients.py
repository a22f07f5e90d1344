"""First derivatives: gradients in pairs, and compass directions. They sum to zero: flat areas become black.

Signs are those of correlation: a kernel that ends in -x answers positively where brightness rises to the
right, one that ends in -y where it rises downward, as in scipy.ndimage and OpenCV.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from convcli.errors import KernelError
from convcli.kernels.definition import KERNELS, Definition
from convcli.kernels.smoothing import offsets
from convcli.kernels.weights import Combine, Weights
from convcli.shapes import Pair

GRADIENT = "gradient"
COMPASS = "compass"


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
