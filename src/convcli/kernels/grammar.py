r"""The one place where a text becomes a matrix: typed in, from a file, or as another tool prints it.

Rows and cells, in what is typed and in a `.txt` file:

    1 0 -1; 2 0 -2       `;` or a line break (LF, CR LF, CR) ends a row; one `;` may stand at the end
    1, 0, -1             blanks, tabs or commas part cells; a comma may stand at the end of a row
    # half               a comment to the end of its line; empty lines count for nothing
    1/9  -.5  2e-3  ½    a cell: a decimal or a fraction, with any minus sign or blank

In a table (`.csv`, `.tsv`), and wherever lines hold single numbers between semicolons, a line is a row and
`;` or a tab parts cells. There, and after tabs, a decimal comma is read: `0,25;0,5;0,25`.

    [[1, 2], [3, 4]]     nested brackets of any kind: an inner pair is a row, `,` and blanks part cells
    [[ 1.  2.]           as NumPy prints it
     [ 3.  4.]]
    array([[1, 2]])      also np.array(…), torch.tensor(…), with dtype=…
    [1 2; 3 4]/16        one pair, as MATLAB has it; a number before (1/16 *) or behind multiplies or divides
    3x3: 1,2,1 …         ImageMagick: width × height and the cells in order; 3: is 3x3:
    3x3+0+1: …           with the cell (column, row) that lies on the pixel
    K = …                a name before it; `1.0e-03 *` on a line of its own, as MATLAB prints it
    1 & 2 \\ 3 & 4       LaTeX, with or without \begin{bmatrix}

A comma between two digits may be decimal. Where it parts no more than two numbers everywhere, both meanings
fit, and the text is refused with both ways to write it: `0,5 0,5`, `1,5;2,5`, `1,000`, `0,25⏎0,5`. Three or
more are cells (`1,2,3`), as is what a table's comma parts, unless all its numbers begin with 0, or go on with
three digits. All begin with 0 between semicolons: `0,25;0,5` can only be decimal. Groups of three digits
behind a blank (`1 000`) are refused where they can be no cells, or a table's.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from convcli.errors import KernelError
from convcli.kernels.cells import cell, check_thousands, decimals, meaning_of_commas, plain
from convcli.kernels.weights import MAX_SIDE, Weights
from convcli.shapes import Pair
from convcli.wording import shortened

_BLANK = r"[^\S\r\n]"
_CELLS = re.compile(r"\s*,\s*|\s+")
_ROW_END = re.compile(rf"{_BLANK}*(?:;{_BLANK}*)?(?:\r\n|\n|\r)\s*|;")
_LINE_END = re.compile(r"\r\n|\n|\r")
_HEADER = re.compile(
    r"(\d{1,9})(?:[xX×](\d{1,9}))?([+-]\d{1,9})?([+-]\d{1,9})?([@<>!%^]*)\s*:(.*)", re.DOTALL
)
_CALL = re.compile(
    r"(?:[A-Za-z]\w*\.)*(?:array|asarray|matrix|mat|Matrix|tensor|constant|float32|float64)\s*\(\s*(?=[\[({])"
)
_KEYWORDS = re.compile(r"(?:,\s*\w+\s*=\s*[\w.'\":]+)*\s*,?\s*\)")
_BEFORE = re.compile(r"\(?\s*([^\s\[\](){}*]+)\s*\)?\s*[*·×]\s*(?=[\[({A-Za-z])")
_BEHIND = re.compile(r"(?<=[\])}])\s*([/*·×])\s*\(?\s*([^\s\[\](){}*]+)\s*\)?$")
_ASSIGNED = re.compile(r"(?!sep=)[A-Za-z]\w*\s*=\s*")
_FACTOR_LINE = re.compile(rf"([\d.eE+-]+){_BLANK}*\*{_BLANK}*[\r\n]\s*")
_LATEX = re.compile(r"\\(?:begin|end)\{(?:\w?matrix|array)\*?\}(?:\{[lcr| ]+\})?")
_TYPED = re.compile(r"[\d\s.,;|eE+\-/:xX×*·#()\[\]{}]+")
_ROUND_TO_SQUARE = str.maketrans("({)}", "[[]]")
_WRAPPED = 60  # signs of a line from which on NumPy may have broken a row


@dataclass(frozen=True, eq=False)
class Typed:
    """The weights (rows, columns) that a text holds, and the cell that it says lies on the pixel."""

    weights: Weights
    anchor: Pair | None = None


def is_typed(text: str) -> bool:
    """Whether a text is made of digits, separators and brackets, and is no name of a kernel or a file."""
    text = plain(text).strip()
    if call := _CALL.match(text):
        text = _KEYWORDS.sub("", text[call.end() :])
    return any(sign.isdigit() for sign in text) and _TYPED.fullmatch(text) is not None


def is_call(text: str) -> bool:
    """Whether a text begins as Python writes an array: `array([`."""
    return _CALL.match(text) is not None


def matrix(text: str, where: str, table: bool = False) -> Typed:
    """Return the matrix that a text from `where` holds; a `table` has one row a line, as .csv and .tsv files.

    Raises
    ------
    KernelError
        If it is none, or means several; names the row and the column.

    Examples
    --------
    >>> matrix("1 0 -1; 2 0 -2", "kernel").weights.tolist()
    [[1.0, 0.0, -1.0], [2.0, 0.0, -2.0]]
    >>> matrix("2x2+1+0: 1,2,3,4", "kernel").anchor
    (0, 1)
    """
    check_thousands(text, where, table)
    text = bare(text, table)
    if "&" in text:
        text = _LATEX.sub("", text).replace("\\\\", ";").replace("&", " , ").strip()
    if not text:
        raise KernelError(f"{where}: expected rows of numbers, found none.")
    if header := _HEADER.fullmatch(text):
        return _imagemagick(header, where)
    factor = 1.0
    if printed := _FACTOR_LINE.match(text):
        factor, text = _value(printed[1], where), text[printed.end() :]
    elif re.search(r"[\[({]", text):
        factor, text = brackets_of(text.removesuffix(";"), where)
    if re.search(r"[\[({]", text):
        rows, hint = _bracketed(text, where)
    else:
        if text.endswith(";") and not table:
            text = text[:-1]
        rows, hint = _parted(text, where, table=table)
    weights = _numbers(rows, where, hint)
    return Typed(weights if factor == 1 else weights * factor)


def bare(text: str, table: bool = False) -> str:
    """Return a text without comments, blanks around it and a name before it, in ASCII's signs.

    >>> bare("W = [1 −2]  # half")
    '[1 -2]'
    """
    text = plain(text)
    if "#" in text:
        text = re.sub(r"#[^\r\n]*", "", text)
    text = text.strip("\r\n " if table else None)  # a tab at the beginning may end an empty cell
    assigned = _ASSIGNED.match(text)
    return text[assigned.end() :] if assigned else text


def brackets_of(text: str, where: str) -> tuple[float, str]:
    """Return what multiplies the brackets of a text, and these without the call that is around them.

    >>> brackets_of("np.array([[1, 2]], dtype=float) / 4", "kernel")
    (0.25, '[[1, 2]]')
    """
    factor = 1.0
    if before := _BEFORE.match(text):
        factor *= _value(before[1], where)
        text = text[before.end() :]
    if behind := _BEHIND.search(text):
        value = _value(behind[2], where)
        if behind[1] == "/" and value == 0:
            raise KernelError(f"{where}: a division by zero.")
        factor = factor / value if behind[1] == "/" else factor * value
        text = text[: behind.start()]
    if call := _CALL.match(text):
        inside = text[call.end() :]
        end = max(inside.rfind(sign) for sign in "])}" if sign != ")") + 1
        if not _KEYWORDS.fullmatch(inside[end:]):
            raise KernelError(f"{where}: expected one ) at the end, found {shortened(repr(inside[end:]))}.")
        text = inside[:end]
    return factor, text


def _value(text: str, where: str) -> float:
    number = cell(text)
    if not math.isfinite(number):
        raise KernelError(f"{where}: expected a number beside the brackets, found {shortened(repr(text))}.")
    return number


def _bracketed(text: str, where: str) -> tuple[Iterator[list[str]], str]:
    """Return the rows of `[[1, 2], [3, 4]]` or of `[1 2; 3 4]`."""
    text = text.translate(_ROUND_TO_SQUARE).strip()
    if text.count("[") != text.count("]"):
        missing = "]" if text.count("[") > text.count("]") else "["
        raise KernelError(f"{where}: a bracket {missing} is missing.")
    if one := re.fullmatch(r"\[([^\[\]]*)\]", text):
        _check_lines(one[1], where)
        inside = one[1].strip().removesuffix(";")
        return (cells_of(row) for row in _ROW_END.split(inside, MAX_SIDE)), ""
    inner = re.compile(r"\[([^\[\]]*)\]")
    outside = inner.sub(" ", text)
    if not re.fullmatch(r"[\s,;]*|\[[\s,;]*\][\s,;]*", outside):
        if re.match(r"[\s,;]*\[[\s,;]*\[", outside):
            raise KernelError(
                f"{where}: expected rows of cells such as [[1, 2], [3, 4]], found more levels of brackets."
            )
        found = re.sub(r"[\[\]\s,;]+", " ", outside).strip()
        raise KernelError(f"{where}: {shortened(repr(found))} stands outside the brackets of the rows.")
    if re.search(r"\[[^\[\]]*;[^\[\]]*\]", text):
        raise KernelError(f"{where}: rows stand in brackets of their own, or behind semicolons, not both.")
    return (cells_of(match[1]) for match in inner.finditer(text)), ""


def _check_lines(inside: str, where: str) -> None:
    """Refuse lines in one pair of brackets that may be rows (MATLAB) or one row (Python, NumPy)."""
    lines = [line.strip() for line in _LINE_END.split(inside.strip(), MAX_SIDE)]
    if (
        len(lines) > 1
        and ";" not in inside
        and (any(line.endswith(",") for line in lines[:-1]) or max(map(len, lines)) > _WRAPPED)
    ):
        raise KernelError(
            f"{where}: [… with line breaks …] may be one row, or a row a line: write [[…]] around a row, "
            "or [… ; …] with semicolons."
        )


def _parted(text: str, where: str, *, table: bool) -> tuple[Iterator[list[str]], str]:
    """Return the rows of a text without brackets, and what to add to an error about their lengths."""
    separator, text = _named_separator(text)
    if '"' in text:
        separator = separator or next((sign for sign in ";\t" if sign in text), ",")
        return decimals(csv.reader(_LINE_END.split(text, MAX_SIDE), delimiter=separator), where, text), ""
    lines = _LINE_END.search(text) is not None
    blanks = re.search(rf"[^\s,;]{_BLANK}+[^\s,;]", text) is not None
    if separator is None and (table or lines) and re.search(rf";{_BLANK}*\S", text):
        separator = None if re.search(rf"[^\s;]{_BLANK}+[^\s;]", text) else ";"
    only_tabs = "\t" in text and not re.search(r"[^\s;,]\t* +\t*[^\s;,]", text)
    tight = re.search(r"[^\s,;],[^\s,;]", text) is not None
    if separator is None and only_tabs and ";" not in text and (tight or table):
        separator = "\t"
    if separator in (";", "\t"):
        return decimals((row.split(separator) for row in _LINE_END.split(text, MAX_SIDE)), where, text), ""
    rows = (cells_of(row) for row in _ROW_END.split(text, MAX_SIDE))
    if not tight:
        return rows, ""
    loose = re.search(rf",{_BLANK}+[^\s;,]|[^\s;,]{_BLANK}+,", text) is not None
    meaning = meaning_of_commas(text, where, blanks=blanks, loose=loose, lines=lines, table=table)
    if meaning == "decimal":
        return ([row.strip().replace(",", ".")] for row in text.split(";", MAX_SIDE)), ""
    return rows, " If its commas are decimal, write points." if meaning == "perhaps" else ""


def _named_separator(text: str) -> tuple[str | None, str]:
    """Return the separator that the first line of a spreadsheet's file names (`sep=;`), and the rest."""
    if match := re.match(r"sep=(.)\s*(?:\r\n|\n|\r)", text):
        return match[1] if match[1] in ";\t" else None, text[match.end() :]
    return None, text


