"""Where files go: what may be written where is judged here, and written here, whole or not at all."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from errno import EEXIST, ELOOP
from io import FileIO
from pathlib import Path
from typing import IO, Literal, TypeAlias

from convcli.errors import InputError, OutputError, UsageError, reason
from convcli.locks import lock
from convcli.wording import shown

Identity: TypeAlias = tuple[int, int]
"""Device and inode: the same for all names of one file, be they links, hard links or spelled otherwise."""

# A temporary file is empty only until it is locked; an empty one that stays so for longer is nobody's.
_SECONDS_TO_LOCK = 60

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
_KEPT_ATTRIBUTES = ("user.", "system.posix_acl_access", "security.selinux")
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # for whoever reads or writes a pipe, or for a device


@dataclass(frozen=True)
class Target:
    """A place for a result, as it was found.

    Attributes
    ----------
    place
        The name with all links followed: this file is replaced or made, or this device or pipe written into.
    status
        What stands there; None where nothing does.
    descriptor
        Set where the name stands for an open file of this process, as /dev/stdout and /dev/fd/N do.
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
        same = (
            target.is_stream
            and target.status is not None
            and identity(target.status) == identity(os.fstat(1))
        )
    except (OSError, ValueError):  # it is closed, or no name of a file
        return False
    return same and (os.isatty(1) or Path(name).resolve() != Path(os.devnull))


def judge_stdout(inputs: Collection[Identity]) -> None:
    """Refuse standard output that the shell leads into an input, as `>>` does.

    Raises
    ------
    UsageError
        If it does.
    """
    try:
        status = os.fstat(1)
    except OSError:  # it is closed
        return
    if stat.S_ISREG(status.st_mode) and identity(status) in inputs:
        raise UsageError("Standard output is an input, and an input is never overwritten.")


def identities(paths: Iterable[str | os.PathLike[str]]) -> set[Identity]:
    """Return the identities of those files that there are; a text may be no file's name at all."""
    found = set()
    for path in paths:
        with suppress(OSError, ValueError):
            found.add(identity(os.stat(path)))  # noqa: PTH116
    return found


def identity(status: os.stat_result) -> Identity:
    """Return what is the same for all names of one file."""
    return status.st_dev, status.st_ino


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
    that is no regular file is ever written, and an input never.

    Parameters
    ----------
    inputs
        What must not be overwritten even with `force`.
    made
        Whether its folder will be made if it is missing.
    advice
        What helps where a file exists already.

    Raises
    ------
    UsageError
        If it is an input.
    OutputError
        If nothing can or may be written there.
    """
    try:
        target = _followed(path)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == ELOOP:
            raise OutputError(f"{shown(path)} is a symbolic link that leads in a circle.") from error
        raise OutputError(f"{shown(path)}: cannot be written ({reason(error)}).") from error
    where, status = _label(path, target.place), target.status
    if status is not None and identity(status) in inputs and not stat.S_ISCHR(status.st_mode):
        raise UsageError(f"{where} is an input, and an input is never overwritten; write elsewhere.")
    if target.is_stream:
        if target.descriptor is None and not os.access(target.place, os.W_OK):
            raise OutputError(f"{where}: cannot be written (Permission denied).")
        return target
    if status is not None:
        if not stat.S_ISREG(status.st_mode):
            hint = "; name a file in it" if stat.S_ISDIR(status.st_mode) else ""
            raise OutputError(f"{where}: expected a file to write, found {_kind(status)}{hint}.")
        if not force:
            raise OutputError(f"{where} exists already; {advice}.")
    _check_folder(where, (target.place if path.is_symlink() else path).parent, made=made)
    return target


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
    where = _label(path, target.place)
    if target.is_stream:
        _write_into(target, where, parts)
    else:
        _write_whole(target.place, where, parts, force=force, confirm=confirm)


def judge_inside(path: Path) -> None:
    """Refuse what stands in the place of a file in a folder whose content may be others', such as a run's.

    Raises
    ------
    OutputError
        If it is no regular file. There no link is followed, nor a device written into.
    """
    with suppress(OSError, ValueError):  # what there is to say then, writing says
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise OutputError(f"{shown(path)}: expected a file to write, found {_kind(status)}; remove it.")


def write_inside(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file into a folder whose content may be others', whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written, or as `judge_inside` does.
    """
    judge_inside(path)
    _write_whole(path, shown(path), parts, force=True)


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


def make_inside(folder: Path) -> None:
    """Make a folder within one whose content may be others'; a link to a folder is none.

    Raises
    ------
    OutputError
        If it cannot be made, or is something else.
    """
    try:
        with suppress(FileExistsError):
            folder.mkdir()
        status = folder.lstat()
    except OSError as error:
        raise OutputError(f"{shown(folder)}: the folder cannot be made ({reason(error)}).") from error
    if not stat.S_ISDIR(status.st_mode):
        raise OutputError(f"{shown(folder)}: expected a folder, found {_kind(status)}; remove it.")


