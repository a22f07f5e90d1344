"""Where the numbers come from: a topic's own example, the user's array, a piece of a photo."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convcli.bounds import MAX_PIXELS
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.elements import Box
from convcli.kernels.grammar import matrix
from convcli.wording import by

MOST_SIDE = 16
"""Rows and columns that can be shown as numbers and still be read."""

_CROP = re.compile(r"(?P<path>.+)@(?P<box>[^@/\\]*)")


@dataclass(frozen=True, eq=False)
class Input:
    """Numbers (h, w, c) in float64, and the photo and place that they were cut from, if they were.

    `label` is the class of a picture of a run's own.
    """

    volume: Array
    name: str = "example"
    photo: NDArray[np.uint8] | None = None
    box: Box | None = None
    label: str | None = None


def read_input(
    given: str | Input, *, channels: int | None = None, most: int = MOST_SIDE, max_pixels: int = MAX_PIXELS
) -> Input:
    """Return the numbers that `--input` describes.

    Parameters
    ----------
    given
        An image file, whole or with `@row,col,height,width`; or the numbers themselves, as `bringing.bring`
        makes them of what names an array.
    channels
        1 for grey and 3 for colour, or None for what an image has.
    most
        Rows and columns allowed.
    max_pixels
        Pixels allowed of an image, before a crop is taken.

    Raises
    ------
    UsageError
        If a crop lies outside, or there is too much to be shown.
    InputError
        If a file cannot be read.
    """
    source = _photo(given, channels, most, max_pixels) if isinstance(given, str) else given
    if channels == 1 and source.volume.shape[2] > 1:
        raise UsageError(
            f"--input: expected one matrix, found {source.volume.shape[2]} channels; give one of them "
            "(--channel chooses it in topics that take one)."
        )
    check_fits(source.volume, most, "--input")
    return source


def check_fits(volume: Array, most: int, where: str) -> None:
    """Raise UsageError if a volume is too large to be shown as numbers."""
    rows, columns = volume.shape[:2]
    if max(rows, columns) > most:
        raise UsageError(
            f"{where}: {rows} × {columns} numbers; at most {most} × {most} can be read. "
            "Take a piece: IMAGE@row,col,height,width."
        )


def typed_volume(text: str, where: str) -> Array:
    """Return `1 2; 3 4` as (2, 2, 1), and with channels parted by `|` as (rows, columns, channels).

    >>> typed_volume("1 2; 3 4 | 5 6; 7 8", "--input").shape
    (2, 2, 2)
    """
    planes = [_matrix(plane, where) for plane in text.split("|")]
    if any(plane.shape != planes[0].shape for plane in planes):
        raise UsageError(f"{where}: the channels have different sizes; give each the same rows and columns.")
    return np.stack(planes, axis=2)


def read_gradient(given: str | Array, shape: tuple[int, ...]) -> Array:
    """Return dA, typed in as `typed_volume` has it or an array, if it has the output's `shape` (h, w, c)."""
    da = typed_volume(given, "--gradient") if isinstance(given, str) else given
    if da.shape != shape:
        raise UsageError(f"--gradient: expected the output's size {by(shape)}, found {by(da.shape)}.")
    return da


def _matrix(text: str, where: str) -> Array:
    found = matrix(text, where)
    if found.anchor is not None:
        raise UsageError(
            f"{where}: an origin such as 3x3+1+1: belongs to a kernel of `filter`; leave it out."
        )
    return found.weights


def _photo(text: str, channels: int | None, most: int, max_pixels: int) -> Input:
    """Return the pixels of an image, or of the crop that is named with it."""
    from convcli.data.presentation import Presentation

    match = _CROP.fullmatch(text)
    if match is None or Path(text).exists():
        pixels, _ = Presentation().read(Path(text), channels, max_pixels=max_pixels)
        if max(pixels.shape[:2]) > most:
            check_fits(pixels, most, text)
        return Input(pixels.astype(np.float64), Path(text).name, pixels)
    path = Path(match["path"])
    box = parse_box(match["box"], "--input")
    pixels, _ = Presentation().read(path, channels, max_pixels=max_pixels)
    return Input(cut(pixels, box, str(path)).astype(np.float64), path.name, pixels, box)


def parse_box(text: str, where: str) -> Box:
    """Return (row, column, height, width) of `40,60,8,8`."""
    numbers = text.split(",")
    if len(numbers) != 4 or not all(number.strip().isdecimal() for number in numbers):
        raise UsageError(f"{where}: expected a crop row,col,height,width such as 40,60,8,8, not {text!r}.")
    row, column, height, width = map(int, numbers)
    if not height or not width:
        raise UsageError(f"{where}: a crop has at least one row and one column, not {text!r}.")
    return row, column, height, width


def cut(volume: Array, box: Box, where: str) -> Array:
    """Return the part of (h, w, c) inside a box, or raise UsageError if some of it lies outside."""
    row, column, height, width = box
    if row + height > volume.shape[0] or column + width > volume.shape[1]:
        raise UsageError(
            f"{where}: the crop takes rows {row} to {row + height - 1} and columns {column} to "
            f"{column + width - 1}, but there are only {volume.shape[0]} × {volume.shape[1]}, from 0."
        )
    return volume[row : row + height, column : column + width]
