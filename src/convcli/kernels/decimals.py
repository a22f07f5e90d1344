"""What a comma between two digits means, or a blank before three: refused where both meanings fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from convcli.errors import KernelError
from convcli.kernels.cells import NUMBER, plain
from convcli.wording import shortened

_THOUSANDS = re.compile(
    r"(?<![\d.,/])[1-9]\d{0,2}(?:[ \u00a0\u2009\u202f](?:0\d\d)|[\u2009\u202f]\d{3})+(?![\d./])"
)
_TABLE_THOUSANDS = re.compile(r"(?<![\d.,/])[1-9]\d{0,2}(?:[\u00a0\u2009\u202f]\d{3})+(?!\d)")
_DECIMAL = re.compile(r"([+-]?(?:\d{1,3}(?:\.\d{3})+|\d*)),(\d+)(?:[eE][+-]?\d+)?")
_ZEROS_IN_TURN = re.compile(r"(?:[+-]?0,\d++(?:,[+-]?0,\d++)*+\s*+;?\s*+)++")


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
