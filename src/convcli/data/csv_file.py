"""CSV lists: a header line with `path` and `label`, then a line for each picture.

Paths start from the folder of the CSV file and stay in it: who writes a list does not decide which other
files of this machine are read. Labels are any text. Further columns are passed over.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from convcli.data.dataset import Source
from convcli.data.parts import LONGEST_NAME, Part, assemble
from convcli.data.readers import READERS, Reader
from convcli.data.wanted import Wanted
from convcli.errors import InputError, shortened

COLUMNS = ("path", "label")
LONGEST_LINE = 1 << 20


def matches(path: Path) -> bool:
    """Return whether this is a .csv file, by its name."""
    return path.suffix.lower() == ".csv" and path.is_file()


def read(path: Path, wanted: Wanted) -> Source:
    """Read the pictures that a CSV file lists."""
    try:
        rows = _rows(path)
    except csv.Error as error:
        raise InputError(f"{path}: not readable as CSV ({error}). Look at its quotes and commas.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected text in UTF-8 ({error}). Save it as UTF-8.") from error
    part = Part(str(path), [picture for picture, _ in rows], np.array([label for _, label in rows]))
    return assemble(part, wanted=wanted)


def _rows(path: Path) -> list[tuple[Path, str]]:
    """Return picture and label of each row."""
    rows = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(_lines(stream), skipinitialspace=True, strict=True)
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in COLUMNS if header.count(name) != 1]
        if missing:
            found = shortened(repr(",".join(header))) if header else "nothing"
            raise InputError(
                f"{path}: expected a first line path,label, found {found}: there must be one column "
                f"{missing[0]!r}, and commas between columns."
            )
        picture, label = (header.index(name) for name in COLUMNS)
        for cells in reader:
            if not any(cells):
                continue  # an empty line, as editors leave one at the end
            where = f"{path}, line {reader.line_num}"
            if len(cells) != len(header) or not (cells[picture].strip() and cells[label].strip()):
                raise InputError(
                    f"{where}: expected {len(header)} cells with path and label, found "
                    f"{shortened(repr(','.join(cells)))}. A name with a comma in it stands in double quotes."
                )
            rows.append((_picture(path, cells[picture].strip(), where), _label(cells[label].strip(), where)))
    if not rows:
        raise InputError(f"{path}: expected a line for each image after the header, found none.")
    return rows


def _lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines; one that never ends is not held in memory."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line of more than {LONGEST_LINE:,} signs")
        yield line


def _picture(path: Path, name: str, where: str) -> Path:
    """Return the file that a row of the list at `path` names."""
    inside = Path(os.path.normpath(name))  # without following links: it is the text that may not climb
    if inside.is_absolute() or inside.parts[:1] == (os.pardir,):
        raise InputError(
            f"{where}: {shortened(repr(name))} lies outside the folder of the list. Put the list into a "
            "folder that holds all images, and give their paths from there."
        )
    picture = path.parent / inside
    if not picture.is_file():
        fault = "this is no file" if picture.exists() else "there is no file"
        raise InputError(f"{where}: {fault}: {shortened(repr(name))}. Paths start from {path.parent}.")
    return picture


def _label(text: str, where: str) -> str:
    if len(text) > LONGEST_NAME:
        raise InputError(
            f"{where}: found a label of {len(text):,} signs; expected the name of a class, at most "
            f"{LONGEST_NAME}."
        )
    return text


READERS.register("csv")(Reader("a .csv file with the columns path and label", matches, read))
