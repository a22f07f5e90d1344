"""Where image files come from, a name or a pipe, and what kind of file each is by its first bytes."""

from __future__ import annotations

import codecs
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from convcli.errors import InputError, reason
from convcli.wording import shown

_RAW = "a camera's raw file ({}), which has to be developed; save it as TIFF or JPEG"

BY_PILLOW = {
    "PNG": "PngImagePlugin",
    "JPEG": "JpegImagePlugin",
    "WEBP": "WebPImagePlugin",
    "TIFF": "TiffImagePlugin",
    "BMP": "BmpImagePlugin",
    "GIF": "GifImagePlugin",
    "PPM": "PpmImagePlugin",
    "AVIF": "AvifImagePlugin",
    "JPEG2000": "Jpeg2KImagePlugin",
    "TGA": "TgaImagePlugin",
    "PSD": "PsdImagePlugin",
    "ICO": "IcoImagePlugin",
    "DDS": "DdsImagePlugin",
    "PCX": "PcxImagePlugin",
    "SGI": "SgiImagePlugin",
    "QOI": "QoiImagePlugin",
}
"""What Pillow decodes → its module. It tries nothing else: some of the others run programs."""

KINDS = (*BY_PILLOW, "PFM", "PAM", "HEIF", "JXL", "EXR", "HDR", "NPY")
"""All kinds of files that are read."""

_MAGIC = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # with places of 64 bits
    b"MM\0+": "TIFF",
    b"\x93NUMPY": "NPY",
    b"\0\0\0\x0cjP  ": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",  # without its container
    b"\0\0\0\x0cJXL ": "JXL",
    b"\xff\x0a": "JXL",
    b"8BPS": "PSD",
    b"\0\0\1\0": "ICO",
    b"DDS ": "DDS",
    b"\1\xda": "SGI",
    b"qoif": "QOI",
    b"\x76\x2f\x31\x01": "EXR",
    b"#?RADIANCE": "HDR",
    b"#?RGBE": "HDR",
    b"P7\n": "PAM",
    b"PF\n": "PFM",
    b"Pf\n": "PFM",
    **{b"\x0a%c\1" % version: "PCX" for version in (0, 2, 3, 4, 5)},
    **{b"P%d" % number + end: "PPM" for number in range(1, 7) for end in (b"\n", b"\r", b" ", b"\t", b"#")},
}
_OTHERS = {  # place and bytes → what it is
    (6, b"HEAPCCDR"): _RAW.format("Canon CRW"),
    (4, b"ftypcrx"): _RAW.format("Canon CR3"),
    (0, b"IIRO"): _RAW.format("Olympus ORF"),
    (0, b"IIRS"): _RAW.format("Olympus ORF"),
    (0, b"MMOR"): _RAW.format("Olympus ORF"),
    (0, b"IIU\0"): _RAW.format("Panasonic RW2"),
    (0, b"FUJIFILMCCD-RAW"): _RAW.format("Fujifilm RAF"),
    (0, b"\0MRM"): _RAW.format("Minolta MRW"),
    (0, b"FOVb"): _RAW.format("Sigma X3F"),
    (4, b"ftyp"): "a film, or another file in its container",
    (0, b"SIMPLE  ="): "a FITS file",
    (0, b"\x89HDF"): "an HDF5 file",
    (0, b"%PDF"): "a PDF document",
    (0, b"PK\3\4"): "a ZIP archive",
}
_HEAD_BYTES = 256  # enough to tell what a file is
_PIECE = 2**20
MOST_PIPED = 2**29
"""Bytes that are taken from a pipe, which has to be held in memory as a whole."""


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[tuple[BinaryIO, str]]:
    """Yield a stream that can be read anywhere, and what to call it. A file is not read as a whole."""
    if isinstance(source, Held):
        yield source, source.where
        return
    if not isinstance(source, Path):
        yield _held(source, "standard input"), "standard input"
        return
    where = shown(source)
    try:
        mode = source.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{where}: expected an image file, found a folder.")
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise InputError(f"{where}: expected an image file, found a device.")
        file = source.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise InputError(f"{where}: no such file.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{where}: cannot be read ({reason(error)}).") from error
    with _File(file) if file.seekable() else io.BufferedReader(file) as stream:
        yield stream if stream.seekable() else _held(stream, where), where


