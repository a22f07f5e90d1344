"""Pixels as a PNG file within what is written to a terminal: kitty's protocol and iTerm2's.

Sources: https://sw.kovidgoyal.net/kitty/graphics-protocol/ and https://iterm2.com/documentation-images.html.
"""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from convcli.images import Image, encode

CHUNK = 4096  # signs of base64 in one of kitty's sequences, at most
PNG_LEVEL = 6


def kitty(pixels: NDArray[np.uint8]) -> str:
    """Return uint8 (h, w, 3) as a picture for a terminal like kitty, pixel by pixel."""
    data = _base64(pixels)
    chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    parts = []
    for n, chunk in enumerate(chunks):
        # a=T: send and show; f=100: PNG; q=2: no answer.
        keys = "a=T,f=100,q=2," if n == 0 else ""
        parts.append(f"\x1b_G{keys}m={int(n < len(chunks) - 1)};{chunk}\x1b\\")
    return "".join(parts) + "\n"


def iterm(pixels: NDArray[np.uint8], cells: tuple[int, int]) -> str:
    """Return the same over so many lines and columns, for a terminal that knows iTerm2's protocol."""
    data = _base64(pixels)
    size = len(base64.b64decode(data))
    keys = f"inline=1;size={size};width={cells[1]};height={cells[0]};preserveAspectRatio=1"
    return f"\x1b]1337;File={keys}:{data}\x07\n"


def _base64(pixels: NDArray[np.uint8]) -> str:
    return base64.b64encode(encode(Image(pixels), "png", compress=PNG_LEVEL)).decode("ascii")
