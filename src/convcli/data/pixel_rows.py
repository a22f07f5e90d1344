"""CSV files of pixels, a picture on each line, as Kaggle has MNIST: a label, then the rows of the picture."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.bounds import check_memory
from convcli.data.parts import RawPart
from convcli.data.readers import FEWER, Wanted
from convcli.errors import InputError
from convcli.wording import shortened

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
PIXEL = re.compile(r"(pixel|pix|px|p|x|f|feature|v)?[-_ ]?\d+([x_.,-]\d+)*", re.IGNORECASE)
FEWEST = 16  # pixels; fewer columns are no picture


def is_pixel_table(header: Sequence[str], labels: Sequence[str]) -> bool:
    """Return whether a first line is one of pixels: their names beside at most one other, or numbers.

    >>> is_pixel_table(["label", *(f"pixel{n}" for n in range(16))], ["label"])
    True
    >>> is_pixel_table(["5"] + ["0"] * 16, ["label"]), is_pixel_table(["path", "label"], ["label"])
    (True, False)
    """
    others = _others(header)
    if len(header) <= FEWEST or len(others) > 1:
        return False
    return not others or header[others[0]].lower() in labels


def read_pixel_rows(
    path: Path, header: list[str], rows: Iterator[list[str]], wanted: Wanted, notes: list[str]
) -> RawPart:
    """Return the pictures that the rows hold.

    Raises InputError if cells are no numbers, or their number is not that of the pixels of square pictures.
    """
    others = _others(header)
    headed = not all(NUMBER.fullmatch(name) for name in header)
    if headed and not others:
        raise InputError(
            f"{path}: expected a column 'label' beside {len(header):,} pixels, found none. A part without "
            "labels cannot be learned from."
        )
    check_memory(str(path), path.stat().st_size, advice=FEWER)
    images, labels = [], []
    for line, row in enumerate(rows if headed else chain([header], rows), 1 + headed):
        if not any(row):
            continue
        where = f"{path}, line {line}"
        if len(row) != len(header):
            raise InputError(f"{where}: expected {len(header):,} cells, as above, found {len(row):,}.")
        if headed:
            labels.append(row.pop(others[0]).strip())
        images.append(_numbers(row, where))
    if not images:
        raise InputError(f"{path}: expected a line for each image after the header, found none.")
    table = np.stack(images)
    if headed:
        return RawPart(str(path), _pictures(path, table, wanted, notes), np.array(labels))
    place = _label_place(table)
    notes.append(f"{path}: has no header; the label is taken to be the {'last' if place else 'first'} column")
    pixels = table[:, :-1] if place else table[:, 1:]
    return RawPart(str(path), _pictures(path, pixels, wanted, notes), table[:, place])


def _others(header: Sequence[str]) -> list[int]:
    """Return the places of names that are neither pixels' nor numbers."""
    return [
        place for place, name in enumerate(header) if not (PIXEL.fullmatch(name) or NUMBER.fullmatch(name))
    ]


def _label_place(table: NDArray[Any]) -> int:
    """Return where labels without a header stand: first, unless that is a corner that never changes."""
    first, last = table[:, 0], table[:, -1]
    return -1 if (first == first[0]).all() and not (last == last[0]).all() else 0


def _numbers(cells: list[str], where: str) -> NDArray[Any]:
    """Return cells as uint8, where that changes no number, or as float32."""
    try:
        values = np.array(cells, np.float64)
    except ValueError as error:
        raise InputError(f"{where}: expected numbers beside the label ({shortened(str(error))}).") from error
    if not np.isfinite(values).all():
        raise InputError(f"{where}: expected numbers beside the label, found NaN or infinity.")
    if values.min() >= 0 and values.max() <= 255 and (np.floor(values) == values).all():
        return values.astype(np.uint8)
    return values.astype(np.float32)


def _pictures(path: Path, table: NDArray[Any], wanted: Wanted, notes: list[str]) -> NDArray[Any]:
    """Return rows of pixels (n, k) as square pictures (n, h, w, c)."""
    count = table.shape[1]
    side = math.isqrt(count)
    if side * side == count:
        notes.append(f"{path}: rows of {count:,} pixels are read as images of {side}×{side}")
        return table.reshape(-1, side, side, 1)
    side = math.isqrt(count // 3)
    if 3 * side * side != count:
        raise InputError(
            f"{path}: expected the pixels of square images in each row, found {count:,} beside the label."
        )
    if wanted.layout is None:
        raise InputError(
            f"{path}: rows of {count:,} numbers may be images of {side}×{side} in colour. Say how they are "
            'stored with data.layout = "channels_last" (red, green, blue of each pixel) or "channels_first".'
        )
    notes.append(f"{path}: rows of {count:,} numbers are read as images of {side}×{side} in colour")
    if wanted.layout == "channels_last":
        return table.reshape(-1, side, side, 3)
    return np.ascontiguousarray(np.moveaxis(table.reshape(-1, 3, side, side), 1, 3))
