"""An array as somebody names it: a file, a text of numbers, standard input; any real dtype, 0 to 4 axes."""

from __future__ import annotations

import io
import math
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from convcli.arrays.archives import read_npz
from convcli.arrays.literals import MOST_AXES, Literal, is_literal, literal
from convcli.errors import InputError, UsageError, reason
from convcli.formats.npy import read_npy
from convcli.kernels.kernel_files import read_table, text_of
from convcli.wording import by, shortened, shown

STREAM = "-"
ENDINGS = (".npy", ".npz", ".csv", ".tsv", ".txt", ".json")
MOST_NUMBERS = 2**24
MOST_HELD = 4 * MOST_NUMBERS
"""Numbers in a file of which a part is taken: more than 60,000 pictures of 28 × 28."""
MOST_TEXT = 2**24  # bytes
MOST_BYTES = 16 * MOST_NUMBERS + 2**16  # the widest dtype, and a header

_INDEXED = re.compile(
    r"(?P<what>-|.+\.(?:npy|npz(?:#.+)?|csv|tsv|txt|json))(?P<place>\[ *-?\d{1,9} *(?:, *-?\d{1,9} *)*\])",
    re.IGNORECASE | re.DOTALL,
)
_ARCHIVE = re.compile(r"(?P<path>.+\.npz)(?:#(?P<name>.+))?", re.IGNORECASE | re.DOTALL)
_EXACT = 2**53


@dataclass(frozen=True, eq=False)
class Given:
    """Numbers of somebody's own.

    Attributes
    ----------
    values
        Finite float64 of 0 to 4 axes; NaN and infinities only where `read_array` was told that they may be.
    name
        Of the file, with `#` and `[]` as they were given; "standard input"; or None of what was typed in.
    axes
        "hwc" where the text says which axis is which (channels parted by `|`), or None.
    notes
        What was changed in reading, each a line.
    """

    values: NDArray[np.float64]
    name: str | None = None
    axes: str | None = None
    notes: tuple[str, ...] = ()


def names_array(text: str) -> bool:
    """Whether a text holds numbers, is standard input, or a file of numbers by its ending, there or not.

    >>> names_array("w.npz#W[0]"), names_array("1 2; 3 4"), names_array("-"), names_array("photo.png")
    (True, True, True, False)
    """
    path, _, _ = _parts(text)
    return path == STREAM or path.lower().endswith(ENDINGS) or is_literal(text)


def is_stream(text: str) -> bool:
    """Whether a text is `-`, or a part of it such as `-[0]`: standard input."""
    return _parts(text)[0] == STREAM


def file_of(text: str) -> Path | None:
    """Return the file that is read for a text, if one is."""
    path, _, _ = _parts(text)
    if path == STREAM or (is_literal(text) and not os.path.exists(path)):  # noqa: PTH110  (it may be too long)
        return None
    return Path(path)


def check_streams(given: Mapping[str, str | None]) -> None:
    """Raise UsageError if several of the options, each with its text, would read standard input."""
    wanting = [option for option, text in given.items() if text is not None and is_stream(text)]
    if len(wanting) > 1:
        raise UsageError(
            f"{' and '.join(wanting)} would both read standard input; only one can, give the other a file."
        )


