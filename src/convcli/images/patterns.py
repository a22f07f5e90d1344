"""Names with wildcards (`photos/**/*.jpg`), for shells that leave them as they are: what they match."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch

from convcli.errors import InputError, reason
from convcli.images.places import HERE, Entry, Found, Places, is_wild
from convcli.wording import shown

ANY_DEPTH = "**"


def is_pattern(name: str, places: Places = HERE) -> bool:
    """Whether a name is to be matched; a file that is really called so is meant first."""
    return is_wild(name) and not places.exists(name)


def matching(pattern: str) -> list[str]:
    """Return the files and folders that a pattern matches, by name; ** stands for folders of any depth.

    As in a shell, `*` and `?` match no hidden names. Links to folders are not followed by `**`: they may lead
    in a circle. Raises `InputError` if a folder cannot be read.
    """
    found = (folder + entry.name for _, folder, entries in matches(pattern) for entry in entries)
    return sorted(dict.fromkeys(found))


def matches(pattern: str, places: Places = HERE) -> Iterator[Found]:
    """Yield what `matching` returns folder by folder: one, then those in it, by name.

    Names are held of one folder at a time.
    """
    fixed, parts = places.parted(pattern)
    only_folders = parts[-1] == ""
    parts = [part for part in parts if part]
    # Which parts of the pattern may come next: behind ** there are several ways to read what follows.
    left = list[tuple[tuple[str, ...], str, frozenset[int]]]()
    if parts:
        left.append(((), fixed, frozenset({0})))
    while left:
        under, folder, may_follow = left.pop()
        found, inner = _step(folder, may_follow, parts, places)
        if only_folders:
            found = [entry for entry in found if entry.is_folder]
        if found:
            yield Found(under, folder, found)
        left += [((*under, name), places.deeper(folder, name), then) for name, then in reversed(inner)]


def no_match(pattern: str) -> InputError:
    """Return the error that says that there is nothing of a name with wildcards."""
    return InputError(f"{shown(pattern)}: no such file, and none that it matches as a pattern.")


def fixed_part(pattern: str) -> str:
    """Return the folder in which a pattern begins to vary.

    >>> fixed_part("photos/2024/*/a?.jpg"), fixed_part("*.jpg"), fixed_part("/*.jpg")
    ('photos/2024', '.', '/')
    """
    fixed, _ = HERE.parted(pattern)
    return fixed if fixed.rstrip(os.sep) == "" and fixed else fixed.rstrip(os.sep) or os.curdir


def _step(
    folder: str, may_follow: frozenset[int], parts: Sequence[str], places: Places
) -> tuple[list[Entry], list[tuple[str, frozenset[int]]]]:
    """Return what of a folder matches to the end, and the folders in it with the parts that follow."""
    now = _readings(may_follow, parts)
    literal = {parts[at] for at in now if not is_wild(parts[at])}
    entries = [entry for name in literal if (entry := places.entry(folder, name)) is not None]
    if any(is_wild(parts[at]) for at in now):
        entries += [entry for entry in _entries(folder, places) if entry.name not in literal]
    found, inner = list[Entry](), list[tuple[str, frozenset[int]]]()
    for entry in sorted(entries, key=lambda entry: entry.name):
        then, hit = set[int](), False
        for at in now:
            last = at == len(parts) - 1
            if parts[at] == ANY_DEPTH:
                if entry.name.startswith("."):
                    continue
                hit |= last
                if entry.is_folder and not entry.is_link:
                    then.add(at)
            elif _matches(entry.name, parts[at]):
                hit |= last
                if not last and entry.is_folder:
                    then.add(at + 1)
        if hit:
            found.append(entry)
        if then:
            inner.append((entry.name, frozenset(then)))
    return found, inner


def _readings(may_follow: frozenset[int], parts: Sequence[str]) -> set[int]:
    """Return which parts may match next, as ** stands for no folder, too."""
    now = set(may_follow)
    for at in may_follow:
        while at < len(parts) - 1 and parts[at] == ANY_DEPTH:
            at += 1
            now.add(at)
    return now


def _matches(name: str, part: str) -> bool:
    if not is_wild(part):
        return name == part
    return fnmatch(name, part) and (part.startswith(".") or not name.startswith("."))


def _entries(folder: str, places: Places) -> list[Entry]:
    try:
        return list(places.entries(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(f"{shown(folder)}: cannot be read ({reason(error)}).") from error
