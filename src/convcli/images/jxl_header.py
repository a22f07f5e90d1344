"""What a JPEG XL file says of its picture before anything is decoded: size, orientation, bits, channels.

Decoders give samples of 9 to 15 bits as they are, and ink, or colours that are multiplied by alpha, as if
they were others: here is known what they are.

Source: ISO/IEC 18181-1, annexes B.2 (U32, Enum), D.2 (SizeHeader), D.3 (ImageMetadata); 18181-2, section 9.
"""

from __future__ import annotations

from dataclasses import dataclass

_HEAD_BYTES = 2**14  # of a codestream; names of channels may make it long
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))
ALPHA, SPOT, BLACK, _COLOUR_FILTER = 0, 2, 4, 5  # kinds of extra channels


@dataclass(frozen=True)
class Header:
    """Rows and columns as they are stored, and what else has to be known of a picture.

    `orientation` is as EXIF has it; `bits` are those of a sample, of floats if `floats`; `kinds` those of the
    channels beside the colours; `associated` says that colours are multiplied by alpha.
    """

    rows: int
    columns: int
    orientation: int = 1
    bits: int = 8
    floats: bool = False
    kinds: tuple[int, ...] = ()
    associated: bool = False
    animated: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, upright."""
        return (self.columns, self.rows) if self.orientation > 4 else (self.rows, self.columns)


def header_of(data: bytes) -> Header:
    """Return what a file's codestream begins with, or raise `ValueError` where that is cut short."""
    bits = _Bits(codestream_of(data))
    rows, columns = _size(bits)
    if bits.take(1):  # all as usual
        return Header(rows, columns)
    orientation, animated = 1, False
    if bits.take(1):
        orientation = 1 + bits.take(3)
        if bits.take(1):
            _size(bits)
        if bits.take(1):
            _preview(bits)
        if animated := bool(bits.take(1)):
            bits.number((100, 0), (1000, 0), (1, 10), (1, 30))
            bits.number((1, 0), (1001, 0), (1, 8), (1, 10))
            bits.number((0, 0), (0, 3), (0, 16), (0, 32))
            bits.take(1)
    depth, floats = _depth(bits)
    bits.take(1)
    count = bits.number((0, 0), (1, 0), (2, 4), (1, 12))
    channels = [_channel(bits) for _ in range(count)]
    return Header(
        rows,
        columns,
        orientation,
        depth,
        floats,
        tuple(kind for kind, _ in channels),
        any(associated for _, associated in channels),
        animated,
    )


def codestream_of(data: bytes) -> bytes:
    """Return the first bytes of what a file's boxes hold of its codestream; of a bare one, itself."""
    if data.startswith(b"\xff\x0a"):
        return data[:_HEAD_BYTES]
    place, stream = 0, b""
    while place + 8 <= len(data) and len(stream) < _HEAD_BYTES:
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        head = 16 if length == 1 else 8
        if length == 1:
            length = int.from_bytes(data[place + 8 : place + 16], "big")
        end = place + length if length else len(data)
        if kind in (b"jxlc", b"jxlp"):
            start = place + head + 4 * (kind == b"jxlp")
            stream += data[start : min(end, start + _HEAD_BYTES)]
        if kind == b"jxlc" or (length and length < head):
            break
        place = end
    if not stream.startswith(b"\xff\x0a"):
        raise ValueError("there is no codestream")
    return stream[:_HEAD_BYTES]


class _Bits:
    """Numbers of a codestream, of each byte the lowest bit first."""

    def __init__(self, stream: bytes) -> None:
        self.value, self.left = int.from_bytes(stream[2:], "little"), 8 * (len(stream) - 2)

    def take(self, count: int) -> int:
        if count > self.left:
            raise ValueError("the header is cut short")
        value = self.value & ((1 << count) - 1)
        self.value >>= count
        self.left -= count
        return value

    def number(self, *choices: tuple[int, int]) -> int:
        """Return one of four kinds of numbers: what is added, and the bits that follow."""
        least, count = choices[self.take(2)]
        return least + self.take(count)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)

    def side() -> int:
        return 8 * (1 + bits.take(5)) if small else bits.number((1, 9), (1, 13), (1, 18), (1, 30))

    rows = side()
    ratio = bits.take(3)
    return rows, rows * _RATIOS[ratio - 1][0] // _RATIOS[ratio - 1][1] if ratio else side()


def _preview(bits: _Bits) -> None:
    choices = (
        ((16, 0), (32, 0), (1, 5), (33, 9)) if bits.take(1) else ((1, 6), (65, 8), (321, 10), (1345, 12))
    )
    bits.number(*choices)
    if not bits.take(3):
        bits.number(*choices)


def _depth(bits: _Bits) -> tuple[int, bool]:
    if not bits.take(1):
        return bits.number((8, 0), (10, 0), (12, 0), (1, 6)), False
    depth = bits.number((32, 0), (16, 0), (24, 0), (1, 6))
    bits.take(4)
    return depth, True


def _channel(bits: _Bits) -> tuple[int, bool]:
    """Return the kind of an extra channel, and whether it is alpha that colours are multiplied by."""
    if bits.take(1):
        return ALPHA, False
    kind = bits.number(*_ENUM)
    _depth(bits)
    bits.number((0, 0), (3, 0), (4, 0), (1, 3))
    bits.take(8 * bits.number((0, 0), (0, 4), (16, 5), (48, 10)))
    if kind == SPOT:
        bits.take(64)
    if kind == _COLOUR_FILTER:
        bits.number((1, 0), (0, 2), (3, 4), (19, 8))
    return kind, kind == ALPHA and bool(bits.take(1))
