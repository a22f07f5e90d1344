"""Which values of an estimator's X are black and white, so that a network sees all in 256 levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.data.survey import BYTE
from convcli.public.telling import tell

RARE = 0.01  # the share of values beyond black and white of which nothing is said
FEWEST_LEVELS = 16  # for all but the rarest values
ENOUGH = 1_000_000  # values to know that by


def as_numbers(images: NDArray[Any]) -> NDArray[Any]:
    """Return images whose values are numbers: of False and True, 0 and 1."""
    return images.astype(np.float32) if images.dtype == bool else images


def range_of(images: NDArray[Any]) -> tuple[float, float]:
    """Return which values become black and white: 0 and 1 of those between, else the lowest and highest."""
    low, high = float(images.min()), float(images.max())
    if low >= 0 and high <= 1 and images.dtype.kind == "f":
        return 0.0, 1.0
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def check_levels(images: NDArray[Any], limits: tuple[float, float]) -> None:
    """Say where a few far values leave to all others next to none of the 256 levels."""
    some = images.ravel()[:: max(1, images.size // ENOUGH)]
    least, most = np.quantile(some, (RARE, 1 - RARE)).tolist()
    levels = BYTE * (most - least) / (limits[1] - limits[0])
    if 0 < levels < FEWEST_LEVELS:
        tell(
            f"X goes from {limits[0]:g} to {limits[1]:g}, but nearly all of it from {least:g} to {most:g}, "
            f"for which {levels:.1f} of 256 levels are left: cut outliers first, or say with data.range what "
            "is black and white"
        )


def within(images: NDArray[Any], limits: tuple[float, float]) -> NDArray[Any]:
    """Return images with what lies beyond black and white cut, which is said where it is much."""
    low, high = limits
    if not images.size or (images.min() >= low and images.max() <= high):
        return images
    beyond = float(np.mean((images < low) | (images > high)))
    if beyond > RARE:
        tell(f"X: {beyond:.1%} of the values lie outside {low:g} … {high:g}, what fit saw, and are cut")
    cut: NDArray[Any] = np.clip(images, low, high)
    return cut
