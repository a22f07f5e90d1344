"""Writing to where a name leads: a file whole or not at all; into a device, a pipe or an open file.

What is whole was written beside its place, flushed to the disk, and renamed.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from errno import EEXIST
from io import FileIO
from pathlib import Path
from typing import IO

from convcli.errors import ConvcliError, OutputError, reason
from convcli.files.locks import lock
from convcli.files.targets import Target, judge, kind, label
from convcli.wording import shown

NO_LINK = getattr(os, "O_NOFOLLOW", 0)

PIECE = 2**20

TEMPORARY = ".convcli-{}.tmp"
"""The name of what is being written, beside its place; locked until it is whole."""

_KEPT_ATTRIBUTES = ("user.", "system.posix_acl_access", "security.selinux")


def write(
    path: Path,
    *parts: bytes | memoryview,
    force: bool = True,
    confirm: Callable[[], None] | None = None,
    one_of_many: bool = False,
) -> None:
    """Write a file's parts to where a name leads, as `judge` has it: whole or not at all.

    The parts go to a temporary file beside it, which is flushed to the disk and renamed; then the folder is
    flushed. A file that is replaced hands on its mode, and its owner and access list where the system lets
    it. Devices and pipes are written into. Without `force` a file stays that another process has made a
    moment ago, too. `confirm` is called when all is on the disk, before it gets its name. With `one_of_many`
    the caller flushes the folder when all are written (`flush_folder`): until then a failure of power may
    take a new name away, never half of a file.

    Raises `OutputError`, or what `confirm` raises; a file at `path` is then as it was. Raises
    `BrokenPipeError` if whoever read an open file of this process, such as /dev/stdout, has left.
    """
    target = judge(path, force=force)
    where = label(path, target.place)
    if target.is_stream:
        _write_into(target, where, parts)
    else:
        write_whole(target.place, where, parts, force=force, confirm=confirm, one_of_many=one_of_many)


def write_filled(
    path: Path,
    fill: Callable[[IO[bytes]], None],
    *,
    force: bool = True,
    confirm: Callable[[], None] | None = None,
) -> None:
    """Write a file as `write` does, which `fill` writes into a stream that can be written anywhere.

    For a device or a pipe that is a temporary file, which is copied at the end.
    """
    import tempfile  # which imports much, for what is rare

    target = judge(path, force=force)
    where = label(path, target.place)
    if not target.is_stream:
        write_whole(target.place, where, fill, force=force, confirm=confirm)
        return
    with tempfile.TemporaryFile() as file:
        try:
            fill(file)
            file.seek(0)
        except OSError as error:
            raise OutputError(f"{where}: cannot be written ({reason(error)}).") from error
        _write_into(target, where, iter(lambda: file.read(PIECE), b""))


def make_folder(folder: Path) -> None:
    """Make a folder for results, with those above it, or raise `OutputError`; a link is followed."""
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
            descriptor = open_descriptor(own)
        else:
            descriptor = os.open(target.place, os.O_WRONLY | NO_LINK | getattr(os, "O_NOCTTY", 0))
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


def open_descriptor(number: int) -> int:
    """Return a descriptor of an open file of this process by its number.

    While images are read, only Python's own stderr leads there: C libraries' words go nowhere.
    """
    with suppress(AttributeError, OSError, ValueError):  # it is closed, or no file
        return os.dup(sys.stderr.fileno() if number == 2 else number)
    return os.dup(number)


def _write_all(file: FileIO, data: memoryview) -> None:
    while data:
        data = data[file.write(data) or 0 :]


def write_whole(
    place: Path,
    where: str,
    parts: Iterable[bytes | memoryview] | Callable[[IO[bytes]], None],
    *,
    force: bool,
    confirm: Callable[[], None] | None = None,
    one_of_many: bool = False,
) -> None:
    """Make or replace a regular file of its parts, or what writes them; links are not looked at."""
    temporary = place.with_name(TEMPORARY.format(os.urandom(8).hex()))
    try:
        old = place.lstat() if os.path.lexists(place) else None
        mode = 0o666 if old is None else 0o600  # what replaces a file is nobody else's before it is whole
        try:
            with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                with suppress(OSError):
                    lock(file)
                if callable(parts):
                    parts(file)
                else:
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
    except ConvcliError:  # what was to be written could not be made
        raise
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        raise OutputError(f"{where}: cannot be written ({reason(error)}).") from error
    if not one_of_many:
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
