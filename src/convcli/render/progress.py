"""How far many equal steps have come: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

ECHO = 3  # columns: a terminal echoes ^C behind the bar, and in the last column that would begin another line


class Bar(Progress):
    """A bar that leaves room for what the terminal echoes, or it would not find its first line again."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield what is on the terminal."""
        for shown in super().get_renderables():
            yield _Narrower(shown)


class _Narrower:
    def __init__(self, shown: RenderableType) -> None:
        self.shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self.shown, options.update_width(max(1, options.max_width - ECHO)))


class TimeLeft(TimeRemainingColumn):
    """How long it will take yet, once that can be told."""

    def __init__(self) -> None:
        super().__init__(table_column=_whole())

    def render(self, task: Task) -> Text:
        """Return the time in hours, minutes and seconds."""
        if task.time_remaining is None:
            return Text("")
        return super().render(task).append(" left")


class Rate(ProgressColumn):
    """How many of the steps come in a second."""

    def __init__(self, unit: str) -> None:
        super().__init__(table_column=_whole())
        self.unit = unit

    def render(self, task: Task) -> Text:
        """Return it with its unit, once that can be told."""
        speed = task.finished_speed or task.speed
        digits = 0 if speed and speed >= 100 else 1
        return Text(
            "" if speed is None else f"{speed:,.{digits}f} {self.unit}/s", style="progress.data.speed"
        )


def _whole() -> Column:
    """Return a column that stays whole where a terminal is narrow; the bar gives way."""
    return Column(no_wrap=True)


@contextmanager
def steps(total: int | None, name: str, unit: str = "") -> Iterator[Callable[[], None]]:
    """Yield what is to be called after each of `total` steps; `name` stands before the bar, on stderr.

    Of steps whose number is not known, None, the bar counts those that are done.

    With a `unit`, what the steps are, the bar says how many come in a second.
    """
    console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield lambda: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(table_column=_whole()),
        *([Rate(unit)] if unit else []),
        TimeLeft(),
    )
    # Results that go to the same terminal are printed above the bar; in a pipe they stay as they are.
    with Bar(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as progress:
        task = progress.add_task(name, total=total)
        yield lambda: progress.advance(task)
