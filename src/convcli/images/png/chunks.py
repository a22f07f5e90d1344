"""The chunks of a PNG file before and around its pixels: colour, one transparent colour, 16 bits, checksums.

Source: ISO/IEC 15948:2004 (PNG); PNG, third edition (W3C, 2025), which has cICP.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import PIL.ImageFile
from numpy.typing import NDArray

from convcli.images.image import COLOUR_CHUNKS, Pixels, full_scale

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LONGEST_COLOUR = 64  # bytes of what says how colours are to be seen
MOST_CHUNKS = 2**16

GREY, COLOUR, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 4, 6


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file: length, name, data, checksum."""
    return b"".join(
        (struct.pack(">I", len(data)), name, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))
    )


def chunks(stream: BinaryIO, most: int = MOST_CHUNKS) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, place of the content, and length of each chunk, `most` of them, as far as the file goes.

    The stream stands at the content.
    """
    place = len(SIGNATURE)
    for _ in range(most):
        stream.seek(place)
        head = stream.read(8)
        if len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head)
        yield name, place + 8, length
        place += 12 + length
        if name == b"IEND":
            return


def colour_of(stream: BinaryIO) -> tuple[tuple[bytes, bytes], ...]:
    """Return the chunks that say how colours are to be seen, with their content."""
    found: dict[bytes, bytes] = {}
    for name, place, length in chunks(stream):
        if name == b"IDAT":
            break
        if name in COLOUR_CHUNKS and length <= LONGEST_COLOUR:
            stream.seek(place)
            found.setdefault(name, stream.read(length))
    return tuple(found.items())


def without_wrong_checksums(stream: BinaryIO) -> tuple[BinaryIO, list[str]]:
    """Return a file without the chunks nobody needs whose checksum is wrong, and their names."""
    left_out: list[str] = []
    stream.seek(0)
    kept = [stream.read(len(SIGNATURE))]
    for name, place, length in chunks(stream):
        stream.seek(place - 8)
        whole = stream.read(length + 12)
        ancillary = name[0] & 0x20
        if ancillary and zlib.crc32(whole[4:-4]).to_bytes(4, "big") != whole[-4:]:
            left_out.append(name.decode("latin-1"))
        else:
            kept.append(whole)
    return io.BytesIO(b"".join(kept)), left_out


def is_deep(head: bytes) -> bool:
    """Whether a PNG file, whose first chunk is IHDR, has several channels of 16 bits: Pillow keeps 8."""
    return head[24] == 16 and head[25] in (COLOUR, GREY_ALPHA, COLOUR_ALPHA)


def deep_modes(head: bytes) -> tuple[tuple[str, str], ...]:
    """Return the modes in which Pillow decodes all bytes of a deep file's samples, and how it unpacks them.

    It takes one byte of the two of each sample, the first as of big-endian numbers or the second as of
    little-endian ones; the four bytes of grey with alpha are to it the four channels of another picture.
    """
    if head[25] == GREY_ALPHA:
        return (("RGBA", "RGBA"),)
    mode = "RGB" if head[25] == COLOUR else "RGBA"
    return (mode, f"{mode};16B"), (mode, f"{mode};16L")


def joined(parts: list[NDArray[np.uint8]]) -> NDArray[np.uint16]:
    """Return the samples (h, w, c) of which `parts` hold the bytes."""
    if len(parts) == 1:
        return np.ascontiguousarray(parts[0]).view(">u2").astype(np.uint16)
    samples = parts[0].astype(np.uint16)
    samples <<= 8
    samples |= parts[1]
    return samples


def keyed_alpha(pixels: Pixels, key: Any, head: bytes) -> Pixels | None:
    """Return alpha, 0 where pixels have the one colour that tRNS names; None for an unusable `key`.

    The key has the file's depth: that of grey pixels of 1, 2 and 4 bits is scaled as they are.
    """
    depth, opaque = head[24], full_scale(pixels.dtype)
    most = 2**depth - 1
    if pixels.ndim == 2 and isinstance(key, int):
        matches = pixels == (key & most) * 255 // most if depth < 8 else pixels == (key & most)
    elif pixels.ndim == 3 and isinstance(key, tuple) and len(key) == 3:
        matches = (pixels == np.array([value & most for value in key], pixels.dtype)).all(axis=2)
    else:
        return None
    return np.where(matches, 0, opaque).astype(pixels.dtype)


def as_mode(picture: PIL.ImageFile.ImageFile, mode: str, raw: str) -> PIL.ImageFile.ImageFile:
    """Return an opened, unloaded picture such that it will be decoded in a mode, unpacked by `raw`."""
    picture._mode = mode
    picture.tile = [tile._replace(args=raw) for tile in picture.tile]
    picture.info.pop("transparency", None)
    return picture
