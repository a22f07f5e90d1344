"""One page that steps through an explanation: grids as tables, the rest as SVG; no request leaves it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from convcli.explaining.elements import Arrow, Element, Explanation, Formula, Grid, Picture, Step
from convcli.explaining.notation import number
from convcli.formats.pages import escaped, page
from convcli.render.drawing.palette import COLOURS, custom_properties
from convcli.render.drawing.svg import svg_within
from convcli.render.explain import FORMATS
from convcli.render.explain.elements import draw
from convcli.render.explain.grounds import framed, ground
from convcli.render.explain.live import SCRIPTS, live
from convcli.wording import printable

_Place: TypeAlias = tuple[int, int, int, int]
Digits: TypeAlias = dict[_Place, int]
"""How long numbers are in grids, by the row and the place in it, and by their rows and columns."""

NARROW = 340.0  # what a drawing may be wide on a phone


@FORMATS.register("html")
def html(explanation: Explanation) -> bytes:
    """Return the page, whole in itself."""
    return course_page(explanation, "")


def course_page(explanation: Explanation, links: str) -> bytes:
    """Return the page with links to others above its title."""
    digits = digits_of(explanation.steps)
    steps = "\n".join(_section(step, n, digits) for n, step in enumerate(explanation.steps, 1))
    return page(
        __package__,
        colours=_colours(),
        course=links,
        title=escaped(explanation.title),
        count=str(len(explanation.steps)),
        steps=_still(explanation) + steps,
        live=live(explanation),
    )


def _still(explanation: Explanation) -> str:
    """Return why a page has no controls whose topic has some."""
    if explanation.document()["op"] != "convolve" or explanation.topic not in SCRIPTS:
        return ""
    told = "Nothing can be changed on this page: live ones lay kernels on unflipped."
    return f'<p class="formula">{told}</p>\n'


def _colours() -> str:
    """Return the palette as custom properties, and the classes of drawings that take them."""
    svg = "".join(
        f"svg .f-{name}{{fill:var(--{name})}}svg .s-{name}{{stroke:var(--{name})}}" for name in COLOURS
    )
    return custom_properties() + svg


def _section(step: Step, n: int, digits: Digits) -> str:
    hidden = "" if n == 1 else " hidden"
    return f'<section id="step-{n}" data-step="{n}"{hidden}>{step_html(step, digits)}</section>'


def digits_of(steps: Iterable[Step]) -> Digits:
    """Return the longest number of all grids of one shape at one place in steps: they have one width."""
    longest: Digits = {}
    for step in steps:
        for place, grid in _grids(step):
            length = max(0 if cell is None else len(number(cell)) for row in grid.cells for cell in row)
            longest[place] = max(longest.get(place, 0), length)
    return longest


def _grids(step: Step) -> Iterator[tuple[_Place, Grid]]:
    for i, row in enumerate(step.rows):
        for j, element in enumerate(row):
            if isinstance(element, Grid):
                yield (i, j, *element.shape), element


def step_html(step: Step, digits: Digits) -> str:
    """Return what stands in the section of a step."""
    rows = []
    for i, row in enumerate(step.rows):
        parts = [
            _grid(element, digits[(i, j, *element.shape)]) if isinstance(element, Grid) else _element(element)
            for j, element in enumerate(row)
        ]
        rows.append(f'<div class="row">{"".join(parts)}</div>')
    return f"<h2>{escaped(step.title)}</h2>{''.join(rows)}"


def _element(element: Element) -> str:
    match element:
        case Arrow():
            note = f"<small>{escaped(element.note)}</small>" if element.note else ""
            sign = "∗" if element.sign == "*" else element.sign
            return f'<div class="arrow"><b>{escaped(sign)}</b>{note}</div>'
        case Formula():
            return f'<p class="formula">{escaped(element.text)}</p>'
        case _:
            scene = draw(element, NARROW)
            caption = element.caption or ("picture" if isinstance(element, Picture) else "drawing")
            return f"<figure>{svg_within(scene, printable(caption))}</figure>"


def _grid(grid: Grid, digits: int) -> str:
    rows = []
    for i, row in enumerate(grid.cells):
        name = f"<th>{escaped(grid.row_names[i])}</th>" if grid.row_names else ""
        cells = "".join(_cell(grid, i, j) for j in range(len(row)))
        rows.append(f"<tr>{name}{cells}</tr>")
    caption = f"<figcaption>{escaped(grid.caption)}</figcaption>" if grid.caption else ""
    # Its cells' width, where numbers are longer than two digits, and that of all of it for paper.
    across = grid.shape[1] * (digits + 1)
    style = f' style="--digits:{digits};--across:{across}"' if digits > 2 else ""
    return f'<figure><div class="scroll"><table{style}>{"".join(rows)}</table></div>{caption}</figure>'


def _cell(grid: Grid, i: int, j: int) -> str:
    """Return a cell; where its text is rounded, its title is the number in full."""
    value, role = grid.cells[i][j], grid.marks.get((i, j))
    style = f' class="{role}{" pixel" if framed(grid, i, j) else ""}"' if role else ""
    fill, ink = ground(grid, i, j)
    if fill not in (role, "cell"):
        style += f' style="background:var(--{fill}){"" if ink == "ink" else f";color:var(--{ink})"}"'
    if value is None:
        return f"<td{style}></td>"
    text = number(value)
    full = json.dumps(value)
    title = "" if text.replace("−", "-") == full else f' title="{full}"'
    return f"<td{style}{title}>{text}</td>"
