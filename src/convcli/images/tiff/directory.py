"""What a TIFF file says of its first picture: the directory of tags.

Source: TIFF 6.0 (Adobe, 1992), sections 2 and 15; Technical Note 1 (2002); BigTIFF (AWare Systems, 2007).
"""

from __future__ import annotations

from contextlib import suppress
from enum import IntEnum
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError

MOST_TAGS = 4096
MOST_INNER = 8  # directories inside a directory that are looked at
MOST_BITS = 64

# Type → NumPy's; ratios are pairs, texts bytes.
_TYPES = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 5: "u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 10: "i4"}
_TYPES |= {11: "f4", 12: "f8", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
_RATIOS = (5, 10)


class Tag(IntEnum):
    """The tags that tell of samples and of what is written back."""

    SUBFILE = 254
    WIDTH = 256
    LENGTH = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    MAKE = 271
    FILL_ORDER = 266
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES = 277
    ROWS_PER_STRIP = 278
    STRIP_BYTES = 279
    X_RESOLUTION = 282
    Y_RESOLUTION = 283
    PLANAR = 284
    RESOLUTION_UNIT = 296
    PREDICTOR = 317
    COLOUR_MAP = 320
    TILE_WIDTH = 322
    TILE_LENGTH = 323
    TILE_OFFSETS = 324
    TILE_BYTES = 325
    SUB_DIRECTORIES = 330
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    XMP = 700
    IPTC = 33723
    ICC_PROFILE = 34675
    NODATA = 42113
    DNG_VERSION = 50706


class Directory:
    """The tags of a file's first picture.

    Raises
    ------
    InputError
        If there is no directory where the file says.
    """

    def __init__(self, stream: BinaryIO, where: str, offset: int | None = None) -> None:
        self.stream, self.where = stream, where
        stream.seek(0)
        head = stream.read(16)
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = self._number(head[2:4]) == 43
        self.offset = offset or self._number(head[8:16] if self.big else head[4:8])
        self._entries: dict[int, tuple[int, int, bytes]] = {}
        self.following = self._load()

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def _load(self) -> int:
        """Read the entries; return the place of the next picture's directory, 0 if there is none."""
        size, wide, place = (20, 8, 8) if self.big else (12, 4, 2)
        count = self._number(self._bytes(self.offset, place))
        if not 0 < count <= MOST_TAGS:
            raise InputError(
                f"{self.where}: the image is damaged or cut short (a directory of {count} tags)."
            )
        table = self._bytes(self.offset + place, count * size)
        for start in range(0, len(table) - size + 1, size):
            entry = table[start : start + size]
            tag, kind = self._number(entry[:2]), self._number(entry[2:4])
            if kind in _TYPES:
                self._entries.setdefault(tag, (kind, self._number(entry[4 : 4 + wide]), entry[4 + wide :]))
        return self._number(self._bytes(self.offset + place + count * size, wide))

    def _bytes(self, place: int, count: int) -> bytes:
        if place >= 2**63:
            return b""
        self.stream.seek(place)
        return self.stream.read(count)

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def raw(self, tag: int) -> bytes:
        """Return a tag's value as it is stored, without more bytes than the file has."""
        kind, count, value = self._entries[tag]
        size = count * np.dtype(_TYPES[kind]).itemsize * (2 if kind in _RATIOS else 1)
        return value[:size] if size <= len(value) else self._bytes(self._number(value), size)

    def array(self, tag: int) -> NDArray[np.generic]:
        """Return a tag's numbers, none if it is missing."""
        if tag not in self._entries:
            return np.empty(0, np.uint8)
        dtype = np.dtype(self.order + _TYPES[self._entries[tag][0]])
        data = self.raw(tag)
        return np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype)

    def number(self, tag: int, otherwise: int) -> int:
        """Return a tag's first number, whatever its type, or `otherwise` if it has none."""
        values = self.array(tag)
        return int(values[0]) if len(values) and np.isfinite(values[0]) else otherwise

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return a tag's numbers, at most as many as samples of a pixel are read."""
        return tuple(int(value) for value in self.array(tag)[:MOST_BITS] if np.isfinite(value))

    def ratio(self, tag: int) -> float | None:
        """Return a tag's first ratio, or first number."""
        values = self.array(tag)
        if tag in self and self._entries[tag][0] in _RATIOS and len(values) >= 2:
            return float(values[0]) / float(values[1]) if values[1] else None
        return float(values[0]) if len(values) else None

    def inner(self) -> list[Directory]:
        """Return the directories inside this one: other sizes of the picture, what a camera saw."""
        found = []
        for offset in self.numbers(Tag.SUB_DIRECTORIES)[:MOST_INNER]:
            with suppress(InputError):
                found.append(Directory(self.stream, self.where, offset))
        return found

    def text(self, tag: int) -> str:
        """Return a tag's text, "" if there is none."""
        return self.raw(tag).partition(b"\0")[0].decode("latin-1").strip() if tag in self else ""
