"""Kernels as a user writes them: a name with parameters, a matrix typed in, or a file."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, get_args

from numpy.typing import ArrayLike

from convcli.errors import InputError, KernelError
from convcli.formats.npy import read_npy
from convcli.kernels.definition import (
    KERNELS,
    MAX_SIDE,
    PARAMETERS,
    Combine,
    Kernel,
    check_sides,
    checked_weights,
    named,
    named_shape,
)
from convcli.kernels.grammar import Typed, cell, is_call, plain
from convcli.kernels.grammar import matrix as _matrix
from convcli.shapes import Pair
from convcli.wording import shortened, shown

FORMS = "a name (sobel, gaussian:sigma=2), a matrix ('1 0 -1; 2 0 -2; 1 0 -1') or @file"
MAX_FILE_BYTES = 160 * 2**20  # 4096 × 4096 numbers of eight bytes, and room for a header
MAX_JSON_BYTES = 16 * 2**20  # as Python's lists they may take twenty times as many

_MATRIX = re.compile(r"[\s;,\[({]|^[-+.\d]")


def parse(text: str) -> Kernel:
    """Return the kernel that `text` describes.

    Parameters
    ----------
    text
        A name with optional parameters (``gaussian:sigma=1.5,size=9``); a matrix as `grammar` has it, rows
        parted by semicolons or line breaks, fractions allowed (``1/9 1/9 1/9; …``); or ``@`` and the path of
        a .csv, .tsv, .txt, .json or .npy file.

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
    name, colon, listed = plain(text).partition(":")
    if _MATRIX.search(name) or is_call(name):
        word = re.split(r"[\s;,]", name, maxsplit=1)[0]
        if word in KERNELS:
            raise KernelError(_after_a_colon(word))
        written = text.replace("\\r", "").replace("\\n", "\n").replace("\\t", "\t")  # as a shell left them
        return _typed(_matrix(written, "kernel"), "custom", "kernel", source="typed in")
    return named(name, **_parameters(name, listed) if colon else {})


def _after_a_colon(name: str) -> str:
    known = KERNELS[name].defaults
    given = f", such as {name}:{next(iter(known))}=…" if known else ""
    return f"{name}: parameters stand behind a colon{given}; found a blank or a comma behind the name."


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
            point = " Decimals have a point." if values and item.strip().isdecimal() else ""
            raise KernelError(
                f"{name}: expected {expected} after the colon, found {shortened(repr(item.strip()))}.{point}"
            )
        if key in values:
            raise KernelError(f"{name}: {key} is given twice.")
        whole = key in PARAMETERS and PARAMETERS[key].kind is int
        number = cell(value)
        if whole and re.fullmatch(r"[+-]?\d{1,4000}", value):
            values[key] = int(value)
        else:  # the parameter's own check says what it expected
            values[key] = value if whole or math.isnan(number) else number
    return values


def number(text: str, where: str) -> float:
    """Return the number that a text writes, a decimal or a fraction such as 1/256."""
    value = cell(plain(text).strip())
    if not math.isfinite(value):
        raise KernelError(
            f"{where}: expected a finite number such as 0.5 or 1/256, found {shortened(repr(text))}."
        )
    return value


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
    if isinstance(weights, Kernel):
        return replace(weights, name=path.stem, source=where)
    return _typed(weights, path.stem, where, source=where)


def _typed(found: ArrayLike | Typed, name: str, where: str, *, source: str) -> Kernel:
    weights, anchor = (found.weights, found.anchor) if isinstance(found, Typed) else (found, None)
    return Kernel(name, (checked_weights(weights, where),), source=source, anchor=anchor)


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


def _text_of(data: bytes, where: str) -> str:
    """Return the text of a file: UTF-8, or what its first bytes say."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise KernelError(f"{where}: expected rows of numbers as text, found other data.") from error
    if "\0" in text:
        raise KernelError(f"{where}: expected rows of numbers as text, found other data.")
    return text


def read_table(data: bytes, where: str, *, table: bool) -> Typed:
    """Return the matrix in a text file; see `grammar` for what it may look like."""
    return _matrix(_text_of(data, where), where, table)


def _from_text(stream: BinaryIO, where: str) -> Typed:
    return read_table(stream.read(), where, table=False)


def _from_table(stream: BinaryIO, where: str) -> Typed:
    return read_table(stream.read(), where, table=True)


def _from_json(stream: BinaryIO, where: str) -> ArrayLike | Kernel:
    """Read a list of rows, or what ``convcli kernels NAME --json`` prints, be it of several parts."""
    try:
        document = json.load(stream)
    except (ValueError, RecursionError) as error:
        raise KernelError(f"{where}: expected JSON, a list of rows of numbers ({error}).") from error
    if isinstance(document, dict):
        combine: Any = document.get("combine")
        anchor = document.get("anchor")
        document = document.get("weights")
        if combine in get_args(Combine) and isinstance(document, list) and document:
            matrices = [document] if combine == "single" else document
            parts = tuple(checked_weights(_rows_of(part, where), where) for part in matrices)
            if any(part.shape != parts[0].shape for part in parts):
                raise KernelError(f"{where}: the parts of a kernel have one size; these have several.")
            return Kernel("", parts, combine, anchor=_anchor_of(anchor, parts[0].shape, where))
    return _rows_of(document, where)


def _anchor_of(found: Any, shape: tuple[int, ...], where: str) -> Pair | None:
    if found is None:
        return None
    whole = isinstance(found, list) and len(found) == 2 and all(type(place) is int for place in found)
    if not whole or not all(0 <= place < side for place, side in zip(found, shape, strict=True)):
        raise KernelError(
            f"{where}: anchor: expected a cell [row, column] of the kernel, found {_found(found)}."
        )
    return found[0], found[1]


def _rows_of(document: object, where: str) -> list[list[Any]]:
    if not isinstance(document, list) or not document:
        raise KernelError(f"{where}: expected a list of rows such as [[1, 0], [0, -1]].")
    rows: list[list[Any]] = []
    for number, row in enumerate(document if isinstance(document[0], list) else [document], start=1):
        if not isinstance(row, list) or not row:
            raise KernelError(f"{where}: row {number}: expected a list of numbers, found {_found(row)}.")
        for column, value in enumerate(row, start=1):
            if not _is_finite(value):
                raise _no_number(where, number, column, _found(value))
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


READERS: dict[str, Callable[[BinaryIO, str], ArrayLike | Typed | Kernel]] = {
    ".csv": _from_table,
    ".tsv": _from_table,
    ".txt": _from_text,
    ".json": _from_json,
    ".npy": _from_npy,
}
