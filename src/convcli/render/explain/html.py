"""One page that steps through an explanation: grids as tables, the rest as SVG; no request leaves it."""

from __future__ import annotations

import json

from convcli.explaining.elements import Arrow, Element, Explanation, Formula, Grid, Picture, Step
from convcli.explaining.notation import number
from convcli.formats.pages import escaped, page
from convcli.render.drawing.palette import COLOURS, custom_properties, heat
from convcli.render.drawing.svg import svg_within
from convcli.render.explain import FORMATS
from convcli.render.explain.elements import draw
from convcli.render.explain.live import live
from convcli.wording import printable

NARROW = 340.0  # what a drawing may be wide on a phone


@FORMATS.register("html")
def html(explanation: Explanation) -> bytes:
    """Return the page, whole in itself."""
    steps = "\n".join(_section(step, n) for n, step in enumerate(explanation.steps))
    return page(
        __package__,
        colours=_colours(),
        title=escaped(explanation.title),
        count=str(len(explanation.steps)),
        steps=steps,
        live=live(explanation),
    )


def _colours() -> str:
    """Return the palette as custom properties, and the classes of drawings that take them."""
    svg = "".join(
        f"svg .f-{name}{{fill:var(--{name})}}svg .s-{name}{{stroke:var(--{name})}}" for name in COLOURS
    )
    return custom_properties() + svg


def _section(step: Step, n: int) -> str:
    hidden = "" if n == 0 else " hidden"
    return f'<section data-step="{n + 1}"{hidden}>{step_html(step)}</section>'


def step_html(step: Step) -> str:
    """Return what stands in the section of a step."""
    rows = "".join(f'<div class="row">{"".join(map(_element, row))}</div>' for row in step.rows)
    return f"<h2>{escaped(step.title)}</h2>{rows}"


def _element(element: Element) -> str:
    match element:
        case Grid():
            return _grid(element)
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


def _grid(grid: Grid) -> str:
    rows = []
    for i, row in enumerate(grid.cells):
        name = f"<th>{escaped(grid.row_names[i])}</th>" if grid.row_names else ""
        cells = "".join(_cell(grid, i, j) for j in range(len(row)))
        rows.append(f"<tr>{name}{cells}</tr>")
    caption = f"<figcaption>{escaped(grid.caption)}</figcaption>" if grid.caption else ""
    return f'<figure><div class="scroll"><table>{"".join(rows)}</table></div>{caption}</figure>'


def _cell(grid: Grid, i: int, j: int) -> str:
    """Return a cell; where its text is rounded, its title is the number in full."""
    value, role = grid.cells[i][j], grid.marks.get((i, j))
    style = f' class="{role}"' if role else ""
    if grid.heat and value is not None:
        style = f' style="background:var(--{heat(value, grid.hottest)})"'
    if value is None:
        return f"<td{style}></td>"
    text = number(value)
    full = json.dumps(value)
    title = "" if text.replace("−", "-") == full else f' title="{full}"'
    return f"<td{style}{title}>{text}</td>"
