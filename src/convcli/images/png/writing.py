"""PNG files, fast: rows filtered by NumPy, compressed in strips by several threads.

Pillow tries all five row filters on every row, in one thread, which for a photo takes longer than compressing
it as runs; zlib's usual search for repetitions takes several times as long and finds nearly none in a photo.
Here a sample picks one filter for the whole image, and whether zlib looks for more than runs: half the work
for files of the same size, and shared out.

Source: ISO/IEC 15948:2004 (PNG), RFC 1950 (zlib), RFC 1951 (deflate).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convcli.images.encoding import Encoding
from convcli.images.image import Image, Metadata, Pixels
from convcli.images.png.chunks import SIGNATURE, chunk

Bytes = NDArray[np.uint8]

FILTERS = NONE, SUB, UP, AVERAGE, PAETH = range(5)
"""Row filters, by PNG's numbers: what is stored is the difference to what the neighbours let expect."""

STRIP_BYTES = 2**20  # of rows that are compressed by themselves: what threads share out
BAND_BYTES = (
    2**15
)  # of rows that are filtered at a time: what Paeth's filter needs besides stays in the cache
SAMPLE_SHARE = 64  # one row of so many shows which filter suits: each is tried in ten ways
LEAST_SAMPLE, MOST_SAMPLE = 2**13, 2**16  # bytes, but no more than every sixteenth row
SAMPLE_ROWS = 16
FASTEST = 1  # up to this level one method serves all strips, and must not take long
ZLIB_BUFFER = 9  # the largest, and the fastest
ADLER_BASE = 65521


MOST_PROFILE_BYTES = 2**20
"""Of a colour profile. Pillow and what is built on it open no file with a larger one."""


def encode(image: Image, how: Encoding) -> bytes:
    """Return a PNG file of an image of 8 or 16 bits."""
    return encode_png(
        image.pixels,
        image.alpha,
        image.metadata,
        level=how.compress,
        threads=how.threads,
        progress=how.progress,
    )


def beyond(image: Image) -> dict[str, str]:
    """Return what to say of a colour profile that readers of PNG files do not take."""
    size = len(image.metadata.icc_profile or b"")
    said = f"its colour profile of {size:,} bytes is more than PNG readers take; left out."
    return {"icc_profile": said} if size > MOST_PROFILE_BYTES else {}


def encode_png(
    pixels: Pixels,
    alpha: Pixels | None,
    metadata: Metadata,
    *,
    level: int,
    threads: int,
    progress: Callable[[float], None] | None = None,
) -> bytes:
    """Return uint8 or uint16 `pixels`, grey or RGB, with or without `alpha` of their dtype, as a PNG file.

    The file is the same for any number of threads.
    """
    height, width = pixels.shape[:2]
    channels = (1 if pixels.ndim == 2 else 3) + (alpha is not None)
    depth = pixels.dtype.itemsize * 8
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]  # grey, grey and alpha, RGB, RGB and alpha
    lines = _Lines(pixels, alpha, channels)
    overall = _sampled_method(lines, 0, height, level) if level <= FASTEST else None
    strip = max(STRIP_BYTES // lines.length, 1)
    starts = range(0, height, strip)

    def compress(start: int) -> tuple[bytes, int, int]:
        end = min(start + strip, height)
        made = _strip(lines, start, end, overall or _sampled_method(lines, start, end, level))
        if progress is not None:
            progress((end - start) / height)
        return made

    if threads == 1 or len(starts) == 1:  # a thread of its own would cost a small image a tenth of its time
        strips = [compress(start) for start in starts]
    else:
        with ThreadPoolExecutor(min(threads, len(starts))) as pool:
            strips = list(pool.map(compress, starts))
    checksum = 1
    for _, adler, length in strips:
        checksum = _joined_adler(checksum, adler, length)
    parts = [
        SIGNATURE,
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)),
    ]
    parts += _described(metadata)
    parts.append(chunk(b"IDAT", b"\x78\x01"))  # zlib's header
    parts += [data for data, _, _ in strips]
    parts += [chunk(b"IDAT", struct.pack(">I", checksum)), chunk(b"IEND", b"")]
    return b"".join(parts)


@dataclass(frozen=True)
class _Method:
    """How strips are compressed: the row filter's number, zlib's level and strategy."""

    filter: int
    level: int
    strategy: int

    def deflate(self, data: Bytes, *, last: bool) -> bytes:
        """Return `data` as part of a deflate stream."""
        packer = zlib.compressobj(self.level, zlib.DEFLATED, -15, ZLIB_BUFFER, self.strategy)
        return packer.compress(data.data) + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


class _Lines:
    """Rows of an image as the bytes that PNG stores, made when they are asked for."""

    def __init__(self, pixels: Pixels, alpha: Pixels | None, channels: int) -> None:
        self.pixels, self.alpha = pixels, alpha
        self.step = channels * pixels.dtype.itemsize  # bytes from a sample to its left neighbour
        self.height, self.length = pixels.shape[0], pixels.shape[1] * self.step

    def rows(self, first: int, last: int) -> Bytes:
        """Return rows (n, bytes); row −1, above the first, is zeros."""
        if first < 0:
            return np.concatenate([np.zeros((1, self.length), np.uint8), self.rows(0, last)])
        part = self.pixels[first:last]
        if self.alpha is not None:
            part = np.dstack((part, self.alpha[first:last]))
        if part.dtype != np.uint8:
            part = part.astype(">u2")
        return np.ascontiguousarray(part).view(np.uint8).reshape(last - first, self.length)


