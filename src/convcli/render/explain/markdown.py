"""Explanations as Markdown: each grid a table whose head numbers its columns."""

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
    Step,
)
from convcli.explaining.notation import number
from convcli.render.drawing.svg import data_uri
from convcli.render.explain import FORMATS
from convcli.render.explain.elements import shown_pixels
from convcli.wording import by, printable

_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#])")


@FORMATS.register("markdown")
def markdown(explanation: Explanation) -> bytes:
    """Return every step under its own heading. Cells under the window, and results, are bold."""
    parts = [f"# {_escaped(explanation.title)}"]
    for n, step in enumerate(explanation.steps, 1):
        parts += [f"## {n}. {_escaped(step.title)}", *_step(step)]
    return ("\n\n".join(parts) + "\n").encode()


def _step(step: Step) -> list[str]:
    return [_element(element) for row in step.rows for element in row]


def _element(element: Element) -> str:
    match element:
        case Grid():
            caption = f"{_escaped(element.caption)}:\n\n" if element.caption else ""
            return caption + _table(element)
        case Arrow():
            return f"**{_escaped(element.sign)}** {_escaped(element.note)}".strip()
        case Formula():
            return _escaped(element.text)
        case Block():
            return f"{_escaped(element.caption)}: {by(element.shape)}"
        case Picture():
            return f"{_picture(element)}\n\n{_escaped(element.caption)}"
        case Graph():
            return _links(element)


def _table(grid: Grid) -> str:
    head = ["", *map(str, range(1, grid.shape[1] + 1))]
    names = grid.row_names or tuple(map(str, range(1, grid.shape[0] + 1)))
    lines = [head, ["--:"] * len(head)]
    for i, row in enumerate(grid.cells):
        cells = [_cell(value, grid.marks.get((i, j), "")) for j, value in enumerate(row)]
        lines.append([_escaped(names[i]), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: float | None, role: str) -> str:
    if value is None:
        return ""
    text = number(value)
    if role == "unused":
        return f"~~{text}~~"
    return f"**{text}**" if role in ("window", "result", "chosen") else text


def _picture(picture: Picture) -> str:
    return f"![{_escaped(picture.caption)}]({data_uri(shown_pixels(picture))})"


def _links(graph: Graph) -> str:
    """Return what feeds each output, a line an output."""
    lines = [f"{_escaped(graph.caption)}:", ""]
    for end, name in enumerate(graph.outputs):
        own = graph.feeding(end)
        fed = ", ".join(
            graph.inputs[link.start] + (f" ({told})" if (told := link.told) else "") for link in own
        )
        lines += [f"- {name}: {fed}"] if own else []
    lines += ["", f"with {', '.join(graph.legend)}"] if graph.legend else []
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(printable(text).split()))
