"""Kernels as a user writes them: a name with parameters, a matrix typed in, or a file."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from convcli.errors import KernelError
from convcli.kernels.cells import cell, plain
from convcli.kernels.definition import KERNELS, PARAMETERS, named, named_shape
from convcli.kernels.grammar import is_call, matrix
from convcli.kernels.kernel_files import from_file, typed
from convcli.kernels.weights import Kernel
from convcli.shapes import Pair
from convcli.wording import shortened

FORMS = "a name (sobel, gaussian:sigma=2), a matrix ('1 0 -1; 2 0 -2; 1 0 -1') or @file"
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
        return from_file(Path(text[1:]))
    name, colon, listed = plain(text).partition(":")
    if _MATRIX.search(name) or is_call(name):
        word = re.split(r"[\s;,]", name, maxsplit=1)[0]
        if word in KERNELS:
            known = KERNELS[word].defaults
            given = f", such as {word}:{next(iter(known))}=…" if known else ""
            raise KernelError(
                f"{word}: parameters stand behind a colon{given}; found a blank or a comma behind the name."
            )
        written = text.replace("\\r", "").replace("\\n", "\n").replace("\\t", "\t")  # as a shell left them
        return typed(matrix(written, "kernel"), "custom", "kernel", source="typed in")
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
