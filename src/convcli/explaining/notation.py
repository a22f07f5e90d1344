"""Numbers and formulas as people write them."""

from __future__ import annotations

from collections.abc import Iterable

from convcli.engine.workspace import Array
from convcli.explaining.elements import Cell, exact

MOST_TERMS = 30


def number(value: float) -> str:
    """Return whole numbers whole, the others to four significant digits.

    What a sum's order leaves in the last of its sixteen digits changes none of these: 0.12345 less that is
    rounded as 0.12345.

    >>> number(-3.0), number(2.5), number(0.123456), number(1e-7)
    ('−3', '2.5', '0.1235', '1e−7')
    """
    value = exact(value)
    if isinstance(value, int) and abs(value) < 10**9:
        text = str(value)
    else:
        text = f"{float(f'{value:.13g}'):.4g}"
        if "e" in text:
            digits, _, power = text.partition("e")
            text = f"{digits}e{int(power)}"
    return text.replace("-", "−")


def factor(value: float) -> str:
    """Return a number as it stands in a product: negative ones in brackets."""
    return f"({number(value)})" if value < 0 else number(value)


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
