"""A folder of class folders: each sub-folder is a class, named as the folder is, and holds its pictures.

    animals/cat/1.jpg                    animals/train/cat/1.jpg
    animals/cat/2.png          or        animals/test/cat/2.jpg     (or val/, validation/)
    animals/dog/1.jpg                    animals/train/dog/1.jpg

Hidden files and folders are passed over, and so are files beside the class folders.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from convcli.data.dataset import Source
from convcli.data.parts import Part, assemble, sorted_names
from convcli.data.readers import READERS, Reader
from convcli.data.wanted import Wanted
from convcli.errors import InputError, shown

TRAIN = "train"
TEST = ("test", "val", "validation")  # the first of these is the test part
# What file managers leave behind; on other systems than theirs these are not hidden.
LEFT_BEHIND = {"thumbs.db", "desktop.ini", "__macosx"}


def matches(path: Path) -> bool:
    """Return whether this is a folder with at least one sub-folder."""
    return path.is_dir() and bool(_folders(path))


def read(path: Path, wanted: Wanted) -> Source:
    """Read class folders, or a `train` folder of them and its `test`, `val` or `validation` companion."""
    folders = {folder.name.lower(): folder for folder in _folders(path)}
    train = folders.pop(TRAIN, None)
    if train is None or not _folders(train):
        return assemble(_part(path), wanted=wanted)
    test = next((folders.pop(name) for name in TEST if name in folders), None)
    notes = [f"{shown(folder)} is not used; validation or test can name it" for folder in folders.values()]
    return assemble(_part(train), _part(test) if test else None, wanted=wanted, notes=notes)


def _part(folder: Path) -> Part:
    paths: list[Path] = []
    labels: list[str] = []
    by_name = {class_folder.name: class_folder for class_folder in _folders(folder)}
    if not by_name:
        raise InputError(
            f"{shown(folder)}: expected a sub-folder of images for each class, found no sub-folder."
        )
    for name in sorted_names(by_name):
        files = _pictures(by_name[name])
        paths += files
        labels += [name] * len(files)
    return Part(str(folder), paths, np.array(labels))


def _pictures(folder: Path) -> list[Path]:
    """Return the files of one class by name."""
    entries = _visible(folder)
    inner = [path for path in entries if path.is_dir()]
    if inner:
        raise InputError(
            f"{shown(folder)}: expected the images of class {folder.name!r}, found a folder "
            f"{inner[0].name!r}. Give the folder that directly holds the class folders, or move the "
            "images up."
        )
    other = [path for path in entries if not path.is_file()]
    if other:
        raise InputError(
            f"{shown(other[0])}: expected an image, found a device, a pipe or a link to nothing. Remove it."
        )
    if not entries:
        raise InputError(
            f"{shown(folder)}: class {folder.name!r} has no image. Put images there or remove the folder."
        )
    return entries


def _folders(folder: Path) -> list[Path]:
    return [path for path in _visible(folder) if path.is_dir()]


def _visible(folder: Path) -> list[Path]:
    """Return what a person sees in a folder, by name."""
    entries = sorted(folder.iterdir(), key=lambda path: path.name)
    return [path for path in entries if path.name[0] != "." and path.name.lower() not in LEFT_BEHIND]


READERS.register("class folders")(
    Reader("a folder with a sub-folder of images for each class", matches, read)
)
