"""Large PNG files, decoded by two threads: one inflates, the other undoes the row filters.

Of the 710 ms that Pillow takes for a photo of 24 million pixels, inflating is 280; undoing Paeth's filter,
where every byte waits for its left neighbour, is most of the rest. The two can overlap. NumPy cannot undo
that filter fast, Pillow can: it is given the inflated rows band by band, each as a small PNG file that is
stored, not compressed, with the last row of the band before on top, unfiltered. That takes 550 ms, and half
the memory, as Pillow never holds the whole. Whatever is unusual about a file is left to Pillow, and so is
every error.

Source: ISO/IEC 15948:2004 (PNG), RFC 1951 (deflate, section 3.2.4: stored blocks).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from convcli.images.png.chunks import SIGNATURE, chunk

WORTHWHILE = 2**22  # samples; below, starting a thread and opening bands costs what it saves
BAND_BYTES = 2**20
STORED = 65535  # the most bytes in a stored block
ORIENTED = (b"Raw profile", b"XML:com.adobe.xmp")  # keywords of texts that may tell the orientation
CHANNELS = {"L": (0, 1), "LA": (4, 2), "RGB": (2, 3), "RGBA": (6, 4)}  # colour type, samples per pixel


class _UnusualError(Exception):
    """Something that Pillow should handle, as a whole file."""


def read_rows(stream: BinaryIO, head: bytes, picture: PIL.Image.Image) -> NDArray[np.uint8] | None:
    """Return the samples (h, w) or (h, w, c) of a PNG file that Pillow has opened, not loaded, as `picture`.

    `head` is the beginning of the file. None if it is small, unusual, or damaged: then Pillow should load it.
    """
    width, height = picture.size
    known = CHANNELS.get(picture.mode)
    if known is None or width * height * known[1] < WORTHWHILE:
        return None
    usual = struct.pack(">BBBBB", 8, known[0], 0, 0, 0)  # depth, kind, compression, filters, not interlaced
    noted = {"transparency", "exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"} & set(picture.info)
    if head[24:29] != usual or noted:
        return None
    place = stream.tell()
    try:
        return _read(stream, width, height, known[1], usual)
    except Exception:  # Pillow will say what it is
        return None
    finally:
        stream.seek(place)


def _read(stream: BinaryIO, width: int, height: int, channels: int, kind: bytes) -> NDArray[np.uint8]:
    samples = np.empty((height, width * channels), np.uint8)
    length = width * channels + 1
    rows = max(BAND_BYTES // length, 1)
    bands = _inflated(stream, rows * length)
    with ThreadPoolExecutor(1) as inflating:
        coming = inflating.submit(next, bands, None)
        first = 0
        while (band := coming.result()) is not None:
            coming = inflating.submit(next, bands, None)
            last = first + len(band) // length
            if len(band) % length or last > height:
                raise _UnusualError
            above = b"\0" + samples[first - 1].tobytes() if first else b""
            size = width, last - first + bool(above)
            decoded = _unfiltered(above + band, size, kind).reshape(size[1], length - 1)
            samples[first:last] = decoded[first - last :]
            first = last
    if first != height:
        raise _UnusualError
    return samples if channels == 1 else samples.reshape(height, width, channels)


def _inflated(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield what the IDAT chunks hold, in pieces of `size`; the last may be shorter.

    No more is inflated than is asked for: a chunk of a megabyte may hold a gigabyte.
    """
    inflater = zlib.decompressobj()
    waiting = bytearray()
    for data in _compressed(stream):
        left, full = data, True
        while left or full:
            inflated = inflater.decompress(left, size)
            left, full = inflater.unconsumed_tail, len(inflated) == size
            waiting += inflated
            while len(waiting) >= size:
                yield bytes(waiting[:size])
                del waiting[:size]
    if not inflater.eof:
        raise _UnusualError
    if waiting:
        yield bytes(waiting)


def _compressed(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the IDAT chunks in pieces; what comes after them must not be about the picture's orientation."""
    stream.seek(len(SIGNATURE))
    found = False
    while True:
        length, name = struct.unpack(">I4s", stream.read(8))
        if name == b"IEND":
            return
        end = stream.tell() + length
        if name == b"IDAT":
            found = True
            while data := stream.read(min(end - stream.tell(), BAND_BYTES)):
                yield data
        elif found and (name == b"eXIf" or stream.read(min(length, 17)).startswith(ORIENTED)):
            raise _UnusualError
        stream.seek(end + 4)


def _unfiltered(rows: bytes, size: tuple[int, int], kind: bytes) -> NDArray[np.uint8]:
    """Return the samples of filtered rows, which Pillow decodes as a picture of their own."""
    blocks = [b"\x78\x01"]
    for start in range(0, len(rows), STORED):
        block = rows[start : start + STORED]
        blocks += (struct.pack("<BHH", start + STORED >= len(rows), len(block), len(block) ^ STORED), block)
    blocks.append(struct.pack(">I", zlib.adler32(rows)))
    header = struct.pack(">II", *size) + kind
    file = (SIGNATURE, chunk(b"IHDR", header), chunk(b"IDAT", b"".join(blocks)), chunk(b"IEND", b""))
    with PIL.Image.open(io.BytesIO(b"".join(file)), formats=("PNG",)) as picture:
        return np.frombuffer(picture.tobytes(), np.uint8)
