"""Pictures side by side, each with its name below: as one picture, and in characters for a terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convcli.images import View
from convcli.render.drawing import raster
from convcli.render.drawing.layout import TITLE, heading, on_ground, stacked
from convcli.render.drawing.scene import Raster, Rect, Scene, Shape, Text, text_width, wrapped
from convcli.render.screen import Screen, drawn
from convcli.wording import printable, shortened

Bytes = NDArray[np.uint8]

SCALE = raster.SCALE  # pixels of a picture in a unit
SIZE, LINE = 11.0, 14.0
MOST_LINES = 3  # of a name
GAP = 12.0
SHAPE = 1.4  # of the sheet: width by height, roughly
MOST_COLUMNS = 10
NARROWEST = 90.0  # of a tile, for its name to have room
LEVEL = 4

TILE_COLUMNS = 24  # of characters
_CODES = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture, uint8 (h, w, 3), with its name; or without one, why it is missing."""

    label: str
    pixels: Bytes | None
    missing: str = ""


def tile_of(label: str, seen: View, most: int) -> Tile:
    """Return a tile of what is seen; a small picture a whole number of times as large."""
    times = max(1, most // max(seen.shape))
    rows, columns = (side * times for side in seen.shape)
    return Tile(label, seen.fitted(rows, columns).on_checks())


def sheet_png(title: str, tiles: Sequence[Tile], words: str = "") -> bytes:
    """Return tiles in rows, two pixels a unit, on a light ground."""
    return raster.png(_page(title, tiles, words), LEVEL)


def sheet_pixels(title: str, tiles: Sequence[Tile], words: str = "") -> Bytes:
    """Return the same as pixels."""
    return raster.pixels(_page(title, tiles, words), SCALE)


def _page(title: str, tiles: Sequence[Tile], words: str) -> Scene:
    sizes = [tile.pixels.shape[:2] for tile in tiles if tile.pixels is not None]
    width = max(max((columns for _, columns in sizes), default=0) / SCALE, NARROWEST)
    height = max((rows for rows, _ in sizes), default=0) / SCALE
    scenes = [_tile(tile, width, height) for tile in tiles]
    tall = max(scene.height for scene in scenes)
    columns = round(math.sqrt(len(tiles) * SHAPE * (tall + GAP) / (width + GAP)))
    columns = min(max(columns, 1), MOST_COLUMNS, len(tiles))
    rows = [_row(scenes[n : n + columns], width) for n in range(0, len(scenes), columns)]
    page = [stacked(rows, GAP)]
    across = max(columns * (width + GAP) - GAP, 3 * NARROWEST)
    lines = wrapped(printable(title), across / 1.1, TITLE)
    if lines:
        page.insert(0, heading("\n".join(lines), TITLE) if len(lines) == 1 else _words(lines, TITLE, "ink"))
    if words:
        page.append(_words(wrapped(printable(words), across, SIZE), SIZE, "muted"))
    whole = stacked(page, GAP)
    return on_ground(whole, max(whole.width, across), whole.height)


def _words(lines: Sequence[str], size: float, colour: str) -> Scene:
    step = size * 1.3
    shapes = tuple(Text(0, step * (n + 0.5), line, size, colour, "start") for n, line in enumerate(lines))
    return Scene(max(text_width(line, size) for line in lines), step * len(lines), shapes)


def _row(scenes: Sequence[Scene], width: float) -> Scene:
    shapes = [shape for n, scene in enumerate(scenes) for shape in scene.at(n * (width + GAP), 0)]
    return Scene(len(scenes) * (width + GAP) - GAP, max(scene.height for scene in scenes), tuple(shapes))


def _tile(tile: Tile, width: float, height: float) -> Scene:
    shapes: list[Shape] = []
    if tile.pixels is None:
        reason = wrapped(printable(shortened(tile.missing, 160)), width - 8, SIZE)
        shapes.append(Rect(0, 0, width, max(height, LINE), None, "line", 0.8))
        room = max(int(height / LINE), 1)
        shapes += [
            Text(4, LINE * (n + 0.7), line, SIZE, "muted", "start") for n, line in enumerate(reason[:room])
        ]
    else:
        rows, columns = tile.pixels.shape[0] / SCALE, tile.pixels.shape[1] / SCALE
        # Behind it, and a pixel larger: where pixels are white, one sees where they end.
        shapes.append(Rect(-0.5, height - rows - 0.5, columns + 1, rows + 1, "line"))
        shapes.append(Raster(0, height - rows, columns, rows, tile.pixels))
    lines = _broken(printable(tile.label), width)
    shapes += [Text(0, height + LINE * (n + 0.8), line, SIZE, anchor="start") for n, line in enumerate(lines)]
    return Scene(width, height + LINE * (len(lines) + 0.2), tuple(shapes))


def _broken(text: str, width: float) -> list[str]:
    """Return the lines of a name, broken behind commas and colons too, cut where they are too many."""
    lines = [""]
    for word in re.findall(r"[^,:;\s]*[,:;\s]*", text):
        for part in _pieces(word, width):
            if lines[-1] and text_width(lines[-1] + part.rstrip(), SIZE) > width:
                lines.append(part)
            else:
                lines[-1] += part
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1][:-1] + "…"]
    return lines or [""]


def _pieces(word: str, width: float) -> list[str]:
    """Return a word, or parts of it that fit into a width."""
    parts = [""]
    for sign in word:
        if parts[-1] and text_width(parts[-1] + sign, SIZE) > width:
            parts.append("")
        parts[-1] += sign
    return parts


def sheet_text(tiles: Sequence[Tile], screen: Screen) -> str:
    """Return tiles side by side in characters, each with its name above it."""
    wide = min(TILE_COLUMNS, screen.columns)
    beside = max((screen.columns + 2) // (wide + 2), 1)
    small = replace(screen, columns=wide, lines=wide)
    lines = []
    for start in range(0, len(tiles), beside):
        some = tiles[start : start + beside]
        blocks = [[shortened(printable(tile.label), wide), *_drawn(tile, small, wide)] for tile in some]
        for n in range(max(map(len, blocks))):
            cells = [block[n] if n < len(block) else "" for block in blocks]
            lines.append("  ".join(cell + " " * (wide - _length(cell)) for cell in cells).rstrip(" "))
        lines.append("")
    return "\n".join(lines)


def _drawn(tile: Tile, screen: Screen, wide: int) -> list[str]:
    if tile.pixels is None:
        return [tile.missing[n : n + wide] for n in range(0, min(len(tile.missing), 4 * wide), wide)]
    return drawn(View(tile.pixels), screen).splitlines()


def _length(line: str) -> int:
    return len(_CODES.sub("", line))
