"""Conventions side by side: a table, which agree, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from convcli.shapes import AXES
from convcli.shapes.conventions import Axis, Comparison, compare
from convcli.shapes.transposed_conventions import TransposedAxis, compare_transposed

ROOM_FOR_FORMULAS = 70  # columns of a screen; on a narrower one they stand below the table


def comparison_view(rows: Axis, columns: Axis, width: int) -> Group:
    """Return the comparison of both axes, or of one where they are the same, for a screen of `width`."""
    beside = width >= ROOM_FOR_FORMULAS
    if rows == columns:
        parts = _axis_view(rows, "", beside=beside)
    else:
        parts = [*_axis_view(rows, "rows: ", beside=beside), Text()]
        parts += _axis_view(columns, "columns: ", beside=beside)
    sources = {comparison.convention.source: None for comparison in _compared(rows)}
    return Group(*parts, Text(), Text("Published at"), *(Text(f"  {source}") for source in sources))


def _compared(axis: Axis) -> list[Comparison]:
    return compare_transposed(axis) if isinstance(axis, TransposedAxis) else compare(axis)


def _axis_view(axis: Axis, title: str, *, beside: bool) -> list[RenderableType]:
    comparisons = _compared(axis)
    transposed = isinstance(axis, TransposedAxis)
    padding = f"{axis.before} + {axis.after}"
    heading = f"{title}n = {axis.n}, f = {axis.f}, p = {padding}, s = {axis.s}, d = {axis.d}"
    if isinstance(axis, TransposedAxis):
        heading += ", transposed" + (f", output padding {axis.extra}" if axis.extra else "")
    table = Table(box=SIMPLE_HEAD, title=heading, title_justify="left", title_style="bold")
    table.add_column("convention", no_wrap=True)
    table.add_column("out", justify="right", no_wrap=True)
    table.add_column("crops" if transposed else "pads", no_wrap=True)
    if beside:
        table.add_column("formula, and in numbers")
    formulas: list[RenderableType] = []
    for comparison in comparisons:
        convention, outcome = comparison.convention, comparison.outcome
        size = "–" if outcome.size is None else str(outcome.size)
        pads = "" if outcome.padding is None else f"{outcome.padding[0]} + {outcome.padding[1]}"
        numbers = f"\n{outcome.numbers}" if outcome.numbers else ""
        cells = [convention.name, size, pads, f"{convention.formula}{numbers}"]
        table.add_row(*cells[: len(table.columns)])
        formulas += [] if beside else [Text(f"{convention.name}\n{cells[-1]}".replace("\n", "\n  "))]
    return [
        table,
        *formulas,
        *([] if beside else [Text()]),
        *_agreement(comparisons),
        *_differences(comparisons),
    ]


def _agreement(comparisons: Sequence[Comparison]) -> list[RenderableType]:
    """Return a line for each size, with those that come to it."""
    names: dict[int | None, list[str]] = {}
    for comparison in comparisons:
        names.setdefault(comparison.outcome.size, []).append(comparison.convention.name)
    if len(names) == 1:
        return [Text("All conventions agree.")]
    grid = _grid()
    for size, those in names.items():
        grid.add_row("none" if size is None else str(size), ", ".join(those))
    return [grid]


def _differences(comparisons: Sequence[Comparison]) -> list[RenderableType]:
    grid = _grid()
    for comparison in comparisons:
        for number, why in enumerate(comparison.outcome.notes):
            grid.add_row("" if number else comparison.convention.name, f"{why}.")
    return [Text("\nWhere they differ, and why"), grid] if grid.row_count else []


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column()
    return grid


def comparison_document(rows: Axis, columns: Axis) -> dict[str, Any]:
    """Return the same as plain JSON."""
    return {
        name: {
            "n": axis.n,
            "f": axis.f,
            "padding": [axis.before, axis.after],
            "stride": axis.s,
            "dilation": axis.d,
            **({"output_padding": axis.output_padding} if isinstance(axis, TransposedAxis) else {}),
            "conventions": [_document(comparison) for comparison in _compared(axis)],
        }
        for name, axis in zip(AXES, (rows, columns), strict=True)
    }


def _document(comparison: Comparison) -> dict[str, Any]:
    convention, outcome = comparison.convention, comparison.outcome
    return {
        "convention": convention.name,
        "output": outcome.size,
        "padding": None if outcome.padding is None else list(outcome.padding),
        "unused": comparison.unused,
        "formula": convention.formula,
        "numbers": outcome.numbers,
        "notes": list(outcome.notes),
        "source": convention.source,
    }
