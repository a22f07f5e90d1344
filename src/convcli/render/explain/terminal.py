"""Explanations on a terminal: blocks of lines side by side, as many as fit."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

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
    Step,
)
from convcli.explaining.notation import number
from convcli.render.drawing.palette import COLOURS
from convcli.render.explain import solid_text
from convcli.render.explain.elements import shown_pixels
from convcli.render.explain.grounds import ground
from convcli.wording import printable

STYLES = {
    "window": "bold black on yellow",
    "padding": "bright_black",
    "kernel": "blue",
    "result": "bold black on green",
    "done": "green",
    "chosen": "bold black on bright_red",
    "unused": "strike bright_black",
}
GAP = 2
SHADES = " ░▒▓█"
PICTURE_COLUMNS = 36

_BRACKETS = {"window": ("[", "]"), "result": ("<", ">"), "chosen": ("{", "}"), "unused": ("×", "×")}


def show(console: Console, explanation: Explanation, *, full: bool = False) -> None:
    """Print the first step and the still picture's whole, of the others formulas; with `full` all whole."""
    console.print(Text(printable(explanation.title), style="bold"))
    whole = range(len(explanation.steps)) if full else {0, *explanation.still}
    for n, step in enumerate(explanation.steps):
        show_step(console, explanation, n, step if n in whole else _short(step))


def _short(step: Step) -> Step:
    """Leave a step its formulas, and its tables of one column: the errors of a check stand nowhere else."""
    rows = [row for row in step.rows if all(map(_is_told, row))]
    return Step(step.title, tuple(rows) or step.rows)


def _is_told(element: Element) -> bool:
    return isinstance(element, Formula) or (
        isinstance(element, Grid) and bool(element.row_names) and len(element.cells[0]) == 1
    )


def show_step(console: Console, explanation: Explanation, n: int, step: Step | None = None) -> None:
    """Print the step of number `n`, from 0, or `step` in its place."""
    step = step or explanation.steps[n]
    console.print()
    console.print(Text(f"{n + 1}/{len(explanation.steps)}  {printable(step.title)}", style="bold cyan"))
    show_rows(console, step.rows)


def show_rows(console: Console, rows: Sequence[Row]) -> None:
    """Print rows of elements."""
    for row in rows:
        for line in _row(row, console):
            console.print(line, soft_wrap=True)


def _row(row: Row, console: Console) -> list[Text]:
    """Return a row's elements side by side, and under each other where the terminal is too narrow."""
    lines: list[Text] = []
    beside: list[list[Text]] = []
    for element in row:
        block = _element(element, console)
        taken = sum(_width(other) + GAP for other in beside)
        if beside and taken + _width(block) > console.width:
            lines += _joined(beside)
            beside = []
        beside.append(block)
    return lines + _joined(beside)


def _width(block: Sequence[Text]) -> int:
    return max(line.cell_len for line in block)


def _joined(blocks: Sequence[list[Text]]) -> list[Text]:
    if not blocks:
        return []
    widths, lines = [_width(block) for block in blocks], []
    for n in range(max(map(len, blocks))):
        line = Text()
        for block, width in zip(blocks, widths, strict=True):
            part = block[n].copy() if n < len(block) else Text()
            part.pad_right(width - part.cell_len + GAP)
            line.append_text(part)
        line.rstrip()
        lines.append(line)
    return lines


def _element(element: Element, console: Console) -> list[Text]:
    match element:
        case Grid():
            return [*_grid(element), *_caption(element.caption)]
        case Arrow():
            return [Text(), Text(element.sign, style="bold"), *map(Text, wrap(printable(element.note), 16))]
        case Formula():
            return [Text(line) for line in wrap(printable(element.text), console.width)]
        case Block():
            return [*_block(element), *_caption(element.caption)]
        case Picture():
            return [*_picture(element, console), *_caption(element.caption)]
        case Graph():
            return _graph(element, console)


def _caption(text: str) -> list[Text]:
    return [Text(line, style="dim") for line in wrap(printable(text), 28)]


def _grid(grid: Grid) -> list[Text]:
    """Return a grid; what stands out is in brackets, too, for terminals without colours."""
    texts = [["" if cell is None else number(cell) for cell in row] for row in grid.cells]
    width = max([1, *(len(text) for row in texts for text in row)])
    side = max((cell_len(name) for name in grid.row_names), default=0)
    lines = []
    for i, row in enumerate(texts):
        name = printable(grid.row_names[i]) if grid.row_names else ""
        line = Text(f"{' ' * (side - cell_len(name))}{name} " if name else "")
        for j, text in enumerate(row):
            role = grid.marks.get((i, j), "")
            left, right = _BRACKETS.get(role, (" ", " "))
            line.append(f"{left}{text or '.':>{width}}{right}", style=_style(grid, i, j))
        lines.append(line)
    return lines


