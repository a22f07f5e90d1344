"""What was found of a learner's file: a line for each function, and the first failure of each in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from convcli.engine.workspace import Array
from convcli.explaining.elements import Row, Words, exact
from convcli.explaining.notation import number
from convcli.grading.cases import Case
from convcli.grading.cell import drawn
from convcli.grading.comparison import Comparison, grid
from convcli.grading.conventions.layouts import canonical, laid
from convcli.grading.grade import Graded
from convcli.grading.judging import Failure, Judgement
from convcli.grading.mistakes import Diagnosis
from convcli.grading.operations import NOTATION
from convcli.grading.process import Bounds
from convcli.render.explain.terminal import show_rows
from convcli.render.mine import diagnosis_document, diagnosis_lines
from convcli.wording import by, counted, first_of, printable, shown

RIGHT, WRONG = "✓", "✗"
MOST_PRINTED = 6  # lines of what the file printed
MOST_PLANES = 3
MOST_SIDE = 9
LETTERS = {
    "n": "image",
    "h": "row",
    "w": "column",
    "c": "channel",
    "k": "filter",
    "i": "row",
    "j": "column",
    "d": "input",
    "u": "unit",
    "1": "",
}


def show_graded(console: Console, graded: Graded) -> None:
    """Print a line for each function that was judged, then what is wrong."""

    def say(text: str, style: str = "") -> None:
        console.print(Text(printable(text), style=style), soft_wrap=True)

    if graded.trouble:
        say(f"{WRONG} {shown(graded.program.path)}: {graded.trouble}", "bold red")
    width = max((len(judgement.subject.name) for judgement in graded.judgements), default=0)
    for judgement in graded.judgements:
        say(_line(judgement, width), "green" if judgement.right else "bold red")
        speed = () if judgement.speed is None else (_speed(judgement),)
        for told in (f"taken as {_understood(judgement)}", *speed, *judgement.notes):
            say(f"  {'':{width}}  {told}", "yellow" if told in judgement.notes else "dim")
    for judgement, diagnoses in zip(graded.judgements, graded.diagnoses, strict=True):
        if judgement.failure is not None:
            console.print()
            _show_failure(console, judgement, judgement.failure, diagnoses)
    if graded.unknown:
        console.print()
        say(f"Not judged, of {shown(graded.program.path)}:")
        for one in graded.unknown:
            say(f"  {one.name} (line {one.line}): {one.why}")
    if graded.printed.strip():
        lines = graded.printed.strip().splitlines()
        console.print()
        say("The file printed:")
        for line in lines[:MOST_PRINTED]:
            say(f"  {line[:200]}", "dim")
        if len(lines) > MOST_PRINTED:
            say(f"  … {counted(len(lines) - MOST_PRINTED, 'more line')}", "dim")


def _line(judgement: Judgement, width: int) -> str:
    name, what = judgement.subject.name, judgement.subject.operation
    count = f"{judgement.passed} of {counted(judgement.tried, 'case')} right"
    sign = RIGHT if judgement.right else WRONG
    end = "" if judgement.failure is None else f": {_message(judgement.failure)}"
    return f"{sign} {name:{width}}  {what}, {count}{end}"


def _message(failure: Failure) -> str:
    return failure.message if failure.line is None else f"line {failure.line}: {failure.message}"


def _understood(judgement: Judgement) -> str:
    words = judgement.call.words
    if judgement.fits:
        return words if ", by " in words or ", as " in words or "cache" in words else f"{words}: it fits"
    if "as --layout says" in words:
        return f"{words}: it does not fit"
    other = "; --layout says another" if len(judgement.subject.calls) > 1 else ""
    return f"{words}: the likeliest reading, for none fits{other}"


def _speed(judgement: Judgement) -> str:
    speed = judgement.speed
    assert speed is not None
    times = [f"{1e3 * one:.3g} ms" for one in (speed.theirs, speed.loops, speed.ours)]
    return f"{speed.what}: yours {times[0]}; plain loops {times[1]}; convcli {times[2]}"


def _show_failure(
    console: Console, judgement: Judgement, failure: Failure, diagnoses: Sequence[Diagnosis]
) -> None:
    subject, case = judgement.subject, failure.case
    title = f"{subject.name} (line {subject.line}): {_message(failure)}"
    console.print(Text(printable(title), style="bold"), soft_wrap=True)
    console.print(Text(f"The smallest input that shows it: {_case_words(judgement, case)}"), soft_wrap=True)
    compared = _compared(judgement, failure)
    cell = None
    if compared is not None and compared.same_shape and compared.first is not None:
        for step in list(compared.steps())[:MOST_PLANES]:
            console.print()
            if step.title:
                console.print(Text(printable(step.title), style="bold cyan"))
            show_rows(console, step.rows)
        at = compared.first
        console.print()
        found, expected = _told(compared.found[at]), _told(compared.expected[at])
        line = f"First wrong cell: {compared.place(at)} is {found}, expected {expected}."
        console.print(Text(line), soft_wrap=True)
        cell = _cell(judgement, failure, at)
    if cell is not None:
        show_rows(console, cell.rows)
    else:
        show_rows(console, list(_inputs(case)))
    lines = [line for one in diagnoses for line in diagnosis_lines(one)]
    if failure.outcome is not None and not failure.outcome.holds and not lines:
        lines = ["None of the usual mistakes explains it."]
    for line in lines:
        console.print(Text(printable(line), style="yellow"), soft_wrap=True)


def _told(value: float) -> str:
    return number(value) if np.isfinite(value) else str(value)


def _case_words(judgement: Judgement, case: Case) -> str:
    layout = judgement.call.layout
    parts = []
    for name, array in case.arrays.items():
        axes = layout.axes(name)
        ours = canonical(case.operation, name)
        shape = laid(array, ours, axes).shape if ours and name != "labels" else array.shape
        parts.append(f"{NOTATION.get(name, name)} {by(shape) if shape else number(float(array))}")
    parts += [f"{name} {_plain(value)}" for name, value in case.options.items()]
    return ", ".join(parts)


def _plain(value: Any) -> str:
    return by(value) if isinstance(value, tuple) else str(value)


def _compared(judgement: Judgement, failure: Failure) -> Comparison | None:
    """Return the first wrong result beside ours, in the learner's own layout."""
    outcome = failure.outcome
    if outcome is None or not outcome.wrong:
        return None
    name = outcome.wrong[0]
    found, expected = outcome.found[name], outcome.expected[name]
    if found is None:
        return None
    ours, theirs = canonical(outcome.case.operation, name), judgement.call.layout.axes(name)
    if found.shape == expected.shape and ours and found.ndim == len(ours):
        found, expected = (laid(array, ours, theirs) for array in (found, expected))
        axes = tuple(LETTERS.get(axis, axis) for axis in theirs)
        if ours == "nd":
            axes = tuple({"image": "example", "input": "unit"}.get(axis, axis) for axis in axes)
    else:
        axes = tuple(f"axis {n}" for n in range(expected.ndim))
    return Comparison(NOTATION.get(name, name), expected, found, axes, outcome.tolerance(name))


