"""Explanations as LaTeX: a document of its own, grids as matrices, formulas translated sign by sign."""

from __future__ import annotations

import re

from convcli.explaining.elements import (
    Arrow,
    Block,
    Element,
    Explanation,
    Formula,
    Graph,
    Grid,
    Picture,
    Row,
    Words,
)
from convcli.explaining.notation import number
from convcli.render.explain import FORMATS
from convcli.wording import by, printable

HEAD = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{amsmath,xcolor}
\usepackage[margin=2cm]{geometry}
\setcounter{MaxMatrixCols}{40}
\setlength{\parindent}{0pt}
\begin{document}
"""

_ESCAPED = {sign: f"\\{sign}" for sign in "{}$%&#"}
_SIGNS = {
    **_ESCAPED,
    "\\": r"\backslash ",
    "~": r"\sim ",
    "^": r"\hat{}",
    "−": "-",
    "·": r"\cdot ",
    "×": r"\times ",
    "*": r"\ast ",
    "→": r"\to ",
    "≠": r"\neq ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "′": "'",
    "α": r"\alpha ",
    "∂": r"\partial ",
    "Σ": r"\sum ",
    "…": r"\dots ",
    "°": r"^\circ ",
}
_TEXT = {
    **_ESCAPED,
    **{sign: f"${_SIGNS[sign].strip()}$" for sign in "−·×→⌊⌋′°α∂"},
    "\\": r"\textbackslash{}",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "Σ": r"$\Sigma$",
    "…": r"\dots{}",
}
# Words stay words; single letters and names such as dA, out or Z_1 are mathematics.
_PIECE = re.compile(
    r"(?P<name>(?:[A-Za-z]+|α)_[A-Za-z0-9]+)|(?P<word>[A-Za-z]{2,})|(?P<space> {2,})"
    r"|(?P<above>\d+)/(?P<below>\d+)|(?P<sign>.)",
    re.S,
)
_FRACTION = re.compile(r"(\d+)/(\d+)")


@FORMATS.register("latex")
def latex(explanation: Explanation) -> bytes:
    """Return every step: its matrices in a display, its formulas under it."""
    parts = [HEAD, rf"\section*{{{text(explanation.title)}}}"]
    for n, step in enumerate(explanation.steps, 1):
        parts.append(rf"\subsection*{{{n}. {text(step.title)}}}")
        parts += [_row(row) for row in step.rows]
    return ("\n".join([*parts, r"\end{document}", ""])).encode()


def _row(row: Row) -> str:
    """Return a row as one display; a formula alone is a paragraph, so that it can be broken."""
    if len(row) == 1 and isinstance(row[0], Words):
        return rf"{text(row[0].text)}\par"
    if len(row) == 1 and isinstance(row[0], Formula):
        return rf"${formula(row[0].text)}$\par"
    if len(row) == 1 and isinstance(row[0], Graph):
        return _graph(row[0])
    body = "\n".join(map(_element, row))
    return f"\\[\n{body}\n\\]"


def _element(element: Element) -> str:
    match element:
        case Grid():
            return _captioned(_matrix(element), element.caption)
        case Arrow():
            sign = formula(element.sign).strip()
            note = rf"\text{{{text(element.note)}}}"
            return rf"\underset{{{note}}}{{{sign}}}" if element.note else sign
        case Formula():
            return formula(element.text)
        case Block():
            return _captioned(rf"\boxed{{{formula(by(element.shape))}}}", element.caption)
        case Picture():
            size = by(element.pixels.shape[:2])
            return _captioned(rf"\boxed{{\text{{picture }} {formula(size)}}}", element.caption)
        case Graph():
            return rf"\text{{{text(element.caption)}}}"


def _captioned(body: str, caption: str) -> str:
    return rf"\underset{{\text{{{text(caption)}}}}}{{{body}}}" if caption else body


def _matrix(grid: Grid) -> str:
    lines = []
    for i, row in enumerate(grid.cells):
        cells = [_cell(value, grid.marks.get((i, j), "")) for j, value in enumerate(row)]
        name = [rf"\text{{{text(grid.row_names[i])}}}"] if grid.row_names else []
        lines.append(" & ".join([*name, *cells]))
    return "\\begin{bmatrix}\n" + " \\\\\n".join(lines) + "\n\\end{bmatrix}"


def _cell(value: float | None, role: str) -> str:
    if value is None:
        return r"\cdot"
    shown = number(value).replace("−", "-")
    if "e" in shown:
        digits, _, power = shown.partition("e")
        shown = rf"{digits}\cdot 10^{{{power}}}"
    shown = _FRACTION.sub(r"\\tfrac{\1}{\2}", shown)
    if role in ("result", "chosen"):
        return rf"\boxed{{{shown}}}"
    if role in ("padding", "unused"):
        return rf"\textcolor{{gray}}{{{shown}}}"
    return rf"\mathbf{{{shown}}}" if role == "window" else shown


def _graph(graph: Graph) -> str:
    """Return the connections as equations, one an output."""
    lines = []
    for end, name in enumerate(graph.outputs):
        own = graph.feeding(end)
        terms = [
            _indexed(graph.inputs[link.start])
            if link.weight is None
            else f"w_{{{link.weight + 1}}} {_indexed(graph.inputs[link.start])}"
            for link in own
        ]
        lines += [rf"${_indexed(name)} \leftarrow {', '.join(terms)}$\par"] if own else []
    return "\n".join([rf"{text(graph.caption)}:\par", *lines])


def _indexed(name: str) -> str:
    return f"{name[0]}_{{{name[1:]}}}"


def text(words: str) -> str:
    """Return words for outside of mathematics.

    >>> text("50% of A_prev × 2")
    '50\\\\% of A\\\\_prev $\\\\times$ 2'
    """
    return "".join(_TEXT.get(sign, sign if sign.isascii() else "?") for sign in printable(words))


def formula(line: str) -> str:
    """Return a line of Unicode mathematics as LaTeX's.

    >>> formula("out = ⌊(n + p_before) / s⌋ + 1")
    '\\\\mathrm{out} = \\\\lfloor (n + p_{\\\\mathrm{before}}) / s\\\\rfloor  + 1'
    """

    def translated(piece: re.Match[str]) -> str:
        if piece["name"]:
            name, _, index = piece["name"].partition("_")
            return rf"{_SIGNS.get(name, name).strip()}_{{\mathrm{{{index}}}}}"
        if piece["word"]:
            return rf"\mathrm{{{piece['word']}}}"
        if piece["space"]:
            return r"\quad "
        if piece["above"]:
            return rf"\tfrac{{{piece['above']}}}{{{piece['below']}}}"
        sign = piece["sign"]
        return _SIGNS.get(sign, sign if sign.isascii() else rf"\text{{{text(sign)}}}")

    # Between two words a blank has to be said.
    spaced = re.sub(r"(?<=[A-Za-z,:;)]) (?=[A-Za-z])", "  ", printable(line).replace("\n", " "))
    return _PIECE.sub(translated, spaced)
