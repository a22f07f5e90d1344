"""A lesson as a notebook: its text, its figure, and a cell an exercise to write the answer in."""

from __future__ import annotations

import json
from typing import Any

from convcli.explaining.elements import Words
from convcli.learn import Lesson

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def file_name(lesson: Lesson) -> str:
    """Return what a lesson's notebook is called, so that they lie in their order."""
    return f"{lesson.number:02}-{lesson.name}.ipynb"


def notebook(lesson: Lesson, seed: int) -> bytes:
    """Return the notebook, not yet run: `convcli.lesson` draws, shows and checks in it."""
    cells = [_words(f"# {lesson.number}. {lesson.title}", *_text(lesson))]
    cells.append(
        _code("import convcli", "", f'lesson = convcli.lesson("{lesson.name}", seed={seed})', "lesson.figure")
    )
    for number, kind in enumerate(lesson.kind, 1):
        exercise = lesson.draw(kind, seed)
        cells.append(_words(f"## Exercise {number}", "", exercise.question))
        if exercise.rows:
            cells.append(_code(f"lesson.exercise({number})"))
        cells.append(
            _code(f"lesson.exercise({number}).check(...)  # in place of the dots: {exercise.answer.expects}")
        )
    cells.append(
        _words(
            "`lesson.exercise(1).solution` shows how a result comes about, "
            f'`convcli.explain("{lesson.topic}")` more of the topic; another `seed` draws other numbers.'
        )
    )
    numbered = [{**cell, "id": f"cell-{n}"} for n, cell in enumerate(cells, 1)]
    document = {"cells": numbered, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _text(lesson: Lesson) -> list[str]:
    lines = []
    for part in lesson.text:
        lines += ["", part.text if isinstance(part, Words) else f"    {part.text}"]
    return lines


def _words(*lines: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": "\n".join(lines)}


def _code(*lines: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": "\n".join(lines),
    }