def open_inside(path: Path, mode: Literal["rb", "r+b", "a+b"] = "rb") -> IO[bytes]:
    """Open a file in a folder whose content may be others': a regular one, no link to one; this never waits.

    Raises
    ------
    InputError
        If it is something else.
    OSError
        If it is not there, or cannot be opened.
    """
    with suppress(FileNotFoundError):
        _check_regular(path, path.lstat())

    def unfollowed(name: str, flags: int) -> int:
        return os.open(name, flags | _NO_LINK | _NO_WAIT, 0o666)

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
        raise InputError(f"{shown(path)}: damaged: expected a file, found {_kind(status)}.")


def _kind(status: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(status.st_mode), "something that is no file")


def _label(path: Path, place: Path) -> str:
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
        except FileNotFoundError:
            return Target(place, None)
        except NotADirectoryError:  # said by whoever looks at its folder
            return Target(place, None)
        if not stat.S_ISLNK(status.st_mode):
            return Target(place, status)
        path = folder / os.readlink(place)  # noqa: PTH115
    raise OSError(ELOOP, os.strerror(ELOOP))


def _check_folder(where: str, folder: Path, *, made: bool) -> None:
    """Refuse a folder into which nothing can be written."""
    if not folder.exists():
        if made:
            return
        raise OutputError(f"{where}: the folder {shown(folder)} does not exist; create it first.")
    if not folder.is_dir():
        raise OutputError(f"{where}: {shown(folder)} is {_kind(folder.stat())}, not a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{where}: the folder {shown(folder)} cannot be written to; write elsewhere.")


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
                raise OutputError(f"{where}: became {_kind(status)} in the meantime; nothing was written.")
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


def _write_whole(
    place: Path,
    where: str,
    parts: Iterable[bytes | memoryview],
    *,
    force: bool,
    confirm: Callable[[], None] | None = None,
) -> None:
    """Make or replace a regular file; links are not looked at."""
    temporary = place.with_name(f".convcli-{os.urandom(8).hex()}.tmp")
    try:
        old = place.lstat() if os.path.lexists(place) else None
        mode = 0o666 if old is None else 0o600  # what replaces a file is nobody else's before it is whole
        try:
            with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                with suppress(OSError):
                    lock(file)
                file.writelines(parts)
                file.flush()
                if old is not None:
                    _hand_on(old, place, file.fileno())
                os.fsync(file.fileno())
                if confirm is not None:
                    confirm()
                if sys.platform == "win32":  # which renames no open file
                    file.close()
                _put(temporary, place, force=force)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except FileNotFoundError as error:
        raise OutputError(
            f"{where}: the folder {shown(place.parent)} does not exist; create it first."
        ) from error
    except FileExistsError as error:
        raise OutputError(
            f"{where} exists already: it was made in the meantime; nothing was written."
        ) from error
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        raise OutputError(f"{where}: cannot be written ({reason(error)}).") from error
    flush_folder(place.parent)


def _put(temporary: Path, place: Path, *, force: bool) -> None:
    """Give a whole file its name; unless with `force`, not in another file's place."""
    if os.path.lexists(place) and not (force and stat.S_ISREG(place.lstat().st_mode)):
        raise FileExistsError(EEXIST, os.strerror(EEXIST))
    if not force:
        try:
            os.link(temporary, place)  # fails where there is a file, as no way to rename does
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):  # a file system without hard links
            pass
        else:
            with suppress(OSError):
                temporary.unlink()
            return
    temporary.replace(place)


def _hand_on(old: os.stat_result, place: Path, descriptor: int) -> None:
    """Give a new file the owner, group, mode and attributes of the one it replaces, as far as one may."""
    if sys.platform == "win32":
        return
    mode, new = stat.S_IMODE(old.st_mode), os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except OSError:
            mode &= ~stat.S_ISUID
            try:
                os.fchown(descriptor, -1, old.st_gid)
            except OSError:  # what its group was allowed is not for another group
                mode = mode & 0o707 | (mode & 0o007) << 3
    with suppress(OSError):  # a file system without modes
        os.fchmod(descriptor, mode)
    if sys.platform == "linux":
        with suppress(OSError):
            for name in os.listxattr(place, follow_symlinks=False):
                if name.startswith(_KEPT_ATTRIBUTES):
                    with suppress(OSError):
                        os.setxattr(descriptor, name, os.getxattr(place, name, follow_symlinks=False))


def flush_folder(folder: Path) -> None:
    """Have the disk keep which files `folder` holds, where the system can: names do not go with the files."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that ended while they wrote into `folder`.

    What another process is writing stays. The calling process must not be writing there itself.
    """
    if sys.platform == "win32":
        return
    for path in folder.glob(".convcli-*.tmp"):
        with (
            suppress(OSError, InputError),
            open_inside(path, "r+b") as file,
        ):  # tidying up is no reason to fail
            status = os.fstat(file.fileno())
            old = time.time() - status.st_mtime > _SECONDS_TO_LOCK
            if (status.st_size or old) and lock(file):
                path.unlink()