def read_array(
    text: str, option: str, *, most: int = MOST_NUMBERS, finite: bool = True, stdin: BinaryIO | None = None
) -> Given:
    """Return the array that a text names or holds.

    Parameters
    ----------
    text
        A matrix as `kernels.grammar` has it, channels parted by `|`; brackets in brackets, as Python and
        NumPy write arrays; a file .npy, .npz (`FILE.npz#name`), .csv, .tsv, .txt or .json; or `-`. Behind
        a file, `[1]` or `[1, 0]` takes a part, counted from 0 as NumPy does.
    option
        What the errors name, such as `--input`.
    most
        How many numbers there may be.
    finite
        Whether NaN and infinities are refused.
    stdin
        What `-` reads, standard input if it is not given.

    Raises
    ------
    UsageError
        If the text or the array is not what it should be: words, NaN, more than four axes, no numbers.
    InputError
        If a file cannot be read, or is damaged.

    Examples
    --------
    >>> read_array("[[1, 2], [3, 4]]", "--input").values.tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    path, member, place = _parts(text)
    held = max(most, MOST_HELD) if place else most
    if path == STREAM:
        name = "standard input" + place
        found = _of_bytes(_streamed(stdin), None, option, "standard input", held)
    elif is_literal(text) and not os.path.exists(path):  # noqa: PTH110  (it may be too long for a name)
        found, name = literal(text, option), None
    elif path.lower().endswith(ENDINGS):
        name = shown(Path(path).name) + (f"#{shown(member)}" if member else "") + place
        found = _of_file(Path(path), member, option, held)
    else:
        raise UsageError(
            f"{option}: expected a matrix such as '1 2; 3 4' or [[1, 2], [3, 4]], or a file that ends in "
            f"{', '.join(ENDINGS)}; found {shortened(repr(text))}."
        )
    where = option if name is None else f"{option}: {name}"
    raw, axes = (found.values, found.axes) if isinstance(found, Literal) else (found, None)
    if place:
        raw, axes = _part(raw, place, where), None
    values, notes = _numbers(raw, where, finite=finite)
    if values.size > most:
        raise UsageError(
            f"{where}: {by(values.shape)} are {values.size:,} numbers; at most {most:,} are taken."
        )
    return Given(values, name, axes, notes)


def of_array(array: NDArray[Any], where: str) -> Given:
    """Return an array as finite float64 of up to four axes; errors as of `read_array`."""
    try:
        values, notes = _numbers(array, where, finite=True)
    except InputError as error:  # which is of files
        raise UsageError(*error.lines) from error
    return Given(values, notes=notes)


def _parts(text: str) -> tuple[str, str | None, str]:
    """Return the path of what a text names, the name of an array in it, and the index behind it."""
    place = ""
    if (indexed := _INDEXED.fullmatch(text)) and not os.path.exists(text):  # noqa: PTH110
        text, place = indexed["what"], indexed["place"].replace(" ", "")
    if text.startswith("@") and not os.path.exists(text):  # noqa: PTH110
        text = text[1:]
    archive = _ARCHIVE.fullmatch(text)
    if archive and archive["name"] and not os.path.exists(text):  # noqa: PTH110
        return archive["path"], archive["name"].removesuffix(".npy"), place
    return text, None, place


def _streamed(stdin: BinaryIO | None) -> bytes:
    if stdin is None:
        if sys.stdin.isatty():
            raise UsageError("Standard input is a terminal; pipe numbers or an .npy file into it.")
        stdin = sys.stdin.buffer
    data = _read(stdin)
    if not data.strip():
        raise InputError("standard input: expected numbers or an .npy file, found nothing.")
    return data


def _read(file: BinaryIO) -> bytes:
    """Return what a file holds, or a byte more than is taken: it may be a device that never ends."""
    pieces: list[bytes] = []
    left = MOST_BYTES + 1
    while left and (piece := file.read(min(left, 2**20))):  # the system would make room for all that is asked
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _of_file(path: Path, member: str | None, option: str, most: int) -> NDArray[Any] | Literal:
    where = shown(path)
    try:
        with path.open("rb") as file:
            data = _read(file)
    except FileNotFoundError as error:
        raise InputError(f"{option}: {where}: no such file.") from error
    except (OSError, ValueError) as error:  # of a name with a null byte
        raise InputError(f"{option}: {where}: cannot be read ({reason(error)}).") from error
    return _of_bytes(data, member, option, where, most, ending=path.suffix.lower())


def _of_bytes(
    data: bytes, member: str | None, option: str, where: str, most: int, *, ending: str = ""
) -> NDArray[Any] | Literal:
    """Return what bytes hold: an .npy file and an archive by how they begin, text by the ending."""
    place = f"{option}: {where}"
    if len(data) > MOST_BYTES:
        raise InputError(f"{place}: more than {MOST_BYTES >> 20} MiB, the most that is read.")
    if data.startswith(b"\x93NUMPY") or ending == ".npy":
        return _of_npy(data, place, most)
    if data.startswith(b"PK\x03\x04") or ending == ".npz":
        return _of_npz(data, member, place, most)
    if len(data) > MOST_TEXT:
        raise InputError(f"{place}: expected numbers as text, found more than {MOST_TEXT >> 20} MiB.")
    table = ending in (".csv", ".tsv")
    text = text_of(data, place)
    if ending == ".json" and text.lstrip().startswith("{"):
        raise InputError(f"{place}: expected a list such as [[1, 2], [3, 4]], found an object with names.")
    if table and "[" not in text:
        return Literal(read_table(data, place, table=True).weights)
    return literal(text, place)


def _of_npy(data: bytes, place: str, most: int) -> NDArray[Any]:
    try:
        return read_npy(io.BytesIO(data), _bounded(place, most))
    except UsageError:
        raise
    except ValueError as error:
        raise InputError(f"{place}: expected an .npy array of real numbers; {error}.") from error


def _of_npz(data: bytes, member: str | None, place: str, most: int) -> NDArray[Any]:
    try:
        array, _ = read_npz(io.BytesIO(data), member, place, _bounded(place, most))
    except UsageError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{place}: not a readable .npz archive ({shortened(str(error))}).") from error
    return array


def _bounded(place: str, most: int) -> Callable[[tuple[int, ...]], None]:
    def check(shape: tuple[int, ...]) -> None:
        if math.prod(shape) > most:
            raise UsageError(f"{place}: holds {math.prod(shape):,} numbers; at most {most:,} are taken.")

    return check


def _part(values: NDArray[Any], place: str, where: str) -> NDArray[Any]:
    index = tuple(map(int, place[1:-1].split(",")))
    if len(index) > values.ndim:
        raise UsageError(f"{where}: {len(index)} numbers for {values.ndim} axes: {by(values.shape)}.")
    for axis, (at, side) in enumerate(zip(index, values.shape, strict=False)):
        if not -side <= at < side:
            raise UsageError(f"{where}: axis {axis} has {side}, from 0 to {side - 1}; found {at}.")
    return np.asarray(values[index])


def _numbers(raw: NDArray[Any], where: str, *, finite: bool) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return numbers as float64, and what that changed."""
    if raw.dtype.kind not in "buif":
        kind = "complex numbers" if raw.dtype.kind == "c" else "no real numbers"
        raise InputError(f"{where}: expected real numbers, found {shortened(str(raw.dtype))} ({kind}).")
    if raw.ndim > MOST_AXES:
        raise UsageError(f"{where}: expected at most {MOST_AXES} axes, found {raw.ndim}: {by(raw.shape)}.")
    if not raw.size:
        raise UsageError(f"{where}: holds no numbers: its shape is {raw.shape}.")
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.asarray(raw, np.float64)
    odd = ~np.isfinite(values)
    if finite and odd.any():
        first = tuple(int(i) for i in np.argwhere(odd)[0])
        raise UsageError(
            f"{where}: expected finite numbers, found {values[first]:g} at {list(first)}"
            + (f" and {int(odd.sum()) - 1:,} more like it." if odd.sum() > 1 else ".")
        )
    notes: list[str] = []
    if raw.dtype.kind == "b":
        notes.append(f"{where}: True and False are read as 1 and 0")
    elif raw.dtype.kind in "ui" and raw.dtype.itemsize == 8 and (np.abs(values) > _EXACT).any():
        notes.append(f"{where}: numbers beyond 2^53 are rounded to float64")
    elif raw.dtype.itemsize > 8 and (values.astype(raw.dtype) != raw)[~odd].any():
        notes.append(f"{where}: {raw.dtype} is rounded to float64")
    return values, tuple(notes)