def _left(rows: Bytes, step: int) -> Bytes:
    """Return each byte's left neighbour, zero where there is none."""
    left = np.zeros_like(rows)
    left[:, step:] = rows[:, :-step]
    return left


def _filtered(rows: Bytes, above: Bytes, step: int, number: int) -> Bytes:
    """Return rows less what the filter expects from their neighbours, with its number before each row."""
    lines = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    lines[:, 0] = number
    band = max(BAND_BYTES // rows.shape[1], 1)
    for first in range(0, len(rows), band):
        part = slice(first, first + band)
        _filter_into(lines[part, 1:], rows[part], above[part], step, number)
    return lines


def _filter_into(out: Bytes, rows: Bytes, above: Bytes, step: int, number: int) -> None:
    """Put rows less what the filter expects from their neighbours into `out`."""
    if number == NONE:
        out[:] = rows
    elif number == SUB:
        np.subtract(rows, _left(rows, step), out=out)
    elif number == UP:
        np.subtract(rows, above, out=out)
    elif number == AVERAGE:
        left = _left(rows, step)
        mean = (above & left) + ((above ^ left) >> np.uint8(1))  # their sum could need a ninth bit
        np.subtract(rows, mean, out=out)
    else:
        np.subtract(rows, _nearest(_left(rows, step), above, _left(above, step)), out=out)


def _nearest(left: Bytes, above: Bytes, corner: Bytes) -> Bytes:
    """Return that of left, above and upper left which is nearest to left + above − upper left (Paeth).

    Chosen by masks of bits: NumPy's `where` takes four times as long.
    """
    across = above.astype(np.int16) - corner  # estimate − left
    down = left.astype(np.int16) - corner  # estimate − above
    diagonal = np.abs(across + down)
    np.abs(across, out=across)
    np.abs(down, out=down)
    is_above, is_left = down <= diagonal, (across <= down) & (across <= diagonal)
    nearest = corner ^ ((above ^ corner) & -is_above.view(np.uint8))
    chosen: Bytes = nearest ^ ((left ^ nearest) & -is_left.view(np.uint8))
    return chosen


def _sampled_method(lines: _Lines, first: int, last: int, level: int) -> _Method:
    """Return the filter and the strategy that make some rows, spread from `first` to `last`, the smallest.

    At the fastest level what takes longer must also save: the search for repetitions 15 %, Paeth's filter
    5 %.
    """
    if level == 0:
        return _Method(0, 0, zlib.Z_DEFAULT_STRATEGY)
    height = last - first
    size = min(max(height * lines.length // SAMPLE_SHARE, LEAST_SAMPLE), MOST_SAMPLE)
    count = max(min(size // lines.length, height // SAMPLE_ROWS), 1)
    picked = [first + (2 * number + 1) * height // (2 * count) for number in range(count)]
    pairs = np.stack([lines.rows(row - 1, row + 1) for row in picked])
    rows, above = np.ascontiguousarray(pairs[:, 1]), np.ascontiguousarray(pairs[:, 0])

    def weighed(method: _Method) -> float:
        size = len(method.deflate(_filtered(rows, above, lines.step, method.filter), last=True))
        if level > FASTEST:
            return size
        searching, paeth = method.strategy != zlib.Z_RLE, method.filter == PAETH
        return size * (1.15 if searching else 1) * (1.05 if paeth else 1)

    runs = min((_Method(number, level, zlib.Z_RLE) for number in FILTERS), key=weighed)
    if level > FASTEST:
        searched = [_Method(number, level, zlib.Z_DEFAULT_STRATEGY) for number in FILTERS]
    else:  # a drawing's repetitions are found best in its own bytes, or in those that suit runs
        searched = [
            _Method(number, level, zlib.Z_DEFAULT_STRATEGY)
            for number in dict.fromkeys((NONE, UP, runs.filter))
        ]
    return min(runs, *searched, key=weighed)


def _strip(lines: _Lines, first: int, last: int, method: _Method) -> tuple[bytes, int, int]:
    """Return rows as an IDAT chunk, with the Adler checksum and the length of what was compressed."""
    rows = lines.rows(first - 1, last)
    data = _filtered(rows[1:], rows[:-1], lines.step, method.filter).reshape(-1)
    packed = method.deflate(data, last=last == lines.height)
    return chunk(b"IDAT", packed), zlib.adler32(data.data), len(data)


def _joined_adler(first: int, second: int, length: int) -> int:
    """Return the Adler-32 of two pieces from theirs and the second's length.

    >>> _joined_adler(zlib.adler32(b"convolu"), zlib.adler32(b"tion"), 4) == zlib.adler32(b"convolution")
    True
    """
    sums, second_sums = first & 0xFFFF, second & 0xFFFF
    low = (sums + second_sums - 1) % ADLER_BASE
    high = ((first >> 16) + (second >> 16) + length * (sums - 1)) % ADLER_BASE
    return high << 16 | low


def _described(metadata: Metadata) -> Iterator[bytes]:
    """Yield the chunks of what is known about the image: an sRGB chunk only where there is no profile."""
    for name, content in metadata.colour:
        if not (name == b"sRGB" and metadata.icc_profile):
            yield chunk(name, content)
    if metadata.icc_profile:
        yield chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc_profile))
    if metadata.dpi:
        across, down = (round(dots / 0.0254) for dots in metadata.dpi)
        yield chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    if metadata.xmp:
        yield chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp)
    if metadata.exif:
        yield chunk(b"eXIf", metadata.exif.removeprefix(b"Exif\0\0"))
