"""What pictures hold, as far as it decides how they are presented; looked at before anything is decided."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.images import Image

Shape: TypeAlias = tuple[int, int, int]


class Held(NamedTuple):
    """What one picture holds that decides how pictures are presented."""

    kind: str = ""
    """NumPy's letter for values of more than 8 bits: u, i or f."""
    low: float = 0.0
    high: float = 0.0
    whole: bool = True
    """Whether all values are whole numbers."""
    transparent: bool = False


class Seen(NamedTuple):
    """What was seen of one file: its shape and what it holds; or why it cannot be read."""

    shape: Shape
    held: Held
    notes: tuple[str, ...] = ()
    fault: str = ""


def survey(image: Image) -> Held:
    """Return what an image holds."""
    pixels, transparent = image.pixels, image.alpha is not None and is_transparent(image.alpha)
    if pixels.dtype == np.uint8 or not pixels.size:
        return Held(transparent=transparent)
    return held_by(pixels, transparent=transparent)


def held_by(values: NDArray[Any], *, transparent: bool = False) -> Held:
    """Return what values of more than 8 bits hold."""
    whole = values.dtype.kind != "f" or bool((np.isfinite(values) & (np.floor(values) == values)).all())
    return Held(values.dtype.kind, float(values.min()), float(values.max()), whole, transparent)


def is_transparent(alpha: NDArray[Any]) -> bool:
    """Whether something can be seen through."""
    return bool(alpha.size) and bool(alpha.min() < opaque(alpha))


def opaque(alpha: NDArray[Any]) -> float:
    return 1.0 if alpha.dtype.kind == "f" else float(np.iinfo(alpha.dtype).max)
