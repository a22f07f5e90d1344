"""Elements set in rows, rows under each other, steps under each other: pages of one scene."""

from __future__ import annotations

from collections.abc import Sequence

from convcli.explain.figure import Element, Explanation, Formula, Step
from convcli.render.explain.drawing import draw
from convcli.render.explain.scene import Scene, Shape, Text, text_width, wrapped
from convcli.wording import printable

WIDTH = 860.0
MARGIN, GAP, ROW_GAP, STEP_GAP, FORMULA_GAP = 20.0, 14.0, 14.0, 26.0, 5.0
TITLE, STEP_TITLE = 18.0, 15.0


def frames(explanation: Explanation) -> list[Scene]:
    """Return one scene a step, all of one size, each with the title and where it is among the steps."""
    count = len(explanation.steps)
    pages = []
    for n, step in enumerate(explanation.steps, 1):
        title = f"{n}/{count}  {step.title}" if count > 1 else step.title
        pages.append(stacked([heading(explanation.title, TITLE), _step(step, title)], ROW_GAP))
    width, height = max(page.width for page in pages), max(page.height for page in pages)
    return [on_ground(page, width, height) for page in pages]


def still(explanation: Explanation) -> Scene:
    """Return one scene with the steps that tell the story in short."""
    parts = [heading(explanation.title, TITLE)]
    parts += [_step(step, step.title) for step in still_steps(explanation)]
    page = stacked(parts, STEP_GAP)
    return on_ground(page, page.width, page.height)


def still_steps(explanation: Explanation) -> list[Step]:
    """Return the steps of a picture that does not move."""
    return [explanation.steps[n] for n in explanation.still]


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


def _step(step: Step, title: str) -> Scene:
    blocks: list[Scene] = [heading(title, STEP_TITLE)]
    words: list[Scene] = []  # formulas in a row stand closer
    for row in step.rows:
        if len(row) == 1 and isinstance(row[0], Formula):
            words += _lines(row)
            continue
        blocks += [stacked(words, FORMULA_GAP)] if words else []
        words = []
        blocks += _lines(row)
    return stacked([*blocks, stacked(words, FORMULA_GAP)] if words else blocks, ROW_GAP)


def _lines(row: Sequence[Element]) -> list[Scene]:
    """Return a row of elements side by side, on as many lines as it needs."""
    lines: list[list[Scene]] = [[]]
    for element in row:
        drawn = draw(element, WIDTH)
        taken = sum(scene.width + GAP for scene in lines[-1])
        if lines[-1] and taken + drawn.width > WIDTH:
            lines.append([])
        lines[-1].append(drawn)
    return [_beside(line) for line in lines]


def _beside(scenes: list[Scene]) -> Scene:
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
