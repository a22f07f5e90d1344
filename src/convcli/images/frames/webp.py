"""The frames of an animated WebP file, laid on each other as libwebp does.

Pillow holds the whole file in memory; here each frame is made a file of its own, and read as one.

Source: WebP Container Specification (Google): ANIM, ANMF; libwebp, anim_decode.c, for how alpha is laid over
alpha in integers.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images import opening
from convcli.images.bounds import check_head
from convcli.images.frames.frame import MOST_FRAMES, Frame, Frames, Story
from convcli.images.image import Image
from convcli.images.kind import Decoded, File
from convcli.images.metadata import upright

_ALPHA, _OF_ALL, _PICTURE = 0x10, (b"ICCP", b"EXIF", b"XMP "), (b"ALPH", b"VP8 ", b"VP8L")
_CLEAR, _REPLACE = 1, 2  # bits of a frame
_LONGEST = 2**24  # bytes of a chunk that holds for all frames
_MOST_CHUNKS = 2**20

Place = tuple[bytes, int, int]
"""A chunk's name, and the place and the length of its content."""


@dataclass(frozen=True)
class _Part:
    """A frame: its rectangle, its time, what is done with it, and where its data lie."""

    left: int
    top: int
    width: int
    height: int
    milliseconds: int
    flags: int
    data: tuple[Place, ...]


@dataclass
class _Chunks:
    """What an animated WebP file says before any pixel is decoded."""

    width: int
    height: int
    plays: int = 0
    of_all: list[Place] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)


def parts_of(stream: BinaryIO) -> _Chunks | None:
    """Return what a WebP file says of its frames; None if it is no animation."""
    stream.seek(12)
    head = stream.read(18)
    if len(head) < 18 or head[:4] != b"VP8X":
        return None
    found = _Chunks(_number(head, 12) + 1, _number(head, 15) + 1)
    animated = False
    end = stream.seek(0, io.SEEK_END)
    for name, place, length in _chunks(stream, 12, end):
        if name == b"ANIM":
            animated = True
            stream.seek(place)
            found.plays = int.from_bytes(stream.read(6)[4:], "little")
        elif name == b"ANMF":
            if len(found.parts) > MOST_FRAMES:
                break
            stream.seek(place)
            said = stream.read(16).ljust(16, b"\0")
            left, top, width, height, wait = (_number(said, 3 * at) for at in range(5))
            inner = (one for one in _chunks(stream, place + 16, place + length) if one[0] in _PICTURE)
            part = _Part(2 * left, 2 * top, width + 1, height + 1, wait, said[15], tuple(inner))
            found.parts.append(part)
        elif name in _OF_ALL and length <= _LONGEST:
            found.of_all.append((name, place, length))
    return found if animated and found.parts else None


def _chunks(stream: BinaryIO, place: int, end: int) -> Iterator[Place]:
    for _ in range(_MOST_CHUNKS):
        if place + 8 > end:
            return
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8:
            return
        name, length = struct.unpack("<4sI", head)
        yield name, place + 8, length
        place += 8 + length + length % 2


def _number(data: bytes, place: int) -> int:
    return int.from_bytes(data[place : place + 3], "little")


def frames_of(file: File) -> Frames | None:
    """Return the frames of a WebP file; None if it is no animation."""
    check_head(file.head, file.most, file.where)
    chunks = parts_of(file.stream)
    return None if chunks is None else WebpFrames(file, chunks)


class WebpFrames(Frames):
    """The frames of an animated WebP file."""

    def __init__(self, file: File, chunks: _Chunks) -> None:
        super().__init__(file.where, file.most)
        self.file, self.chunks, self.parts = file, chunks, chunks.parts
        self.shape = chunks.height, chunks.width
        self.check_size(chunks.height * chunks.width, len(self.parts))
        self.story = Story("animation", len(self.parts), chunks.plays, transparent=True)
        self._first: Decoded | None = None
        self._next, self._canvas = 0, np.zeros((0, 0, 4), np.uint8)

    def _read(self, number: int) -> Frame:
        if number < self._next or self._first is None:
            self._first = self._first or self._decoded(self.parts[0], self.chunks.of_all)
            self._next, self._canvas = 0, np.zeros((*self.shape, 4), np.uint8)
        while self._next < number:
            self._advance(self.parts[self._next])
        part, first = self.parts[number], self._first
        shown = upright(self._advance(part), first.orientation)
        alpha = np.ascontiguousarray(shown[:, :, 3])
        image = Image(
            np.ascontiguousarray(shown[:, :, :3]),
            None if (alpha == 255).all() else alpha,
            first.metadata,
            first.notes if number == 0 else (),
        )
        return Frame(image, Fraction(part.milliseconds, 1000))

    def _advance(self, part: _Part) -> NDArray[np.uint8]:
        """Lay a frame on the canvas; return what is seen, and leave what the next one is laid on."""
        height, width = self.shape
        if part.top + part.height > height or part.left + part.width > width:
            raise InputError(f"{self.where}: frame {self._next + 1:,} reaches beyond the picture.")
        decoded = self._decoded(part, [])
        opaque = np.full(decoded.pixels.shape[:2], 255, np.uint8)
        own = np.dstack((decoded.pixels, opaque if decoded.alpha is None else decoded.alpha))
        place = self._canvas[part.top : part.top + part.height, part.left : part.left + part.width]
        place[...] = own if part.flags & _REPLACE else _laid_over(own, place)
        shown = self._canvas
        if part.flags & _CLEAR:
            shown = shown.copy()
            place[...] = 0
        self._next += 1
        return shown

    def _decoded(self, part: _Part, of_all: list[Place]) -> Decoded:
        """Return a frame's own picture, read from a WebP file of its own."""
        flags = _ALPHA if any(name in (b"ALPH", b"VP8L") for name, _, _ in part.data) else 0
        flags |= sum({b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}[name] for name, _, _ in of_all)
        size = (part.width - 1).to_bytes(3, "little") + (part.height - 1).to_bytes(3, "little")
        before = [one for one in of_all if one[0] == b"ICCP"]
        behind = [one for one in of_all if one[0] != b"ICCP"]
        pieces = [b"VP8X" + struct.pack("<II", 10, flags) + size]
        for name, place, length in (*before, *part.data, *behind):
            self.file.stream.seek(place)
            content = self.file.stream.read(length)
            pieces.append(name + struct.pack("<I", length) + content + bytes(length % 2))
        body = b"WEBP" + b"".join(pieces)
        data = b"RIFF" + struct.pack("<I", len(body)) + body
        decoded = opening.decode(replace(self.file, stream=io.BytesIO(data), head=data[:256], damaged=False))
        if decoded.pixels.shape[:2] != (part.height, part.width):
            raise InputError(f"{self.where}: the image is damaged or cut short.")
        return decoded


def _laid_over(top: NDArray[np.uint8], under: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return samples with alpha over others, as libwebp's integers have it."""
    opacity, below = top[:, :, 3].astype(np.uint32), under[:, :, 3].astype(np.uint32)
    rest = below * (256 - opacity) >> 8
    alpha = opacity + rest
    scale = 2**24 // np.maximum(alpha, 1).astype(np.uint64)
    colours = top[:, :, :3] * opacity[:, :, None] + under[:, :, :3] * rest[:, :, None]
    laid = np.empty_like(top)
    laid[:, :, :3] = colours * scale[:, :, None] >> np.uint64(24)
    laid[:, :, 3] = alpha
    laid = np.where((opacity == 0)[:, :, None], under, laid)
    return np.where(((opacity == 255) | (below == 0))[:, :, None], top, laid)
