"""Alpha of an image: what it may be, and where it goes when the pixels move."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.plan import Plan
from convcli.errors import UsageError

Pixels: TypeAlias = NDArray[Any]

BEYOND = 1e-3  # of opaque, which resampled alpha may be above 1 or below 0


def opaque_of(dtype: np.dtype[Any]) -> float:
    """Return what alpha of this dtype is where nothing shines through.

    >>> opaque_of(np.dtype(np.uint16)), opaque_of(np.dtype(np.float32))
    (65535.0, 1.0)
    """
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def check_alpha(alpha: Pixels) -> None:
    """Raise `UsageError` unless `alpha` is uint8, uint16 or floats from 0 to 1."""
    if alpha.dtype not in (np.uint8, np.uint16) and alpha.dtype.kind != "f":
        raise UsageError(
            f"Expected alpha in uint8, uint16 or floats, found {alpha.dtype}; pass the colour channels alone."
        )
    if alpha.dtype.kind == "f" and not (alpha.min() >= -BEYOND and alpha.max() <= 1 + BEYOND):
        raise UsageError(
            f"Expected alpha from 0 to 1, as floats have it, found {alpha.min():g} … {alpha.max():g}; "
            "scale it, or pass the colour channels alone."
        )


def moved(alpha: Pixels, plan: Plan) -> Pixels:
    """Return the alpha under the kernel's centre at each position, or the nearest to it."""
    size = (alpha.shape[0], alpha.shape[1])
    rows, columns = (
        np.clip(np.arange(out) * stride - before + centre, 0, n - 1)
        for n, out, stride, (before, _), centre in zip(
            size, plan.output_shape, plan.window.stride, plan.window.padding, plan.centre, strict=True
        )
    )
    if all(np.array_equal(places, np.arange(n)) for places, n in zip((rows, columns), size, strict=True)):
        return alpha
    return alpha[np.ix_(rows, columns)]


def in_eight_bits(alpha: Pixels) -> Pixels:
    """Return alpha as uint8."""
    if alpha.dtype == np.uint8:
        return alpha
    shares = alpha / (opaque_of(alpha.dtype) / 255)
    return np.rint(np.clip(shares, 0, 255)).astype(np.uint8)
