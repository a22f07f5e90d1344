"""Which files are images, by their names: those of a folder, those that a pattern matches."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import PurePath

from convcli.errors import InputError
from convcli.images.kinds import ENDINGS, READ_ONLY
from convcli.images.patterns import is_pattern, matching, no_match
from convcli.images.places import HERE, Found, Places, folder_entries
from convcli.wording import first_of, shown


def images_named(names: Sequence[str], *, tell: Callable[[str], None]) -> list[str]:
    """Return the images that are named, those in folders, and those that patterns match, by name."""
    images: list[str] = []
    for name in names:
        found = matching(name) if is_pattern(name) else [name]
        if not found:
            raise no_match(name)
        if len(found) > 1:  # of a pattern
            odd = [path for path in found if not os.path.isfile(path) and not _has_images(path)]  # noqa: PTH113
            if odd and len(odd) < len(found):
                some = first_of([shown(path) for path in odd], 3)
                tell(f"{shown(name)}: {len(odd):,} passed over ({some}): no files, or folders without images")
                found = [path for path in found if path not in odd]
        for path in found:
            deeper = f"'{shown(path).rstrip('/')}/*'"
            inner = os.path.isdir(path)  # noqa: PTH112
            images += images_in(path, tell=tell, deeper=deeper) if inner else [path]
    return images


def _has_images(folder: str) -> bool:
    """Whether a folder has files that end as images do."""
    try:
        return bool(images_in(folder, tell=lambda _: None))
    except InputError:
        return False


def images_in(folder: str, *, tell: Callable[[str], None], deeper: str = "--recursive") -> list[str]:
    """Return the files of a folder that end as images do, by name; `tell` hears what is passed over.

    `deeper` is what leads into sub-folders.
    """
    found = image_folders(folder, tell=tell, deeper=deeper)
    return [HERE.joined(inner, entry.name) for _, inner, entries in found for entry in entries]


def image_folders(
    folder: str,
    *,
    tell: Callable[[str], None],
    entered: Callable[[str], bool] | None = None,
    deeper: str = "--recursive",
    places: Places = HERE,
) -> Iterator[Found]:
    """Yield what `images_in` returns, and with `entered` the images of its sub-folders, one after the other.

    Of the sub-folders hidden ones and links are left out, and those that are not `entered`. Names are held of
    one folder at a time, and of the folders beside it and those above it. `InputError` comes at the end if
    there are no images.
    """
    known = frozenset(readable_endings())
    count = others = passed = no_files = 0
    some, odd = list[str](), list[str]()
    left = list[tuple[tuple[str, ...], str]]([((), folder)])
    while left:
        parts, path = left.pop()
        visible = [entry for entry in folder_entries(places, path) if not entry.name.startswith(".")]
        inner = [entry for entry in visible if entry.is_folder]
        named = [e for e in visible if not e.is_folder and is_named_as_image(e.name, known)]
        found = [entry for entry in named if entry.is_file]
        others += len(visible) - len(inner) - len(named)
        no_files += len(named) - len(found)
        odd += [shown(entry.name) for entry in named if not entry.is_file][: 4 - len(odd)]
        del visible, named
        if found:
            count += len(found)
            yield Found(parts, path, found)
        down = list[tuple[tuple[str, ...], str]]()
        for entry in inner:
            inside = places.joined(path, entry.name)
            if entered is not None and not entry.is_link and entered(inside):
                down.append(((*parts, entry.name), inside))
            else:
                passed += 1
                some += [shown(entry.name)] if len(some) < 4 else []
        left += reversed(down)
    if others:
        tell(f"{shown(folder)}: {others:,} passed over whose names do not end as those of image files")
    if no_files:
        tell(f"{shown(folder)}: {no_files:,} passed over ({first_of(odd, 3)}): pipes, or links to no file")
    inside = f"{passed:,} {'folder' if passed == 1 else 'folders'} in it"
    names = first_of(some, 3)
    if passed and (count or entered):
        reached = "a link, or where results go" if entered else f"{deeper} takes what is in there too"
        tell(f"{shown(folder)}: {inside} passed over ({names}); {reached}")
    if not count:
        advice = f"; it has {inside} ({names}), which {deeper} goes into" if passed and not entered else ""
        raise InputError(
            f"{shown(folder)}: expected images ({', '.join(readable_endings())}), found none in this "
            f"folder{advice}."
        )


def is_named_as_image(name: str, endings: Container[str]) -> bool:
    """Whether a file is taken for an image by its name, whose ending is one of `readable_endings`."""
    return PurePath(name).suffix.lower() in endings


def readable_endings() -> list[str]:
    """Return what names of files end in that are taken for images where folders are looked through."""
    return [*ENDINGS, *READ_ONLY]
