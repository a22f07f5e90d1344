"""Pixels as sixels: six rows at a time, a line for each of their colours.

Source: Digital Equipment Corporation, VT330/VT340 Programmer Reference Manual, volume 2, chapter 14, 1988.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from convcli.images import colours_of, with_few_colours

BITS = np.array([1, 2, 4, 8, 16, 32], np.uint8)  # of the six rows, from above
FIRST = 63  # the sign for none of them
_REPEATED = re.compile(r"(.)\1{3,}")


def sixel(pixels: NDArray[np.uint8]) -> str:
    """Return uint8 (h, w, 3) in sixels, in the 256 colours that suit it, each in hundredths of full light."""
    colours, numbers = colours_of(with_few_colours(pixels))
    rows, columns = numbers.shape
    shares = np.rint(colours.astype(float) * (100 / 255)).astype(int)
    registers = "".join(
        f"#{n};2;{red};{green};{blue}" for n, (red, green, blue) in enumerate(shares.tolist())
    )
    bands = (_band(numbers[start : start + len(BITS)]) for start in range(0, rows, len(BITS)))
    return f'\x1bP0;1;0q"1;1;{columns};{rows}{registers}{"-".join(bands)}\x1b\\\n'


def _band(numbers: NDArray[np.integer]) -> str:
    """Return at most six rows of colours' numbers: of each colour its sixels, then back to the left."""
    present = np.unique(numbers)
    bits = BITS[: len(numbers), None]
    lines = []
    for number in present.tolist():
        signs = ((numbers == number) * bits).sum(axis=0, dtype=np.uint8) + np.uint8(FIRST)
        line = signs.tobytes().decode("ascii").rstrip(chr(FIRST))
        lines.append(f"#{number}" + _REPEATED.sub(lambda run: f"!{len(run[0])}{run[1]}", line))
    return "$".join(lines)
