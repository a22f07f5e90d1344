"""Which images `convcli filter` reads: files, those of folders, those that patterns match, standard input."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path, PurePath

from convcli.errors import InputError, UsageError
from convcli.filtering.jobs import STREAM
from convcli.images.folders import images_in, readable_endings
from convcli.images.patterns import fixed_part, is_pattern, matching
from convcli.wording import first_of, shown

Listed = tuple[str, Path]
"""An image, and the folder below --out-dir for its result."""


def listed_images(
    names: Sequence[str], out_dir: Path | None, *, tell: Callable[[str], None], recursive: bool = False
) -> list[Listed]:
    """Return the images that are named, and in the place of each folder and pattern those it stands for.

    With `recursive` also those in a folder's sub-folders. Beside each stands the folder below --out-dir for
    its result, which is called as the sub-folder; of patterns, as those behind their part without wildcards.
    """
    images = list[Listed]()
    if list(names).count(STREAM) > 1:
        raise UsageError("Standard input (-) can be read only once.")
    for name in names:
        if name != STREAM and is_pattern(name):
            images += _matched(name, out_dir, tell=tell, recursive=recursive)
        elif name == STREAM or not os.path.isdir(name):  # noqa: PTH112  (a name may hold a null byte)
            images.append((name, Path()))
        else:
            images += _in_folder(name, name, out_dir, tell=tell, recursive=recursive)
    return images


def _in_folder(
    name: str, top: str, out_dir: Path | None, *, tell: Callable[[str], None], recursive: bool
) -> list[Listed]:
    """Return the images of a folder; their results lie as they do below `top`."""
    if out_dir is None:
        raise UsageError(f"{shown(name)} is a folder; give --out-dir, a folder of their own for the results.")
    if out_dir.exists() and out_dir.samefile(name):
        raise UsageError(
            f"{shown(name)}: the results would lie among the images, and be filtered with them another "
            "time; give another --out-dir."
        )
    found = images_in(name, tell=tell, results=out_dir if recursive else None)
    return [(source, _under(source, top)) for source in found]


def _matched(
    pattern: str, out_dir: Path | None, *, tell: Callable[[str], None], recursive: bool
) -> list[Listed]:
    """Return the images that a pattern matches: its files, or those of its folders where it has no files."""
    found, top = matching(pattern), fixed_part(pattern)
    if not found:  # as a file that is missing, which is said with all others
        return [(pattern, Path())]
    folders = {path for path in found if os.path.isdir(path)}  # noqa: PTH112
    made = _results_among(found, folders, top, out_dir)
    if len(made) == len(found):
        raise InputError(
            f"{shown(pattern)}: matches nothing but what is in {shown(str(out_dir))}, the results."
        )
    files = [path for path in found if path not in folders and path not in made]
    if not files:
        listed = (
            _in_folder(path, top if recursive else path, out_dir, tell=tell, recursive=recursive)
            for path in found
            if path not in made
        )
        return list(dict.fromkeys(image for images in listed for image in images))
    endings = tuple(readable_endings())
    images = [path for path in files if PurePath(path).suffix.lower() in endings] or files
    said = []
    if others := sorted(folders - made):
        some = first_of([shown(PurePath(path).name) for path in others], 3)
        said.append(f"{len(others):,} {'folder' if len(others) == 1 else 'folders'} ({some})")
    if made:
        said.append(f"{len(made):,} in {shown(str(out_dir))}, where results go")
    if len(images) < len(files):
        said.append(f"{len(files) - len(images):,} whose names do not end as those of image files")
    if said:
        tell(f"{shown(pattern)}: passed over {', '.join(said)}")
    return [(source, _under(source, top) if recursive else Path()) for source in images]


def _under(source: str, top: str) -> Path:
    """Return the folder of an image as it is called below `top`."""
    return Path(source).parent.relative_to(Path(top))


def _results_among(
    found: Sequence[str], folders: Collection[str], top: str, out_dir: Path | None
) -> set[str]:
    """Return what a pattern matches in the folder of the results, unless it is looked for there alone."""
    if out_dir is None or not out_dir.is_dir():
        return set()
    own = Path(os.path.realpath(out_dir))

    @cache
    def is_own(folder: str) -> bool:
        return Path(os.path.realpath(folder or os.curdir)).is_relative_to(own)

    if is_own(top):
        return set()
    return {path for path in found if is_own(path if path in folders else os.path.dirname(path))}  # noqa: PTH120
