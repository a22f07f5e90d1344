"""Derivatives by central differences, and how far a gradient is from them: at some points of an array.

All coordinates of a large array would be too many, so it is checked at some of them, drawn at random, and
along random directions that change every number of the array by plus or minus the same: there a single
wrong derivative shows, wherever it is. (The idea of directions is that of autograd's `test_util`.)

A kink (relu, the maximum of a window) between x − h and x + h makes a difference that is no derivative. It
shows itself: as the step shrinks the difference moves on, where a smooth function's settles. So the steps
shrink until it settles; a point where it never does lies on a kink, and another one is drawn. That looks at
the function alone, so no wrong gradient can hide behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from convcli.engine.workspace import Array

TOLERANCE = 1e-6

# Steps h of (f(x + h) − f(x − h)) / 2h. Extrapolated from two of them it errs by about h⁴ from the series and
# by ε/h from rounding: with smooth functions the first ones are the best. The others are for kinks.
FIRST_STEP = 1e-3
SHRINK = 4
MOST_STEPS = 9
SETTLED = 1e-8  # two results that differ by less, relative to the gradient, are taken for the derivative

# At most so many points on kinks are drawn again before the array counts as not differentiable.
REDRAWS = 20


@dataclass(frozen=True)
class Derivative:
    """A numeric derivative, and how far its last two approximations were apart."""

    value: float
    uncertainty: float


def derivative(function: Callable[[float], float], settled: float = 0.0) -> Derivative:
    """Return the derivative of `function` at 0 by central differences, extrapolated.

    The steps shrink until two results in a row differ by no more than `settled`; otherwise the pair that
    differed least is taken. Source: Ridders, "Accurate computation of F′(x) and F′(x)F″(x)", Advances in
    Engineering Software 4, 1982.

    Examples
    --------
    >>> import math
    >>> abs(derivative(math.sin).value - 1) < 1e-12
    True
    >>> round(derivative(lambda x: max(x + 1e-5, 0.0)).value, 6)  # a kink beside it
    1.0
    """
    step, best = FIRST_STEP, Derivative(0.0, math.inf)
    coarse = (function(step) - function(-step)) / (2 * step)
    before: float | None = None
    for _ in range(MOST_STEPS):
        step /= SHRINK
        fine = (function(step) - function(-step)) / (2 * step)
        result = fine + (fine - coarse) / (SHRINK**2 - 1)  # cancels the error's h² term
        apart = abs(result - coarse) if before is None else abs(result - before)
        if apart < best.uncertainty:
            best = Derivative(result, apart)
        if best.uncertainty <= settled:
            break
        coarse, before = fine, result
    return best


def numeric_gradient(function: Callable[[], float], array: Array) -> Array:
    """Return the gradient of `function` with respect to `array`, which it reads, by central differences."""
    gradient = np.zeros_like(array)
    for index in range(array.size):
        gradient.flat[index] = _along(function, array, index, 1.0, SETTLED).value
    return gradient


def _along(
    function: Callable[[], float], array: Array, where: int | slice, direction: Array | float, settled: float
) -> Derivative:
    """Return the derivative of `function` as array.flat[where] moves along `direction`."""
    kept = array.flat[where]  # a copy, of one number or of all

    def moved(step: float) -> float:
        array.flat[where] = kept + step * direction
        return function()

    found = derivative(moved, settled)
    array.flat[where] = kept
    return found


def relative_error(analytic: Array, numeric: Array) -> float:
    """Return the largest difference, relative to the largest entry of either."""
    largest = max(np.abs(analytic).max(initial=0), np.abs(numeric).max(initial=0))
    return float(np.abs(analytic - numeric).max(initial=0) / largest) if largest else 0.0


@dataclass(frozen=True)
class Points:
    """At how many coordinates an array is checked (all, if it has no more), and along how many directions."""

    coordinates: int = 256
    directions: int = 3


THOROUGH = Points()
QUICK = Points(coordinates=48, directions=6)
LARGE = Points(coordinates=2, directions=3)  # where a single evaluation takes long


def gradient_error(
    function: Callable[[], float],
    array: Array,
    analytic: Array,
    rng: np.random.Generator,
    points: Points = THOROUGH,
    floor: float = 0.0,
) -> float:
    """Return the largest relative error of `analytic` as the gradient of `function` in `array`.

    A coordinate's error is relative to the array's largest derivative; a direction's, along which every
    number moves by the same, to the root mean square of the derivatives, which is what the one along it
    amounts to; both are at least `floor`. Directions have length 1, so that few kinks are crossed however
    many numbers move. `function` reads `array`, which is changed in place and put back. The error is infinite
    where no derivative could be measured.
    """
    largest = max(float(np.abs(analytic).max(initial=0)), floor)
    usual = max(float(np.linalg.norm(analytic)) / math.sqrt(max(array.size, 1)), floor)
    slopes = analytic.reshape(-1)
    order = rng.permutation(array.size).tolist()

    def at_coordinates() -> Iterator[float]:
        for index in order:
            yield _error(function, array, index, 1.0, float(slopes[index]), largest)

    def along_directions() -> Iterator[float]:
        while array.size:
            direction = rng.choice([-1.0, 1.0], array.size) / math.sqrt(array.size)
            yield _error(function, array, slice(None), direction, float(slopes @ direction), usual)

    return max(_worst(at_coordinates(), points.coordinates), _worst(along_directions(), points.directions))


def _worst(errors: Iterator[float], count: int) -> float:
    """Return the largest of the first `count` errors, where those on a kink, which are NaN, do not count."""
    worst, measured, kinks = 0.0, 0, 0
    while measured < count and (found := next(errors, None)) is not None:
        if not math.isnan(found):
            worst, measured = max(worst, found), measured + 1
        else:
            kinks += 1
            if kinks > REDRAWS:
                return math.inf
    return worst if measured or not kinks else math.inf


def _error(
    function: Callable[[], float],
    array: Array,
    where: int | slice,
    direction: Array | float,
    slope: float,
    scale: float,
) -> float:
    """Return the relative error of `slope`, or NaN if it cannot be measured there."""
    found = _along(function, array, where, direction, SETTLED * scale)
    scale = max(scale, abs(found.value))
    if not scale:
        return 0.0
    if not math.isfinite(slope):
        return math.inf
    if not found.uncertainty <= TOLERANCE / 4 * scale:
        return math.nan
    return abs(slope - found.value) / scale
