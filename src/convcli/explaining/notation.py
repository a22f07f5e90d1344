"""Numbers and formulas as people write them."""

from __future__ import annotations

from collections.abc import Iterable

from convcli.engine.workspace import Array
from convcli.explaining.elements import Cell, exact

MOST_TERMS = 30

LARGEST_BELOW = 25
"""What a fraction has below its line at most: the cells of a box of 5 × 5."""

LARGEST_FRACTION = 10
"""From here on a fraction's size is no longer seen at a glance: 4/3, but 32.33."""

KEPT = 13
"""Digits of a number that count: what a sum's order leaves is in the last of its sixteen."""


def number(value: float) -> str:
    """Return whole numbers whole, the others to four significant digits, or as a fraction if it says more.

    A fraction stands where four digits would round: 1/9, but 0.25 and 0.0625. What a sum's order leaves in
    the last digits changes nothing: 0.12345 less that is rounded as 0.12345, and three times 1/9 is 1/3.

    >>> number(-3.0), number(2.5), number(0.123456), number(1e-7), number(-1 / 9), number(31 / 9)
    ('−3', '2.5', '0.1235', '1e−7', '−1/9', '31/9')
    >>> number(float('nan')), number(float('-inf'))
    ('nan', '−inf')
    """
    value = exact(value)
    if isinstance(value, int) and abs(value) < 10**9:
        text = str(value)
    else:
        kept = float(f"{value:.{KEPT}g}")
        text = f"{kept:.4g}"
        if float(text) != kept:
            text = _fraction(kept) or text
        if "e" in text:
            digits, _, power = text.partition("e")
            text = f"{digits}e{int(power)}"
    return text.replace("-", "−")


def _fraction(kept: float) -> str:
    """Return `p/q` for the smallest q that makes a value of 13 digits, or nothing if none does."""
    if not abs(kept) < LARGEST_FRACTION:  # or no number at all
        return ""
    for below in range(2, LARGEST_BELOW + 1):
        above = round(kept * below)
        if above and float(f"{above / below:.{KEPT}g}") == kept:
            return f"{above}/{below}"
    return ""


def factor(value: float) -> str:
    """Return a number as it stands in a product: negative ones in brackets."""
    return f"({number(value)})" if value < 0 else number(value)


def quotient(value: float, count: int) -> str:
    """Return `6 / 4 = 1.5`, or `5/9` alone where the result says the same.

    >>> quotient(6, 4), quotient(6, 9), quotient(5, 9)
    ('6 / 4 = 1.5', '6 / 9 = 2/3', '5/9')
    """
    result = number(value / count)
    return result if result == f"{number(value)}/{count}" else f"{number(value)} / {count} = {result}"


def total(terms: Iterable[str], bias: float | None = None) -> str:
    """Return terms joined by plus signs, the middle left out where they are many."""
    shown = list(terms)
    if len(shown) > MOST_TERMS:
        half = MOST_TERMS // 2
        shown = [*shown[:half], f"… {len(shown) - 2 * half} more …", *shown[-half:]]
    if bias is not None:
        shown.append(factor(bias))
    return " + ".join(shown)


def products(values: Array, weights: Array, bias: float | None = None) -> str:
    """Return `3·1 + 0·(−1) + …` of two arrays, cell by cell in row order."""
    pairs = zip(values.ravel().tolist(), weights.ravel().tolist(), strict=True)
    return total((f"{factor(value)}·{factor(weight)}" for value, weight in pairs), bias)


def place(cell: Cell) -> str:
    """Return `row 2, column 3`.

    >>> place((1, 2))
    'row 2, column 3'
    """
    return f"row {cell[0] + 1}, column {cell[1] + 1}"


def cell_name(name: str, cell: Cell) -> str:
    """Return `out[2, 3]`, counted from 1 as on paper.

    >>> cell_name("out", (1, 2))
    'out[2, 3]'
    """
    return f"{name}[{cell[0] + 1}, {cell[1] + 1}]"
