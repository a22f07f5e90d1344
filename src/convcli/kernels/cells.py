"""What one cell of a typed matrix is, in whatever signs, and what a comma between two digits means.

Or a blank before three of them: both are refused where two meanings fit.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from convcli.errors import KernelError
from convcli.wording import shortened

_MINUS = "\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d"
_BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_SIGNS: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},  # the full width forms of ASCII
    **dict.fromkeys(map(ord, _MINUS), "-"),
    **dict.fromkeys(map(ord, _BLANKS), " "),
    **dict.fromkeys((0x2028, 0x2029, 0x85), "\n"),
    **dict.fromkeys((0x2044, 0x2215), "/"),
    **dict.fromkeys((0xFEFF, 0x200B, 0x2060), ""),
}

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")

_THOUSANDS = re.compile(
    r"(?<![\d.,/])[1-9]\d{0,2}(?:[ \u00a0\u2009\u202f](?:0\d\d)|[\u2009\u202f]\d{3})+(?![\d./])"
)
_TABLE_THOUSANDS = re.compile(r"(?<![\d.,/])[1-9]\d{0,2}(?:[\u00a0\u2009\u202f]\d{3})+(?!\d)")
_DECIMAL = re.compile(r"([+-]?(?:\d{1,3}(?:\.\d{3})+|\d*)),(\d+)(?:[eE][+-]?\d+)?")
_ZEROS_IN_TURN = re.compile(r"(?:[+-]?0,\d++(?:,[+-]?0,\d++)*+\s*+;?\s*+)++")


def plain(text: str) -> str:
    """Return a text with ASCII's minus signs, blanks and digits in the place of their relatives.

    >>> plain("\u22121\u00a0\uff12")
    '-1 2'
    """
    return text if text.isascii() else text.translate(_SIGNS)


def cell(text: str) -> float:
    """Return the number that one cell writes, a decimal or a fraction; NaN if it writes none.

    >>> cell("1/8"), cell("-½"), cell("1_000")
    (0.125, -0.5, nan)
    """
    numerator, slash, denominator = text.partition("/")
    if not slash:
        if NUMBER.fullmatch(text):
            return float(text)
        sign = -1 if text.startswith("-") else 1
        rest = text.lstrip("+-")
        if len(rest) == 1 and len(text) < 3 and rest in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒":
            return sign * _vulgar(rest)
        return math.nan
    top, bottom = cell(numerator), cell(denominator)
    return top / bottom if bottom and "/" not in denominator else math.nan


def _vulgar(sign: str) -> float:
    top, bottom = unicodedata.normalize("NFKC", sign).split("\u2044")
    return int(top) / int(bottom)


def check_thousands(text: str, where: str, table: bool) -> None:
    """Refuse 1 000 with a blank of any kind, which would become two cells."""
    if found := _THOUSANDS.search(text) or (table and _TABLE_THOUSANDS.search(text)):
        joined = "".join(sign for sign in found[0] if sign.isdigit())
        raise KernelError(
            f"{where}: {shortened(repr(plain(found[0])), 40)} may be one number in groups of three "
            f"digits or several cells: write "
            f"{shortened(joined, 40)}, or part cells by commas and write 0 for 000."
        )


def meaning_of_commas(text: str, where: str, *, blanks: bool, loose: bool, lines: bool, table: bool) -> str:
    """Return what the commas between digits mean: "cells", "decimal", or "perhaps": cells of uneven rows.

    Raises
    ------
    KernelError
        If they may mean both.
    """
    pieces = (match[0].strip(",") for match in re.finditer(r"[^\s;]+", text))
    found: list[re.Match[str]] = []
    every = zeros = True
    for piece in filter(None, pieces):
        match = _DECIMAL.fullmatch(piece)
        if match is None and not NUMBER.fullmatch(piece):
            _check_cells(text, where, blanks=blanks, loose=loose)
            return "cells"
        every = every and match is not None
        if match is not None:
            zeros = zeros and not match[1].strip("+-0")
            found = found or [match]
    if not blanks and not loose:
        if not every:
            return "perhaps"
        if zeros and ";" in text and not lines:
            return "decimal"
        if table and not zeros and not re.search(r",0\d|,\d{3}", text):
            return "cells"
    raise _ambiguous(found[0][0], where)


def _ambiguous(piece: str, where: str) -> KernelError:
    left, _, right = piece.partition(",")
    if "." in right:  # 1,234.5
        raise KernelError(
            f"{where}: {shortened(repr(piece), 40)} may be a number with a mark of thousands or two cells: "
            f"write {shortened(left + right, 40)}, or {shortened(f'{left} {right}', 40)} with a blank."
        )
    whole = left.replace(".", "")
    second = right.lstrip("0") or "0" if re.fullmatch(r"0\d\d", right) else right  # 1 000 would be refused
    return KernelError(
        f"{where}: {shortened(repr(piece), 40)} may be a number with a decimal comma or two cells: write "
        f"{shortened(f'{whole}.{right}', 40)} with a point, or "
        f"{shortened(f'{left} {second}', 40)} with a blank."
    )


def _check_cells(text: str, where: str, *, blanks: bool, loose: bool) -> None:
    """Refuse commas that part cells, but need not."""
    if blanks and not loose:
        raise KernelError(
            f"{where}: both commas and blanks part cells, which decimal commas or rows without an end would "
            "explain: part cells by one of them, end rows with ; and write decimals with a point."
        )
    if thousands := re.search(r"[^\s;,]+,0\d{2}[^\s;]*", text):
        raise _ambiguous(",".join(thousands[0].split(",")[:2]), where)
    if _ZEROS_IN_TURN.fullmatch(text) and re.search("[1-9]", text):
        raise _ambiguous(",".join(text.split(",")[:2]).strip(), where)


def decimals(lines: Iterable[Sequence[str]], where: str, text: str) -> Iterator[list[str]]:
    """Yield the rows of a table whose separator is no comma: commas are decimal."""
    commas = "," in text.replace('","', "")
    if commas and re.search(r"\d\.\d", text) and re.search(r"\d,\d", text):
        raise KernelError(f"{where}: both decimal points and decimal commas, or marks of thousands; use one.")
    for line in lines:
        cells = [field.strip() for field in line]
        while len(cells) > 1 and not cells[-1]:
            cells.pop()
        if cells == [""] or not cells:
            continue
        yield [field.replace(",", ".") if commas and _DECIMAL.fullmatch(field) else field for field in cells]
