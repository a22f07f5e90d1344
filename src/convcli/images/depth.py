"""What an AVIF or JPEG 2000 file says of its picture, which Pillow does not: how many bits a sample has.

Source: AV1 Image File Format and AV1 Codec ISO Media File Format Binding, section 2.3 (av1C); ISO/IEC
23008-12, section 6.5.3 (ispe); ITU-T T.800, annex A.5.1 (SIZ).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

_HEAD_BYTES = 2**16  # the boxes that describe a picture stand before its data


@dataclass(frozen=True)
class Described:
    """Bits of a sample, and the size of the largest part; 8 and 0 where the file does not say."""

    bits: int = 8
    rows: int = 0
    columns: int = 0


def described(kind: str, stream: BinaryIO) -> Described:
    """Return what the header of an AVIF or JPEG 2000 file says."""
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    return _avif(head) if kind == "AVIF" else _jpeg2000(head)


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
    for siz in _after(head, b"\xff\x4f\xff\x51"):
        if len(siz) < 41:
            break
        numbers = [int.from_bytes(siz[place : place + 4], "big") for place in range(4, 20, 4)]
        count = int.from_bytes(siz[36:38], "big")
        bits = max(((each & 0x7F) + 1 for each in siz[38 : 38 + 3 * min(count, 64) : 3]), default=8)
        return Described(bits, numbers[1] - numbers[3], numbers[0] - numbers[2])
    return Described()


def _after(head: bytes, sign: bytes) -> list[bytes]:
    """Return what stands behind each `sign`, 256 bytes of it."""
    found, place = [], head.find(sign)
    while place >= 0:
        place += len(sign)
        found.append(head[place : place + 256])
        place = head.find(sign, place)
    return found