def _cell(judgement: Judgement, failure: Failure, at: tuple[int, ...]) -> Any:
    """Return how the cell comes about that is the first wrong one in the learner's own layout."""
    outcome = failure.outcome
    assert outcome is not None
    name = outcome.wrong[0]
    found = outcome.found[name]
    assert found is not None
    ours, theirs = canonical(outcome.case.operation, name), judgement.call.layout.axes(name)
    index = at
    if ours and found.ndim == len(ours):
        index = tuple(at[theirs.index(axis)] if axis in theirs else 0 for axis in ours)
    return drawn(failure.case, name, index, float(outcome.expected[name][index]), float(found[index]))


def _inputs(case: Case) -> Iterator[Row]:
    """Yield the arrays of a case, the first planes of each side by side, numbers and rows under them."""
    grids, lines = [], []
    for name, array in case.arrays.items():
        title = NOTATION.get(name, name)
        if array.ndim < 2:
            lines.append(f"{title} = {_listed(array)}")
            continue
        planes = _planes(array, canonical(case.operation, name))[:MOST_PLANES]
        grids += [grid(plane[:MOST_SIDE, :MOST_SIDE], f"{title}{words}") for words, plane in planes]
    yield tuple(grids)
    for line in lines:
        yield (Words(line),)


def _planes(array: Array, axes: str) -> list[tuple[str, Array]]:
    """Return the planes of an array with their names."""
    kept = [n for n, axis in enumerate(axes) if axis in "hwij"] or [0, 1]
    others = [n for n in range(array.ndim) if n not in kept]
    moved = np.moveaxis(array, others, range(len(others)))
    sizes = moved.shape[: len(others)]
    return [
        (
            "".join(
                f", {LETTERS[axes[n]]} {i + 1}"
                for n, i in zip(others, index, strict=True)
                if array.shape[n] > 1
            ),
            moved[index],
        )
        for index in np.ndindex(*sizes)
    ]


