"""Animated WebP files, frame by frame: the pictures of WebP files of their own, in one.

Source: WebP Container Specification (Google): VP8X, ANIM, ANMF.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import IO

from convcli.errors import OutputError
from convcli.images.frames.clock import Clock
from convcli.images.frames.frame import Frame
from convcli.images.image import Image

TICKS = 1000  # a second
MOST_BYTES = 2**32 - 10
_ICC, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
_REPLACE = 2  # the frame's pixels as they are, not laid over the one before
_PICTURE = (b"ALPH", b"VP8 ", b"VP8L")


def write(stream: IO[bytes], frames: Iterator[Frame], plays: int, encode: Callable[[Image], bytes]) -> None:
    """Write frames of one size."""
    clock = Clock(TICKS, 2**24 - 1)
    flags, behind, size = _ANIMATION, list[tuple[bytes, bytes]](), b""
    for frame in frames:
        height, width = frame.image.pixels.shape[:2]
        found = list(_chunks(encode(frame.image)))
        if not size:
            size = _number(width - 1) + _number(height - 1)
            stream.write(b"RIFF\0\0\0\0WEBP" + _chunk(b"VP8X", bytes(4) + size))
            for name, content in found:
                if name == b"ICCP":
                    flags |= _ICC
                    stream.write(_chunk(name, content))
            stream.write(_chunk(b"ANIM", bytes(4) + struct.pack("<H", min(plays, 0xFFFF))))
            behind = [one for one in found if one[0] in (b"EXIF", b"XMP ")]
        flags |= _ALPHA * (frame.image.alpha is not None)
        time = _number(clock.ticks(frame.seconds))
        picture = b"".join(_chunk(*one) for one in found if one[0] in _PICTURE)
        place = bytes(6) + _number(width - 1) + _number(height - 1) + time + bytes([_REPLACE])
        stream.write(_chunk(b"ANMF", place + picture))
    for name, content in behind:
        flags |= _EXIF if name == b"EXIF" else _XMP
        stream.write(_chunk(name, content))
    length = stream.tell() - 8
    if length > MOST_BYTES:
        raise OutputError("WEBP files hold 4 GiB at most; use .png.")
    stream.seek(4)
    stream.write(struct.pack("<I", length))
    stream.seek(20)
    stream.write(bytes([flags]))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    stream = io.BytesIO(data)
    stream.seek(12)
    while len(head := stream.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        yield name, stream.read(length)
        stream.read(length % 2)


def _number(value: int) -> bytes:
    return value.to_bytes(3, "little")
