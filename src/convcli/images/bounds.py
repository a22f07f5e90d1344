"""What a file may ask for, looked up before it is decoded: a small one can ask for gigabytes, or for hours.

Pillow looks at the size of an image, at texts and at tags. Left to do here: a limit that the user can set,
and what formats allow without end: scans of a JPEG over the same pixels, segments that are joined one by one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from convcli.errors import InputError

MOST_SCANS = 50
"""Of a JPEG. Progressive ones have about 10; each takes time for every pixel, and few bytes of the file."""

MOST_EXIF_SEGMENTS = 16  # joined one by one, each time as a whole
MOST_SEGMENTS = 4096

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # in JPEG data FF 00 and FF D0 … D7 are no markers
_ALONE = (0x01, 0xD8)  # markers without a segment: TEM, start of image
_END_OF_IMAGE, _START_OF_SCAN, _EXIF = 0xD9, 0xDA, 0xE1
_PIECE = 2**14


def check_pixels(rows: int, columns: int, most: int, where: str) -> None:
    """Raise `InputError` if an image, or a tile of one, has more pixels than `most`."""
    if rows * columns > most:
        raise too_large(f"{where}: {rows:,} × {columns:,} pixels", most)


def too_large(what: str, most: int) -> InputError:
    """Return the error that says of `what`, some pixels, that they are too many."""
    return InputError(
        f"{what} are more than the {most:,} that are opened. Shrink it, or allow more if you trust it "
        "(--max-pixels of filter, predict and explain)."
    )


def check_head(head: bytes, most: int, where: str) -> None:
    """Raise `InputError` for a WebP file of too many pixels: Pillow makes a canvas when it opens one."""
    kind, frame = head[12:16], head[20:30].ljust(10, b"\0")
    if head[:4] != b"RIFF":
        return
    if kind == b"VP8X":
        columns, rows = (1 + int.from_bytes(frame[n : n + 3], "little") for n in (4, 7))
    elif kind == b"VP8L":
        bits = int.from_bytes(frame[1:5], "little")
        columns, rows = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        columns, rows = (side & 0x3FFF for side in struct.unpack("<HH", frame[6:10]))
    check_pixels(rows, columns, most, where)


def check_jpeg(stream: BinaryIO, where: str) -> None:
    """Raise `InputError` if a JPEG file has more scans or segments than any camera or program writes.

    Source: ITU-T T.81, annex B.
    """
    scans = exif = 0
    for count, marker in enumerate(_markers(stream)):
        scans += marker == _START_OF_SCAN
        exif += marker == _EXIF and stream.read(4) == b"Exif"
        if scans > MOST_SCANS or exif > MOST_EXIF_SEGMENTS or count >= MOST_SEGMENTS:
            what = f"{MOST_SCANS} scans" if scans > MOST_SCANS else f"{count} segments"
            raise InputError(f"{where}: expected a photo, found a JPEG file of more than {what}.")


def _markers(stream: BinaryIO) -> Iterator[int]:
    """Yield the markers of a JPEG's first image; the stream then stands at what the segment holds."""
    place = 0
    while True:
        stream.seek(place)
        piece = stream.read(_PIECE)
        found = _MARKER.search(piece)
        if found is None:
            if len(piece) < _PIECE:
                return
            place += len(piece) - 1  # the last byte may be a marker's first
            continue
        marker, place = piece[found.end() - 1], place + found.end()
        if marker == _END_OF_IMAGE:
            return
        if marker in _ALONE:
            continue
        stream.seek(place)
        length = stream.read(2)
        yield marker
        place += max(int.from_bytes(length, "big"), 2)
