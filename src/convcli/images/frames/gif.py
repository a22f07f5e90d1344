"""The frames of a GIF file, laid on each other as browsers and ImageMagick's `-coalesce` do.

A file is read twice: first its blocks, without their pixels, for how many frames there are, how long each is
shown, and what is transparent; then the frames one by one. Pillow decodes each from a file of its own.

Source: GIF89a (CompuServe, 1990); for what to do with a frame afterwards, what browsers do: a part is cleared
to transparent, never to the background colour.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from convcli.images.frames.frame import FOR_EVER, MOST_FRAMES, Frame, Frames, Story
from convcli.images.image import Image
from convcli.images.kind import File

_TRAILER, _EXTENSION, _PICTURE = b";", b"!", b","
_CONTROL, _APPLICATION = 0xF9, 0xFF
_CLEAR, _RESTORE = 2, 3  # what is done with a frame before the next


@dataclass(frozen=True)
class _Part:
    """What a frame adds: where in the file it stands, its rectangle, its time and colours."""

    place: int  # of its image descriptor
    end: int
    left: int
    top: int
    width: int
    height: int
    palette: bytes
    after: int
    transparent: int | None
    hundredths: int


@dataclass
class _Blocks:
    """What a GIF file says before any pixel is decoded."""

    height: int = 0
    width: int = 0
    plays: int = 1
    parts: list[_Part] = field(default_factory=list)


def blocks_of(stream: BinaryIO) -> _Blocks:
    """Return a file's frames, those that begin in it; more than `MOST_FRAMES` are not counted on."""
    stream.seek(0)
    head = stream.read(13)
    found = _Blocks()
    if len(head) < 13:
        return found
    found.width, found.height, flags = struct.unpack_from("<HHB", head, 6)
    table = stream.read(3 << (flags & 7) + 1) if flags & 0x80 else b""
    control: tuple[int, int | None, int] = (0, None, 0)
    while len(found.parts) <= MOST_FRAMES:
        kind = stream.read(1)
        if kind == _EXTENSION:
            label = stream.read(1)
            content = _data(stream, keep=True)
            if label[:1] == bytes([_CONTROL]) and content and len(content[0]) >= 4:
                control = _control(content[0])
            elif label[:1] == bytes([_APPLICATION]):
                found.plays = _plays(content, found.plays)
        elif kind == _PICTURE:
            part = _part(stream, control, table)
            if part is None:
                break
            found.parts.append(part)
            control = (0, None, 0)
        elif kind in (_TRAILER, b""):
            break
    return found


def _control(data: bytes) -> tuple[int, int | None, int]:
    flags, hundredths, transparent = struct.unpack_from("<BHB", data)
    return flags >> 2 & 7, transparent if flags & 1 else None, hundredths


def _plays(content: Sequence[bytes], otherwise: int) -> int:
    """Return how often it is played: the extension has how often it is played again, 0 for ever."""
    if len(content) > 1 and content[0][:11] in (b"NETSCAPE2.0", b"ANIMEXTS1.0"):
        data = content[1]
        if len(data) >= 3 and data[0] & 7 == 1:
            again = int.from_bytes(data[1:3], "little")
            return again + 1 if again else FOR_EVER
    return otherwise


def _part(stream: BinaryIO, control: tuple[int, int | None, int], table: bytes) -> _Part | None:
    place = stream.tell() - 1
    data = stream.read(9)
    if len(data) < 9:
        return None
    left, top, width, height, flags = struct.unpack("<HHHHB", data)
    own = stream.read(3 << (flags & 7) + 1) if flags & 0x80 else table
    stream.read(1)  # the smallest size of a code
    _data(stream)
    return _Part(place, stream.tell(), left, top, width, height, own, *control)


def _data(stream: BinaryIO, *, keep: bool = False) -> list[bytes]:
    """Go over the sub-blocks that follow; return the first two, if they are wanted."""
    found: list[bytes] = []
    while size := stream.read(1):
        if size == b"\0":
            break
        if keep and len(found) < 2:
            found.append(stream.read(size[0]))
        else:
            stream.seek(size[0], io.SEEK_CUR)
    return found


def frames_of(file: File) -> Frames | None:
    """Return the frames of a GIF file; None if it has no picture."""
    blocks = blocks_of(file.stream)
    return GifFrames(file.stream, file.where, file.most, blocks) if blocks.parts else None


