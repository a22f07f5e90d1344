"""What commands write: results on stdout, everything said along the way on stderr; user text is never markup."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console


def out(text: str) -> None:
    """Print one result on stdout."""
    print(text, file=sys.stdout)  # noqa: T201


def say(text: str) -> None:
    """Print a line that is no result (a note, a warning, progress) on stderr."""
    print(text, file=sys.stderr)  # noqa: T201


def note(notes: str | Iterable[str]) -> None:
    """Say what the user should know although nothing is wrong."""
    for text in [notes] if isinstance(notes, str) else notes:
        say(f"note: {text}")


def print_json(document: Any, *, lines: bool = False) -> None:
    """Print one JSON document on stdout, on one line when it is one of many (`lines`)."""
    out(json.dumps(document, ensure_ascii=False, indent=None if lines else 2, allow_nan=False))


def console(stream: TextIO | None = None) -> Console:
    """Return a Rich console on stdout (or `stream`) that takes no user text for markup."""
    from rich.console import Console

    return Console(file=stream or sys.stdout, markup=False, highlight=False, emoji=False)
