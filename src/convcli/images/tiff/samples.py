"""The samples of a TIFF file as numbers, whatever their depth: strips and tiles unpacked by NumPy.

What is compressed goes through libtiff, which Pillow brings: strips of any depth are handed to it as rows of
bytes, a grey picture of 8 bits. What it undoes does not depend on the depth; what does is done here.

Source: TIFF 6.0 (Adobe, 1992), sections 7, 13 and 14; Technical Note 3 (2005), which defines predictor 3.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images.tiff.layout import Layout

Bytes = NDArray[np.uint8]

NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD = 1, 5, 8, 32946, 32773, 34925, 50000
BY_LIBTIFF = (LZW, PACKBITS, LZMA, ZSTD)
READABLE = (NONE, DEFLATE, OLD_DEFLATE, *BY_LIBTIFF)
"""Compressions of bytes, which know nothing of samples."""

HORIZONTAL, FLOATING = 2, 3  # predictors
BAND_BYTES = 2**22  # of strips that are undone at a time

_REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]


def read_samples(stream: BinaryIO, layout: Layout, where: str) -> NDArray[Any]:
    """Return the samples (h, w, samples) as stored: uint8 to uint64, int8 to int64 or floats.

    Raises
    ------
    InputError
        If a strip or a tile is cut short, or there is no such kind of number.
    """
    dtype = _dtype(layout, where)
    channels = layout.samples // layout.planes
    samples = np.zeros((layout.height, layout.width, layout.samples), dtype)
    across = -(-layout.width // layout.columns)
    each = across * -(-layout.height // layout.rows)
    group = max(BAND_BYTES // (layout.rows * layout.row_bytes), 1)
    for plane in range(layout.planes):
        part = samples[:, :, plane : plane + 1] if layout.planes > 1 else samples
        for first in range(0, each, group):
            numbers = range(first, min(first + group, each))
            heights = [_height(layout, number // across) for number in numbers]
            pieces = [_piece(stream, layout, plane * each + number, where) for number in numbers]
            rows = _undone(pieces, heights, layout)
            start, band = 0, max(BAND_BYTES // layout.row_bytes // 8, 1)
            for number, height in zip(numbers, heights, strict=True):
                down, right = number // across * layout.rows, number % across * layout.columns
                place = part[down : down + layout.rows, right : right + layout.columns]
                for top in range(0, len(place), band):  # unpacked bits take eight times the bytes
                    some = place[top : top + band]
                    stored = rows[start + top : start + top + len(some)]
                    some[:] = _values(stored, layout, channels, dtype)[:, : some.shape[1]]
                start += height
    return samples


def _dtype(layout: Layout, where: str) -> np.dtype[Any]:
    """Return the dtype that holds the samples."""
    size = max(8, 2 ** (layout.bits - 1).bit_length())
    if layout.kind != "f":
        return np.dtype(f"{layout.kind}{size // 8}")
    if layout.bits not in (16, 24, 32, 64):
        raise InputError(f"{where}: a TIFF file of {layout.bits}-bit floats; save it with 16, 32 or 64 bits.")
    return np.dtype(f"f{size // 8}")


def _height(layout: Layout, number: int) -> int:
    """Return the rows of a strip or a tile: tiles are stored whole, the last strip need not be."""
    return layout.rows if layout.tiled else min(layout.rows, layout.height - number * layout.rows)


def _piece(stream: BinaryIO, layout: Layout, number: int, where: str) -> bytes:
    """Return a strip or a tile as it is stored."""
    size = layout.sizes[number] if number < len(layout.sizes) else 0
    if layout.compression == NONE:
        size = layout.rows * layout.row_bytes  # what more there is, or what is said of it, does not matter
    stream.seek(layout.offsets[number])
    data = stream.read(size)
    if not data:
        raise InputError(f"{where}: the image is damaged or cut short (strip or tile {number} is missing).")
    return data


def _undone(pieces: Sequence[bytes], heights: Sequence[int], layout: Layout) -> Bytes:
    """Return the rows (n, bytes) of strips or tiles that follow each other."""
    width = layout.row_bytes
    if layout.compression in BY_LIBTIFF:
        return _by_libtiff(pieces, heights, layout)
    rows = np.empty((sum(heights), width), np.uint8)
    start = 0
    for piece, height in zip(pieces, heights, strict=True):
        data = np.frombuffer(piece, np.uint8)
        if layout.fill_order == 2:
            data = _REVERSED[data]
        if layout.compression != NONE:
            data = np.frombuffer(zlib.decompressobj().decompress(data.tobytes(), height * width), np.uint8)
        if len(data) < height * width:
            raise ValueError("a strip or tile is too short")
        rows[start : start + height] = data[: height * width].reshape(height, width)
        start += height
    return rows


def _by_libtiff(pieces: Sequence[bytes], heights: Sequence[int], layout: Layout) -> Bytes:
    """Return the rows of compressed pieces, which Pillow decodes as strips of a grey picture."""
    count, width, height = len(pieces), layout.row_bytes, sum(heights)
    places = np.cumsum([8, *(len(piece) for piece in pieces)])
    end = int(places[-1])
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, layout.compression),
        (262, 3, 1, 1),
        (266, 3, 1, layout.fill_order if layout.fill_order == 2 else 1),
        (273, 4, count, end if count > 1 else 8),
        (277, 3, 1, 1),
        (278, 4, 1, max(heights)),
        (279, 4, count, end + 4 * count if count > 1 else len(pieces[0])),
    ]
    lists = places[:-1].astype("<u4").tobytes() + np.array([len(p) for p in pieces], "<u4").tobytes()
    if count == 1:
        lists = b""
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    file = b"".join((b"II*\0", struct.pack("<I", end + len(lists)), *pieces, lists, directory))
    with PIL.Image.open(io.BytesIO(file), formats=("TIFF",)) as picture:
        return np.frombuffer(picture.tobytes(), np.uint8).reshape(height, width)


def _values(rows: Bytes, layout: Layout, channels: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return rows (n, bytes) as samples (n, columns, channels), what the predictor expected added."""
    count = layout.columns * channels
    shape = (len(rows), layout.columns, channels)
    if layout.predictor == FLOATING and layout.kind == "f":
        rows = _unpredicted_floats(rows, count, channels, layout.bits)
        numbers = _unsigned(rows, count, layout.bits, ">").reshape(shape)
    else:
        numbers = _unsigned(rows, count, layout.bits, layout.order).reshape(shape)
        if layout.predictor == HORIZONTAL:
            numbers = np.cumsum(numbers, axis=1, dtype=numbers.dtype)
            if layout.bits < numbers.dtype.itemsize * 8:
                numbers &= numbers.dtype.type(2**layout.bits - 1)
    if layout.kind == "f":
        return _float24(numbers) if layout.bits == 24 else numbers.view(dtype)
    if layout.kind == "i" and layout.bits < dtype.itemsize * 8:
        left = dtype.itemsize * 8 - layout.bits
        return (numbers << left).view(dtype) >> left
    return numbers.view(dtype)


