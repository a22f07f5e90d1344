"""Where image files come from: a name or a pipe."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from convcli.errors import InputError, reason
from convcli.images.recognition import kind_of
from convcli.wording import shown

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