class _File(io.BufferedReader):
    """A file that takes no more memory than it has bytes, whatever length it announces for a part of it."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__(raw)
        self._end = os.fstat(raw.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _PIECE:
            size = min(size, max(self._end - self.tell(), 0))
        return super().read(size)


class Held(io.BytesIO):
    """What a pipe held, which gives everything once; `where` is what to call it."""

    where: str


def held(source: Path | BinaryIO) -> Path | Held:
    """Return what can be read several times: a file as it is, and what a pipe or a stream holds."""
    with opened(source) as (stream, _):
        return stream if isinstance(stream, Held) else cast(Path, source)


def _held(stream: BinaryIO, where: str) -> Held:
    """Return what a pipe holds, in memory; what is no image is not read on."""
    held = Held()
    held.where = where
    while piece := stream.read(_PIECE):
        held.write(piece)
        if held.tell() == len(piece):
            kind_of(piece, where)
        if held.tell() > MOST_PIPED:
            raise InputError(f"{where}: more than {MOST_PIPED >> 20} MiB; save it and give the file's name.")
    return held


def start(stream: BinaryIO) -> bytes:
    """Return the first bytes of a stream, and go back to its beginning."""
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    return head


def kind_of(head: bytes, where: str) -> str:
    """Return the format that a file begins with, or raise `InputError` that says what was found."""
    if not head:
        raise InputError(f"{where}: expected an image, found nothing (0 bytes).")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[8:10] == b"CR" and head[:4] == b"II*\0":
        raise InputError(f"{where}: {_RAW.format('Canon CR2')}.")
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if (found := _brand_of(head)) is not None:
        return found
    if _is_tga(head):
        return "TGA"
    raise InputError(f"{where}: expected an image ({', '.join(KINDS)}), found {_found(head)}.")


def _brand_of(head: bytes) -> str | None:
    """Return "AVIF" or "HEIF" for a file in ISO's container whose brands say so.

    Source: ISO/IEC 14496-12, section 4.3; ISO/IEC 23008-12, annex B.
    """
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[place : place + 4] for place in range(16, end - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return (
        "HEIF" if brands & {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"} else None
    )


def _is_tga(head: bytes) -> bool:
    """Whether a file begins as TGA files do, which have no sign of their own there.

    Source: Truevision TGA File Format Specification 2.0, 1991: the fields of the header.
    """
    if len(head) < 18:
        return False
    colour_map, kind, bits, described = head[1], head[2], head[16], head[17]
    sized = min(int.from_bytes(head[place : place + 2], "little") for place in (12, 14)) > 0
    mapped = kind in (1, 9)
    depths = {1: (8, 16), 9: (8, 16), 3: (8, 16), 11: (8, 16)}.get(kind, (15, 16, 24, 32))
    return (
        sized
        and kind in (1, 2, 3, 9, 10, 11)
        and colour_map == mapped
        and bits in depths
        and described & 0xC0 == 0
        and (head[7] in (15, 16, 24, 32) if mapped else not any(head[3:8]))
    )


def _found(head: bytes) -> str:
    """Say what a file that begins with `head` looks like, for a message about what it is not."""
    for (place, magic), name in _OTHERS.items():
        if head[place:].startswith(magic):
            return name
    with suppress(UnicodeDecodeError):
        # The incremental decoder forgives a character that the cut has parted.
        text = " ".join(codecs.getincrementaldecoder("utf-8")().decode(head).split())
        if text.isprintable():
            return f"text ({text[:20]!r} …)"
    return f"other data (beginning with {head[:4].hex(' ')})"
