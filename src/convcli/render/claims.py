"""What is said of a claimed size: yes or no, the formula in numbers, and what would make it right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from convcli.render.solutions import padding_name
from convcli.shapes import Pair, axis_padding, formulas
from convcli.shapes.claims import BothAxes, Change, Failure, Judged, window_of
from convcli.shapes.transposed import Transposed
from convcli.wording import short_pair


def claim_text(judged: Judged) -> str:
    """Return the answer to a claim, for a person to read."""
    claimed = short_pair(judged.claimed)
    if judged.right:
        return "\n".join([f"yes: {claimed}", "", *_formula(judged.axes)])
    if judged.output is None:
        lines = [f"no: not {claimed}, for no window fits", "", judged.refusal]
    else:
        lines = [f"no: {short_pair(judged.output)}, not {claimed}", "", *_formula(judged.axes)]
    return "\n".join([*lines, "", *_ways(judged, claimed), *_slips(judged, claimed)])


def _formula(axes: BothAxes) -> list[str]:
    window = window_of(axes)
    if isinstance(window, Transposed):
        letters = formulas.TRANSPOSED_SIZE
    else:
        letters = formulas.CEIL_SIZE if window.ceil_mode else formulas.SIZE
    return formulas.lines(*_numbers(axes), letters)


def _numbers(axes: BothAxes) -> tuple[str, str]:
    rows, columns = formulas.by_axis((axes[0].n, axes[1].n), window_of(axes)).values()
    return rows, columns


def _ways(judged: Judged, claimed: str) -> Iterator[str]:
    if judged.changes:
        yield f"{claimed} comes out with one of these:"
        told = [
            (f"{change.letter} = {value_text(change)}", _numbers(change.axes)) for change in judged.changes
        ]
        width = max(len(value) for value, _ in told)
        for value, numbers in told:
            for line in dict.fromkeys(numbers):
                yield f"  {value:{width}}   {line}"
                value = ""
        if any(_beyond_the_window(change) for change in judged.changes):
            yield "  So much padding makes windows that hold zeros alone."
    else:
        yield f"No padding, stride, window or dilation changed alone gives {claimed}."
    for failure in judged.failures:
        yield f"No {failure.letter} gives it{_why(failure, judged.axes)}"


def _why(failure: Failure, axes: BothAxes) -> str:
    if failure.because:
        return f": {failure.because}"
    along = f" along the {failure.axis}" if axes[0] != axes[1] else ""
    near = " and ".join(f"{failure.letter} = {value} gives {size}" for value, size in failure.near)
    return f"{along}: {near}." if near else f"{along}: not one window fits, whatever it is."


def _slips(judged: Judged, claimed: str) -> Iterator[str]:
    for slip in judged.slips:
        rows, columns = slip.numbers
        text = rows if rows == columns else f"{rows} and {columns}"
        yield f"{claimed} is what the formula gives {slip.says}: {text}."


def _beyond_the_window(change: Change) -> bool:
    """Return whether windows would lie on padding alone."""
    return (
        change.letter == "p"
        and any(
            max(axis_padding(axis.padding, axis.f, axis.d)) > axis.d * (axis.f - 1) for axis in change.axes
        )
        and not change.axes[0].transposed
    )


def value_text(change: Change) -> str:
    """Return a change's value as the option of its letter takes it, a padding with its name."""
    rows, columns = change.axes
    if change.with_stride:
        return f"{value_text(replace(change, with_stride=False))}, s = {_short((rows.s, columns.s))}"
    if change.letter == "p":
        sides = (
            axis_padding(rows.padding, rows.f, rows.d),
            axis_padding(columns.padding, columns.f, columns.d),
        )
        if any(before != after for before, after in sides):
            return ",".join(str(side) for pair in sides for side in pair)
        text = _short((sides[0][0], sides[1][0]))
        name = padding_name(sides[0][0], rows)
        return f"{text} ({name})" if name and rows == columns else text
    return _short(_values(change))


def _values(change: Change) -> Pair:
    rows, columns = change.axes
    name = "output_padding" if change.letter == "output padding" else change.letter
    return getattr(rows, name), getattr(columns, name)


def _short(values: Pair) -> str:
    return str(values[0]) if values[0] == values[1] else f"{values[0]}x{values[1]}"


def claim_document(judged: Judged) -> dict[str, Any]:
    """Return the same as plain JSON."""
    document: dict[str, Any] = {
        "claimed": list(judged.claimed),
        "right": judged.right,
        "output": None if judged.output is None else list(judged.output),
    }
    if judged.output is None:
        document["refusal"] = judged.refusal
    else:
        document["formula"] = _by_axis(_numbers(judged.axes))
    return {
        **document,
        "changes": [_change_document(change) for change in judged.changes],
        "without_answer": [
            {
                "letter": failure.letter,
                "axis": failure.axis,
                "nearest": [{"value": value, "output": size} for value, size in failure.near],
            }
            for failure in judged.failures
        ],
        "slips": [{"says": slip.says, "numbers": _by_axis(slip.numbers)} for slip in judged.slips],
    }


def _change_document(change: Change) -> dict[str, Any]:
    if change.letter == "p":
        value: list[Any] = [list(axis_padding(axis.padding, axis.f, axis.d)) for axis in change.axes]
    else:
        value = list(_values(change))
    stride = {"stride": [axis.s for axis in change.axes]} if change.with_stride else {}
    return {"letter": change.letter, "value": value, **stride, "formula": _by_axis(_numbers(change.axes))}


def _by_axis(texts: Sequence[str]) -> dict[str, str]:
    return {"rows": texts[0], "columns": texts[1]}
