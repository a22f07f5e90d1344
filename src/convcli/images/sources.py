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

KINDS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")  # Pillow tries nothing else: some run programs
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
    (4, b"ftypheic"): "a HEIC photo",
    (4, b"ftypheix"): "a HEIC photo",
    (4, b"ftypmif1"): "a HEIF photo",
    (4, b"ftypavif"): "an AVIF image",
    (0, b"\0\0\0\x0cjP  "): "a JPEG 2000 image",
    (0, b"\xff\x4f\xff\x51"): "a JPEG 2000 image",
    (0, b"\0\0\0\x0cJXL "): "a JPEG XL image",
    (0, b"\xff\x0a"): "a JPEG XL image",
    (0, b"8BPS"): "a Photoshop document",
    (0, b"\x76\x2f\x31\x01"): "an OpenEXR image",
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
    raise InputError(f"{where}: expected an image ({', '.join(KINDS)}, .npy), found {_found(head)}.")


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
