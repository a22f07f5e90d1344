"""What one cell of a typed matrix is, in whatever signs it is written."""

from __future__ import annotations

import math
import re
import unicodedata

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
