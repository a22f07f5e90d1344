"""What AVIF, JPEG 2000, SGI and DDS files say of their picture, which Pillow does not: the bits of a sample.

Source: AV1 Image File Format and AV1 Codec ISO Media File Format Binding, section 2.3 (av1C); ISO/IEC
23008-12, section 6.5.3 (ispe); ITU-T T.800, annexes A.5.1 (SIZ) and I.4 (boxes); Silicon Graphics, The SGI
Image File Format 1.00; Microsoft, DDS_HEADER_DXT10 and DXGI_FORMAT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

_HEAD_BYTES = 2**16  # the boxes that describe a picture stand before its data
_MOST_BOXES = 1024
_SIZ_BYTES = 512
_SIZ = b"\xff\x4f\xff\x51"
_BC6H = (94, 95, 96)


@dataclass(frozen=True)
class Described:
    """Bits of a sample, and the size of the largest part; 8 and 0 where the file does not say."""

    bits: int = 8
    rows: int = 0
    columns: int = 0


def described(kind: str, stream: BinaryIO) -> Described:
    """Return what the header of a file says."""
    if kind == "JPEG2000":
        return _jpeg2000(_codestream(stream))
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    if kind == "AVIF":
        return _avif(head)
    deep = head[3:4] == b"\2" if kind == "SGI" else _is_deep_dds(head)
    return Described(16 if deep else 8)


def _is_deep_dds(head: bytes) -> bool:
    """Whether the blocks of a DDS file are of BC6H, floats of 16 bits."""
    return head[84:88] == b"DX10" and int.from_bytes(head[128:132], "little") in _BC6H


def _avif(head: bytes) -> Described:
    sizes = [
        (int.from_bytes(box[8:12], "big"), int.from_bytes(box[4:8], "big"))
        for box in _after(head, b"ispe")
        if len(box) >= 12
    ]
    bits = max((_av1_bits(box[2]) for box in _after(head, b"av1C") if len(box) > 2), default=8)
    rows, columns = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    return Described(bits, rows, columns)


def _av1_bits(flags: int) -> int:
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def _jpeg2000(head: bytes) -> Described:
    siz = head[4:]
    if head.startswith(_SIZ) and len(siz) >= 41:
        numbers = [int.from_bytes(siz[place : place + 4], "big") for place in range(4, 20, 4)]
        count = int.from_bytes(siz[36:38], "big")
        bits = max(((each & 0x7F) + 1 for each in siz[38 : 38 + 3 * min(count, 64) : 3]), default=8)
        return Described(bits, numbers[1] - numbers[3], numbers[0] - numbers[2])
    return Described()


def _codestream(stream: BinaryIO) -> bytes:
    """Return the beginning of a JPEG 2000 codestream, bare or in its box: others may hold what looks so."""
    place = 0
    for _ in range(_MOST_BOXES):
        stream.seek(place)
        head = stream.read(_SIZ_BYTES)
        if not place and head.startswith(_SIZ):
            return head
        length, start = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), 16
        if head[4:8] == b"jp2c":
            return head[start:]
        if length < start:
            break
        place += length
    return b""


def _after(head: bytes, sign: bytes) -> list[bytes]:
    """Return what stands behind each `sign`, 256 bytes of it."""
    found, place = [], head.find(sign)
    while place >= 0:
        place += len(sign)
        found.append(head[place : place + 256])
        place = head.find(sign, place)
    return found
