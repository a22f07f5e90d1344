"""What commands write: results on stdout, the rest on stderr; user text is never markup."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from convcli.errors import ConvcliError
from convcli.wording import printable, shown

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def out(*lines: str) -> None:
    """Print lines of results on stdout: whatever names are in one, it stays one line."""
    for line in lines:
        print(shown(line), file=sys.stdout)  # noqa: T201


def out_text(text: str) -> None:
    """Print a result of several lines on stdout; whoever composed it has seen to the names in it."""
    print(printable(text), file=sys.stdout)  # noqa: T201


def out_bytes(data: bytes) -> None:
    """Write a result that is a file on stdout."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def say(*lines: str) -> None:
    """Print lines that are no results (notes, errors, progress) on stderr; each stays one line."""
    for line in lines:
        print(shown(line), file=sys.stderr)  # noqa: T201


def note(notes: str | Iterable[str]) -> None:
    """Say what the user should know although nothing is wrong."""
    for text in [notes] if isinstance(notes, str) else notes:
        say(f"note: {text}")


def of_failures(errors: Sequence[ConvcliError], count: int, what: str) -> tuple[str, list[str]]:
    """Return how many of `count` images could not be filtered, read …, and a line for each mistake."""
    summary = f"{len(errors):,} of {count:,} images could not be {what}"
    return summary, [f"  {line}" for error in errors for line in error.lines]


@contextmanager
def own_words_only() -> Iterator[None]:
    """Keep from stderr what C libraries write there by themselves: libtiff has a line for every odd tag."""
    usual = sys.stderr
    with suppress(AttributeError, OSError, ValueError):  # there is none, or it is no file
        if usual.fileno() == 2:
            usual.flush()
            sys.stderr = os.fdopen(os.dup(2), "w", 1, usual.encoding, usual.errors)
            with open(os.devnull, "wb") as nothing:  # noqa: PTH123
                os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        if sys.stderr is not usual:
            with suppress(OSError):  # whoever read it has left
                sys.stderr.flush()
            os.dup2(sys.stderr.fileno(), 2)
            sys.stderr.close()
            sys.stderr = usual


def print_json(document: Any) -> None:
    """Print one JSON document on one line of stdout; several make JSON Lines."""
    for part in _parts(document):
        # Controls beyond ASCII, and what turns the order of signs around, stand in its strings only.
        sys.stdout.write(
            part
            if part.isprintable()
            else "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in part)
        )
    sys.stdout.write("\n")


def _parts(value: Any) -> Iterator[str]:
    """Yield the text of a document in parts: the weights of a large kernel would take a gigabyte as one."""
    if isinstance(value, dict) and value:
        opening = "{"
        for key, item in value.items():
            yield f"{opening}{json.dumps(str(key), ensure_ascii=False)}: "
            yield from _parts(item)
            opening = ", "
        yield "}"
    elif isinstance(value, list) and isinstance(next(iter(value), None), dict | list):
        opening = "["
        for item in value:
            yield opening
            yield from _parts(item)
            opening = ", "
        yield "]"
    else:
        yield json.dumps(value, ensure_ascii=False, allow_nan=False)


def show(renderable: RenderableType, stream: TextIO | None = None) -> None:
    """Print a Rich renderable on stdout (or `stream`), so that nothing of it is cut where it is narrow."""
    from convcli.render.fitting import fitted

    place = console(stream)
    place.print(fitted(renderable, place))


def console(stream: TextIO | None = None) -> Console:
    """Return a Rich console on stdout (or `stream`) that takes no user text for markup."""
    from rich.console import Console

    return Console(file=stream or sys.stdout, markup=False, highlight=False, emoji=False)
