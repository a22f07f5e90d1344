"""Where names lead and folders are looked through: this machine, or a store that answers the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, Protocol

from convcli.errors import InputError, reason
from convcli.wording import shown


class Entry(NamedTuple):
    """What a folder holds under a name. A link is a folder or a file as well, if it leads to one."""

    name: str
    is_folder: bool
    is_file: bool
    is_link: bool = False
    bytes: int | None = None  # where that is known without another question


class Found(NamedTuple):
    """A folder that has something of what is looked for, by name."""

    parts: tuple[str, ...]  # its name below where the looking began
    folder: str
    entries: list[Entry]


class Places(Protocol):
    """What is asked of names. An `OSError` is of a place that is not there, or that cannot be read."""

    def entries(self, folder: str) -> Iterator[Entry]:
        """Yield what a folder holds, in any order."""

    def entry(self, folder: str, name: str) -> Entry | None:
        """Return what a folder holds under a name, if anything."""

    def is_folder(self, name: str) -> bool:
        """Whether a name is a folder's."""

    def exists(self, name: str) -> bool:
        """Whether something is called so, be it a link that leads nowhere."""

    def joined(self, folder: str, name: str) -> str:
        """Return what something in a folder is called."""

    def deeper(self, folder: str, name: str) -> str:
        """Return what a folder in a folder is called, with a separator at its end."""

    def parted(self, pattern: str) -> tuple[str, list[str]]:
        """Return the folder before the first part with wildcards, with a separator, and the parts from there.

        An empty part at the end asks for folders.
        """

    def same(self, folder: str, other: Path) -> bool:
        """Whether a folder is the one for results."""

    def holds(self, other: Path, folder: str) -> bool:
        """Whether a folder is the one for results, or in it."""


WILD = "*?["


def is_wild(text: str) -> bool:
    """Whether a name has wildcards."""
    return any(sign in text for sign in WILD)


def folder_entries(places: Places, folder: str) -> list[Entry]:
    """Return what a folder holds, by name; raise `InputError` if it cannot be read."""
    try:
        return sorted(places.entries(folder), key=attrgetter("name"))
    except OSError as error:
        raise InputError(f"{shown(folder)}: cannot be read ({reason(error)}).") from error


def _is(asked: Callable[[], bool]) -> bool:
    """Return what an entry says of itself: a link that leads in a circle says nothing, and is neither."""
    try:
        return asked()
    except OSError:
        return False


class Machine:
    """The files of this machine."""

    def entries(self, folder: str) -> Iterator[Entry]:
        """Yield what a folder holds."""
        with os.scandir(folder or os.curdir) as found:
            for entry in found:
                yield Entry(entry.name, _is(entry.is_dir), _is(entry.is_file), _is(entry.is_symlink))

    def entry(self, folder: str, name: str) -> Entry | None:
        """Return what a folder holds under a name."""
        path = folder + name
        if not os.path.lexists(path):
            return None
        return Entry(name, os.path.isdir(path), os.path.isfile(path), os.path.islink(path))  # noqa: PTH112, PTH113, PTH114

    def is_folder(self, name: str) -> bool:
        """Whether a name, which may hold a null byte, is a folder's."""
        return os.path.isdir(name)  # noqa: PTH112

    def exists(self, name: str) -> bool:
        """Whether something is called so."""
        return os.path.lexists(name)

    def joined(self, folder: str, name: str) -> str:
        """Return what something in a folder is called."""
        return os.path.join(folder, name)  # noqa: PTH118

    def deeper(self, folder: str, name: str) -> str:
        """Return what a folder in a folder is called."""
        return folder + name + os.sep

    def parted(self, pattern: str) -> tuple[str, list[str]]:
        """Return the folder before the first part with wildcards, and the parts."""
        drive, path = os.path.splitdrive(pattern)
        if os.altsep:
            path = path.replace(os.altsep, os.sep)
        parts = path.split(os.sep)  # noqa: PTH206  (an empty one at the end asks for folders)
        count = next((number for number, part in enumerate(parts) if is_wild(part)), len(parts) - 1)
        fixed = "".join(part + os.sep for part in parts[:count])
        return drive + fixed, parts[count:]

    def same(self, folder: str, other: Path) -> bool:
        """Whether two names lead to one folder."""
        return other.exists() and other.samefile(folder or os.curdir)

    def holds(self, other: Path, folder: str) -> bool:
        """Whether a folder is another, or in it."""
        return Path(os.path.realpath(folder or os.curdir)).is_relative_to(os.path.realpath(other))


HERE = Machine()
