"""The sections of a report as pictures for files: a plot as it is, everything else drawn as a scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from convcli.render.drawing import raster
from convcli.render.drawing.layout import GAP, TITLE, WIDTH, heading, on_ground, stacked
from convcli.render.drawing.scene import Path, Raster, Rect, Scene, Shape, Text, text_width, wrapped
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
from convcli.wording import printable, shortened

GALLERY_TITLE, SIZE, SMALL, LINE = 15.0, 14.0, 11.5, 1.4  # of letters, in units; from line to line, in sizes
PAD = 10.0
BETWEEN = 4.0  # pictures of one card
MOST_ROWS = 200
LONGEST = 48  # letters of a cell's line; more would make a picture that nobody can look at
PNG_LEVEL = 4  # much smaller than level 1; level 9 takes far longer for little less


def png(section: Section) -> bytes:
    """Return a section as a picture on a light ground."""
    charts = [element for element in section.elements if isinstance(element, Chart)]
    if charts:
        return charts[0].png()
    scenes = [scene for element in section.elements for scene in _scenes(element)]
    page = stacked([heading(section.title, TITLE), *scenes], GAP)
    return raster.png(on_ground(page, page.width, page.height), PNG_LEVEL)


def _scenes(element: Element) -> list[Scene]:
    match element:
        case Facts():
            rows = tuple((Cell(name), cell) for name, cell in element.items)
            return [_table(Table("", (), rows, frozenset({0, 1})))]
        case Table():
            return [] if element.folded else [_table(element)]
        case Gallery():
            note = [_words(element.note, "muted")] if element.note else []
            title = _words(element.title, "muted") if element.inner else heading(element.title, GALLERY_TITLE)
            return [title, _gallery(element), *note]
        case Words():
            return [_words(element.text, "ink")]
        case Listing() | Chart():
            return []


def _words(text: str, colour: str) -> Scene:
    lines = wrapped(printable(text), WIDTH, SIZE)
    shapes = [Text(0, SIZE * LINE * (n + 0.5), line, SIZE, colour, "start") for n, line in enumerate(lines)]
    return Scene(max(text_width(line, SIZE) for line in lines), SIZE * LINE * len(lines), tuple(shapes))


def _table(table: Table) -> Scene:
    """Return a table with head and foot, lines between the rows, and words under it if rows are left out."""
    shown = table.rows[:MOST_ROWS]
    head = [tuple(map(Cell, table.columns))] if table.columns else []
    rows = [*head, *shown, *([table.foot] if table.foot else [])]
    widths = [max(map(_width, column)) + 2 * PAD for column in zip(*rows, strict=True)]
    shapes: list[Shape] = []
    y = 0.0
    for n, row in enumerate(rows):
        bold = n < len(head) or row is table.foot
        height = max(map(_height, row))
        x = 0.0
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            if cell.fill:
                shapes.append(Rect(x, y, width, height, cell.fill))
            shapes += _cell(cell, x, y, width, "start" if column in table.words else "end", bold=bold)
            x += width
        y += height
        shapes.append(Path(((0, y), (x, y)), "line" if bold else "faint"))
    drawn = [Scene(sum(widths), y, tuple(shapes))]
    if left := len(table.rows) - len(shown):
        drawn.append(_words(f"and {left:,} more rows", "muted"))
    return stacked([*([_words(table.caption, "muted")] if table.caption else []), *drawn], 6.0)


def _width(cell: Cell) -> float:
    lines = _lines(cell)
    return max([text_width(lines[0], SIZE, bold=True), *(text_width(line, SMALL) for line in lines[1:])])


def _height(cell: Cell) -> float:
    return SIZE * LINE + SMALL * LINE * (len(_lines(cell)) - 1) + 8


def _lines(cell: Cell) -> list[str]:
    """Return a cell's text, and its note in lines."""
    note = wrapped(printable(cell.note), WIDTH / 2, SMALL) if cell.note else []
    return [shortened(line, LONGEST) for line in (*printable(cell.text).split("\n"), *note)]


def _cell(
    cell: Cell, x: float, y: float, width: float, anchor: Literal["start", "end"], *, bold: bool
) -> list[Shape]:
    at = x + PAD if anchor == "start" else x + width - PAD
    first, *rest = _lines(cell)
    colour = "muted" if cell.faint else "ink"
    middle = y + 4 + SIZE * LINE / 2
    shapes: list[Shape] = [Text(at, middle, first, SIZE, colour, anchor, bold=bold)]
    for n, line in enumerate(rest):
        below = y + 4 + SIZE * LINE + SMALL * LINE * (n + 0.5)
        shapes.append(Text(at, below, line, SMALL, "muted", anchor))
    return shapes


def _gallery(gallery: Gallery) -> Scene:
    """Return the pictures in lines, each as high as the highest in it."""
    across = max(1, int((WIDTH + GAP) // (gallery.side + GAP)))
    cards = gallery.cards
    return stacked([_beside(cards[n : n + across], gallery.side) for n in range(0, len(cards), across)], GAP)


def _beside(cards: Sequence[Card], side: int) -> Scene:
    shapes, bottom = list[Shape](), 0.0
    for n, card in enumerate(cards):
        scene = _card(card, side)
        shapes += scene.at(n * (side + GAP), 0)
        bottom = max(bottom, scene.height)
    return Scene(len(cards) * (side + GAP) - GAP, bottom, tuple(shapes))


def _card(card: Card, side: float) -> Scene:
    """Return a picture, and those beside it half as wide, one under the other."""
    if not card.beside:
        return _picture(card, side)
    half = (side - BETWEEN) / 3
    beside = stacked([_picture(part, half) for part in card.beside], BETWEEN)
    large = _picture(card, 2 * half)
    shapes = (*large.shapes, *beside.at(2 * half + BETWEEN, 0))
    return Scene(side, max(large.height, beside.height), shapes)


def _picture(card: Card, side: float) -> Scene:
    rows, columns = card.pixels.shape[:2]
    height = side * rows / columns
    shapes: list[Shape] = [
        Raster(0, 0, side, height, card.pixels),
        Rect(0, 0, side, height, None, "line"),
    ]
    y = height + 4
    for n, cell in enumerate(card.lines):
        size = SMALL if n else 13.0
        for line in wrapped(printable(cell.text), side, size):
            shapes.append(Text(0, y + size * 0.7, line, size, "muted" if n else "ink", "start", bold=not n))
            y += size * LINE
    return Scene(side, y, tuple(shapes))
