"""Writing to where a name leads: a file whole or not at all; into a device, a pipe or an open file."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path

from convcli.errors import OutputError, reason
from convcli.files.status import kind
from convcli.files.targets import Target, judge, label
from convcli.files.whole import write_whole
from convcli.wording import shown

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def write(
    path: Path,
    *parts: bytes | memoryview,
    force: bool = True,
    confirm: Callable[[], None] | None = None,
) -> None:
    """Write a file's parts to where a name leads, as `judge` has it: whole or not at all.

    The parts go to a temporary file beside it, which is flushed to the disk and renamed; then the folder is
    flushed. A file that is replaced hands on its mode, and its owner and access list where the system lets
    it. Devices and pipes are written into.

    Parameters
    ----------
    force
        Whether a file may be replaced. If not, one that another process has made a moment ago stays, too.
    confirm
        Called when all is on the disk, before it gets its name. What it raises leaves everything as it was.

    Raises
    ------
    OutputError
        If it cannot be written; a file at `path` is then as it was.
    BrokenPipeError
        If whoever read an open file of this process, such as /dev/stdout, has left.
    """
    target = judge(path, force=force)
    where = label(path, target.place)
    if target.is_stream:
        _write_into(target, where, parts)
    else:
        write_whole(target.place, where, parts, force=force, confirm=confirm)


def make_folder(folder: Path) -> None:
    """Make a folder for results, with those above it; a link is followed.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        Path(os.path.realpath(folder)).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise OutputError(f"{shown(folder)}: the folder cannot be made ({reason(error)}).") from error


def _write_into(target: Target, where: str, parts: Iterable[bytes | memoryview]) -> None:
    """Write into a device, a pipe, or an open file of this process, behind what that holds already."""
    own = target.descriptor
    try:
        if own is not None:
            for stream in (sys.stdout, sys.stderr):  # what was said before comes before
                with suppress(AttributeError, ValueError):
                    stream.flush()
            # While images are read, only Python's own stderr leads there: C libraries' words go nowhere.
            descriptor = os.dup(sys.stderr.fileno() if own == 2 and sys.stderr else own)
        else:
            descriptor = os.open(target.place, os.O_WRONLY | _NO_LINK | getattr(os, "O_NOCTTY", 0))
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123
            status = os.fstat(descriptor)
            if own is None and not (stat.S_ISCHR(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
                raise OutputError(f"{where}: became {kind(status)} in the meantime; nothing was written.")
            for part in parts:
                _write_all(file, memoryview(part).cast("B"))
    except BrokenPipeError as error:
        if own is not None:
            raise
        raise OutputError(f"{where}: whoever read from it has left before the end.") from error
    except OSError as error:
        raise OutputError(f"{where}: cannot be written ({reason(error)}).") from error


def _write_all(file: FileIO, data: memoryview) -> None:
    while data:
        data = data[file.write(data) or 0 :]
