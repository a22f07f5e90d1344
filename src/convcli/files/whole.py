"""A regular file written whole or not at all: beside its place, flushed to the disk, and renamed."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from errno import EEXIST
from pathlib import Path

from convcli.errors import OutputError, reason
from convcli.files.locks import lock
from convcli.wording import shown

TEMPORARY = ".convcli-{}.tmp"
"""The name of what is being written, beside its place; locked until it is whole."""

_KEPT_ATTRIBUTES = ("user.", "system.posix_acl_access", "security.selinux")


def write_whole(
    place: Path,
    where: str,
    parts: Iterable[bytes | memoryview],
    *,
    force: bool,
    confirm: Callable[[], None] | None = None,
) -> None:
    """Make or replace a regular file; links are not looked at."""
    temporary = place.with_name(TEMPORARY.format(os.urandom(8).hex()))
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
