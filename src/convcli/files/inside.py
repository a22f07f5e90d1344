"""Files in a folder whose content may be others', such as a run's: no link is followed, and nothing waits."""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal

from convcli.errors import InputError, OutputError, reason
from convcli.files.locks import lock
from convcli.files.targets import kind
from convcli.files.writing import NO_LINK, TEMPORARY, write_whole
from convcli.wording import shown

# A temporary file is empty only until it is locked; an empty one that stays so for longer is nobody's.
_SECONDS_TO_LOCK = 60

_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # for whoever reads or writes a pipe, or for a device


def judge_inside(path: Path) -> None:
    """Raise `OutputError` unless a regular file, or none, stands there: no link, and no device."""
    with suppress(OSError, ValueError):  # what there is to say then, writing says
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise OutputError(f"{shown(path)}: expected a file to write, found {kind(status)}; remove it.")


def write_inside(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file whole or not at all, where `judge_inside` allows it, or raise `OutputError`."""
    judge_inside(path)
    write_whole(path, shown(path), parts, force=True)


def make_inside(folder: Path) -> None:
    """Make a folder; raise `OutputError` if something else stands there, such as a link to one."""
    try:
        with suppress(FileExistsError):
            folder.mkdir()
        status = folder.lstat()
    except OSError as error:
        raise OutputError(f"{shown(folder)}: the folder cannot be made ({reason(error)}).") from error
    if not stat.S_ISDIR(status.st_mode):
        raise OutputError(f"{shown(folder)}: expected a folder, found {kind(status)}; remove it.")


def open_inside(path: Path, mode: Literal["rb", "r+b", "a+b"] = "rb") -> IO[bytes]:
    """Open a regular file, no link to one; this never waits.

    Raises `InputError` if it is something else, `OSError` if it is not there or cannot be opened.
    """
    with suppress(FileNotFoundError):
        _check_regular(path, path.lstat())

    def unfollowed(name: str, flags: int) -> int:
        return os.open(name, flags | NO_LINK | _NO_WAIT, 0o666)

    file = open(path, mode, buffering=-1 if mode == "rb" else 0, opener=unfollowed)  # noqa: SIM115
    try:
        _check_regular(path, os.fstat(file.fileno()))
    except BaseException:
        file.close()
        raise
    return file


def is_file_inside(path: Path) -> bool:
    """Whether there is such a file, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _check_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{shown(path)}: damaged: expected a file, found {kind(status)}.")


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that ended while they wrote into `folder`.

    What another process is writing stays. The calling process must not be writing there itself.
    """
    if sys.platform == "win32":
        return
    for path in folder.glob(TEMPORARY.format("*")):
        # Tidying up is no reason to fail.
        with suppress(OSError, InputError), open_inside(path, "r+b") as file:
            status = os.fstat(file.fileno())
            old = time.time() - status.st_mtime > _SECONDS_TO_LOCK
            if (status.st_size or old) and lock(file):
                path.unlink()
