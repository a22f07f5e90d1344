"""Kernels as a user writes them: a name with parameters, a matrix typed in, or a file."""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from convcli.arrays import read_npy
from convcli.errors import InputError, KernelError, shortened, shown
from convcli.kernels.definition import (
    KERNELS,
    MAX_SIDE,
    PARAMETERS,
    Kernel,
    Weights,
    check_sides,
    checked_weights,
    named,
    named_shape,
)
from convcli.shapes import Pair

FORMS = "a name (sobel, gaussian:sigma=2), a matrix ('1 0 -1; 2 0 -2; 1 0 -1') or @file"
MAX_FILE_BYTES = 160 * 2**20  # 4096 × 4096 numbers of eight bytes, and room for a header
MAX_JSON_BYTES = 16 * 2**20  # as Python's lists they may take twenty times as many

_SEPARATOR = re.compile(r"\s*,\s*|\s+")
_MATRIX = re.compile(r"[\s;,]|^[-+.\d]")


def parse(text: str) -> Kernel:
    """Return the kernel that `text` describes.

    Parameters
    ----------
    text
        A name with optional parameters (``gaussian:sigma=1.5,size=9``); a matrix, rows parted by semicolons
        and cells by blanks or commas, fractions allowed (``1/9 1/9 1/9; …``); or ``@`` and the path of a
        .csv, .txt, .json or .npy file.

    Raises
    ------
    UnknownNameError
        If there is no kernel, or no parameter, of that name.
    KernelError
        If the weights or a parameter's value cannot be used; the message names the row and what was found.
    InputError
        If the file cannot be read.

    Examples
    --------
    >>> parse("box:size=5").shape
    (5, 5)
    >>> parse("1 0 -1; 2 0 -2; 1 0 -1").parts[0].tolist()
    [[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]
    """
    text = text.strip()
    if not text:
        raise KernelError(f"The kernel is empty; give {FORMS}.")
    if text.startswith("@"):
        return _from_file(Path(text[1:]))
    name, colon, listed = text.partition(":")
    if _MATRIX.search(name):
        rows = _matrix(text.removesuffix(";").split(";", MAX_SIDE), "kernel")
        return Kernel("custom", (checked_weights(rows, "kernel"),), source="typed in")
    return named(name, **_parameters(name, listed) if colon else {})


def shape_of(text: str) -> Pair:
    """Return rows and columns of the kernel that `text` describes, of a named one without building it.

    The errors are those of `parse`.

    >>> shape_of("box:size=4096"), shape_of("1 0 -1")
    ((4096, 4096), (1, 3))
    """
    name, colon, listed = text.strip().partition(":")
    if name in KERNELS:
        return named_shape(name, **_parameters(name, listed) if colon else {})
    return parse(text).shape


def _parameters(name: str, listed: str) -> dict[str, Any]:
    """Return the parameters of ``sigma=1.5,size=9`` as numbers; their names and ranges are checked later."""
    known = KERNELS[name].defaults
    values: dict[str, Any] = {}
    for item in listed.split(","):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (key and equals and value):
            expected = ",".join(f"{known_key}=…" for known_key in known) or "no parameters"
            raise KernelError(
                f"{name}: expected {expected} after the colon, found {shortened(repr(item.strip()))}."
            )
        if key in values:
            raise KernelError(f"{name}: {key} is given twice.")
        whole = key in PARAMETERS and PARAMETERS[key].kind is int
        try:
            values[key] = int(value) if whole else _number(value)
        except ValueError:
            values[key] = value  # the parameter's own check says what it expected
    return values


