"""A result as data, as tables for the terminal, and as the page docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.measuring import Section, Series

COLUMNS = ("", "unit", "convcli", "beside", "its figure", "convcli is")
ON_THE_RIGHT = ("convcli", "its figure", "convcli is")


@dataclass(frozen=True)
class Result:
    """All that one run of the benchmarks found.

    Attributes
    ----------
    machine
        Facts by name.
    command, date, threads
        How, when and on how many threads it was made.
    sections
        By the comparisons' names.
    """

    machine: Mapping[str, str]
    command: str
    date: str
    threads: int
    sections: Mapping[str, Section]


RESULT = TypeAdapter(Result)
"""Reads and writes results as JSON."""


class Row(NamedTuple):
    """A line of a section's table: one case beside one peer."""

    case: str
    unit: str
    ours: str
    peer: str
    theirs: str
    advantage: str


def rows(section: Section) -> Iterator[Row]:
    """Yield the lines of a section; the case stands only on the first of its lines."""
    for case in section.cases:
        first = (case.name, case.unit, figure(case.ours))
        for peer in case.peers:
            yield Row(*first, peer.side, figure(peer), _times(case.advantage(peer)))
            first = ("", "", "")
        if not case.peers:
            yield Row(*first, "", "", "")


def figure(series: Series) -> str:
    """Return a median and its spread, `1,450 ±2%`."""
    return (
        f"{number(series.median)} ±{series.spread:.0%}" if len(series.values) > 1 else number(series.median)
    )


def _times(ratios: Series) -> str:
    low, high = min(ratios.values), max(ratios.values)
    between = f" ({low:.2f}–{high:.2f})" if len(ratios.values) > 1 else ""
    return f"{ratios.median:.2f}×{between}"


def number(value: float) -> str:
    """Return a number with three digits that mean something.

    >>> [number(value) for value in (0.0123, 1.234, 12.34, 123.4, 12345.6)]
    ['0.0123', '1.23', '12.3', '123', '12,346']
    """
    digits = next((count for limit, count in ((100, 0), (10, 1), (1, 2), (0.1, 3)) if value >= limit), 4)
    return f"{value:,.{digits}f}"


def table(section: Section) -> Table:
    """Return a section as a table for the terminal."""
    result = Table(box=SIMPLE_HEAD, title=section.title, title_justify="left", title_style="bold")
    for column in COLUMNS:
        result.add_column(column, justify="right" if column in ON_THE_RIGHT else "left", no_wrap=column != "")
    for row in rows(section):
        result.add_row(*row)
    return result


HEAD = """# Benchmarks

convcli beside what people would otherwise use, made by `python -m benchmarks`. The sides of a comparison run
in turn, ours, theirs, ours, theirs, each in a process of its own, on {threads} thread(s), after a warm-up.
A figure is the median of the runs ± half the distance from the lowest to the highest. The last column is the
median of the ratios run by run, with the lowest and the highest: above 1, convcli is faster or takes less."""


def page(result: Result) -> str:
    """Return docs/benchmarks.md."""
    commands = "".join(f"{command}\n" for command in result.command.splitlines())
    parts = [
        HEAD.format(threads=result.threads),
        f"Measured on {result.date}. To repeat it in the checkout:",
        f"```sh\npython -m pip install -e '.[bench]'\n{commands}```",
        markdown(("Machine", ""), result.machine.items()),
    ]
    for name, section in result.sections.items():
        parts += [f"## {section.title}", section.about]
        if section.cases:
            parts.append(markdown(COLUMNS, rows(section)))
        if section.axis is not None and section.cases:
            parts.append(f"![{section.title}]({picture(name)})")
        parts += [f"- {note}" for note in section.notes]
    return "\n\n".join(parts) + "\n"


def picture(name: str) -> str:
    """Return where the page looks for the plot of a comparison."""
    return f"images/benchmark-{name}.svg"


def markdown(head: tuple[str, ...], lines: Any) -> str:
    """Return a Markdown table; figures stand on the right."""
    rule = ["---:" if column in ON_THE_RIGHT else "---" for column in head]
    cells = [head, rule, *lines]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '∣') for cell in line)} |" for line in cells)
