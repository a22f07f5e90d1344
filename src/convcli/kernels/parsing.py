"""Kernels as a user writes them: a name with parameters, a matrix typed in, or a file."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcli.errors import InputError, KernelError
from convcli.kernels.definition import KERNELS, MAX_SIDE, PARAMETERS, Kernel, checked_weights, named

FORMS = "a name (sobel, gaussian:sigma=2), a matrix ('1 0 -1; 2 0 -2; 1 0 -1') or @file"
MAX_FILE_BYTES = 160 * 2**20  # 4096 × 4096 numbers of eight bytes, and room for a header

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
        rows = _matrix(text.removesuffix(";").split(";"), "kernel")
        return Kernel("custom", (checked_weights(rows, "kernel"),), source="typed in")
    return named(name, **_parameters(name, listed) if colon else {})


def _parameters(name: str, listed: str) -> dict[str, Any]:
    """Return the parameters of ``sigma=1.5,size=9`` as numbers; their names and ranges are checked later."""
    known = KERNELS[name].defaults
    values: dict[str, Any] = {}
    for item in listed.split(","):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (key and equals and value):
            expected = ",".join(f"{known_key}=…" for known_key in known) or "no parameters"
            raise KernelError(f"{name}: expected {expected} after the colon, found {item.strip()!r}.")
        if key in values:
            raise KernelError(f"{name}: {key} is given twice.")
        whole = key in PARAMETERS and PARAMETERS[key].kind is int
        try:
            values[key] = int(value) if whole else _number(value)
        except ValueError:
            values[key] = value  # the parameter's own check says what it expected
    return values


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
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        if number > MAX_SIDE:
            raise KernelError(
                f"{where}: more than {MAX_SIDE} rows; a kernel has at most {MAX_SIDE} per side."
            )
        cells = list(_cells(line.strip(), number, where))
        _check_length(cells, rows, where)
        rows.append(cells)
    if not rows:
        raise KernelError(f"{where}: expected rows of numbers, found none.")
    return rows


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


def _check_length(cells: list[Any], rows: list[list[Any]], where: str) -> None:
    if rows and len(cells) != len(rows[0]):
        raise KernelError(
            f"{where}: row {len(rows) + 1}: expected {len(rows[0])} cells as in row 1, found {len(cells)}."
        )


def _no_number(where: str, row: int, column: int, found: str) -> KernelError:
    return KernelError(
        f"{where}: row {row}, column {column}: expected a finite number, found {_shortened(found)}."
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _from_file(path: Path) -> Kernel:
    """Return the kernel in a file; the suffix says how to read it."""
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise KernelError(f"@{path}: expected a file that ends in {', '.join(READERS)}, found {path.name!r}.")
    weights = read(_bytes_of(path), str(path))
    return Kernel(path.stem, (checked_weights(weights, str(path)),), source=str(path))


def _bytes_of(path: Path) -> bytes:
    """Return what a kernel file holds, unless it is too large to be one."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such kernel file.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: expected a kernel file, found a folder.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the kernel file cannot be read ({error}).") from error
    if len(data) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 2**20
        raise KernelError(f"{path}: expected at most {limit} MiB ({MAX_SIDE} cells per side), found more.")
    return data


def _from_text(data: bytes, where: str) -> ArrayLike:
    """Read rows of numbers, parted by blanks or commas; ``#`` starts a comment, blank lines are skipped."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KernelError(f"{where}: expected rows of numbers as text, found other data.") from error
    lines = (line.partition("#")[0].strip() for line in io.StringIO(text))
    return _matrix(filter(None, lines), where)


def _from_json(data: bytes, where: str) -> ArrayLike:
    """Read a list of rows, or an object with it as "weights", as ``convcli kernels NAME --json`` prints."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise KernelError(f"{where}: expected JSON, a list of rows of numbers ({error}).") from error
    if isinstance(document, dict):
        document = document.get("weights")
    if not isinstance(document, list) or not document:
        raise KernelError(f"{where}: expected a list of rows such as [[1, 0], [0, -1]].")
    rows: list[list[Any]] = []
    for number, row in enumerate(document if isinstance(document[0], list) else [document], start=1):
        if not isinstance(row, list) or not row:
            found = _shortened(json.dumps(row))
            raise KernelError(f"{where}: row {number}: expected a list of numbers, found {found}.")
        for column, cell in enumerate(row, start=1):
            if not _is_finite(cell):
                raise _no_number(where, number, column, json.dumps(cell))
        _check_length(row, rows, where)
        rows.append(row)
    return rows


def _is_finite(cell: object) -> bool:
    """Whether a value read from JSON is a number that a float can hold."""
    try:
        return isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell)
    except OverflowError:  # an integer beyond the largest float
        return False


def _from_npy(data: bytes, where: str) -> ArrayLike:
    """Read an array of real numbers of one (a single row) or two dimensions; nothing is ever unpickled."""
    try:
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, MemoryError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise KernelError(f"{where}: expected an .npy array of numbers ({reason}).") from error
    if array.dtype.kind not in "iuf":
        raise KernelError(f"{where}: expected an array of real numbers, found {array.dtype}.")
    return array[None, :] if array.ndim == 1 else array


READERS: dict[str, Callable[[bytes, str], ArrayLike]] = {
    ".csv": _from_text,
    ".txt": _from_text,
    ".json": _from_json,
    ".npy": _from_npy,
}
