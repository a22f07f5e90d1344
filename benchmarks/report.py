"""A result as data, as tables for the terminal, and as the page docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.measuring import Section, Series

NAMES = ("", "unit", "beside")
FIGURES = ("convcli", "its figure", "convcli is")


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
    instructions
        The widest that every side was let have, if the processor has wider ones.
    """

    machine: Mapping[str, str]
    command: str
    date: str
    threads: int
    sections: Mapping[str, Section]
    instructions: str = ""


RESULT = TypeAdapter(Result)
"""Reads and writes results as JSON."""


class Row(NamedTuple):
    """A line of a section's table: one case beside one peer."""

    case: str
    unit: str
    peer: str
    ours: str
    theirs: str
    advantage: str


def rows(section: Section) -> Iterator[Row]:
    """Yield the lines of a section."""
    for case in section.cases:
        ours = figure(case.ours)
        for peer in case.peers:
            yield Row(case.name, case.unit, peer.side, ours, figure(peer), _times(case.advantage(peer)))
        if not case.peers:
            yield Row(case.name, case.unit, "", ours, "", "")


def joined(sections: Sequence[Section]) -> Iterator[tuple[str, ...]]:
    """Yield the lines of one comparison made several times, the figures side by side.

    The case stands only on the first of its lines, and our figure too.
    """
    found: dict[tuple[str, str, str], list[tuple[str, str, str]]] = {}
    for number, section in enumerate(sections):
        for row in rows(section):
            blank = [("", "", "")] * len(sections)
            found.setdefault(row[:3], blank)[number] = row[3:]
    before = ""
    for (case, unit, peer), figures in found.items():
        again = case == before
        before = case
        names = ("", "", peer) if again else (case, unit, peer)
        yield *names, *(text for ours, *rest in figures for text in ("" if again else ours, *rest))


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
    for column in (*NAMES, *FIGURES):
        result.add_column(column, justify="right" if column in FIGURES else "left", no_wrap=column != "")
    for row in joined([section]):
        result.add_row(*row)
    return result


HEAD = """# Benchmarks

convcli beside what people would otherwise use, made by `python -m benchmarks`. The sides of a comparison run
in turn, ours, theirs, ours, theirs, each in a process of its own, on {threads} thread(s), after a warm-up.
A figure is the median of the runs ± half the distance from the lowest to the highest. The last column is the
median of the ratios run by run, with the lowest and the highest: above 1, convcli is faster or takes less."""


HIDDEN = """Columns with {named} are of the same machine with all wider instructions hidden from every side,
as on the many processors that have none (`--avx2`); onnxruntime has no switch for it and keeps them."""


def page(*results: Result) -> str:
    """Return the page of several results, which differ in their instructions, side by side."""
    first = results[0]
    commands = "".join(f"{command}\n" for result in results for command in result.command.splitlines())
    parts = [
        HEAD.format(threads=first.threads),
        f"Measured on {first.date}. To repeat it in the checkout:",
        f"```sh\npython -m pip install -e '.[bench]'\n{commands}```",
        markdown(("Machine", ""), first.machine.items()),
    ]
    parts += [HIDDEN.format(named=result.instructions) for result in results if result.instructions]
    for name in dict.fromkeys(name for result in results for name in result.sections):
        made = [result for result in results if name in result.sections]
        sections = [result.sections[name] for result in made]
        parts += [f"## {sections[0].title}", sections[0].about]
        if any(section.cases for section in sections):
            head = [f"{figure}{_among(result)}" for result in made for figure in FIGURES]
            parts.append(markdown((*NAMES, *head), joined(sections), right=head))
        parts += [
            f"![{section.title}]({picture(name, result)})"
            for result, section in zip(made, sections, strict=True)
            if section.axis is not None and section.cases
        ]
        for result, section in zip(made, sections, strict=True):
            parts += [
                f"- {result.instructions}{': ' * bool(result.instructions)}{note}" for note in section.notes
            ]
    return "\n\n".join(parts) + "\n"


def _among(result: Result) -> str:
    return f", {result.instructions}" if result.instructions else ""


def picture(name: str, result: Result) -> str:
    """Return where the page looks for the plot of a comparison."""
    instructions = f"-{result.instructions.lower()}" if result.instructions else ""
    return f"images/benchmark-{name}{instructions}.svg"


def markdown(head: tuple[str, ...], lines: Any, right: Sequence[str] = ()) -> str:
    """Return a Markdown table; the columns `right` stand on the right."""
    rule = ["---:" if column in right else "---" for column in head]
    cells = [head, rule, *lines]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '∣') for cell in line)} |" for line in cells)
