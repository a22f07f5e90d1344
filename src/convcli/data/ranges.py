"""Which values are black and white in a source of more than 8 bits, by what all of it holds."""

from __future__ import annotations

from collections.abc import Sequence

from convcli.data.survey import Held
from convcli.errors import InputError

BYTE = 255
_DEEPEST = 16  # bits of a usual file
# Where values fill less of their bits than this, their own lowest and highest are taken: 256 levels are few.
_LEAST_SHARE = 1 / 8


def found_range(name: str, held: Sequence[Held]) -> tuple[tuple[float, float] | None, str]:
    """Return black and white for the pictures that `held` is of, and what to say; None for 8 bits.

    Integers are black at 0 and white at the highest value of as many bits as they take: 127, 4095, 65535.
    Floats are from 0 to 1; from 0 to 255 where all are whole.

    Raises
    ------
    InputError
        If there are negative numbers, other floats, or both floats and integers: then one has to be told.

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
    what = "floats from 0 to 1" if kind == "f" else "integers of 8 or 16 bits, from 0 up"
    return InputError(
        f"{where}: expected {what}, found {low:g} … {high:g}. Say which values are black and white with "
        "data.range = [low, high] when you train, or save it so."
    )
