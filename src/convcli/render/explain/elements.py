"""How each element looks: one function an element, which returns a scene."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from convcli.explaining.elements import Arrow, Block, Element, Formula, Graph, Grid, Picture
from convcli.explaining.notation import number
from convcli.render.drawing.heat import overlaid
from convcli.render.drawing.palette import LINK_COLOURS
from convcli.render.drawing.scene import Path, Point, Raster, Rect, Scene, Shape, Text, text_width, wrapped
from convcli.render.drawing.thumbnails import thumbnail
from convcli.render.explain.grounds import framed, ground
from convcli.render.explain.solid import MOST_DRAWN, drawn
from convcli.wording import by, printable

CELL = 32.0
NUMBER, CAPTION, FORMULA = 14.0, 12.5, 14.0
LINE = 1.35  # from line to line, in sizes
PICTURE = 200.0
MOST_PIXELS = 200  # of a picture's longer side


def draw(element: Element, width: float) -> Scene:
    """Return an element as a scene that is no wider than `width` if it can be."""
    match element:
        case Grid():
            return _grid(element)
        case Arrow():
            return _arrow(element)
        case Formula():
            return _formula(element, width)
        case Picture():
            return _picture(element)
        case Block():
            return _block(element, width)
        case Graph():
            return _graph(element, width)


def _grid(grid: Grid) -> Scene:
    rows, columns = grid.shape
    texts = [["" if cell is None else number(cell) for cell in row] for row in grid.cells]
    longest = max(text_width(text, NUMBER, mono=True) for row in texts for text in row)
    cell_width = max(CELL, longest + 10)
    side = max((text_width(name, NUMBER) + 12 for name in grid.row_names), default=0.0)
    shapes: list[Shape] = [
        Text(side - 8, (i + 0.5) * CELL, printable(name), NUMBER, anchor="end")
        for i, name in enumerate(grid.row_names)
    ]
    shapes += _runs(grid, side, cell_width)
    for i, row in enumerate(grid.cells):
        for j, value in enumerate(row):
            role = grid.marks.get((i, j))
            x, y = side + j * cell_width, i * CELL
            bold = role in ("result", "chosen")
            if texts[i][j]:
                place = (x + cell_width / 2, y + CELL / 2)
                shapes.append(Text(*place, texts[i][j], NUMBER, ground(grid, i, j)[1], bold=bold, mono=True))
            if framed(grid, i, j):
                box = (x + 2.5, y + 2.5, cell_width - 5, CELL - 5)
                shapes += [Rect(*box, None, "ground", 4.0), Rect(*box, None, "box", 2.0)]
            elif value is not None and role in ("result", "chosen"):
                shapes.append(Rect(x + 1, y + 1, cell_width - 2, CELL - 2, None, "ink", 2.0))
            if role == "unused":
                corner = ((x + 4, y + CELL - 4), (x + cell_width - 4, y + 4))
                shapes.append(Path(corner, "cross", 1.4))
    return _captioned(shapes, side + columns * cell_width, rows * CELL, grid.caption)


def _runs(grid: Grid, left: float, cell_width: float) -> list[Shape]:
    """Return the cells' grounds, neighbours of one colour as one rectangle, and the lines between them."""
    rows, columns = grid.shape
    shapes: list[Shape] = []
    for i, row in enumerate(grid.cells):
        fills = [ground(grid, i, j)[0] for j in range(len(row))]
        start = 0
        for j in range(1, columns + 1):
            if j == columns or fills[j] != fills[start]:
                width = (j - start) * cell_width
                shapes.append(Rect(left + start * cell_width, i * CELL, width, CELL, fills[start]))
                start = j
    width, height = columns * cell_width, rows * CELL
    across = [((left, i * CELL), (left + width, i * CELL)) for i in range(1, rows)]
    down = [((left + j * cell_width, 0.0), (left + j * cell_width, height)) for j in range(1, columns)]
    shapes += [Path(ends, "line", 0.8) for ends in (*across, *down)]
    shapes.append(Rect(left, 0, width, height, None, "muted", 1.2))
    return shapes


def _captioned(shapes: list[Shape], width: float, height: float, caption: str) -> Scene:
    """Return a body with its caption centred under it."""
    lines = wrapped(printable(caption), max(width, 150.0), CAPTION) if caption else []
    outer = max([width, *(text_width(line, CAPTION) for line in lines)])
    body = Scene(width, height, tuple(shapes))
    drawn = body.at((outer - width) / 2, 0)
    for n, line in enumerate(lines):
        drawn.append(Text(outer / 2, height + CAPTION * (1.0 + LINE * n), line, CAPTION, "muted"))
    below = CAPTION * (LINE * len(lines) + 0.5) if lines else 0.0
    return Scene(outer, height + below, tuple(drawn), height / 2)


def _arrow(arrow: Arrow) -> Scene:
    sign = "∗" if arrow.sign == "*" else arrow.sign
    size = 24.0
    lines = wrapped(arrow.note, 96.0, CAPTION) if arrow.note else []
    width = max([text_width(sign, size), *(text_width(line, CAPTION) for line in lines)])
    shapes: list[Shape] = [Text(width / 2, size / 2, sign, size, "muted", bold=True)]
    for n, line in enumerate(lines):
        shapes.append(Text(width / 2, size + CAPTION * (0.7 + LINE * n), line, CAPTION, "muted"))
    return Scene(width, size + CAPTION * LINE * len(lines), tuple(shapes), size / 2)