def _listed(array: Array) -> str:
    return (
        "(" + ", ".join(number(float(value)) for value in array.ravel()) + ")"
        if array.ndim
        else number(float(array))
    )


def graded_summary(graded: Graded) -> str:
    """Return in one line that all is right."""
    count = sum(judgement.tried for judgement in graded.judgements)
    many = counted(len(graded.judgements), "function")
    return f"{many} right, in {counted(count, 'case')}."


def graded_failure(graded: Graded) -> tuple[str, ...]:
    """Return what is wrong, in a line; nothing where all is right."""
    if graded.trouble:
        return (f"{shown(graded.program.path)} cannot be run: {graded.trouble}",)
    wrong = [judgement.subject.name for judgement in graded.judgements if not judgement.right]
    if not wrong:
        return ()
    return (f"{len(wrong)} of {counted(len(graded.judgements), 'function')} wrong: {first_of(wrong)}.",)


def graded_document(graded: Graded, bounds: Bounds, seed: int) -> dict[str, Any]:
    """Return all of it as plain JSON, for graders."""
    return {
        "file": str(graded.program.path),
        "right": graded.right,
        "trouble": graded.trouble or None,
        "judged": [
            _judgement_document(judgement, diagnoses)
            for judgement, diagnoses in zip(graded.judgements, graded.diagnoses, strict=True)
        ],
        "not_judged": [{"name": one.name, "line": one.line, "why": one.why} for one in graded.unknown],
        "notes": list(graded.notes),
        "printed": graded.printed,
        "limits": {"seconds": bounds.seconds, "whole": bounds.whole, "memory": bounds.memory},
        "seed": seed,
    }


def _judgement_document(judgement: Judgement, diagnoses: Sequence[Diagnosis]) -> dict[str, Any]:
    subject, speed = judgement.subject, judgement.speed
    return {
        "function": subject.name,
        "line": subject.line,
        "operation": subject.operation,
        "understood_as": judgement.call.words,
        "layout": judgement.call.layout.name,
        "fits": judgement.fits,
        "right": judgement.right,
        "notes": list(judgement.notes),
        "passed": judgement.passed,
        "tried": judgement.tried,
        "failure": None if judgement.failure is None else _failure_document(judgement.failure),
        "diagnoses": [diagnosis_document(one) for one in diagnoses],
        "seconds": None
        if speed is None
        else {"yours": speed.theirs, "plain_loops": speed.loops, "convcli": speed.ours, "of": speed.what},
    }


def _failure_document(failure: Failure) -> dict[str, Any]:
    outcome = failure.outcome
    document: dict[str, Any] = {
        "kind": failure.kind,
        "message": failure.message,
        "line": failure.line,
        "case": {
            "origin": failure.case.origin,
            "arrays": {name: _numbers(array) for name, array in failure.case.arrays.items()},
            "options": {
                name: list(one) if isinstance(one, tuple) else one
                for name, one in failure.case.options.items()
            },
        },
    }
    if outcome is None:
        return document
    document["results"] = {
        name: {
            "right": name not in outcome.wrong,
            "expected": _numbers(outcome.expected[name]),
            "found": None if array is None else _numbers(array),
        }
        for name, array in outcome.found.items()
        if name in outcome.expected
    }
    first = outcome.first_wrong()
    if first is not None:
        document["first_wrong"] = {"result": first[0], "cell": None if first[1] is None else list(first[1])}
    return document


def _numbers(array: Array) -> Any:
    """Return numbers as JSON has them; what is none is a word."""
    if array.ndim == 0:
        return exact(float(array)) if np.isfinite(array) else str(float(array))
    return [_numbers(one) for one in array]
