"""BMP files: those whose pixels are fields of bits, 16 or 32 a pixel, with any masks; others by Pillow.

Pillow knows some layouts of them, and of those of 16 bits no alpha, which may be a single bit.

Source: Microsoft, BITMAPV4HEADER and BITMAPV5HEADER: bV4V4Compression BI_BITFIELDS, the masks after 40 bytes.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from convcli.images import opening
from convcli.images.bounds import check_pixels
from convcli.images.image import Metadata, Pixels, rescaled
from convcli.images.kind import Decoded, File
from convcli.images.metadata import resolution

_RGB = 0
_BITFIELDS, _WITH_ALPHA = 3, 6  # compressions
_FILE_HEADER, _MASKS = 14, 40
_WITH_ALPHA_HEADER = 56  # bytes of the shortest header that has a mask of alpha


def decode(file: File) -> Decoded:
    """Return the picture in a BMP file."""
    fields = _read_bitfields(file.stream, file.most, file.where)
    if fields is None:
        decoded = opening.decode(file)
        return replace(decoded, notes=(*decoded.notes, *_about_fourth_bytes(file)))
    dpi, notes = resolution(_resolution_of(file.stream), file.where)
    return Decoded(*fields, metadata=Metadata(dpi=dpi), notes=tuple(notes))


def _about_fourth_bytes(file: File) -> tuple[str, ...]:
    """Return what to say of pixels whose fourth byte some programs take for alpha, and the header does not.

    Source: Microsoft, BITMAPINFOHEADER: of 32 bits of BI_RGB the high byte is not used.
    """
    file.stream.seek(0)
    head = file.stream.read(_FILE_HEADER + _MASKS)
    if len(head) < _FILE_HEADER + _MASKS:
        return ()
    start, header = struct.unpack_from("<II", head, 10)
    bits, compression = struct.unpack_from("<HI", head, 28)
    if header < _MASKS or compression != _RGB or bits != 32:
        return ()
    file.stream.seek(start)
    data = file.stream.read()
    fourth = np.frombuffer(data, np.uint8, len(data) // 4 * 4)[3::4]
    if not fourth.size or (fourth == fourth[0]).all():
        return ()
    return (f"{file.where}: the fourth bytes of its pixels, no alpha by the file's header, are left out.",)


def _read_bitfields(stream: BinaryIO, most: int, where: str) -> tuple[Pixels, Pixels | None] | None:
    """Return pixels (h, w, 3) and alpha, of uint8, or of uint16 where a field has more than 8 bits.

    None for files of other kinds, and for those that are cut short. More than `most` pixels are an error.
    """
    stream.seek(0)
    head = stream.read(_FILE_HEADER + _MASKS + 16)
    if len(head) < _FILE_HEADER + _MASKS + 12:
        return None
    start, header = struct.unpack_from("<II", head, 10)
    if header < _MASKS:
        return None
    width, signed_height, _, bits, compression = struct.unpack_from("<iiHHI", head, 18)
    if compression not in (_BITFIELDS, _WITH_ALPHA) or bits not in (16, 32):
        return None
    masks = list(struct.unpack_from("<III", head, _FILE_HEADER + _MASKS))
    if compression == _WITH_ALPHA or header >= _WITH_ALPHA_HEADER:
        masks += struct.unpack_from(
            "<I", head.ljust(_FILE_HEADER + _MASKS + 16, b"\0"), _FILE_HEADER + _MASKS + 12
        )
    if not all(masks[:3]) or any(mask >> bits for mask in masks):
        return None
    height = abs(signed_height)
    if width < 1 or height < 1:
        return None
    check_pixels(height, width, most, where)
    row = -(-width * bits // 32) * 4
    stream.seek(start)
    data = stream.read(row * height)
    if len(data) < row * height:
        return None
    values = np.frombuffer(data, f"<u{bits // 8}").reshape(height, -1)[:, :width]
    if signed_height > 0:
        values = values[::-1]
    depth = 16 if any(_span(mask) > 8 for mask in masks) else 8
    fields = [_field(values, mask, depth) for mask in masks if mask]
    return np.dstack(fields[:3]), fields[3] if len(fields) == 4 else None


def _resolution_of(stream: BinaryIO) -> tuple[float, float]:
    """Return the dots per inch, across and down, that the header says; 0 where it says nothing."""
    stream.seek(38)
    across, down = struct.unpack("<ii", stream.read(8))
    return across * 0.0254, down * 0.0254


def _span(mask: int) -> int:
    return mask.bit_length() - _shift(mask)


def _shift(mask: int) -> int:
    return (mask & -mask).bit_length() - 1 if mask else 0


def _field(values: Pixels, mask: int, depth: int) -> Pixels:
    """Return the bits under a mask as numbers of so many bits, the largest as the largest."""
    numbers = (values & mask).astype(np.uint64) >> np.uint64(_shift(mask))
    return rescaled(numbers, mask >> _shift(mask), np.dtype(f"u{depth // 8}"))
