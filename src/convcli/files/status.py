"""What the system says of a file: its identity, the same for all of its names, and its kind."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeAlias

Identity: TypeAlias = tuple[int, int]
"""Device and inode: the same for all names of one file, be they links, hard links or spelled otherwise."""

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a block device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def identity(status: os.stat_result) -> Identity:
    """Return what is the same for all names of one file."""
    return status.st_dev, status.st_ino


def identities(paths: Iterable[str | os.PathLike[str]]) -> set[Identity]:
    """Return the identities of those files that there are; a text may be no file's name at all."""
    found = set()
    for path in paths:
        with suppress(OSError, ValueError):
            found.add(identity(os.stat(path)))  # noqa: PTH116
    return found


def kind(status: os.stat_result) -> str:
    """Return what stands there, in words."""
    return _KINDS.get(stat.S_IFMT(status.st_mode), "something that is no file")