def _block(block: Block) -> list[Text]:
    """Return a solid in letters, or of one too large for that what stands out in it; and its size."""
    lines = []
    for line in solid_text.drawn(block):
        text = Text(style="blue")
        for letter, role in line:
            text.append(letter, style=STYLES.get(role or "", ""))
        lines.append(text)
    told = [] if lines else [Text(part) for part in solid_text.parts(block)]
    return [*lines, Text(solid_text.size(block), style="bold blue"), *told]


def _style(grid: Grid, i: int, j: int) -> str:
    """Return how a cell looks: by its role, or on the ground of a pixel or a channel."""
    role = grid.marks.get((i, j), "")
    fill, ink = ground(grid, i, j)
    if fill.startswith("tint"):
        return f"black on {COLOURS[fill].light}"
    if ink in ("onlight", "ondark"):
        bold = "bold underline " if role in ("window", "chosen", "result") else ""
        return f"{bold}{COLOURS[ink].light} on {COLOURS[fill].light}"
    return STYLES.get(role, "")


def _picture(picture: Picture, console: Console) -> list[Text]:
    """Return a picture in half blocks of true colour, or in shades; its box is drawn where there is one."""
    pixels = _with_box(picture)
    rows, columns = pixels.shape[:2]
    width = min(PICTURE_COLUMNS, columns * 2, console.width)
    across = np.arange(width) * columns // width
    height = max(1, round(width * rows / columns))
    if console.color_system == "truecolor":
        down = np.arange(height + height % 2) * rows // (height + height % 2)
        small = _means(pixels, down, across)
        return [_half_blocks(small[n], small[n + 1]) for n in range(0, len(small), 2)]
    down = np.arange(max(1, height // 2)) * rows // max(1, height // 2)
    grey = _means(pixels, down, across).mean(axis=2)
    return [Text("".join(SHADES[int(value) * len(SHADES) // 256] for value in line)) for line in grey]


def _means(pixels: NDArray[np.uint8], down: NDArray[np.intp], across: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return the means of the blocks that begin at these rows and columns: no thin line is lost."""
    means = pixels.astype(np.float64)
    for axis, begins in enumerate((down, across)):
        ends = np.maximum(np.append(begins[1:], means.shape[axis]), begins + 1)
        counts = (ends - begins).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        means = np.add.reduceat(means, begins, axis=axis) / counts
    return np.rint(means).astype(np.uint8)


def _with_box(picture: Picture) -> NDArray[np.uint8]:
    small = shown_pixels(picture)
    pixels = np.repeat(small[:, :, None], 3, axis=2) if small.ndim == 2 else small.copy()
    if picture.box is not None:
        share = pixels.shape[0] / picture.pixels.shape[0]
        row, column, height, width = (round(value * share) for value in picture.box)
        edge = max(1, round(max(pixels.shape[:2]) / PICTURE_COLUMNS / 2))
        inside = pixels[row : row + height, column : column + width].copy()
        pixels[max(0, row - edge) : row + height + edge, max(0, column - edge) : column + width + edge] = (
            255,
            0,
            0,
        )
        pixels[row : row + height, column : column + width] = inside
    return pixels


def _half_blocks(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Text:
    line = Text()
    for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
        line.append("▀", style=f"rgb({','.join(map(str, above))}) on rgb({','.join(map(str, below))})")
    return line


def _graph(graph: Graph, console: Console) -> list[Text]:
    """Return what feeds each output, a line an output."""
    lines = [Text(printable(graph.caption), style="dim")]
    side = max(4, *map(len, graph.outputs))
    for end, name in enumerate(graph.outputs):
        own = graph.feeding(end)
        words = " ".join(
            graph.inputs[link.start] + (f"·{told}" if (told := link.told) else "") for link in own
        )
        found = wrap(words, max(20, min(console.width, 60) - 6))
        lines += [
            Text(f"{name:>{side}} ← {line}" if not n else f"{'':{side}}   {line}")
            for n, line in enumerate(found)
        ]
    return [*lines, *map(Text, wrap(", ".join(graph.legend), max(20, min(console.width, 60))))]
