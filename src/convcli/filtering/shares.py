"""How far a work has come that has parts: each of them hears of its own shares, from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypeAlias

Progress: TypeAlias = Callable[[float], None]
"""What is called, by any thread, with each share of a work that has been done since."""


def scaled(whole: Progress | None, part: float) -> Progress | None:
    """Return what hears of the shares of a part, and tells the whole, if there is anybody who listens."""
    return None if whole is None else lambda share: whole(share * part)


@contextmanager
def part_of(whole: Progress | None, part: float) -> Iterator[Progress | None]:
    """Yield what hears of the shares of a part; what it has not heard of by its end, the whole is told then.

    >>> heard = []
    >>> with part_of(heard.append, 0.5) as part:
    ...     part(0.5)
    >>> heard
    [0.25, 0.25]
    """
    if whole is None:
        yield None
        return
    lock, left = Lock(), 1.0

    def advance(share: float) -> None:
        nonlocal left
        with lock:
            share = min(share, left)
            left -= share
        whole(share * part)

    yield advance
    advance(1.0)
