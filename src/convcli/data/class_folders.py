"""A folder of class folders: each sub-folder is a class, named as the folder is, and holds its pictures.

    animals/cat/1.jpg                    animals/train/cat/1.jpg
    animals/cat/2.png          or        animals/valid/cat/7.jpg
    animals/dog/1.jpg                    animals/test/cat/2.jpg

Parts go by many names (Training, training_set, seg_train …), in any case. A folder around all others is gone
into. Hidden files and what is known to be no picture are passed over, with a note.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from convcli.data.parts import RawPart, assemble, sorted_names
from convcli.data.readers import READERS, Reader, Wanted
from convcli.data.splits import Splits, in_words
from convcli.errors import InputError
from convcli.wording import shortened, shown

PART = re.compile(
    r"(?:seg[-_ ])?(?:(?P<train>train(?:ing)?)|(?P<test>test(?:ing)?)|(?P<validation>val(?:id(?:ation)?)?))"
    r"(?:[-_ ]?(?:set|data|images))?",
    re.IGNORECASE,
)
# What file managers leave behind; on other systems than theirs these are not hidden.
LEFT_BEHIND = {"thumbs.db", "desktop.ini", "__macosx"}
NO_PICTURES = {
    *(".txt", ".md", ".json", ".csv", ".xml", ".html", ".yaml", ".yml", ".log", ".ini", ".db", ".pdf"),
}
MOST_NAMED = 3
DEEPEST = 8  # folders around all others


def matches(path: Path) -> bool:
    """Return whether this is a folder with at least one sub-folder."""
    return path.is_dir() and bool(_folders(path))


def read(path: Path, wanted: Wanted) -> Splits:
    """Read class folders, or a training folder of them and its companions for testing and validation."""
    notes: list[str] = []
    path = _within(path, notes)
    folders = _folders(path)
    roles: dict[str, list[Path]] = {}
    for folder in folders:
        if match := PART.fullmatch(folder.name):
            roles.setdefault(str(match.lastgroup), []).append(folder)
    parts = [folder for named in roles.values() for folder in named]
    training = [folder for folder in roles.get("train", ()) if _folders(folder)]
    if not training:
        if len(roles) > 1 or (parts and len(parts) == len(folders)):
            _refuse(path, parts)
        return assemble(_part(path, notes), wanted=wanted, notes=notes)
    chosen = {role: _only(path, role, named) for role, named in roles.items()}
    notes += [f"{shown(folder)} is not used" for folder in folders if folder not in parts]
    train = _part(_within(chosen["train"], notes), notes)
    others = {
        role: _part(_within(chosen[role], notes), notes, empty=True)
        for role in ("test", "validation")
        if role in chosen
    }
    validation, test = others.get("validation"), others.get("test")
    if test is None:  # then what is held out stands for it
        test, validation = validation, None
    return assemble(train, test, validation, wanted=wanted, notes=notes)


def _refuse(path: Path, parts: list[Path]) -> None:
    names = ", ".join(repr(folder.name) for folder in parts)
    places = " and ".join(f"{folder.name}/CLASS/" for folder in parts)
    raise InputError(
        f"{shown(path)}: expected a folder for each class, found {names}, the names of parts, and no class "
        f"folders in {'it' if len(parts) == 1 else 'them'}. Sort the images into {places} for each class, "
        "or name their classes in a .csv file."
    )


def _only(path: Path, role: str, named: list[Path]) -> Path:
    if len(named) > 1:
        names = ", ".join(folder.name for folder in named)
        raise InputError(
            f"{shown(path)} holds {len(named)} {in_words(role)} parts: {names}. Keep one, or name folders "
            "with data.source, data.validation and data.test."
        )
    return named[0]


def _within(folder: Path, notes: list[str]) -> Path:
    """Return the folder that holds several: one around it, with nothing else in it, is gone into."""
    outer = folder
    for _ in range(DEEPEST):
        inner = _folders(folder)
        if len(inner) != 1 or not _folders(inner[0]) or _tried(inner[0]) or _tried(folder):
            break
        folder = inner[0]
    if folder != outer and folder.name.lower() != outer.name.lower():
        notes.append(f"{shown(outer)}: its class folders lie in {shown(folder)}")
    return folder


def _part(folder: Path, notes: list[str], *, empty: bool = False) -> RawPart:
    """Return the pictures of one part; `empty` says that a class may have none."""
    paths: list[Path] = []
    labels: list[str] = []
    passed_over: list[Path] = []
    by_name = {class_folder.name: class_folder for class_folder in _folders(folder)}
    if not by_name:
        raise InputError(
            f"{shown(folder)}: expected a sub-folder of images for each class, found no sub-folder."
        )
    for name in sorted_names(by_name):
        files = _pictures(by_name[name], passed_over)
        if not files and not empty:
            raise InputError(
                f"{shown(by_name[name])}: class {name!r} has no image. Put images there or remove the folder."
            )
        if not files:
            notes.append(f"{shown(folder)}: class {name!r} has no image there")
        paths += files
        labels += [name] * len(files)
    if passed_over:
        some = ", ".join(shown(path.relative_to(folder)) for path in passed_over[:MOST_NAMED])
        more = ", …" if len(passed_over) > MOST_NAMED else ""
        notes.append(
            f"{shown(folder)}: {len(passed_over):,} file(s) that are no images were passed over "
            f"({shortened(some)}{more})"
        )
    return RawPart(str(folder), paths, np.array(labels))


def _pictures(folder: Path, passed_over: list[Path]) -> list[Path]:
    """Return the files of one class by name."""
    entries = sorted(folder.iterdir(), key=lambda path: path.name)
    inner = [path for path in entries if path.is_dir() and _is_visible(path)]
    if inner:
        raise InputError(
            f"{shown(folder)}: expected the images of class {folder.name!r}, found a folder "
            f"{inner[0].name!r}. Give the folder that directly holds the class folders, or move the "
            "images up."
        )
    files = [path for path in entries if not path.is_dir()]
    passed_over += [path for path in files if not _may_be_picture(path)]
    pictures = [path for path in files if _may_be_picture(path)]
    other = [path for path in pictures if not path.is_file()]
    if other:
        raise InputError(
            f"{shown(other[0])}: expected an image, found a device, a pipe or a link to nothing. Remove it."
        )
    return pictures


def _folders(folder: Path) -> list[Path]:
    """Return the sub-folders that a person sees, by name."""
    entries = sorted(folder.iterdir(), key=lambda path: path.name)
    return [path for path in entries if _is_visible(path) and path.is_dir()]


def _tried(folder: Path) -> bool:
    """Whether there are files in the folder that may be pictures."""
    return any(_may_be_picture(path) and path.is_file() for path in folder.iterdir())


def _is_visible(path: Path) -> bool:
    return path.name[0] != "." and path.name.lower() not in LEFT_BEHIND


def _may_be_picture(path: Path) -> bool:
    return _is_visible(path) and path.suffix.lower() not in NO_PICTURES


READERS.register("class folders")(
    Reader("a folder with a sub-folder of images for each class", matches, read)
)