def cells_of(row: str) -> list[str]:
    """Return the cells of a row; a comma at its end ends the last one."""
    row = re.sub(r"\s*/\s*", "/", row.strip()) if "/" in row else row.strip()
    if row.endswith(","):
        row = row[:-1].rstrip()
    return _CELLS.split(row, maxsplit=MAX_SIDE) if row else []


def _imagemagick(header: re.Match[str], where: str) -> Typed:
    """Return the kernel that ImageMagick writes as `3x3: 1,2,1 …`."""
    columns, rows = int(header[1]), int(header[2] or header[1])
    size = f"{header[1]}x{header[2] or header[1]}:"
    if header[5]:
        raise KernelError(f"{where}: {header[5]} (turned copies, in ImageMagick) is not known here.")
    if not 1 <= min(rows, columns) <= max(rows, columns) <= MAX_SIDE:
        raise KernelError(f"{where}: {size} expected sides from 1 to {MAX_SIDE}.")
    body = header[6].strip().removesuffix(";")
    if ":" in body and ";" in body:
        raise KernelError(
            f"{where}: several kernels, parted by ;. Give each by itself: --kernel … --kernel …."
        )
    cells = [part for row in _ROW_END.split(body, MAX_SIDE) for part in cells_of(row)]
    for outside in ("nan", "-"):
        if outside in map(str.lower, cells):
            raise KernelError(
                f"{where}: {outside!r} marks a cell that is not part of the kernel, in ImageMagick. In a "
                "convolution that is a weight of 0: write 0."
            )
    lengths = {len(cells_of(row)) for row in body.split(";")}
    if len(cells) != rows * columns or (";" in body and lengths != {columns}):
        raise KernelError(
            f"{where}: {size} expected {rows} rows of {columns}, {rows * columns} cells, found {len(cells)}."
        )
    weights = _numbers((cells[row * columns : (row + 1) * columns] for row in range(rows)), where, "")
    if header[3] is None:
        return Typed(weights)
    column, row = int(header[3]), int(header[4] or "0")
    if not (0 <= row < rows and 0 <= column < columns):
        raise KernelError(f"{where}: the origin {header[3]}{header[4] or ''} lies outside {size}")
    return Typed(weights, (row, column))


