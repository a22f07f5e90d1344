"""Signals that ask a command to stop: the first is heard where nothing is lost by it, the second insists."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

# Ctrl-C; what a system sends before it shuts down, or a scheduler; a terminal that is closed.
_ASKING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def interruptions() -> Iterator[list[int]]:
    """Give a list that is empty until the first signal and then holds its number; a second one ends all.

    A signal that is ignored stays so, as `nohup` has it. A program that a signal has ended leaves with 128
    plus its number.
    """
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise SystemExit(128 + number)
        asked.append(number)
        for descriptor in (1, 2):
            _let_go_if_closed(descriptor)

    heard = [number for number in _ASKING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, ask) for number in heard}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _let_go_if_closed(descriptor: int) -> None:
    """Have what is written to a terminal that was closed go nowhere, where it would be an error."""
    with suppress(OSError):
        if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)
