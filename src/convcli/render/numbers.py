"""Sizes, bytes and small numbers as words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def by(sizes: Iterable[float]) -> str:
    """Return sizes as one says them.

    >>> by((28, 28, 1)), by((0.5, -1.0))
    ('28 × 28 × 1', '0.5 × −1')
    """
    return " × ".join(map(signed, sizes))


def signed(number: float) -> str:
    """Return a number with a proper minus sign.

    >>> signed(-3), signed(0.5)
    ('−3', '0.5')
    """
    text = str(int(number)) if number % 1 == 0 else f"{number:g}"
    return text.replace("-", "−")


def short_pair(values: Sequence[float]) -> str:
    """Return one number where both axes have the same.

    >>> short_pair((3, 3)), short_pair((3, 5)), short_pair((-0.5, -0.5))
    ('3', '3 × 5', '−0.5')
    """
    return signed(values[0]) if values[0] == values[1] else by(values)


def memory(count: int) -> str:
    """Return a number of bytes in the unit that suits it.

    >>> memory(144), memory(25088), memory(3 << 30)
    ('144 B', '24.5 KiB', '3 GiB')
    """
    power = min(int(math.log2(count)) // 10, 4) if count else 0
    if power == 0:
        return f"{count} B"
    text = f"{count / 1024**power:.1f}".removesuffix(".0")
    return f"{text} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def error(value: float) -> str:
    """Return a relative error: two digits are enough.

    >>> error(0.0), error(3.21e-11)
    ('0', '3.2e-11')
    """
    return f"{value:.1e}" if value else "0"