def _numbers(rows: Iterable[list[str]], where: str, hint: str) -> Weights:
    """Return the matrix of cells, read a row at a time so that a huge file stops early."""
    arrays: list[Weights] = []
    for number, row in enumerate(rows, start=1):
        if number > MAX_SIDE:
            raise KernelError(
                f"{where}: more than {MAX_SIDE} rows; a kernel has at most {MAX_SIDE} per side."
            )
        if not row:
            raise KernelError(f"{where}: row {number} is empty; give every row the same number of cells.")
        if len(row) > MAX_SIDE:
            raise KernelError(
                f"{where}: row {number} has more than {MAX_SIDE} cells, the most a kernel can have."
            )
        array = np.fromiter((_checked(text, where, number, n) for n, text in enumerate(row, 1)), np.float64)
        if arrays and len(array) != len(arrays[0]):
            raise KernelError(
                f"{where}: row {number}: expected {len(arrays[0])} cells as in row 1, found "
                f"{len(array)}.{hint}"
            )
        arrays.append(array)
    if not arrays:
        raise KernelError(f"{where}: expected rows of numbers, found none.")
    return np.stack(arrays)


def _checked(text: str, where: str, row: int, column: int) -> float:
    number = cell(text)
    if math.isfinite(number):
        return number
    raise no_number(text, f"{where}: row {row}, column {column}")


def no_number(text: str, place: str) -> KernelError:
    """Return the error that says what stands where a number was expected, and what to write in its place."""
    found, advice = (shortened(repr(text)) if text else "nothing"), ""
    if text in ("...", "…"):
        advice = " It stands for cells that were left out when this was printed: give all of them."
    elif text == "-":
        advice = " Write a negative number without a blank, and 0 for a cell that is not part of the kernel."
    return KernelError(f"{place}: expected a finite number, found {found}.{advice}")
