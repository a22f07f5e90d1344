"""Names with wildcards (`photos/**/*.jpg`), for shells that leave them as they are: what they match."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch

from convcli.errors import InputError, reason
from convcli.wording import shown

WILD = "*?["
ANY_DEPTH = "**"


def is_pattern(name: str) -> bool:
    """Whether a name is to be matched; a file that is really called so is meant first."""
    return _is_wild(name) and not os.path.lexists(name)


def matching(pattern: str) -> list[str]:
    """Return the files and folders that a pattern matches, by name; ** stands for folders of any depth.

    As in a shell, `*` and `?` match no hidden names. Links to folders are not followed by `**`: they may lead
    in a circle. Raises `InputError` if a folder cannot be read.
    """
    fixed, parts = _parted(pattern)
    only_folders = parts[-1] == ""
    found = dict.fromkeys(_found(fixed, [part for part in parts if part]))
    return sorted(path for path in found if not only_folders or os.path.isdir(path))  # noqa: PTH112


def no_match(pattern: str) -> InputError:
    """Return the error that says that there is nothing of a name with wildcards."""
    return InputError(f"{shown(pattern)}: no such file, and none that it matches as a pattern.")


def fixed_part(pattern: str) -> str:
    """Return the folder in which a pattern begins to vary.

    >>> fixed_part("photos/2024/*/a?.jpg"), fixed_part("*.jpg"), fixed_part("/*.jpg")
    ('photos/2024', '.', '/')
    """
    fixed, _ = _parted(pattern)
    return fixed if fixed.rstrip(os.sep) == "" and fixed else fixed.rstrip(os.sep) or os.curdir


def _is_wild(text: str) -> bool:
    return any(sign in text for sign in WILD)


def _parted(pattern: str) -> tuple[str, list[str]]:
    """Return the beginning that has no wildcards, with the separator at its end, and the parts behind it."""
    drive, path = os.path.splitdrive(pattern)
    if os.altsep:
        path = path.replace(os.altsep, os.sep)
    parts = path.split(os.sep)  # noqa: PTH206  (an empty one at the end asks for folders)
    count = next((number for number, part in enumerate(parts) if _is_wild(part)), len(parts) - 1)
    fixed = "".join(part + os.sep for part in parts[:count])
    return drive + fixed, parts[count:]


def _found(folder: str, parts: Sequence[str]) -> Iterator[str]:
    """Yield what lies in `folder`, a name that ends with a separator or nothing, and matches `parts`."""
    first, *rest = parts
    if first == ANY_DEPTH:
        if rest:
            yield from _found(folder, rest)
        for entry in _entries(folder):
            if entry.name.startswith("."):
                continue
            if not rest:
                yield folder + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _found(folder + entry.name + os.sep, parts)
        return
    if not _is_wild(first):
        names = [first] if os.path.lexists(folder + first) else []
    else:
        hidden = first.startswith(".")
        names = [
            entry.name
            for entry in _entries(folder)
            if fnmatch(entry.name, first) and (hidden or not entry.name.startswith("."))
        ]
    for name in names:
        if not rest:
            yield folder + name
        elif os.path.isdir(folder + name):  # noqa: PTH112
            yield from _found(folder + name + os.sep, rest)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder or os.curdir) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(f"{shown(folder)}: cannot be read ({reason(error)}).") from error
