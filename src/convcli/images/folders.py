"""Which files are images, by their names: those of a folder, those that a pattern matches."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from convcli.errors import InputError, reason
from convcli.images.kinds import ENDINGS, READ_ONLY
from convcli.images.patterns import is_pattern, matching, no_match
from convcli.wording import first_of, shown


def images_named(names: Sequence[str], *, tell: Callable[[str], None]) -> list[str]:
    """Return the images that are named, those in folders, and those that patterns match, by name."""
    images: list[str] = []
    for name in names:
        found = matching(name) if is_pattern(name) else [name]
        if not found:
            raise no_match(name)
        for path in found:
            deeper = f"'{shown(path).rstrip('/')}/*'"
            inner = os.path.isdir(path)  # noqa: PTH112
            images += images_in(path, tell=tell, deeper=deeper) if inner else [path]
    return images


def images_in(
    folder: str,
    *,
    tell: Callable[[str], None],
    results: Path | None = None,
    deeper: str = "--recursive",
) -> list[str]:
    """Return the files of a folder that end as images do, by name; `tell` hears what is passed over.

    With `results` also those of its sub-folders, but for hidden ones, links, and that one. `deeper` is what
    leads into sub-folders.
    """
    known = readable_endings()
    images: list[str] = []
    folders: list[str] = []
    others = 0
    left = [folder]
    while left:
        try:
            with os.scandir(left.pop(0)) as entries:
                visible = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            raise InputError(f"{shown(error.filename)}: cannot be read ({reason(error)}).") from error
        inner = [entry for entry in visible if entry.is_dir()]
        found = [e.path for e in visible if e.is_file() and Path(e.name).suffix.lower() in known]
        images += found
        others += len(visible) - len(inner) - len(found)
        entered = [entry.path for entry in inner if results and not _is_left_out(entry, results)]
        folders += [entry.path for entry in inner if entry.path not in entered]
        left += entered
    if others:
        tell(f"{shown(folder)}: {others:,} passed over whose names do not end as those of image files")
    inside = f"{len(folders):,} {'folder' if len(folders) == 1 else 'folders'} in it"
    some = first_of([shown(Path(path).name) for path in folders], 3)
    if folders and (images or results):
        reached = "a link, or where results go" if results else f"{deeper} takes what is in there too"
        tell(f"{shown(folder)}: {inside} passed over ({some}); {reached}")
    if not images:
        advice = f"; it has {inside} ({some}), which {deeper} goes into" if folders and not results else ""
        raise InputError(
            f"{shown(folder)}: expected images ({', '.join(known)}), found none in this folder{advice}."
        )
    return images


def readable_endings() -> list[str]:
    """Return what names of files end in that are taken for images where folders are looked through."""
    return [*ENDINGS, *READ_ONLY]


def _is_left_out(entry: os.DirEntry[str], results: Path) -> bool:
    """Whether a sub-folder is not gone into: a link, which may lead anywhere, or that of the results."""
    return entry.is_symlink() or (results.exists() and results.samefile(entry.path))
