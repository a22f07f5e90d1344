"""CSV lists: a header line with `path` and `label`, then a line for each picture.

Paths start from the folder of the CSV file; labels are any text. Further columns are passed over.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from convcli.data.dataset import Source
from convcli.data.parts import Part, assemble
from convcli.data.readers import READERS, Reader
from convcli.errors import InputError

COLUMNS = ("path", "label")


def matches(path: Path) -> bool:
    """Return whether this is a .csv file, by its name."""
    return path.suffix.lower() == ".csv" and path.is_file()


def read(path: Path, *, size: tuple[int, int] | None, channels: int | None) -> Source:
    """Read the pictures that a CSV file lists."""
    try:
        rows = _rows(path)
    except csv.Error as error:
        raise InputError(f"{path}: not readable as CSV ({error}). Look at its quotes and commas.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected text in UTF-8 ({error}). Save it as UTF-8.") from error
    for number, picture, _ in rows:
        if not picture.is_file():
            raise InputError(
                f"{path}, line {number}: there is no file {picture}. Paths start from {path.parent}."
            )
    part = Part(str(path), [picture for _, picture, _ in rows], np.array([label for *_, label in rows]))
    return assemble(part, size=size, channels=channels)


def _rows(path: Path) -> list[tuple[int, Path, str]]:
    """Return line number, picture and label of each row."""
    rows = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, skipinitialspace=True, strict=True)
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in COLUMNS if header.count(name) != 1]
        if missing:
            raise InputError(
                f"{path}: expected a first line path,label, found {','.join(header) or 'nothing'}: "
                f"there must be one column {missing[0]!r}, and commas between columns."
            )
        picture, label = (header.index(name) for name in COLUMNS)
        for cells in reader:
            if not any(cells):
                continue  # an empty line, as editors leave one at the end
            if len(cells) != len(header) or not (cells[picture].strip() and cells[label].strip()):
                raise InputError(
                    f"{path}, line {reader.line_num}: expected {len(header)} cells with path and label, "
                    f"found {','.join(cells)!r}. A name with a comma in it stands in double quotes."
                )
            rows.append((reader.line_num, path.parent / cells[picture].strip(), cells[label].strip()))
    if not rows:
        raise InputError(f"{path}: expected a line for each image after the header, found none.")
    return rows


READERS.register("csv")(Reader("a .csv file with the columns path and label", matches, read))
