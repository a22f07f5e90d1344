"""What a TIFF file says of its first picture: the directory of tags, and how samples lie in strips or tiles.

Pillow opens what has 8 bits a sample, and little else; of the rest it misreads some. So the structure is read
here, and what the numbers mean in `pixels.py`.

Source: TIFF 6.0 (Adobe, 1992), sections 2 and 15; Technical Note 1 (2002); BigTIFF (AWare Systems, 2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images.bounds import check_pixels, too_large

MOST_TAGS = 4096
MOST_INNER = 8  # directories inside a directory that are looked at
MOST_BITS = 64
MOST_SEGMENTS = 2**18  # strips or tiles: each takes some microseconds
BYTES_A_PIXEL = 16
"""Of all samples together, for the most pixels that are opened: more take fewer pixels."""

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


@dataclass(frozen=True, eq=False)
class Layout:
    """How a picture's samples lie in the file.

    Attributes
    ----------
    samples, bits, kind
        Samples of a pixel, the bits of each, and what they are: "u", "i" or "f".
    planes
        1, or `samples` where each has strips of its own.
    rows, columns
        Of a strip or a tile.
    """

    height: int
    width: int
    samples: int
    bits: int
    kind: str
    order: str
    planes: int
    rows: int
    columns: int
    tiled: bool
    offsets: Sequence[int]
    sizes: Sequence[int]
    compression: int
    predictor: int
    fill_order: int
    photometric: int
    extra: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a strip or tile."""
        return -(-self.columns * (self.samples // self.planes) * self.bits // 8)


def layout_of(directory: Directory, most: int) -> Layout:
    """Return how the samples lie, none larger than allowed.

    Raises
    ------
    InputError
        If the tags contradict each other, or there are more pixels than `most`.
    """
    where = directory.where
    height, width = directory.number(Tag.LENGTH, 0), directory.number(Tag.WIDTH, 0)
    if height <= 0 or width <= 0:
        raise InputError(f"{where}: the image is damaged or cut short ({height} × {width} pixels).")
    check_pixels(height, width, most, where)
    samples = directory.number(Tag.SAMPLES, 1)
    bits = _one(directory, Tag.BITS, samples, 1, "bits")
    sample_format = _one(directory, Tag.SAMPLE_FORMAT, samples, 1, "format")
    kind = {0: "u", 1: "u", 2: "i", 3: "f", 4: "u", 5: "complex", 6: "complex"}.get(sample_format)
    if kind is None:
        raise InputError(f"{where}: a TIFF file of samples of kind {sample_format} cannot be read.")
    if kind == "complex":
        raise InputError(f"{where}: a TIFF file of complex numbers; save its real part or magnitude.")
    if not 0 < samples <= MOST_BITS or not 0 < bits <= MOST_BITS:
        raise InputError(f"{where}: a TIFF file of {samples} samples of {bits} bits a pixel cannot be read.")
    tiled = Tag.TILE_OFFSETS in directory or Tag.TILE_WIDTH in directory
    if tiled:
        rows, columns = directory.number(Tag.TILE_LENGTH, 0), directory.number(Tag.TILE_WIDTH, 0)
        check_pixels(rows, columns, most, f"{where}: its tiles")
    else:
        rows, columns = directory.number(Tag.ROWS_PER_STRIP, height), width
        rows = height if rows < 1 else min(rows, height)
    if rows < 1 or columns < 1:
        raise InputError(f"{where}: the image is damaged or cut short (tiles of {rows} × {columns}).")
    stored = 2 ** max(3, (bits - 1).bit_length()) // 8
    if max(height * width, rows * columns) * samples * stored > BYTES_A_PIXEL * most:
        raise too_large(f"{where}: {height:,} × {width:,} pixels of {samples} × {bits} bits", most)
    planes = samples if directory.number(Tag.PLANAR, 1) == 2 else 1
    count = -(-height // rows) * -(-width // columns) * planes
    if count > MOST_SEGMENTS:
        raise InputError(
            f"{where}: {count:,} strips or tiles are more than the {MOST_SEGMENTS:,} that are read."
        )
    offsets = directory.array(Tag.TILE_OFFSETS if Tag.TILE_OFFSETS in directory else Tag.STRIP_OFFSETS)
    sizes = directory.array(Tag.TILE_BYTES if Tag.TILE_BYTES in directory else Tag.STRIP_BYTES)
    if len(offsets) < count:
        raise InputError(
            f"{where}: the image is damaged or cut short (expected {count} strips or tiles, found "
            f"{len(offsets)})."
        )
    return Layout(
        height,
        width,
        samples,
        bits,
        kind,
        directory.order,
        planes,
        rows,
        columns,
        tiled,
        [int(offset) for offset in offsets[:count]],
        [int(size) for size in sizes[:count]],
        directory.number(Tag.COMPRESSION, 1),
        directory.number(Tag.PREDICTOR, 1),
        directory.number(Tag.FILL_ORDER, 1),
        directory.number(Tag.PHOTOMETRIC, 1),
        directory.numbers(Tag.EXTRA_SAMPLES),
    )


def _one(directory: Directory, tag: int, samples: int, otherwise: int, what: str) -> int:
    """Return a number that each sample has, if all have the same."""
    values = directory.numbers(tag)[: max(samples, 1)] or (otherwise,)
    if len(set(values)) > 1:
        found = ", ".join(str(value) for value in values[:8])
        raise InputError(
            f"{directory.where}: samples of one pixel differ in their {what} ({found}); save it with the "
            "same for each."
        )
    return values[0]
