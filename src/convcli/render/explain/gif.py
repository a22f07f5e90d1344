"""One frame a step as an animated GIF: Pillow encodes each frame by itself, this file joins them.

A frame holds only the box in which it differs from the one before; what stays the same there is transparent.
Source: Graphics Interchange Format, version 89a, CompuServe 1990.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from convcli.explain.figure import Explanation
from convcli.images import Image, encode
from convcli.render.drawing.raster import pixels
from convcli.render.explain.steps import frames

WIDTH = 800
LARGEST_SCALE = 1.6
SECONDS, LAST_SECONDS = 1.0, 3.0

_KEY = (255, 0, 255)  # stands for what is transparent; no colour of the palette comes near it
_KEY_BYTES = bytes(_KEY)
_FOR_EVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"


def gif(explanation: Explanation) -> bytes:
    """Return an animation that runs for ever, 800 pixels wide unless that would only be larger letters."""
    scenes = frames(explanation)
    scale = min(WIDTH / scenes[0].width, LARGEST_SCALE)
    pictures = (pixels(scene, scale) for scene in scenes)
    return animation(pictures, [SECONDS] * (len(scenes) - 1) + [LAST_SECONDS])


def animation(pictures: Iterable[NDArray[np.uint8]], seconds: Iterable[float]) -> bytes:
    """Return uint8 pictures (h, w, 3) of one size as a GIF, each shown for its number of seconds."""
    parts: list[bytes] = []
    before: NDArray[np.uint8] | None = None
    for drawn, wait in zip(pictures, seconds, strict=True):
        picture = _with_fewer_colours(drawn)
        if before is None:
            height, width = picture.shape[:2]
            parts += [b"GIF89a", struct.pack("<HHBBB", width, height, 0x70, 0, 0), _FOR_EVER]
        top, left, bottom, right = _changed(before, picture)
        part = picture[top:bottom, left:right].copy()
        if before is not None:
            part[(part == before[top:bottom, left:right]).all(axis=2)] = _KEY
        frame, transparent = _frame(part, left, top)
        if transparent is None:  # too many colours to be told apart from the key
            frame, _ = _frame(picture[top:bottom, left:right], left, top)
        parts += [_control(wait, transparent), frame]
        before = picture
    return b"".join([*parts, b"\x3b"])


def _with_fewer_colours(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture with sixteen shades a channel: letters have soft edges in hundreds of shades."""
    rounded = (picture.astype(np.uint16) * 15 + 127) // 255
    return (rounded * 17).astype(np.uint8)


def _control(wait: float, transparent: int | None) -> bytes:
    """Return the block that says how long a frame stays, and which colour lets the one before through."""
    flags, index = (0x04, 0) if transparent is None else (0x05, transparent)
    hundredths = min(round(wait * 100), 0xFFFF)
    return b"\x21\xf9\x04" + struct.pack("<BHB", flags, hundredths, index) + b"\x00"


def _changed(before: NDArray[np.uint8] | None, now: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) of what differs; one pixel where nothing does."""
    if before is None:
        return 0, 0, *now.shape[:2]
    differs = (before != now).any(axis=2)
    if not differs.any():
        return 0, 0, 1, 1
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _frame(picture: NDArray[np.uint8], left: int, top: int) -> tuple[bytes, int | None]:
    """Return a picture as a frame of an animation (description, colours, data), and the key's index in it."""
    data = encode(Image(np.ascontiguousarray(picture)), "gif")
    flags = data[10]
    colours = 3 << ((flags & 7) + 1)
    table, position = data[13 : 13 + colours], 13 + colours
    for block in _blocks(data, position):
        if block[0] == 0x2C:
            width, height, own = struct.unpack("<HHB", block[5:10])
            where = struct.pack("<BHHHHB", 0x2C, left, top, width, height, 0x80 | own & 0x40 | flags & 7)
            colour_list = [table[n : n + 3] for n in range(0, colours, 3)]
            key = colour_list.index(_KEY_BYTES) if _KEY_BYTES in colour_list else None
            return where + table + block[10:], key
    raise ValueError("a GIF without a picture")


def _blocks(data: bytes, position: int) -> Iterator[bytes]:
    """Yield the blocks of a GIF of one picture, as they stand in the file."""
    while data[position] != 0x3B:
        start = position
        position += 11 if data[position] == 0x2C else 2  # a picture's header and code size, or an extension's
        while data[position]:
            position += data[position] + 1
        position += 1
        yield data[start:position]