def number(text: str, where: str) -> float:
    """Return the number that a text writes, a decimal or a fraction such as 1/256."""
    try:
        value = _number(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise KernelError(
            f"{where}: expected a finite number such as 0.5 or 1/256, found {shortened(repr(text))}."
        )
    return value


def _number(text: str) -> float:
    """Return the number that `text` writes, a decimal or a fraction, or raise ValueError."""
    numerator, slash, denominator = text.partition("/")
    if not slash:
        return float(text)
    if float(denominator) == 0:
        raise ValueError("a division by zero")
    return float(numerator) / float(denominator)


def _matrix(lines: Iterable[str], where: str) -> ArrayLike:
    """Return the matrix whose rows are `lines`, read one at a time so that a huge file stops early."""
    rows: list[Weights] = []
    for number, line in enumerate(lines, start=1):
        if number > MAX_SIDE:
            raise KernelError(
                f"{where}: more than {MAX_SIDE} rows; a kernel has at most {MAX_SIDE} per side."
            )
        cells = np.fromiter(_cells(line.strip(), number, where), np.float64)
        _check_length(cells, rows, where)
        rows.append(cells)
    if not rows:
        raise KernelError(f"{where}: expected rows of numbers, found none.")
    return np.stack(rows)


def _cells(line: str, row: int, where: str) -> Iterator[float]:
    if not line:
        raise KernelError(f"{where}: row {row} is empty; give every row the same number of cells.")
    for column, cell in enumerate(_SEPARATOR.split(line, maxsplit=MAX_SIDE), start=1):
        if column > MAX_SIDE:
            raise KernelError(
                f"{where}: row {row} has more than {MAX_SIDE} cells, the most a kernel can have."
            )
        try:
            number = _number(cell)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise _no_number(where, row, column, repr(cell) if cell else "nothing")
        yield number


def _check_length(cells: Sized, rows: Sequence[Sized], where: str) -> None:
    if rows and len(cells) != len(rows[0]):
        raise KernelError(
            f"{where}: row {len(rows) + 1}: expected {len(rows[0])} cells as in row 1, found {len(cells)}."
        )


def _no_number(where: str, row: int, column: int, found: str) -> KernelError:
    return KernelError(
        f"{where}: row {row}, column {column}: expected a finite number, found {shortened(found)}."
    )


def _from_file(path: Path) -> Kernel:
    """Return the kernel in a file; the suffix says how to read it."""
    where, suffix = shown(path), path.suffix.lower()
    if suffix not in READERS:
        raise KernelError(f"@{where}: expected a file that ends in {', '.join(READERS)}.")
    with _opened(path, MAX_JSON_BYTES if suffix == ".json" else MAX_FILE_BYTES) as stream:
        weights = READERS[suffix](stream, where)
    return Kernel(path.stem, (checked_weights(weights, where),), source=where)


@contextmanager
def _opened(path: Path, most: int) -> Iterator[BinaryIO]:
    """Open a kernel file, unless it is too large to be one, or no file that has an end."""
    where = shown(path)
    try:
        _check_file(path.stat(), most, where)
        with path.open("rb") as file:
            yield file
    except KernelError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{where}: no such kernel file.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{where}: the kernel file cannot be read ({reason}).") from error


def _check_file(status: os.stat_result, most: int, where: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{where}: expected a kernel file, found a folder.")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{where}: expected a kernel file, found a device or a pipe.")
    if status.st_size > most:
        raise KernelError(
            f"{where}: expected at most {most >> 20} MiB ({MAX_SIDE} cells per side), found "
            f"{status.st_size >> 20:,} MiB."
        )


def _from_text(stream: BinaryIO, where: str) -> ArrayLike:
    """Read rows of numbers, parted by blanks or commas; ``#`` starts a comment, blank lines are skipped."""
    text = io.TextIOWrapper(stream, "utf-8-sig")
    lines = (line.partition("#")[0].strip() for line in text)
    try:
        return _matrix(filter(None, lines), where)
    except UnicodeDecodeError as error:
        raise KernelError(f"{where}: expected rows of numbers as text, found other data.") from error
    finally:
        text.detach()  # else it closes the stream with itself


def _from_json(stream: BinaryIO, where: str) -> ArrayLike:
    """Read a list of rows, or an object with it as "weights", as ``convcli kernels NAME --json`` prints."""
    try:
        document = json.load(stream)
    except (ValueError, RecursionError) as error:
        raise KernelError(f"{where}: expected JSON, a list of rows of numbers ({error}).") from error
    if isinstance(document, dict):
        document = document.get("weights")
    if not isinstance(document, list) or not document:
        raise KernelError(f"{where}: expected a list of rows such as [[1, 0], [0, -1]].")
    rows: list[list[Any]] = []
    for number, row in enumerate(document if isinstance(document[0], list) else [document], start=1):
        if not isinstance(row, list) or not row:
            raise KernelError(f"{where}: row {number}: expected a list of numbers, found {_found(row)}.")
        for column, cell in enumerate(row, start=1):
            if not _is_finite(cell):
                raise _no_number(where, number, column, _found(cell))
        _check_length(row, rows, where)
        rows.append(row)
    return rows


def _found(value: object) -> str:
    """Return what JSON calls a value."""
    if value and isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return shortened(json.dumps(value))


def _is_finite(cell: object) -> bool:
    """Whether a value read from JSON is a number that a float can hold."""
    try:
        return isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell)
    except OverflowError:  # an integer beyond the largest float
        return False


def _from_npy(stream: BinaryIO, where: str) -> ArrayLike:
    """Read an array of real numbers of one (a single row) or two dimensions; nothing is ever unpickled."""
    try:
        array = read_npy(stream, lambda shape: check_sides(shape, where))
    except KernelError:
        raise
    except ValueError as error:
        raise KernelError(f"{where}: expected an .npy array of numbers; {error}.") from error
    if array.dtype.kind == "b":
        raise KernelError(f"{where}: expected an array of real numbers, found {array.dtype}.")
    return array[None, :] if array.ndim == 1 else array


READERS: dict[str, Callable[[BinaryIO, str], ArrayLike]] = {
    ".csv": _from_text,
    ".txt": _from_text,
    ".json": _from_json,
    ".npy": _from_npy,
}
