"""Explanations as Markdown: each grid a table whose head numbers its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from convcli.explaining.elements import (
    Arrow,
    Block,
    Element,
    Explanation,
    Formula,
    Graph,
    Grid,
    Picture,
    Role,
    Row,
)
from convcli.explaining.notation import number
from convcli.render.drawing.svg import data_uri
from convcli.render.explain import FORMATS, solid_text
from convcli.render.explain.elements import shown_pixels
from convcli.wording import printable

_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#~$&]|^[-+](?= )|(?<=^\d)[.)])")

PAGE, EDGE, LETTER = 840.0, 27.0, 9.0
"""Where GitHub shows it: the width of a page, what a cell has beside its text, and a letter, in pixels."""

SMALLEST = 128
"""Pixels of a picture's longer side."""

MARKS: dict[Role, tuple[str, str]] = {
    "window": ("**{}**", "**under the window**"),
    "result": ("<ins>**{}**</ins>", "<ins>**the result**</ins>"),
    "chosen": ("<ins>**{}**</ins>", "<ins>**the maximum**</ins>"),
    "padding": ("*{}*", "*padding*"),
    "unused": ("~~{}~~", "~~in no window~~"),
}
"""How a cell stands out where there are no colours, and how the legend says so."""


@FORMATS.register("markdown")
def markdown(explanation: Explanation) -> bytes:
    """Return every step under its own heading, elements beside each other in a table of HTML."""
    parts = [f"# {_escaped(explanation.title)}", *_legend(explanation)]
    for n, step in enumerate(explanation.steps, 1):
        parts += [f"## {n}. {_escaped(step.title)}", *map(_row, step.rows)]
    return ("\n\n".join(parts) + "\n").encode()


def _legend(explanation: Explanation) -> list[str]:
    """Return a line that says what stands out, if anything does."""
    grids = (e for step in explanation.steps for row in step.rows for e in row if isinstance(e, Grid))
    found = {role for grid in grids for role in grid.marks.values()}
    said = [words for role, (_, words) in MARKS.items() if role in found]
    return [f"Marked: {', '.join(said)}."] if said else []


def _row(row: Row) -> str:
    if len(row) == 1:
        return _element(row[0])
    return "\n\n".join(map(_beside, _lines(row)))


def _beside(elements: Sequence[Element]) -> str:
    # Blank lines end the HTML: what is in a cell is Markdown.
    cells = "\n".join(f"<td>\n\n{_element(element)}\n\n</td>" for element in elements)
    return f"<table><tr>\n{cells}\n</tr></table>"


def _lines(row: Row) -> list[list[Element]]:
    """Return a row in parts that are no wider than a page, with arrows at their beginnings."""
    lines: list[list[Element]] = [[]]
    for element in row:
        lines[-1].append(element)
        if sum(map(_width, lines[-1])) > PAGE and len(lines[-1]) > 1:
            last = [lines[-1].pop()]
            if len(lines[-1]) > 1 and isinstance(lines[-1][-1], Arrow):
                last.insert(0, lines[-1].pop())
            lines.append(last)
    return lines


def _width(element: Element) -> float:
    """Return about how many pixels wide an element is where GitHub shows it."""
    match element:
        case Grid():
            columns = zip(*element.cells, strict=True)
            longest = (
                max(len("" if cell is None else number(cell)) for cell in column) for column in columns
            )
            return EDGE + sum(EDGE + LETTER * max(length, 1) for length in longest)
        case Arrow():
            return EDGE + LETTER * max(len(element.note), 2)
        case Picture():
            return EDGE + float(max(SMALLEST, *shown_pixels(element).shape[:2]))
        case Block():
            drawn = solid_text.drawn(element)
            return EDGE + LETTER * max(16, len(drawn[0]) if drawn else 0)
        case _:
            return EDGE + 16 * LETTER


def _element(element: Element) -> str:
    match element:
        case Grid():
            caption = f"{_escaped(element.caption)}:\n\n" if element.caption else ""
            return caption + _table(element)
        case Arrow():
            note = _escaped(element.note).replace(" ", "&nbsp;" if len(element.note) < 16 else " ")
            return f"**{_escaped(element.sign)}**" + (f"<br>{note}" if note else "")
        case Formula():
            return _escaped(element.text)
        case Block():
            return _block(element)
        case Picture():
            return f"{_picture(element)}\n\n{_escaped(element.caption)}"
        case Graph():
            return _links(element)


def _block(block: Block) -> str:
    """Return a solid in letters, under what it is, how large, and what stands out in it."""
    told = [f"{_escaped(block.caption)}:", f"**{solid_text.size(block)}**", *solid_text.parts(block)]
    lines = ["".join(letter for letter, _ in line).rstrip() for line in solid_text.drawn(block)]
    drawn = "\n".join(["", "", "```text", *lines, "```"]) if lines else ""
    return "<br>".join(told) + drawn


def _table(grid: Grid) -> str:
    """Return a grid; its rows have names only where it has: a page is no wider than a few matrices."""
    cells = [
        [_cell(value, grid.marks.get((i, j))) for j, value in enumerate(row)]
        for i, row in enumerate(grid.cells)
    ]
    head = [str(j) for j in range(1, grid.shape[1] + 1)]
    lines = [head, ["--:"] * len(head), *cells]
    if grid.row_names:
        names = ["", "--:", *map(_escaped, grid.row_names)]
        lines = [[name, *line] for name, line in zip(names, lines, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: float | None, role: Role | None) -> str:
    if value is None:
        return "·"
    text = number(value)
    return MARKS[role][0].format(text) if role in MARKS else text


def _picture(picture: Picture) -> str:
    pixels = shown_pixels(picture)
    times = max(1, SMALLEST // max(pixels.shape[:2]))  # few pixels would hardly be seen
    return f"![{_escaped(picture.caption)}]({data_uri(pixels.repeat(times, 0).repeat(times, 1))})"


def _links(graph: Graph) -> str:
    """Return what feeds each output, a line an output."""
    lines = [f"{_escaped(graph.caption)}:", ""]
    for end, name in enumerate(graph.outputs):
        own = graph.feeding(end)
        fed = ", ".join(
            graph.inputs[link.start] + (f" ({told.strip('()')})" if (told := link.told) else "")
            for link in own
        )
        lines += [f"- {name}: {fed}"] if own else []
    lines += ["", f"with {', '.join(graph.legend)}"] if graph.legend else []
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(printable(text).split()))
