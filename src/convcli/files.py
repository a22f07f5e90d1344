"""Writing a file so that it is either the old one or the new one, whatever happens in between."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from convcli.errors import OutputError, reason, shown

if sys.platform != "win32":
    import fcntl

# A temporary file is empty only until it is locked; an empty one that stays so for longer is nobody's.
_SECONDS_TO_LOCK = 60


def write_atomically(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file's parts to a temporary one beside it, flush that to the disk, rename it, flush the folder.

    Raises
    ------
    OutputError
        If it cannot be written; `path` is then as it was.
    """
    temporary = path.with_name(f".convcli-{os.urandom(8).hex()}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                with suppress(OSError):
                    lock(file)
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
                if sys.platform == "win32":  # which renames no open file
                    file.close()
                temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except FileNotFoundError as error:
        raise OutputError(
            f"{shown(path)}: the folder {shown(path.parent)} does not exist; create it first."
        ) from error
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        raise OutputError(f"{shown(path)}: cannot be written ({reason(error)}).") from error
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Have the disk keep which files `folder` holds, where the system can: names do not go with the files."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock(file: IO[bytes]) -> bool:
    """Take an open, writable file for this process until it is closed; return False if another has it.

    Other processes, on other machines too, find it taken; it is free once this one has ended, however that
    came. Windows has no such lock: there everyone gets it.

    Raises
    ------
    OSError
        If the file system has no locks.
    """
    if sys.platform != "win32":
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # POSIX allows either
            return False
    return True


def locked(file: IO[bytes]) -> bool | None:
    """Return whether another process has taken an open, readable file; None on Windows, where none can tell.

    Raises
    ------
    OSError
        If the file system has no locks.
    """
    if sys.platform == "win32":
        return None
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # which any number may have, but for a moment only
    except (BlockingIOError, PermissionError):
        return True
    fcntl.lockf(file, fcntl.LOCK_UN)
    return False


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that ended while they wrote into `folder`.

    What another process is writing stays. The calling process must not be writing there itself.
    """
    if sys.platform == "win32":
        return
    for path in folder.glob(".convcli-*.tmp"):
        with suppress(OSError), path.open("r+b") as file:  # tidying up is no reason to fail
            status = os.fstat(file.fileno())
            old = time.time() - status.st_mtime > _SECONDS_TO_LOCK
            if (status.st_size or old) and lock(file):
                path.unlink()
