"""Animated PNG files, frame by frame, 8 or 16 bits: the data of PNG files of their own, in one.

Source: PNG, third edition (W3C, 2025): acTL, fcTL, fdAT.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import IO

from convcli.errors import OutputError
from convcli.images.frames.frame import Frame
from convcli.images.image import Image
from convcli.images.png.chunks import SIGNATURE, chunk, chunks

MOST_SECONDS, _PARTS = 65_535, 65_535


def write(stream: IO[bytes], frames: Iterator[Frame], plays: int, encode: Callable[[Image], bytes]) -> None:
    """Write frames of one size and kind."""
    place, count, number = 0, 0, 0
    for frame in frames:
        data = encode(frame.image)
        pieces = [(name, data[start : start + length]) for name, start, length in chunks(io.BytesIO(data))]
        if not count:
            stream.write(SIGNATURE)
            before = pieces[: [name for name, _ in pieces].index(b"IDAT")]
            stream.write(chunk(*before[0]))
            place = stream.tell()
            stream.write(_control(0, plays))
            for piece in before[1:]:
                stream.write(chunk(*piece))
        stream.write(chunk(b"fcTL", _frame_control(number, frame)))
        number += 1
        for name, content in pieces:
            if name == b"IDAT" and not count:
                stream.write(chunk(name, content))
            elif name == b"IDAT":
                stream.write(chunk(b"fdAT", struct.pack(">I", number) + content))
                number += 1
        count += 1
    stream.write(chunk(b"IEND", b""))
    stream.seek(place)
    stream.write(_control(count, plays))


def _control(count: int, plays: int) -> bytes:
    return chunk(b"acTL", struct.pack(">II", count, plays))


def _frame_control(number: int, frame: Frame) -> bytes:
    """Return what is said of a frame: it replaces the one before; its time as a ratio of small numbers."""
    height, width = frame.image.pixels.shape[:2]
    seconds = frame.seconds or Fraction(0)
    if seconds > MOST_SECONDS:
        raise OutputError(f"a frame is shown for {float(seconds):,.6g} s; PNG files hold {MOST_SECONDS:,} s.")
    time = seconds.limit_denominator(max(min(_PARTS, int(_PARTS / max(seconds, Fraction(1)))), 1))
    return struct.pack(">IIIIIHHBB", number, width, height, 0, 0, time.numerator, time.denominator, 0, 0)
