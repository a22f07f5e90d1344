"""A report as one page, whole in itself: no script runs on it, and no request leaves it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from convcli.formats.pages import escaped, page
from convcli.render.drawing.palette import custom_properties
from convcli.render.drawing.svg import data_uri
from convcli.render.report.elements import (
    Card,
    Cell,
    Chart,
    Element,
    Facts,
    Gallery,
    Listing,
    Section,
    Table,
    Words,
)
from convcli.wording import breakable

WIDE, DARK = "(min-width: 900px)", "(prefers-color-scheme: dark)"
SMALL = 64  # pixels of a side up to which one wants to see each of them
_LONG = re.compile(r"(\S{16,})")


def html(title: str, headline: str, sections: Sequence[Section], live: str | None = None) -> bytes:
    """Return the page of these sections; `live` is the file beside it in which the network itself runs."""
    links = "".join(
        f'<li><a href="#{section.name}">{section.name.replace("-", " ").capitalize()}</a></li>'
        for section in sections
    )
    return page(
        __package__,
        colours=custom_properties(),
        title=escaped(title),
        headline=escaped(headline),
        live=_live(live) if live else "",
        links=links,
        sections="\n".join(map(_section, sections)),
    )


def _live(file: str) -> str:
    return f'<p><a href="{escaped(file)}">The network itself, to draw for and to look inside</a></p>\n'


def _section(section: Section) -> str:
    body = "\n".join(map(_element, section.elements))
    heading = f"<h2>{escaped(section.title)}</h2>"
    return f'<section id="{section.name}">\n{heading}\n<div class="beside">{body}</div>\n</section>'


def _element(element: Element) -> str:
    match element:
        case Facts():
            return _facts(element)
        case Table():
            return _table(element)
        case Gallery():
            return _gallery(element)
        case Chart():
            return _chart(element)
        case Words():
            return f"<p>{escaped(element.text)}</p>"
        case Listing():
            title, text = escaped(element.title), escaped(element.text)
            return f'<details><summary>{title}</summary><pre tabindex="0">{text}</pre></details>'


def _facts(facts: Facts) -> str:
    rows = "".join(
        f"<div><dt>{escaped(name)}</dt><dd{_title(cell)}>{_text(cell)}</dd></div>"
        for name, cell in facts.items
    )
    return f'<dl class="{"large" if facts.large else "small"}">{rows}</dl>'


def _text(cell: Cell) -> str:
    note = f"<small>{escaped(cell.note)}</small>" if cell.note else ""
    return _breakable(cell.text).replace("\n", "<br>") + note


def _uri(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _breakable(text: str) -> str:
    """Return a text with places where long words, such as names of files, may be broken."""
    return "".join(
        "<wbr>".join(map(escaped, breakable(part))) if n % 2 else escaped(part)
        for n, part in enumerate(_LONG.split(text))
    )


def _title(cell: Cell) -> str:
    """Return the number in full, where it is not what is read."""
    return f' title="{cell.exact}"' if cell.exact not in ("", cell.text) else ""


def _table(table: Table) -> str:
    caption = escaped(table.caption)
    kinds = _class(grid=table.grid, upright=table.upright)
    head = "".join(_heading(name, word=n in table.words) for n, name in enumerate(table.columns))
    body = "".join(f"<tr>{_row(table, row)}</tr>" for row in table.rows)
    foot = f"<tfoot><tr>{_row(table, table.foot)}</tr></tfoot>" if table.foot else ""
    drawn = (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table{kinds} aria-label="{caption}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}'
        "</table></div>"
    )
    if table.folded:
        return f"<details><summary>{caption}</summary>{drawn}</details>"
    return f'<div class="table"><h3>{caption}</h3>{drawn}</div>'


def _heading(name: str, *, word: bool) -> str:
    return f'<th scope="col"{_class(w=word)}><span>{escaped(name)}</span></th>' if name else "<td></td>"


def _row(table: Table, row: Sequence[Cell]) -> str:
    return "".join(_cell(cell, n, word=n in table.words) for n, cell in enumerate(row))


def _cell(cell: Cell, column: int, *, word: bool) -> str:
    style = f' style="background:var(--{cell.fill})"' if cell.fill else ""
    kind, scope = ("th", ' scope="row"') if column == 0 and cell.text else ("td", "")
    return f"<{kind}{scope}{_class(w=word, faint=cell.faint)}{style}{_title(cell)}>{_text(cell)}</{kind}>"


def _class(**kinds: bool) -> str:
    names = " ".join(name for name, so in kinds.items() if so)
    return f' class="{names}"' if names else ""


def _gallery(gallery: Gallery) -> str:
    level, kind = ("h4", "gallery inner") if gallery.inner else ("h3", "gallery")
    title = f"<{level}>{escaped(gallery.title)}</{level}>"
    note = f'<p class="note">{escaped(gallery.note)}</p>' if gallery.note else ""
    cards = "".join(map(_card, gallery.cards))
    return (
        f'<div class="wide">{title}<ul class="{kind}" style="--side:{gallery.side}">{cards}</ul>{note}</div>'
    )


def _card(card: Card) -> str:
    if not card.beside:
        return f"<li>{_picture(card)}</li>"
    parts = "".join(f"<div>{_picture(part)}</div>" for part in (card, *card.beside))
    return f'<li class="row">{parts}</li>'


def _picture(card: Card) -> str:
    rows, columns = card.pixels.shape[:2]
    size, alt = f'width="{columns}" height="{rows}"', escaped(card.description)
    smooth = ' class="smooth"' if min(rows, columns) > SMALL else ""
    words = "".join(f"<span{_title(cell)}>{_text(cell)}</span>" for cell in card.lines)
    return f'<img{smooth} src="{data_uri(card.pixels)}" {size} alt="{alt}" title="{alt}">{words}'


def _chart(chart: Chart) -> str:
    forms = [(WIDE, chart.wide)] if chart.wide else []
    sources = "".join(
        f'<source srcset="{_uri(draw(dark))}" media="{" and ".join(media)}">'
        for where, draw in (*forms, ("", chart.svg))
        for dark in (True, False)
        if (media := [query for query in (where, DARK if dark else "") if query])
    )
    alt = escaped(chart.description)
    image = f'<picture>{sources}<img src="{_uri(chart.svg(False))}" alt="{alt}"></picture>'
    if chart.shrinks:
        return f'<div class="chart">{image}</div>'
    return f'<div class="chart fixed scroll" tabindex="0" role="region" aria-label="{alt}">{image}</div>'
