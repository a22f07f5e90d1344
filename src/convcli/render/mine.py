"""A learner's array beside ours: which cells are wrong, how the first one comes about, what it looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.text import Text

from convcli.explaining.elements import exact
from convcli.render.explain.terminal import show_rows
from convcli.wording import printable

if TYPE_CHECKING:
    from convcli.grading.arrays import Judged
    from convcli.grading.mistakes import Diagnosis

MOST_CELLS = 100
UNKNOWN = "None of the usual mistakes explains it."
ROUNDED = 0.01


def show_judged(console: Console, judged: Judged) -> None:
    """Print whether an array is right; if not, its planes with the wrong cells marked, and why."""
    comparison = judged.comparison
    console.print(Text(printable(comparison.summary()), style="bold"), soft_wrap=True)
    for step in comparison.steps():
        console.print()
        if step.title and step.title != comparison.name:
            console.print(Text(printable(step.title), style="bold cyan"))
        show_rows(console, step.rows)
    if comparison.right:
        return
    if comparison.first is not None:
        at = comparison.first
        line = (
            f"First wrong cell: {comparison.place(at)} is {_number(comparison.found[at])}, "
            f"expected {_number(comparison.expected[at])}."
        )
        console.print()
        console.print(Text(line), soft_wrap=True)
    if judged.cell is not None:
        console.print()
        show_rows(console, judged.cell.rows)
    console.print()
    for line in diagnosis_lines(judged.diagnosis) or _unexplained(judged):
        console.print(Text(line), soft_wrap=True)


def diagnosis_lines(diagnosis: Diagnosis | None) -> list[str]:
    """Return what a mistake looks like and what to change; nothing where there is none."""
    if diagnosis is None:
        return []
    others = "; ".join(other.sentence for other in diagnosis.others)
    also = [f"It may also be: {others}."] if others else []
    return [str(diagnosis), diagnosis.mistake.change, *also]


def _unexplained(judged: Judged) -> list[str]:
    comparison = judged.comparison
    if comparison.same_shape:
        scale = float(np.abs(comparison.expected[np.isfinite(comparison.expected)]).max(initial=0.0))
        if comparison.largest <= ROUNDED * scale:
            return [
                f"All differences are small: if your numbers are rounded, --tolerance {ROUNDED} takes them."
            ]
    return [UNKNOWN]


def _number(value: float) -> str:
    from convcli.explaining.notation import number

    return number(value) if np.isfinite(value) else str(value)


def judged_document(judged: Judged) -> dict[str, Any]:
    """Return the same as plain JSON."""
    comparison = judged.comparison
    document: dict[str, Any] = {
        "of": comparison.name,
        "right": comparison.right,
        "axes": list(comparison.axes),
        "shape": list(comparison.found.shape),
        "expected_shape": list(comparison.expected.shape),
        "tolerance": comparison.tolerance,
    }
    if comparison.same_shape:
        wrong = np.argwhere(comparison.wrong)
        document |= {
            "wrong": comparison.count,
            "largest_difference": _plain(comparison.largest),
            "wrong_cells": wrong[:MOST_CELLS].tolist(),
        }
    if comparison.first is not None:
        at = comparison.first
        document["first"] = {
            "cell": list(at),
            "found": _plain(comparison.found[at]),
            "expected": _plain(comparison.expected[at]),
            "formula": None if judged.cell is None else _formula(judged),
        }
    return {**document, "diagnosis": diagnosis_document(judged.diagnosis), "notes": list(judged.notes)}


def diagnosis_document(diagnosis: Diagnosis | None) -> dict[str, Any] | None:
    """Return a diagnosis as plain JSON."""
    if diagnosis is None:
        return None
    mistake = diagnosis.mistake
    return {
        "mistake": mistake.name,
        "looks_like": mistake.sentence,
        "change": mistake.change,
        "outputs": list(diagnosis.outputs),
        "others": [other.name for other in diagnosis.others],
    }


def _formula(judged: Judged) -> str | None:
    from convcli.explaining.elements import Formula

    assert judged.cell is not None
    lines = [element.text for row in judged.cell.rows for element in row if isinstance(element, Formula)]
    return lines[-1] if lines else None


def _plain(value: float) -> Any:
    return exact(value) if np.isfinite(value) else str(float(value))