def _unsigned(rows: Bytes, count: int, bits: int, order: str) -> NDArray[Any]:
    """Return the `count` numbers of each row as unsigned ones of the next larger size."""
    size = max(8, 2 ** (bits - 1).bit_length())
    if bits == size:
        data = np.ascontiguousarray(rows[:, : count * bits // 8]).view(f"{order}u{bits // 8}")
        return data.astype(data.dtype.newbyteorder("="))
    # Whole bytes lie in the file's order; other numbers are packed from the highest bit on.
    padded = np.zeros((len(rows), count, size), np.uint8)
    if bits % 8 == 0:
        wide = np.zeros((len(rows), count, size // 8), np.uint8)
        parts = rows[:, : count * bits // 8].reshape(len(rows), count, bits // 8)
        wide[:, :, -(bits // 8) :] = parts if order == ">" else parts[:, :, ::-1]
    else:
        single = np.unpackbits(rows, axis=1, count=count * bits)
        padded[:, :, size - bits :] = single.reshape(len(rows), count, bits)
        wide = np.packbits(padded, axis=2)
    numbers = wide.reshape(len(rows), -1).view(f">u{size // 8}")
    return numbers.astype(numbers.dtype.newbyteorder("="))


def _unpredicted_floats(rows: Bytes, count: int, channels: int, bits: int) -> Bytes:
    """Return rows of floats, highest byte first: stored are differences of bytes, all highest ones first."""
    size = bits // 8
    differences = rows[:, : count * size].reshape(len(rows), -1, channels)
    data = np.cumsum(differences, axis=1, dtype=np.uint8).reshape(len(rows), size, count)
    return np.ascontiguousarray(data.transpose(0, 2, 1)).reshape(len(rows), count * size)


def _float24(numbers: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Return floats of a sign, 7 bits of exponent and 16 of fraction. Source: Technical Note 3."""
    sign, exponent, fraction = numbers >> 23, numbers >> 16 & 0x7F, numbers & 0xFFFF
    wide = np.where(exponent == 0x7F, 0xFF, exponent + 64).astype(np.uint32)
    values = (sign << 31 | wide << 23 | fraction << 7).astype(np.uint32).view(np.float32)
    small = np.ldexp(fraction.astype(np.float32), -78) * np.where(sign, np.float32(-1), np.float32(1))
    return np.where(exponent == 0, small, values).astype(np.float32)
