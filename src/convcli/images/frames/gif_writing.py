"""GIF animations, frame by frame: Pillow makes each a file of its own, of which the image is taken.

Of a frame without transparency only the rectangle is stored that differs from the one before.

Source: GIF89a (CompuServe, 1990); NETSCAPE2.0 for how often it is played.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import IO

import numpy as np
import PIL.Image

from convcli.errors import OutputError
from convcli.images import gif
from convcli.images.frames.clock import Clock
from convcli.images.frames.frame import FOR_EVER, Frame
from convcli.images.frames.gif import blocks_of
from convcli.images.image import Image, Pixels

MOST_SIDE, MOST_AGAIN = 0xFFFF, 0xFFFF
TICKS = 100  # a second
_KEEP, _CLEAR = 1, 2  # what is done with a frame before the next


def write(stream: IO[bytes], frames: Iterator[Frame], plays: int, *_: object) -> None:
    """Write uint8 frames of one size, whose alpha is 0 or 255."""
    clock = Clock(TICKS, 0xFFFF)
    held: Image | None = None  # what is done with it afterwards, the next one says
    under: Image | None = None  # what it is laid on
    wait = 0
    for frame in frames:
        image = frame.image
        _check(image)
        if held is None:
            _begin(stream, image.pixels.shape, plays)
        else:
            through = image.alpha is not None
            _put(stream, held, None if through else under, _CLEAR if through else _KEEP, wait)
            under = None if through else held
        held, wait = image, clock.ticks(frame.seconds)
    assert held is not None
    _put(stream, held, under, _KEEP, wait)
    stream.write(b";")


def _check(image: Image) -> None:
    if max(image.pixels.shape[:2]) > MOST_SIDE:
        raise OutputError(f"GIF files hold no sides of more than {MOST_SIDE:,} pixels; use .webp or .png.")
    if image.alpha is not None and not np.isin(image.alpha, (0, 255)).all():
        raise OutputError(
            "GIF cannot hold what is transparent in part; use .png or .webp, which do, or --alpha ignore."
        )


def _begin(stream: IO[bytes], shape: tuple[int, ...], plays: int) -> None:
    stream.write(b"GIF89a" + struct.pack("<HHBBB", shape[1], shape[0], 0x70, 0, 0))
    if plays != 1:
        again = 0 if plays == FOR_EVER else min(plays - 1, MOST_AGAIN)
        stream.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", again) + b"\0")


def _put(stream: IO[bytes], image: Image, under: Image | None, after: int, wait: int) -> None:
    """Write a frame that is laid on another, or on nothing."""
    rows, columns = slice(0, image.pixels.shape[0]), slice(0, image.pixels.shape[1])
    if under is not None and image.alpha is None and under.alpha is None:
        rows, columns = _changed(image.pixels, under.pixels)
    alpha = None if image.alpha is None else image.alpha[rows, columns]
    picture, transparent = _picture(image.pixels[rows, columns], alpha)
    data = io.BytesIO()
    picture.save(data, "GIF", optimize=False, interlace=False)
    part = blocks_of(data).parts[0]
    flags = after << 2 | (transparent is not None)
    stream.write(b"!\xf9\x04" + struct.pack("<BHBB", flags, wait, transparent or 0, 0))
    place = columns.start, rows.start, part.width, part.height
    bits = (len(part.palette) // 3 - 1).bit_length()
    stream.write(b"," + struct.pack("<HHHHB", *place, 0x80 | max(bits - 1, 0)) + part.palette)
    stream.write(data.getbuffer()[part.place + 10 : part.end])


def _changed(pixels: Pixels, under: Pixels) -> tuple[slice, slice]:
    """Return the rows and columns that hold all that differs: one pixel at least."""
    if pixels.ndim != under.ndim:
        return slice(0, pixels.shape[0]), slice(0, pixels.shape[1])
    differs = pixels != under
    if differs.ndim == 3:
        differs = differs.any(axis=2)
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0, 1), slice(0, 1)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _picture(pixels: Pixels, alpha: Pixels | None) -> tuple[PIL.Image.Image, int | None]:
    """Return pixels as a picture of at most 256 colours, and the number of the one that is transparent."""
    pixels = np.ascontiguousarray(pixels)
    if alpha is None or alpha.all():
        picture = gif.with_palette(pixels)
        return picture if picture.mode != "RGB" else picture.quantize(gif.MOST_COLOURS), None
    colours = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    colours = np.where(alpha[:, :, None] > 0, colours, 0).astype(np.uint8)
    picture = gif.with_palette(colours)
    found = gif.colours_of(colours)[0]
    if picture.mode == "RGB" or len(found) == gif.MOST_COLOURS:
        picture = PIL.Image.fromarray(colours).quantize(gif.MOST_COLOURS - 1)
        found = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)[: gif.MOST_COLOURS - 1]
    number = len(found)
    numbers = np.where(alpha > 0, np.asarray(picture), number).astype(np.uint8)
    shown = PIL.Image.fromarray(numbers)
    shown.putpalette(found.tobytes() + b"\0\0\0")
    return shown, number
