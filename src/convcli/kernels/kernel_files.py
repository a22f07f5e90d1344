"""Files that hold a kernel: a table, text, JSON or a NumPy array. The suffix says how to read one."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, get_args

from numpy.typing import ArrayLike

from convcli.errors import ConvcliError, InputError, KernelError
from convcli.files import Address, path_of, read_address
from convcli.formats.npy import read_npy
from convcli.kernels.grammar import Typed, matrix
from convcli.kernels.weights import MAX_SIDE, Combine, Kernel, check_sides, checked_weights
from convcli.shapes import Pair
from convcli.wording import shortened, shown

MAX_FILE_BYTES = 160 * 2**20  # 4096 × 4096 numbers of eight bytes, and room for a header
MAX_JSON_BYTES = 16 * 2**20  # as Python's lists they may take twenty times as many


def from_file(path: Path) -> Kernel:
    """Return the kernel in a file, unless it is too large to be one; the suffix says how to read it."""
    path = path_of(path)
    where, suffix = shown(path), path.suffix.lower()
    if suffix not in READERS:
        raise KernelError(f"@{where}: expected a file that ends in {', '.join(READERS)}.")
    try:
        most = MAX_JSON_BYTES if suffix == ".json" else MAX_FILE_BYTES
        if isinstance(path, Address):
            data = read_address(path, most + 1)
            _check_size(len(data), most, where)
            weights = READERS[suffix](BytesIO(data), where)
        else:
            _check_file(path.stat(), most, where)
            with path.open("rb") as stream:
                weights = READERS[suffix](stream, where)
    except ConvcliError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{where}: no such kernel file.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{where}: the kernel file cannot be read ({reason}).") from error
    if isinstance(weights, Kernel):
        return replace(weights, name=path.stem, source=where)
    return typed(weights, path.stem, where, source=where)


def typed(found: ArrayLike | Typed, name: str, where: str, *, source: str) -> Kernel:
    weights, anchor = (found.weights, found.anchor) if isinstance(found, Typed) else (found, None)
    return Kernel(name, (checked_weights(weights, where),), source=source, anchor=anchor)


def _check_file(status: os.stat_result, most: int, where: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{where}: expected a kernel file, found a folder.")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{where}: expected a kernel file, found a device or a pipe.")
    _check_size(status.st_size, most, where)


def _check_size(size: int, most: int, where: str) -> None:
    if size > most:
        raise KernelError(
            f"{where}: expected at most {most >> 20} MiB ({MAX_SIDE} cells per side), found "
            f"{size >> 20:,} MiB."
        )


def text_of(data: bytes, where: str) -> str:
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
    return matrix(text_of(data, where), where, table)


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
                raise KernelError(
                    f"{where}: row {number}, column {column}: expected a finite number, found "
                    f"{_found(value)}."
                )
        if rows and len(row) != len(rows[0]):
            raise KernelError(
                f"{where}: row {number}: expected {len(rows[0])} cells as in row 1, found {len(row)}."
            )
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
    ".csv": lambda stream, where: read_table(stream.read(), where, table=True),
    ".tsv": lambda stream, where: read_table(stream.read(), where, table=True),
    ".txt": lambda stream, where: read_table(stream.read(), where, table=False),
    ".json": _from_json,
    ".npy": _from_npy,
}
