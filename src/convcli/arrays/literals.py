"""Arrays as Python and NumPy write them, of up to four levels of brackets; matrices as in kernels/grammar."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convcli.errors import UsageError
from convcli.kernels.cells import cell, check_thousands
from convcli.kernels.grammar import bare, brackets_of, cells_of, is_call, is_typed, matrix, no_number
from convcli.wording import by, shortened

MOST_AXES = 4

_SCALAR = re.compile(r"\b(?:np|numpy)\.(?:float|u?int|bool|longdouble)\w*\(([^()]*)\)")
_WORDS = re.compile(r"\b(True|true|False|false)\b")
_RUN = re.compile(r"\s*(?:np|numpy|torch|tf|jnp)\.(\w+)\s*\(")
_NO_REAL = re.compile(r"dtype\s*=\s*['\"]?((?:[A-Za-z]\w*\.)*(?:complex\w*|object\w*|str\w*|c8|c16|O))\b")
_BETWEEN = " \t\r\n,;"
_OPENS = re.compile(r"\s*[\[({]")


@dataclass(frozen=True, eq=False)
class Literal:
    """The numbers that a text holds, of one to four axes; `axes` if the text says which are which."""

    values: NDArray[np.float64]
    axes: str | None = None


def is_literal(text: str) -> bool:
    """Whether a text holds numbers itself, and names nothing that holds them.

    >>> is_literal("1 2; 3 4"), is_literal("[[True, nan]]"), is_literal("x.npy")
    (True, True, False)
    """
    first, _, _ = text.partition("|")
    return is_typed(first) or _OPENS.match(text) is not None or is_call(text) or _RUN.match(text) is not None


def literal(text: str, where: str) -> Literal:
    """Return the array that a text holds: brackets in brackets, or a matrix; `|` parts channels.

    Raises
    ------
    UsageError
        If it is none; says at which place. A `KernelError` is one.

    Examples
    --------
    >>> literal("[[[1, 2]], [[3, 4]]]", "x").values.shape, literal("array([1., 2.])", "x").values.shape
    ((2, 1, 2), (2,))
    >>> literal("1 2; 3 4 | 5 6; 7 8", "x").axes
    'hwc'
    """
    text = _as_numbers(text, where)
    if "|" not in text:
        return Literal(_array(text, where))
    planes = [_plane(part, f"{where}: channel {n}") for n, part in enumerate(text.split("|"), 1)]
    if any(plane.shape != planes[0].shape for plane in planes):
        raise UsageError(f"{where}: the channels have different sizes; give each the same rows and columns.")
    return Literal(np.stack(planes, axis=2), "hwc")


def _as_numbers(text: str, where: str) -> str:
    """Return a text in which NumPy's scalars are their numbers, and True and False 1 and 0."""
    text = _SCALAR.sub(r"\1", text)
    if (call := _RUN.match(text)) and not is_call(text):
        raise UsageError(
            f"{where}: {shortened(call[0].strip() + '…)')} would have to be run; expected its numbers, "
            "such as [[1, 2], [3, 4]], or a file that numpy.save wrote."
        )
    if other := _NO_REAL.search(text):
        raise UsageError(f"{where}: expected real numbers, found {other[1]}.")
    return _WORDS.sub(lambda word: "1" if word[1] in ("True", "true") else "0", text)


def _plane(text: str, where: str) -> NDArray[np.float64]:
    values = np.atleast_2d(_array(text, where))
    if values.ndim > 2:
        raise UsageError(f"{where}: expected a matrix, found {values.ndim} axes.")
    return values


def _array(text: str, where: str) -> NDArray[np.float64]:
    depth = levels(text, where)
    if depth > 2:
        check_thousands(text, where, False)
        factor, body = brackets_of(bare(text).removesuffix(";"), where)
        values = _nested(body, where)
        return values if factor == 1 else values * factor
    found = matrix(text, where)
    if found.anchor is not None:
        raise UsageError(
            f"{where}: an origin such as 3x3+1+1: belongs to a kernel of `filter`; leave it out."
        )
    one_row = depth == 1 and ";" not in text and len(found.weights) == 1
    return found.weights[0] if one_row else found.weights


def levels(text: str, where: str) -> int:
    """Return how many brackets stand around a number, without those of a call."""
    body = bare(text)
    if re.fullmatch(r"[\s\[\](){},;]*", body):
        raise UsageError(f"{where}: expected numbers, found none.")
    if not re.search(r"[\[({]", body):
        return 0
    _, body = brackets_of(body.removesuffix(";"), where)
    depth = deepest = 0
    for sign in re.findall(r"[\[\](){}]", body):
        depth += 1 if sign in "[({" else -1
        deepest = max(deepest, depth)
    if deepest > MOST_AXES:
        raise UsageError(f"{where}: expected at most {MOST_AXES} levels of brackets, found {deepest}.")
    return deepest


def _nested(body: str, where: str) -> NDArray[np.float64]:
    """Return `[[[1, 2], [3, 4]]]` as an array with an axis for each level."""
    open_: list[list[NDArray[np.float64]]] = []
    whole: NDArray[np.float64] | None = None
    for token in re.finditer(r"[\[\]({})]|[^\[\]({})]+", body):
        text = token[0]
        if whole is not None and text.strip(_BETWEEN):
            raise UsageError(f"{where}: {shortened(repr(text))} stands behind the last bracket.")
        if text in "[({":
            open_.append([])
        elif text in "])}":
            if not open_:
                raise UsageError(f"{where}: a bracket [ is missing.")
            done = _joined(open_.pop(), where, open_)
            if open_:
                open_[-1].append(done)
            else:
                whole = done
        elif text.strip(_BETWEEN):
            if not open_ or open_[-1] or _next(body, token.end()) not in "])}":
                raise UsageError(
                    f"{where}: {shortened(repr(text.strip(_BETWEEN)))} stands outside the innermost brackets."
                )
            open_[-1] += _row(text, where, open_)
    if whole is None:
        raise UsageError(f"{where}: a bracket ] is missing.")
    return whole


def _next(body: str, at: int) -> str:
    return body[at : at + 1] or " "


def _row(text: str, where: str, open_: list[list[NDArray[np.float64]]]) -> list[NDArray[np.float64]]:
    if ";" in text:
        raise UsageError(f"{where}: rows stand in brackets of their own, or behind semicolons, not both.")
    numbers = []
    for n, part in enumerate(cells_of(text)):
        number = cell(part)
        if not math.isfinite(number):
            raise no_number(part, f"{where}: {_index([*map(len, open_[:-1]), n])}")
        numbers.append(np.asarray(number))
    return numbers


def _joined(
    parts: list[NDArray[np.float64]], where: str, around: list[list[NDArray[np.float64]]]
) -> NDArray[np.float64]:
    """Return what stands between two brackets as one array."""
    place = f"{where}: {_index(list(map(len, around)))}" if around else where
    if not parts:
        raise UsageError(f"{place}: expected numbers, found empty brackets.")
    for n, part in enumerate(parts):
        if part.shape != parts[0].shape:
            raise UsageError(
                f"{place}: its parts have the same size; expected {_size(parts[0])} at [{n}] as at [0], "
                f"found {_size(part)}."
            )
    return np.stack(parts)


def _size(part: NDArray[np.float64]) -> str:
    return by(part.shape) if part.ndim else "a number"


def _index(numbers: list[int]) -> str:
    """Return a place as Python writes it, from 0."""
    return f"[{', '.join(map(str, numbers))}]"
