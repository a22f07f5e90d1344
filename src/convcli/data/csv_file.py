"""CSV files: a list of picture files with a label each, or the pixels themselves.

    path,label                      label,pixel0,pixel1,…,pixel783
    photos/1.jpg,cat                5,0,0,…,0

Columns of a list are known by the names that people give them (`filepath`, `image`, `class`, …), or named by
data.columns; further ones are passed over. Paths start from the folder of the CSV file and stay in it: who
writes a list does not decide which other files of this machine are read. Labels are any text.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from convcli.data.notes import MOST_NAMED, first_of
from convcli.data.parts import RawPart, assemble, check_lengths
from convcli.data.pixel_rows import is_pixel_table, read_pixel_rows
from convcli.data.readers import READERS, Reader, Wanted
from convcli.data.splits import Splits
from convcli.errors import InputError
from convcli.wording import shortened

# The names of columns, in small letters and without spaces; the first of each is meant wherever it stands.
PATHS = (
    *("path", "file_path", "filepath", "filepaths", "file", "filename", "file_name", "filenames"),
    *("image", "image_path", "imagepath", "image_file", "image_name", "images"),
    *("img", "img_path", "img_name", "picture", "photo"),
)
LABELS = ("label", "labels", "class", "class_name", "classname", "category", "categories", "target", "y")
LONGEST_LINE = 1 << 20


def matches(path: Path) -> bool:
    """Return whether this is a .csv file, by its name."""
    return path.suffix.lower() == ".csv" and path.is_file()


def read(path: Path, wanted: Wanted) -> Splits:
    """Read the pictures that a CSV file lists or holds."""
    notes: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(_lines(stream), skipinitialspace=True, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if wanted.columns is None and is_pixel_table(header, LABELS):
                part = _of_pixels(path, header, reader, wanted, notes)
            else:
                part = _listed(path, header, reader, wanted, notes)
    except csv.Error as error:
        raise InputError(f"{path}: not readable as CSV ({error}). Look at its quotes and commas.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected text in UTF-8 ({error}). Save it as UTF-8.") from error
    return assemble(part, wanted=wanted, notes=notes)


def _of_pixels(
    path: Path, header: list[str], rows: Iterator[list[str]], wanted: Wanted, notes: list[str]
) -> RawPart:
    """Return the pictures that the rows hold, which one of several processes reads."""

    def read_all() -> tuple[NDArray[Any], tuple[NDArray[Any], list[str]]]:
        told: list[str] = []
        part = read_pixel_rows(path, header, rows, wanted, told)
        assert isinstance(part.images, np.ndarray)
        return part.images, (part.labels, told)

    images, (labels, told) = wanted.neighbours.once(read_all)
    notes += told
    return RawPart(str(path), images, labels)


def _listed(
    path: Path, header: Sequence[str], rows: Iterator[list[str]], wanted: Wanted, notes: list[str]
) -> RawPart:
    """Return the pictures that the rows name, each with its label."""
    picture, label = _columns(path, header, wanted)
    pictures: list[Path] = []
    labels: list[str] = []
    missing: list[str] = []
    for number, cells in enumerate(rows, 2):
        if not any(cells):
            continue  # an empty line, as editors leave one at the end
        where = f"{path}, line {getattr(rows, 'line_num', number)}"
        if len(cells) != len(header) or not (cells[picture].strip() and cells[label].strip()):
            raise InputError(
                f"{where}: expected {len(header)} cells with {header[picture]} and {header[label]}, found "
                f"{shortened(repr(','.join(cells)))}. A name with a comma in it stands in double quotes."
            )
        file, text = _picture(path, cells[picture].strip(), where), cells[label].strip()
        check_lengths([text], where)
        if not file.is_file():
            fault = "this is no file" if file.exists() else "there is no file"
            missing.append(f"{where}: {fault}: {shortened(repr(cells[picture].strip()))}")
            continue
        pictures.append(file)
        labels.append(text)
    if missing and not (wanted.skip_damaged and pictures):
        first = f"{missing[0]}. Paths start from {path.parent}."
        if len(missing) == 1:
            raise InputError(first)
        raise InputError(
            f"{path}: {len(missing):,} of {len(missing) + len(pictures):,} images are not there; paths start "
            f"from {path.parent}, and data.skip_damaged = true leaves them out:",
            *first_of(missing),
        )
    if missing:
        some = "; ".join(missing[:MOST_NAMED])
        notes.append(f"{len(missing):,} images of the list are not there and are left out: {some}")
    if not pictures:
        raise InputError(f"{path}: expected a line for each image after the header, found none.")
    return RawPart(str(path), pictures, np.array(labels))


def _columns(path: Path, header: Sequence[str], wanted: Wanted) -> tuple[int, int]:
    """Return which columns hold path and label."""
    found = shortened(repr(",".join(header))) if header else "nothing"
    if wanted.columns is not None:
        for name in wanted.columns:
            if header.count(name) != 1:
                raise InputError(
                    f"{path}: expected one column {shortened(repr(name))}, as data.columns says, found "
                    f"{found}."
                )
        return header.index(wanted.columns[0]), header.index(wanted.columns[1])
    small = [name.lower().replace(" ", "_").replace("-", "_") for name in header]
    places = []
    for names in (PATHS, LABELS):
        there = [place for place, name in enumerate(small) if name in names]
        usual = [place for place in there if small[place] == names[0]]
        if len(usual or there) != 1:
            what = f"{len(usual or there)} that may be it" if there else "none"
            raise InputError(
                f"{path}: expected a first line path,label, found {found}: there must be one column "
                f'{names[0]!r} (found {what}), and commas between columns. data.columns = ["image", "class"] '
                "names others."
            )
        places.append((usual or there)[0])
    return places[0], places[1]


def _lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines; one that never ends is not held in memory."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line of more than {LONGEST_LINE:,} signs")
        yield line


def _picture(path: Path, name: str, where: str) -> Path:
    """Return the file that a row of the list at `path` names: in the list's folder, or below."""
    inside = Path(os.path.normpath(name))  # without following links: it is the text that may not climb
    if inside.is_absolute():
        for folder in (os.path.abspath(path.parent), os.path.realpath(path.parent)):  # noqa: PTH100
            if inside.is_relative_to(folder):
                inside = inside.relative_to(folder)
                break
    if inside.is_absolute() or inside.parts[:1] == (os.pardir,):
        raise InputError(
            f"{where}: {shortened(repr(name))} lies outside the folder of the list. Put the list into a "
            "folder that holds all images, and give their paths from there."
        )
    picture = path.parent / inside
    if "\\" in name and not picture.exists():  # as written on Windows
        return _picture(path, name.replace("\\", "/"), where)
    return picture


READERS.register("csv")(
    Reader("a .csv file with the columns path and label, or label and pixels", matches, read)
)