def _formula(formula: Formula, width: float) -> Scene:
    lines = wrapped(printable(formula.text), width, FORMULA)
    step = FORMULA * LINE
    shapes = [Text(0, step * (n + 0.5), line, FORMULA, anchor="start") for n, line in enumerate(lines)]
    wide = max(text_width(line, FORMULA) for line in lines)
    return Scene(wide, step * len(lines), tuple(shapes), step * len(lines) / 2)


def shown_pixels(picture: Picture) -> NDArray[np.uint8]:
    """Return the pixels of a picture as they are drawn, under what lies over them."""
    pixels = picture.pixels if picture.heat is None else overlaid(picture.pixels, picture.heat)
    return thumbnail(pixels, MOST_PIXELS)


def _picture(picture: Picture) -> Scene:
    rows, columns = picture.pixels.shape[:2]
    scale = PICTURE / max(rows, columns) if max(rows, columns) > 40 else min(16.0, 128 / max(rows, columns))
    width, height = columns * scale, rows * scale
    shapes: list[Shape] = [
        Raster(0, 0, width, height, shown_pixels(picture)),
        Rect(0, 0, width, height, None, "muted", 1.0),
    ]
    if picture.box is not None:
        row, column, box_rows, box_columns = picture.box
        x, y, w, h = (value * scale for value in (column, row, box_columns, box_rows))
        grown = max(0.0, (8 - min(w, h)) / 2)  # a box too small to be seen is drawn around its place
        box = (x - grown, y - grown, w + 2 * grown, h + 2 * grown)
        shapes += [Rect(*box, None, "ground", 4.0), Rect(*box, None, "box", 2.0)]
    return _captioned(shapes, width, height, picture.caption)


def _block(block: Block, width: float) -> Scene:
    """Solids with their caption, and how large one is, and how many more there are."""
    solids = drawn(block, width)
    body = _captioned(list(solids.shapes), solids.width, solids.height, block.caption)
    left = block.count - MOST_DRAWN
    size = f"{by(block.shape)}{' each' if block.count > 1 else ''}{f', … {left} more' if left > 0 else ''}"
    outer = max(body.width, text_width(size, FORMULA, bold=True))
    y = body.height + FORMULA * 0.6
    label = Text(outer / 2, y, size, FORMULA, bold=True)
    moved = body.at((outer - body.width) / 2, 0)
    return Scene(outer, y + FORMULA * 0.8, (*moved, label), body.middle)


def _graph(graph: Graph, width: float) -> Scene:
    labels = Counter(link.start for link in graph.links if link.label)
    most = max(labels.values(), default=0)  # on lines that begin in one place
    step = max(24.0, (most + 1) * LINE * CAPTION if most else 0.0)
    height = step * max(len(graph.inputs), len(graph.outputs))
    side = 12 + max(text_width(name, CAPTION) for name in (*graph.inputs, *graph.outputs))
    across = min(300.0, width - 2 * side - 20)

    def places(count: int, x: float) -> list[Point]:
        return [(x, (n + 0.5) * height / count) for n in range(count)]

    starts, ends = places(len(graph.inputs), side), places(len(graph.outputs), side + across)
    weak = [link for link in graph.links if not link.strong]
    strong = [link for link in graph.links if link.strong]
    shapes: list[Shape] = []
    for link in (*weak, *strong):
        colour = "muted" if link.weight is None else f"link{link.weight % LINK_COLOURS}"
        thickness = 0.7 if link.weight is None else 1.6
        line = (starts[link.start], ends[link.end])
        shapes.append(Path(line, colour if link.strong else "faint", thickness if link.strong else 1.0))
    for link in graph.links:
        if link.label:
            shapes += _label(link.label, starts[link.start], ends[link.end], min(0.3, 1 / (most + 1)))
    for names, points, anchor, shift in (
        (graph.inputs, starts, "end", -10.0),
        (graph.outputs, ends, "start", 10.0),
    ):
        for name, (x, y) in zip(names, points, strict=True):
            shapes.append(Rect(x - 5, y - 5, 10, 10, "kernel", "muted"))
            shapes.append(Text(x + shift, y, name, CAPTION, anchor=anchor))  # type: ignore[arg-type]
    wide = 2 * side + across
    if graph.legend:
        below = _legend(graph.legend, wide)
        shapes += below.at((wide - below.width) / 2, height + 4)
        height += below.height
    return _captioned(shapes, wide, height, graph.caption)


def _label(text: str, start: Point, end: Point, share: float) -> list[Shape]:
    """Return a text on a line, where that share of it lies behind."""
    x, y = (one + share * (other - one) for one, other in zip(start, end, strict=True))
    width = text_width(text, CAPTION, mono=True) + 4
    ground = Rect(x - width / 2, y - CAPTION * 0.55, width, CAPTION * 1.1, "ground")
    return [ground, Text(x, y, text, CAPTION, mono=True)]


def _legend(names: tuple[str, ...], width: float) -> Scene:
    """Return for each shared weight a line of its colour, and what it is."""
    swatch, line = 18.0, CAPTION * 1.5
    wide = swatch + 4 + max(text_width(name, CAPTION) for name in names) + 12
    rows = -(-len(names) // max(1, int(width // wide)))
    columns = -(-len(names) // rows)  # as many in each row
    shapes: list[Shape] = []
    for n, name in enumerate(names):
        x, y = n % columns * wide, (n // columns + 0.5) * line
        shapes.append(Path(((x, y), (x + swatch, y)), f"link{n % LINK_COLOURS}", 3.0))
        shapes.append(Text(x + swatch + 4, y, name, CAPTION, anchor="start"))
    return Scene(columns * wide - 12, rows * line + 4, tuple(shapes))
