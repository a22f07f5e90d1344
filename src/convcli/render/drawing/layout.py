"""Scenes beside and under each other, and what makes a page of them."""

from __future__ import annotations

from collections.abc import Sequence

from convcli.render.drawing.scene import Scene, Shape, Text, text_width, wrapped
from convcli.wording import printable

WIDTH = 860.0
MARGIN, GAP = 20.0, 14.0
TITLE = 18.0


def on_ground(page: Scene, width: float, height: float) -> Scene:
    """Return a page with a margin around it, of a width and height without that."""
    return Scene(width + 2 * MARGIN, height + 2 * MARGIN, tuple(page.at(MARGIN, MARGIN)))


def heading(text: str, size: float) -> Scene:
    """Return a line in bold, broken where it is too long for a page."""
    lines = wrapped(printable(text), WIDTH / 1.1, size)
    shapes = [
        Text(0, size * (0.6 + 1.3 * n), line, size, anchor="start", bold=True) for n, line in enumerate(lines)
    ]
    width = max(text_width(line, size, bold=True) for line in lines)
    return Scene(width, size * (0.2 + 1.3 * len(lines)), tuple(shapes))


def beside(scenes: list[Scene]) -> Scene:
    """Return scenes side by side, their middles at one height."""
    middle = max(scene.middle for scene in scenes)
    x, shapes, bottom = 0.0, list[Shape](), 0.0
    for scene in scenes:
        y = middle - scene.middle
        shapes += scene.at(x, y)
        bottom = max(bottom, y + scene.height)
        x += scene.width + GAP
    return Scene(x - GAP, bottom, tuple(shapes), middle)


def stacked(scenes: Sequence[Scene], gap: float) -> Scene:
    """Return scenes under each other."""
    y, shapes = 0.0, list[Shape]()
    for scene in scenes:
        shapes += scene.at(0, y)
        y += scene.height + gap
    return Scene(max(scene.width for scene in scenes), y - gap, tuple(shapes))
