"""Conventions side by side: a table, which agree, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from convcli.shapes import AXES, Pair, Window
from convcli.shapes.conventions import Axis, Comparison, axes, compare


def comparison_view(plane: Pair, window: Window) -> Group:
    """Return the comparison of both axes, or of one where they are the same."""
    rows, columns = axes(plane, window)
    if rows == columns:
        parts = _axis_view(rows, "")
    else:
        parts = [*_axis_view(rows, "rows: "), Text(), *_axis_view(columns, "columns: ")]
    sources = {comparison.convention.source: None for comparison in compare(rows)}
    return Group(*parts, Text(), Text("Published at"), *(Text(f"  {source}") for source in sources))


def _axis_view(axis: Axis, title: str) -> list[RenderableType]:
    comparisons = compare(axis)
    padding = f"{axis.before} + {axis.after}"
    heading = f"{title}n = {axis.n}, f = {axis.f}, p = {padding}, s = {axis.s}, d = {axis.d}"
    table = Table(box=SIMPLE_HEAD, title=heading, title_justify="left", title_style="bold")
    table.add_column("convention", no_wrap=True)
    table.add_column("out", justify="right", no_wrap=True)
    table.add_column("pads", no_wrap=True)
    table.add_column("formula, and in numbers")
    for comparison in comparisons:
        convention, outcome = comparison.convention, comparison.outcome
        size = "–" if outcome.size is None else str(outcome.size)
        pads = "" if outcome.padding is None else f"{outcome.padding[0]} + {outcome.padding[1]}"
        numbers = f"\n{outcome.numbers}" if outcome.numbers else ""
        table.add_row(convention.name, size, pads, f"{convention.formula}{numbers}")
    return [table, *_agreement(comparisons), *_differences(comparisons)]


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


def comparison_document(plane: Pair, window: Window) -> dict[str, Any]:
    """Return the same as plain JSON."""
    return {
        name: {
            "n": axis.n,
            "f": axis.f,
            "padding": [axis.before, axis.after],
            "stride": axis.s,
            "dilation": axis.d,
            "conventions": [_document(comparison) for comparison in compare(axis)],
        }
        for name, axis in zip(AXES, axes(plane, window), strict=True)
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
