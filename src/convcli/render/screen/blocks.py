"""Pixels as characters: two in each half-block, in colour; or one as a character that is as bright."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.filtering import luma

Bytes: TypeAlias = NDArray[np.uint8]

UPPER = "▀"
RESET = "\x1b[0m"

RAMP = " .:-=+*#%@"
"""From black to white, as on a dark screen."""

CUBE = np.array([0, 95, 135, 175, 215, 255])
"""The levels of each channel in xterm's 6 × 6 × 6 colours, which begin at 16; 24 greys follow at 232."""


def characters(pixels: Bytes) -> str:
    """Return uint8 (h, w, 3) as a line of characters for each row, blanks at the end left out.

    >>> characters(np.array([[[0] * 3, [128] * 3, [255] * 3]], np.uint8))
    ' +@\\n'
    """
    levels = np.rint(luma(pixels) * ((len(RAMP) - 1) / 255)).astype(int)
    return "".join("".join(RAMP[level] for level in row).rstrip() + "\n" for row in levels.tolist())


def blocks(pixels: Bytes, *, many_colours: bool = True) -> str:
    """Return uint8 (h, w, 3) as lines of half-blocks: the upper half is one pixel, the ground the one below.

    A colour is named where it changes. With an odd number of rows the last ground is the terminal's own.
    """
    coded = pixels.reshape(-1, 3)
    names = _exact(coded) if many_colours else _of_256(coded)
    rows = [names[start : start + pixels.shape[1]] for start in range(0, len(names), pixels.shape[1])]
    below: list[list[str] | None] = [*rows[1::2]]
    below += [None] * (len(rows) % 2)
    return "".join(_line(upper, lower) for upper, lower in zip(rows[::2], below, strict=True))


def _line(upper: list[str], lower: list[str] | None) -> str:
    parts, ink, ground = list[str](), "", ""
    for n, above in enumerate(upper):
        beneath = lower[n] if lower is not None else ""
        codes = []
        if above != ink:
            codes.append(f"38;{above}")
        if beneath != ground:
            codes.append(f"48;{beneath}")
        if codes:
            parts.append(f"\x1b[{';'.join(codes)}m")
        parts.append(UPPER)
        ink, ground = above, beneath
    return "".join(parts) + RESET + "\n"


def _exact(coded: Bytes) -> list[str]:
    return [f"2;{red};{green};{blue}" for red, green, blue in coded.tolist()]


def _of_256(coded: Bytes) -> list[str]:
    """Return the nearest of xterm's colours: of its cube, or a grey."""
    values = coded.astype(int)
    steps = np.abs(values[:, :, None] - CUBE).argmin(axis=2)
    grey = np.clip(np.rint((values.mean(axis=1) - 8) / 10), 0, 23).astype(int)
    from_cube = ((CUBE[steps] - values) ** 2).sum(axis=1)
    from_grey = (((8 + 10 * grey)[:, None] - values) ** 2).sum(axis=1)
    numbers = np.where(from_grey < from_cube, 232 + grey, 16 + steps @ np.array([36, 6, 1]))
    return [f"5;{number}" for number in numbers.tolist()]
