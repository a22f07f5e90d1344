"""First derivatives: gradients in pairs, and compass directions. They sum to zero: flat areas become black.

Signs are those of correlation: a kernel that ends in -x answers positively where brightness rises to the
right, one that ends in -y where it rises downward, as in scipy.ndimage and OpenCV.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from convcli.errors import KernelError
from convcli.kernels.definition import KERNELS, Definition, constant
from convcli.kernels.smoothing import offsets
from convcli.kernels.weights import Combine, Weights
from convcli.shapes import Pair

GRADIENT = "gradient"
COMPASS = "compass"


MOST_SIZED = 31
"""The largest size of sobel and laplacian: OpenCV has the same."""

WAYS = {
    "": "Strength of edges in every direction.",
    "-x": "Brightness rising to the right, signed.",
    "-y": "Brightness rising downward, signed.",
}
"""A gradient is registered three times: its magnitude √(gx² + gy²) and its two signed parts."""


def _gradient(name: str, source: str, along_x: Weights, along_y: Weights) -> None:
    """Register a gradient of one size."""
    built: tuple[ArrayLike, ...] = ((along_x, along_y), along_x, along_y)
    for (ending, summary), weights in zip(WAYS.items(), built, strict=True):
        constant(f"{name}{ending}", GRADIENT, summary, source, weights, _combine(ending))


def _sized(
    name: str, source: str, taps: Callable[[int], tuple[Weights, Weights]], check: Callable[[str, int], None]
) -> None:
    """Register a gradient of odd sizes; `taps` returns what smooths and what takes the difference."""

    def parts(size: int | None = None) -> tuple[Weights, Weights]:
        along_x = np.outer(*taps(size or 3))
        return along_x, along_x.T

    builds = (parts, lambda size=None: parts(size)[0], lambda size=None: parts(size)[1])
    for (ending, summary), build in zip(WAYS.items(), builds, strict=True):

        def sides(size: int | None, own: str = f"{name}{ending}") -> Pair:
            check(own, size or 3)
            return size or 3, size or 3

        definition = Definition(build, GRADIENT, summary, source, _combine(ending), sides)
        KERNELS.register(f"{name}{ending}")(definition)


def _combine(ending: str) -> Combine:
    return "single" if ending else "magnitude"


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


_sized(
    "sobel",
    "Sobel and Feldman, A 3×3 isotropic gradient operator for image processing, Stanford, 1968",
    lambda size: (derivative(0, size), derivative(1, size)),  # (1, 2, 1) and (-1, 0, 1)
    _check_odd,
)
_sized(
    "prewitt",
    "Prewitt, Object enhancement and extraction, 1970: the slope of the plane that fits a window best",
    lambda size: (np.ones(size), offsets(size)),
    _check_odd,
)
_sized(
    "scharr",
    "Scharr, Optimale Operatoren in der digitalen Bildverarbeitung, 2000",
    lambda size: (np.array((3.0, 10, 3)), np.array((-1.0, 0, 1))),
    _check_three,
)
_gradient(
    "roberts",
    "Roberts, Machine perception of three-dimensional solids, MIT, 1963 (differences along the diagonals)",
    np.array([[0.0, 1.0], [-1.0, 0.0]]),
    np.array([[-1.0, 0.0], [0.0, 1.0]]),
)
frei_chen = np.outer((1, math.sqrt(2), 1), (-1, 0, 1))
_gradient(
    "frei-chen",
    "Frei and Chen, Fast boundary detection: a generalization and a new algorithm, 1977",
    frei_chen,
    frei_chen.T,
)
# The five-tap pair of the paper's table, made for each other so that the direction is accurate; the smoothing
# sums to one.
farid = np.outer(
    (0.0376593171958126, 0.249153396177344, 0.426374573253687, 0.249153396177344, 0.0376593171958126),
    (-0.109603762960254, -0.276690988455557, 0, 0.276690988455557, 0.109603762960254),
)
_gradient(
    "farid",
    "Farid and Simoncelli, Differentiation of discrete multidimensional signals, 2004",
    farid,
    farid.T,
)


# North is 5 5 5; -3 0 -3; -3 -3 -3, and each next direction, counter-clockwise, turns the ring by one.
RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]  # clockwise from the upper left
KIRSCH = "Kirsch, Computer determination of the constituent structure of biological images, 1971"


def _kirsch(turn: int) -> Weights:
    mask = np.full((3, 3), -3.0)
    mask[1, 1] = 0
    for cell in range(3):
        mask[RING[(cell - turn) % 8]] = 5
    return mask


masks = {way: _kirsch(turn) for turn, way in enumerate(("n", "nw", "w", "sw", "s", "se", "e", "ne"))}
strongest = tuple(masks.values())
constant("kirsch", COMPASS, "Strongest of eight compass directions.", KIRSCH, strongest, "maximum")
for way, mask in masks.items():
    constant(f"kirsch-{way}", COMPASS, f"Brighter towards {way.upper()}.", KIRSCH, mask)
