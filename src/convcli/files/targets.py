"""What may be written where: names are followed to the place they lead to, and judged before any work."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from errno import ELOOP
from pathlib import Path
from typing import TypeAlias

from convcli.errors import OutputError, UsageError, reason
from convcli.wording import shown

Identity: TypeAlias = tuple[int, int]
"""Device and inode: the same for all names of one file, be they links, hard links or spelled otherwise."""

_MOST_LINKS = 40  # in a chain, as for the system itself

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


@dataclass(frozen=True)
class Target:
    """A place for a result: a name with all links followed, and what stands there, if anything.

    A `descriptor` is of an open file of this process, as which /dev/stdout and /dev/fd/N stand.
    """

    place: Path
    status: os.stat_result | None
    descriptor: int | None = None

    @property
    def is_stream(self) -> bool:
        """Whether it is written into and never replaced: a device, a pipe, an open file."""
        return self.descriptor is not None or (
            self.status is not None
            and (stat.S_ISCHR(self.status.st_mode) or stat.S_ISFIFO(self.status.st_mode))
        )


def is_stdout(name: str) -> bool:
    """Whether a name means standard output: - does, and /dev/stdout, wherever that leads."""
    if name == "-":
        return True
    try:
        target = _followed(Path(name))
        stdout = identity(os.fstat(1))
    except (OSError, ValueError):  # it is closed, or no name of a file
        return False
    same = target.is_stream and target.status is not None and identity(target.status) == stdout
    return same and (os.isatty(1) or Path(name).resolve() != Path(os.devnull))


def judge_stdout(inputs: Collection[Identity]) -> None:
    """Raise `UsageError` if the shell leads standard output into an input, as `>>` does."""
    try:
        status = os.fstat(1)
    except OSError:  # it is closed
        return
    if stat.S_ISREG(status.st_mode) and identity(status) in inputs:
        raise UsageError("Standard output is an input, and an input is never overwritten.")


def judge(
    path: Path,
    *,
    force: bool,
    inputs: Collection[Identity] = (),
    made: bool = False,
    advice: str = "use --force to overwrite it",
) -> Target:
    """Return the place that a name leads to, if a result may be written there.

    A link is followed. A device (no disk) and a pipe are written into, whatever `force` says. Nothing else
    that is no regular file is ever written. `made` says that its folder will be made if it is missing,
    `advice` what helps where a file exists already.

    Raises `UsageError` if it is one of `inputs`, even with `force`; `OutputError` if nothing can or may be
    written there.
    """
    try:
        target = _followed(path)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == ELOOP:
            raise OutputError(f"{shown(path)} is a symbolic link that leads in a circle.") from error
        raise OutputError(f"{shown(path)}: cannot be written ({reason(error)}).") from error
    where, status = label(path, target.place), target.status
    if status is not None and identity(status) in inputs and not stat.S_ISCHR(status.st_mode):
        raise UsageError(f"{where} is an input, and an input is never overwritten; write elsewhere.")
    if target.is_stream:
        if target.descriptor is None and not os.access(target.place, os.W_OK):
            raise OutputError(f"{where}: cannot be written (Permission denied).")
        return target
    if status is not None:
        if not stat.S_ISREG(status.st_mode):
            hint = "; name a file in it" if stat.S_ISDIR(status.st_mode) else ""
            raise OutputError(f"{where}: expected a file to write, found {kind(status)}{hint}.")
        if not force:
            raise OutputError(f"{where} exists already; {advice}.")
    _check_folder(where, (target.place if path.is_symlink() else path).parent, made=made)
    return target


def label(path: Path, place: Path) -> str:
    """Return what to call a place in a message: where a link leads is said."""
    return f"{shown(path)} → {shown(place)}" if path.is_symlink() else shown(path)


def _followed(path: Path) -> Target:
    """Return where a name leads, whatever stands there."""
    for _ in range(_MOST_LINKS):
        folder = Path(os.path.realpath(path.parent))
        place = folder / path.name if path.name else folder
        if place.name.isdecimal() and re.fullmatch(
            rf"/dev/fd|/proc/{os.getpid()}(/task/\d+)?/fd", str(folder)
        ):
            number = int(place.name)
            return Target(place, os.fstat(number), number)
        try:
            status = place.lstat()
        except (FileNotFoundError, NotADirectoryError):  # said by whoever looks at its folder
            return Target(place, None)
        if not stat.S_ISLNK(status.st_mode):
            return Target(place, status)
        path = folder / os.readlink(place)  # noqa: PTH115
    raise OSError(ELOOP, os.strerror(ELOOP))


def _check_folder(where: str, folder: Path, *, made: bool) -> None:
    """Refuse a folder into which nothing can be written."""
    if not folder.exists():
        if not made:
            raise OutputError(f"{where}: the folder {shown(folder)} does not exist; create it first.")
        folder = next((above for above in folder.absolute().parents if above.exists()), folder)
    if not folder.is_dir():
        raise OutputError(f"{where}: {shown(folder)} is {kind(folder.stat())}, not a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{where}: the folder {shown(folder)} cannot be written to; write elsewhere.")