class GifFrames(Frames):
    """A GIF file's frames."""

    def __init__(self, stream: BinaryIO, where: str, most: int, blocks: _Blocks) -> None:
        super().__init__(where, most)
        self.stream, self.parts = stream, blocks.parts
        self.shape = blocks.height, blocks.width
        whole = blocks.height * blocks.width
        self.check_size(max(whole, *(part.width * part.height for part in self.parts)), len(self.parts))
        self.grey = all(_is_grey(part.palette) for part in self.parts)
        self.story = Story("animation", len(self.parts), blocks.plays, transparent=self._shows_through())
        self._next = 0
        self._canvas = np.zeros((0, 0, 4), np.uint8)
        self._begin()

    def _shows_through(self) -> bool:
        """Whether a frame may be transparent somewhere: what covers all and is never cleared is not."""
        height, width = self.shape
        first = self.parts[0]
        covers = first.left == first.top == 0 and first.width >= width and first.height >= height
        return not covers or first.transparent is not None or any(part.after == _CLEAR for part in self.parts)

    def _begin(self) -> None:
        self._next = 0
        self._canvas = np.zeros((*self.shape, 4), np.uint8)

    def _read(self, number: int) -> Frame:
        if number < self._next:
            self._begin()
        while self._next < number:
            self._advance(self.parts[self._next])
        part = self.parts[number]
        shown = self._advance(part)
        pixels = np.ascontiguousarray(shown[:, :, 0] if self.grey else shown[:, :, :3])
        opaque = not self.story.transparent or bool((shown[:, :, 3] == 255).all())
        alpha = None if opaque else np.ascontiguousarray(shown[:, :, 3])
        return Frame(Image(pixels, alpha), Fraction(part.hundredths, 100))

    def _advance(self, part: _Part) -> NDArray[np.uint8]:
        """Lay a frame on the canvas; return what is seen, and leave what the next one is laid on."""
        colours = self._decoded(part)
        height, width = self.shape
        rows = slice(part.top, min(part.top + part.height, height))
        columns = slice(part.left, min(part.left + part.width, width))
        under = self._canvas[rows, columns].copy() if part.after == _RESTORE else None
        place = self._canvas[rows, columns]
        own = colours[: place.shape[0], : place.shape[1]]
        np.copyto(place, own, where=own[:, :, 3:] > 0)
        shown = self._canvas if part.after not in (_CLEAR, _RESTORE) else self._canvas.copy()
        if under is not None:
            place[...] = under
        elif part.after == _CLEAR:
            place[...] = 0
        self._next += 1
        return shown

    def _decoded(self, part: _Part) -> NDArray[np.uint8]:
        """Return a frame's own pixels (h, w, 4)."""
        self.stream.seek(part.place)
        data = bytearray(self.stream.read(part.end - part.place))
        size = struct.pack("<HH", part.width, part.height)
        data[1:9] = b"\0\0\0\0" + size
        grey = bytes(value for value in range(256) for _ in range(3))  # the table is looked up here
        file = b"GIF89a" + size + b"\xf7\0\0" + grey + _without_table(data) + _TRAILER
        with PIL.Image.open(io.BytesIO(file), formats=("GIF",)) as picture:
            numbers = np.asarray(picture)
        colours = np.zeros((256, 4), np.uint8)
        table = np.frombuffer(part.palette, np.uint8)[: len(part.palette) // 3 * 3].reshape(-1, 3)
        colours[: len(table), :3], colours[:, 3] = table, 255
        if not len(table):  # a file without any: grey, as Pillow has it
            colours[:, :3] = np.arange(256)[:, None]
        if part.transparent is not None:
            colours[part.transparent] = 0
        own: NDArray[np.uint8] = colours[numbers]
        return own


def _without_table(data: bytearray) -> bytes:
    """Return an image without its own table of colours."""
    flags = data[9]
    size = 3 << (flags & 7) + 1 if flags & 0x80 else 0
    return bytes(data[:9]) + bytes([flags & 0x40]) + bytes(data[10 + size :])


def _is_grey(palette: bytes) -> bool:
    return palette[0::3] == palette[1::3] == palette[2::3]
