"""Steps as scenes: elements in rows, rows under each other, steps under each other."""

from __future__ import annotations

from collections.abc import Sequence

from convcli.explaining.elements import Element, Explanation, Formula, Step
from convcli.render.drawing.layout import GAP, TITLE, WIDTH, beside, heading, on_ground, stacked
from convcli.render.drawing.scene import Scene
from convcli.render.explain.elements import draw

STEP_GAP, FORMULA_GAP = 26.0, 5.0
STEP_TITLE = 15.0


def frames(explanation: Explanation) -> list[Scene]:
    """Return one scene a step, all of one size, each with the title and where it is among the steps."""
    count = len(explanation.steps)
    pages = []
    for n, step in enumerate(explanation.steps, 1):
        title = f"{n}/{count}  {step.title}" if count > 1 else step.title
        pages.append(stacked([heading(explanation.title, TITLE), _step(step, title)], GAP))
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


def _step(step: Step, title: str) -> Scene:
    blocks: list[Scene] = [heading(title, STEP_TITLE)]
    words: list[Scene] = []  # formulas in a row stand closer
    for row in step.rows:
        if len(row) == 1 and isinstance(row[0], Formula):
            words += lines(row)
            continue
        blocks += [stacked(words, FORMULA_GAP)] if words else []
        words = []
        blocks += lines(row)
    return stacked([*blocks, stacked(words, FORMULA_GAP)] if words else blocks, GAP)


def lines(row: Sequence[Element], width: float = WIDTH) -> list[Scene]:
    """Return a row of elements side by side, on as many lines as it needs to be no wider than `width`."""
    found: list[list[Scene]] = [[]]
    for element in row:
        drawn = draw(element, width)
        taken = sum(scene.width + GAP for scene in found[-1])
        if found[-1] and taken + drawn.width > width:
            found.append([])
        found[-1].append(drawn)
    return [beside(line) for line in found]
