"""What pictures hold, looked at before anything is decided, and which values are black and white by that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images import Image
from convcli.images.image import full_scale

Shape: TypeAlias = tuple[int, int, int]

BYTE = 255
_DEEPEST = 16  # bits of a usual file
# Where values fill less of their bits than this, their own lowest and highest are taken: 256 levels are few.
_LEAST_SHARE = 1 / 8


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
    return bool(alpha.size) and bool(alpha.min() < full_scale(alpha.dtype))


def found_range(name: str, held: Sequence[Held]) -> tuple[tuple[float, float] | None, str]:
    """Return black and white for the pictures that `held` is of, and what to say; None for 8 bits.

    Integers are black at 0 and white at the highest value of as many bits as they take: 127, 4095, 65535.
    Floats are from 0 to 1; from 0 to 255 where all are whole.

    Raises InputError if there are negative numbers, other floats, or both floats and integers: then one has
    to be told.

    Examples
    --------
    >>> found_range("scans", [Held("u", 0, 4000), Held("u", 3, 90)])
    ((0.0, 4095.0), '2 images of more than 8 bits hold 0 … 4000: read as 0 … 4095 (12 bits)')
    >>> found_range("scans", [Held("u", 0, 65000)])
    ((0.0, 65535.0), '')
    """
    deep = [each for each in held if each.kind]
    if not deep:
        return None, ""
    kinds = {each.kind == "f" for each in deep}
    low, high = min(each.low for each in deep), max(each.high for each in deep)
    if len(kinds) > 1:
        floats = sum(each.kind == "f" for each in deep)
        raise InputError(
            f"{name}: expected integers or floats, found {len(deep) - floats:,} images of more than 8 bits "
            f"and {floats:,} of floats. Save all alike, or say what is black and white with "
            "data.range = [low, high]."
        )
    told = (
        f"{len(deep):,} images of {'floats' if True in kinds else 'more than 8 bits'} hold {low:g} … {high:g}"
    )
    if low < 0 or (True in kinds and high > 1 and not (high <= BYTE and all(each.whole for each in deep))):
        raise no_range(name, deep[0].kind, low, high)
    if True in kinds:
        top = 1.0 if high <= 1 else float(BYTE)
        return (0.0, top), f"{told}: read as 0 … {top:g}"
    bits = max(int(high).bit_length(), 1)
    top = float(2**bits - 1)
    if 0 < high - low < _LEAST_SHARE * top:
        return (low, high), f"{told}: these are read as black and white"
    usual = bits == _DEEPEST
    return (0.0, top), "" if usual else f"{told}: read as 0 … {top:g} ({bits} bits)"


def no_range(where: str, kind: str, low: float, high: float) -> InputError:
    """Return the error that says of values, whose dtype is of a kind, that black and white are unknown."""
    if math.isnan(low) or math.isnan(high):
        return InputError(f"{where}: expected finite numbers, found NaN. Put numbers in their place first.")
    what = "floats from 0 to 1" if kind == "f" else "integers of 8 or 16 bits, from 0 up"
    return InputError(
        f"{where}: expected {what}, found {low:g} … {high:g}. Say which values are black and white with "
        "data.range = [low, high] when you train, or save it so."
    )
