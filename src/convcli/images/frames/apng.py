"""The frames of an animated PNG file, 8 or 16 bits, laid on each other as the file says.

Each is made a PNG file of its own, and read as one: palette, transparent colour, 16 bits and all.

Source: PNG, third edition (W3C, 2025): acTL, fcTL, fdAT.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from convcli.errors import InputError
from convcli.images.frames.frame import MOST_FRAMES, Frame, Frames, Story
from convcli.images.image import Image, Pixels, full_scale
from convcli.images.kind import Decoded, File
from convcli.images.metadata import upright
from convcli.images.png.chunks import SIGNATURE, chunk, chunks
from convcli.images.png.reading import decode

MOST_CHUNKS = 2**20
_OF_ALL = (b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"iCCP", b"pHYs", b"eXIf", b"sBIT")
_CLEAR, _RESTORE, _OVER = 1, 2, 1
_LONGEST = 2**24  # bytes of a chunk that holds for all frames


@dataclass
class _Part:
    """A frame: its rectangle, its time, what is done with it, and where its data lie."""

    width: int
    height: int
    left: int
    top: int
    seconds: Fraction
    after: int
    over: bool
    data: list[tuple[int, int]] = field(default_factory=list)  # place and length


@dataclass
class _Chunks:
    """What an animated PNG file says before any pixel is decoded."""

    header: bytes
    of_all: list[bytes]
    parts: list[_Part]
    plays: int
    beside: bool  # whether what other programs show of the file is none of the frames


def parts_of(stream: BinaryIO) -> _Chunks | None:
    """Return what a PNG file says of its frames; None if it is no animation."""
    header, of_all, parts, plays, beside = b"", list[bytes](), list[_Part](), None, False
    for name, place, length in chunks(stream, MOST_CHUNKS):
        if name == b"IHDR":
            header = stream.read(13)
        elif name == b"acTL":
            plays = struct.unpack(">II", stream.read(8).ljust(8, b"\0"))[1]
        elif plays is None and name == b"IDAT":
            return None
        elif name in _OF_ALL and not parts and length <= _LONGEST:
            of_all.append(chunk(name, stream.read(length)))
        elif name == b"fcTL" and length == 26:
            if len(parts) > MOST_FRAMES:
                break
            _, width, height, left, top, over, under, after, blend = struct.unpack(
                ">IIIIIHHBB", stream.read(26).ljust(26, b"\0")
            )
            parts.append(_Part(width, height, left, top, Fraction(over, under or 100), after, blend == _OVER))
        elif name == b"IDAT" and not parts:
            beside = True
        elif name == b"IDAT":
            parts[-1].data.append((place, length))
        elif parts and name == b"fdAT" and length >= 4:
            parts[-1].data.append((place + 4, length - 4))
    return None if plays is None or not parts else _Chunks(header, of_all, parts, plays, beside)


def frames_of(file: File) -> Frames | None:
    """Return the frames of a PNG file; None if it is no animation."""
    chunks = parts_of(file.stream)
    return None if chunks is None else PngFrames(file, chunks)


class PngFrames(Frames):
    """The frames of an animated PNG file."""

    def __init__(self, file: File, chunks: _Chunks) -> None:
        super().__init__(file.where, file.most)
        self.file, self.chunks, self.parts = file, chunks, chunks.parts
        width, height = struct.unpack_from(">II", chunks.header)
        self.shape = height, width
        self.check_size(height * width, len(self.parts))
        self.story = Story("animation", len(self.parts), chunks.plays, transparent=True)
        self.beside = chunks.beside
        self._first: Decoded | None = None
        self._next, self._canvas = 0, np.empty(0)
        left = f"{file.where}: its default image is no frame and is left out; without --frames it is taken."
        self._about = (left,) if chunks.beside else ()

    def _read(self, number: int) -> Frame:
        if number < self._next or self._first is None:
            self._begin()
        while self._next < number:
            self._advance(self.parts[self._next])
        shown = self._advance(self.parts[number])
        first = self._first
        assert first is not None
        alpha = shown[:, :, -1]
        opaque = bool((alpha == full_scale(alpha.dtype)).all())
        turned = upright(shown, first.orientation)
        pixels = np.ascontiguousarray(turned[:, :, 0] if turned.shape[2] == 2 else turned[:, :, :3])
        image = Image(
            pixels,
            None if opaque else np.ascontiguousarray(turned[:, :, -1]),
            first.metadata,
            (*(first.notes if number == 0 else ()), *self._about),
        )
        return Frame(image, self.parts[number].seconds)

    def _begin(self) -> None:
        if self._first is None:
            self._first = self._decoded(self.parts[0], self.chunks.of_all)
        channels = 2 if self._first.pixels.ndim == 2 else 4
        self._canvas = np.zeros((*self.shape, channels), self._first.pixels.dtype)
        self._next = 0

    def _advance(self, part: _Part) -> Pixels:
        """Lay a frame on the canvas; return what is seen, and leave what the next one is laid on."""
        height, width = self.shape
        if part.top + part.height > height or part.left + part.width > width:
            raise InputError(f"{self.where}: frame {self._next + 1:,} reaches beyond the picture.")
        palette = [one for one in self.chunks.of_all if one[4:8] in (b"PLTE", b"tRNS")]
        decoded = self._decoded(part, palette)
        alpha = decoded.alpha
        if alpha is None:
            alpha = np.full(decoded.pixels.shape[:2], full_scale(decoded.pixels.dtype), decoded.pixels.dtype)
        own = np.dstack((decoded.pixels, alpha))
        place = self._canvas[part.top : part.top + part.height, part.left : part.left + part.width]
        under = place.copy() if part.after == _RESTORE else None
        place[...] = _laid_over(own, place) if part.over else own
        shown = self._canvas.copy() if part.after in (_CLEAR, _RESTORE) else self._canvas
        if under is not None and self._next:
            place[...] = under
        elif part.after in (_CLEAR, _RESTORE):
            place[...] = 0
        self._next += 1
        return shown

    def _decoded(self, part: _Part, of_all: list[bytes]) -> Decoded:
        """Return a frame's own picture, read from a PNG file of its own."""
        header = struct.pack(">II", part.width, part.height) + self.chunks.header[8:]
        pieces = [SIGNATURE, chunk(b"IHDR", header), *of_all]
        for place, length in part.data:
            self.file.stream.seek(place)
            pieces.append(chunk(b"IDAT", self.file.stream.read(length)))
        pieces.append(chunk(b"IEND", b""))
        data = b"".join(pieces)
        return decode(replace(self.file, stream=io.BytesIO(data), head=data[:256], damaged=False))


def _laid_over(top: Pixels, under: Pixels) -> Pixels:
    """Return samples with alpha over others, as the file's integers."""
    white = full_scale(top.dtype)
    share = top[:, :, -1:].astype(np.float64) / white
    rest = under[:, :, -1:] / white * (1 - share)
    alpha = share + rest
    colours = top[:, :, :-1] * share + under[:, :, :-1] * rest
    mixed = np.concatenate(
        [np.divide(colours, alpha, out=np.zeros_like(colours), where=alpha > 0), alpha * white], 2
    )
    laid: Pixels = np.rint(mixed).astype(top.dtype)
    return laid
