"""What a network sees in images: a line, a document or a row of cells for each, and what is said of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcli.nn.prediction import Answer
from convcli.wording import shown


def answer_line(answer: Answer, classes: Sequence[str]) -> str:
    """Return the line of an image; `classes` that could be taken for a part of it stand in quotes."""
    quotes = '"' if any(map(_unclear, classes)) else ""
    words = (f"{quotes}{shown(name)}{quotes} {share:.1%}" for name, share in answer.ranking)
    return f"{shown(answer.image)}: " + ", ".join(words)


def _unclear(name: str) -> bool:
    return (
        not name.strip() or name[0].isdigit() or name[-1].isdigit() or any(sign in name for sign in ',":%+-')
    )


def answer_document(answer: Answer) -> dict[str, Any]:
    """Return what --json says of an image."""
    top = [{"class": name, "probability": share} for name, share in answer.ranking]
    best = {"image": answer.image, "class": answer.ranking[0][0]}
    return {**best, "top": top, "far_from_training": answer.far}


def columns(top: int) -> list[str]:
    """Return the names of the cells of `answer_cells`."""
    names = ["image", "class", "probability"]
    return names + [f"{name}_{place}" for place in range(2, top + 1) for name in names[1:]]


def answer_cells(answer: Answer) -> list[str | float]:
    """Return a row of CSV."""
    return [answer.image, *(cell for pair in answer.ranking for cell in pair)]


def far_note(answers: Sequence[Answer], count: int, *, invert: bool) -> str | None:
    """Return what to say of those of `count` images that are far from the training's, if any are."""
    far = [answer for answer in answers if answer.far]
    if not far:
        return None
    name = shown(far[0].image)
    which = f"{name} is" if count == 1 else f"{len(far):,} of {count:,} images ({name} …) are"
    told = f"{which} much brighter or darker than all that the network was trained on"
    if any(answer.inverted_is_near for answer in far):
        return f"{told}: are black and white exchanged? Try it {'without' if invert else 'with'} --invert."
    return f"{told}: its answer may mean nothing."
