"""How the main picture of a HEIF file is coded, as its boxes say: for what the library has no decoder of.

Source: ISO/IEC 14496-12, sections 8.11.1 (meta), 8.11.4 (pitm), 8.11.6 (iinf, infe), 8.11.12 (iref); ISO/IEC
23008-12, section 6.6 (grid, iovl, iden); ISO/IEC 23001-17 (unci).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

MOST_META_BYTES = 2**20
MOST_BOXES = 2**14

_CODINGS = {
    b"hvc1": "HEVC",
    b"lhv1": "layered HEVC",
    b"av01": "AV1",
    b"avc1": "AVC (H.264)",
    b"vvc1": "VVC (H.266)",
    b"evc1": "EVC",
    b"j2k1": "JPEG 2000",
    b"jpeg": "JPEG",
    b"unci": "uncompressed pixels (ISO/IEC 23001-17)",
    b"mski": "a mask",
}
_MADE_OF_OTHERS = (b"grid", b"iovl", b"iden", b"tili")


def coding_of(stream: BinaryIO) -> str | None:
    """Return in words how the main picture is coded; None where the boxes do not say, or are damaged."""
    with suppress(struct.error, LookupError):
        meta = _meta(stream)
        boxes = dict(_boxes(meta, 4))  # behind the version and flags
        version, main = boxes[b"pitm"][0], boxes[b"pitm"][4:]
        number = int.from_bytes(main[: 2 if version == 0 else 4], "big")
        kinds = _kinds(boxes[b"iinf"])
        kind = kinds.get(number, b"")
        if kind in _MADE_OF_OTHERS:  # its parts are alike
            kind = next(iter(kinds[one] for one in _parts(boxes.get(b"iref", b""), number)), kind)
        return _CODINGS.get(kind)
    return None


def is_film(stream: BinaryIO) -> bool:
    """Whether a file has a sequence of pictures, and no still one."""
    names = {name for name, _, _ in _top(stream)}
    return b"moov" in names and b"meta" not in names


def _meta(stream: BinaryIO) -> bytes:
    """Return what the box has that describes all still pictures."""
    for name, start, end in _top(stream):
        if name == b"meta":
            stream.seek(start)
            return stream.read(min(end - start, MOST_META_BYTES))
    raise LookupError


def _top(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each box of a file, and where its content begins and ends."""
    place, size = 0, stream.seek(0, os.SEEK_END)
    for _ in range(MOST_BOXES):
        if place >= size:  # as a damaged length leads beyond any file
            return
        stream.seek(place)
        head = stream.read(16).ljust(16, b"\0")
        length, name = struct.unpack_from(">I4s", head)
        start = 8
        if length == 1:
            length, start = struct.unpack_from(">Q", head, 8)[0], 16
        if length < start:
            return
        yield name, place + start, place + length
        place += length


def _boxes(data: bytes, place: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of each box in another's content, from a place on."""
    for _ in range(MOST_BOXES):
        if place + 8 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, place)
        if length < 8:
            return
        yield name, data[place + 8 : place + length]
        place += length


def _kinds(iinf: bytes) -> dict[int, bytes]:
    """Return the kind of each item by its number."""
    kinds = {}
    for name, one in _boxes(iinf, 6 if iinf[0] == 0 else 8):
        if name == b"infe" and one[0] >= 2:
            size = 2 if one[0] == 2 else 4
            kinds[int.from_bytes(one[4 : 4 + size], "big")] = one[6 + size : 10 + size]
    return kinds


def _parts(iref: bytes, number: int) -> list[int]:
    """Return the numbers of the items that one is derived from."""
    size = 2 if iref[:1] == b"\0" else 4
    for name, one in _boxes(iref, 4):
        numbers = [
            int.from_bytes(one[place : place + size], "big")
            for place in (0, *range(size + 2, len(one), size))
        ]
        if name == b"dimg" and numbers[0] == number:
            return numbers[1:]
    return []
