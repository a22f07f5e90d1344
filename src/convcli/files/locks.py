"""Files that are taken by one process at a time, or shared by several that agree."""

from __future__ import annotations

import sys
from typing import IO

if sys.platform != "win32":
    import fcntl


def lock(file: IO[bytes], *, shared: bool = False) -> bool:
    """Take an open, writable file for this process until it is closed; return False if another has it.

    Other processes, on other machines too, find it taken; it is free once this one has ended, however that
    came. A `shared` one any number may have, and nobody for himself meanwhile; one that is held can be made
    so. Windows has no such lock: there everyone gets it. Raises `OSError` if the file system has no locks.
    """
    if sys.platform != "win32":
        try:
            fcntl.lockf(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # POSIX allows either
            return False
    return True


def locked(file: IO[bytes]) -> bool | None:
    """Return whether another process has taken an open, readable file; None on Windows, where none can tell.

    Raises `OSError` if the file system has no locks.
    """
    if sys.platform == "win32":
        return None
    if not lock(file, shared=True):  # for a moment only
        return True
    fcntl.lockf(file, fcntl.LOCK_UN)
    return False
