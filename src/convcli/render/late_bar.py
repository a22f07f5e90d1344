"""How far one long work has come, on a terminal: most are done before there is a bar, and before Rich."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convcli.render.progress import Bar

BAR_AFTER = 1.0  # seconds


@contextmanager
def shares(name: str) -> Iterator[Callable[[float], None]]:
    """Yield what is to be called, by any thread, with each share of a work that is done.

    A bar comes when a second has passed, and only on a terminal.
    """
    begun, lock, done, late = monotonic(), Lock(), 0.0, False
    bar: Bar | None = None

    def advance(share: float) -> None:
        nonlocal bar, done, late
        with lock:
            done += share
            if not late and monotonic() - begun > BAR_AFTER:
                late, bar = True, _started(name)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _started(name: str) -> Bar | None:
    """Return a bar that is on the terminal, None elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn

    from convcli.render.progress import Bar, TimeLeft

    console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal or console.is_dumb_terminal:
        return None
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeLeft(),
    )
    bar = Bar(*columns, console=console, transient=True, redirect_stdout=False)
    bar.add_task(name, total=1)
    bar.start()
    return bar
