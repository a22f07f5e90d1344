"""How far many equal steps have come: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

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


@contextmanager
def steps(total: int, name: str) -> Iterator[Callable[[], None]]:
    """Yield what is to be called after each of `total` steps; `name` stands before the bar, on stderr."""
    console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield lambda: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # Results that go to the same terminal are printed above the bar; in a pipe they stay as they are.
    with Bar(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as progress:
        task = progress.add_task(name, total=total)
        yield lambda: progress.advance(task)
