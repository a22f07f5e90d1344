"""Explanations as LaTeX: a document of its own, in matrices whose cells are coloured by what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from convcli.explaining.elements import Arrow, Element, Explanation, Formula, Grid, Row, Step, Words
from convcli.explaining.notation import number
from convcli.formats.pages import source
from convcli.render.drawing.tikz import PACKAGE, PIXELS, definitions, tikz
from convcli.render.explain import FORMATS
from convcli.render.explain.elements import draw
from convcli.render.explain.grounds import framed, ground
from convcli.render.explain.tex import formula, mixed, numeral, text

WIDEST = 56.0
"""Of a matrix, in the widths of two digits: wider ones are parted, for made small nobody could read them."""

ROOM, ARROW = 640.0, 60.0
"""What drawings beside each other share of a page's width, and what an arrow takes of it."""


@FORMATS.register("latex")
def latex(explanation: Explanation) -> bytes:
    """Return every step: its matrices in a row that is broken where the page ends, its formulas under it."""
    steps = "\n".join(_step(step, n) for n, step in enumerate(explanation.steps, 1))
    body = f"\\section*{{\\boldmath {mixed(explanation.title)}}}\n{steps}"
    return f"{_head(body)}\n\\begin{{document}}\n{body}\n\\end{{document}}\n".encode()


def _head(body: str) -> str:
    """Return what a body needs before it, and no more."""
    head = source(__package__, "preamble.tex").rstrip()
    drawn = [PACKAGE] if "{tikzpicture}" in body else []
    drawn += [PIXELS] if "\\pixels" in body else []
    return "\n".join([head, *drawn, definitions(head + body)])


def _step(step: Step, n: int) -> str:
    rows, new = "\n".join(map(_row, step.rows)), "" if n == 1 else "\n\\filbreak"
    return f"{new}\n\\step{{{n}. {mixed(step.title)}}}\n{rows}"


def _row(row: Row) -> str:
    """Return elements side by side; a line alone is a paragraph, which can be broken."""
    if len(row) == 1 and isinstance(row[0], Words):
        return rf"\says{{{text(row[0].text)}}}"
    if len(row) == 1 and isinstance(row[0], Formula):
        return rf"\says{{{mixed(row[0].text)}}}"
    solid = sum(not isinstance(element, Arrow) for element in row)
    room = (ROOM - (len(row) - solid) * ARROW) / solid if solid else ROOM
    body = "\n\\quad\n".join(part for element in row for part in _element(element, room))
    return f"\\begin{{row}}\n{body}\n\\end{{row}}"


def _element(element: Element, room: float) -> Iterator[str]:
    match element:
        case Grid():
            yield from _matrices(element)
        case Arrow():
            yield _captioned(formula(element.sign), element.note, narrow=True)
        case Words():
            yield text(element.text)
        case Formula():
            yield f"${formula(element.text)}$"
        case _:
            yield _captioned(tikz(draw(replace(element, caption=""), room), mixed), element.caption)


def _captioned(body: str, caption: str, *, narrow: bool = False) -> str:
    room = "[24mm]" if narrow else ""
    return f"\\under{room}{{{body}}}{{{mixed(caption)}}}"


def _matrices(grid: Grid) -> Iterator[str]:
    """Yield a grid as a matrix; one too wide for a page as several, each under the numbers of its columns."""
    parts = list(_parts(grid))
    for start, end in parts:
        of = f"columns {start + 1} to {end}" if len(parts) > 1 else ""
        yield _captioned(_matrix(grid, start, end), ", ".join(filter(None, (grid.caption, of))))


def _parts(grid: Grid) -> Iterator[tuple[int, int]]:
    """Yield the first column of each part, and the one behind its last."""
    start, width = 0, 0.0
    for j in range(grid.shape[1]):
        texts = [number(row[j]) for row in grid.cells if row[j] is not None]  # type: ignore[arg-type]
        column = (
            1.0 + max((len(text) + 4 * ("e" in text) for text in texts), default=1) / 2
        )  # × 10 takes room
        if width + column > WIDEST and j > start:
            yield start, j
            start, width = j, 0.0
        width += column
    yield start, grid.shape[1]


def _matrix(grid: Grid, start: int, end: int) -> str:
    rows = [[_cell(grid, i, j) for j in range(start, end)] for i in range(len(grid.cells))]
    names = [[rf"\text{{{mixed(name)}}}"] for name in grid.row_names] or [[]] * len(rows)
    lines = [" & ".join([*name, *row]) for name, row in zip(names, rows, strict=True)]
    columns = f"*{{{end - start}}}{{c}}"
    named = r"r@{\hspace{1em}}" if grid.row_names else ""
    inside = f"\\begin{{array}}{{{named}{columns}}}\n" + " \\\\\n".join(lines) + "\n\\end{array}"
    return f"\\left[{inside}\\right]"


def _cell(grid: Grid, i: int, j: int) -> str:
    value, role = grid.cells[i][j], grid.marks.get((i, j))
    shown = "" if value is None else numeral(number(value))
    fill, ink = ground(grid, i, j)
    if fill not in (role, "cell"):
        inside = rf"\boxed{{{shown}}}" if framed(grid, i, j) else shown
        written = inside if ink == "ink" else rf"\textcolor{{{ink}}}{{{inside}}}"
        return rf"\cellcolor{{{fill}}}{written}"
    return rf"\{role}{{{shown}}}" if role else shown or r"\cdot"
