"""Which images of two folders answer to each other: those of one name, or of one stem."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from convcli.errors import InputError
from convcli.images.folders import images_in
from convcli.wording import first_of, shown


def matched(first: str, second: str, *, tell: Callable[[str], None]) -> list[tuple[str, str]]:
    """Return pairs of files of two folders, by name; `tell` hears which have no other.

    Files of one name belong together; of those that are left, files of one stem that no other file of
    either folder has.

    Raises
    ------
    InputError
        If a folder has no images, or no two belong together.
    """
    sides = [images_in(folder, tell=tell, deeper="no option of compare") for folder in (first, second)]
    found: list[tuple[str, str]] = []
    for key in (_name, _stem):
        tables = [_unique(side, key) for side in sides]
        pairs = [(path, tables[1][name]) for name, path in tables[0].items() if name in tables[1]]
        found += pairs
        taken = {path for pair in pairs for path in pair}
        sides = [[path for path in side if path not in taken] for side in sides]
    for side, other in zip(sides, (second, first), strict=True):
        if side:
            some = first_of([shown(_name(path)) for path in side], 3)
            tell(f"{len(side):,} without another in {shown(other)}, not compared: {some}")
    if not found:
        raise InputError(
            f"{shown(first)} and {shown(second)} have no image of one name; name two files to compare those."
        )
    return sorted(found)


def _name(path: str) -> str:
    return Path(path).name


def _stem(path: str) -> str:
    return Path(path).stem


def _unique(paths: Sequence[str], key: Callable[[str], str]) -> dict[str, str]:
    counts = Counter(map(key, paths))
    return {key(path): path for path in paths if counts[key(path)] == 1}
