"""A lesson as a dialogue: questions out, answers in, from a terminal or line by line from a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from convcli.cli.output import console, note
from convcli.errors import OutputError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from convcli.learn import Attempt, Lesson
    from convcli.learn.progress import Progress

LONGEST_LINE = 10_000  # signs of an answer that are read


class Leaving(Exception):  # noqa: N818  (nothing is wrong)
    """Whoever answers wants to end, or there are no more answers."""


def teach(lesson: Lesson, kinds: Sequence[str], seed: int, kept: Progress) -> bool:
    """Show a lesson and ask exercises of some kinds; return whether all were answered rightly.

    Raises
    ------
    UsageError
        If standard input is no terminal, and holds nothing.
    """
    from convcli.learn import Attempt
    from convcli.render import learn as render

    screen, listen = console(), _listener(lesson.name)
    render.show_lesson(screen, lesson, lesson.draw_figure(seed))
    render.show_beginning(screen, lesson, seed)
    keep, right, asked = _Keeping(kept), 0, 0
    with suppress(Leaving):
        for number, kind in enumerate(kinds, 1):
            attempt = Attempt(lesson.draw(kind, seed))
            render.show_question(screen, attempt.exercise, number, len(kinds))
            asked += 1
            solved = _asked(screen, attempt, listen)
            right += solved
            kept.add(lesson, kind, right=solved)
            keep.write()
    render.show_end(screen, lesson, right, len(kinds), kept.open(lesson))
    return right == len(kinds)


def _asked(screen: Console, attempt: Attempt, listen: Callable[[], str]) -> bool:
    """Ask one exercise until it is over; return whether it was answered rightly."""
    from convcli.render import learn as render

    while True:
        text = listen().strip()
        match text.lower():
            case "?" | "help":
                render.show_help(screen, attempt.exercise)
                continue
            case "quit" | "exit" | "q":
                raise Leaving
            case "skip":
                reply = attempt.skip()
            case _:
                reply = attempt.answer(text)
        render.show_reply(screen, reply, attempt.exercise)
        if attempt.over:
            return reply.verdict == "right"


def _listener(lesson: str) -> Callable[[], str]:
    """Return what brings the next line: from a terminal, prompted, or from a pipe, repeated on the page."""
    if sys.stdin is None or not sys.stdin.isatty():
        waiting = _line()
        if not waiting:
            raise UsageError(
                f"Standard input holds no answers: call convcli learn {lesson} in a terminal, or pipe "
                "answers in, a line each."
            )
        return _piped(waiting)
    with suppress(ImportError):
        import readline  # noqa: F401  (the arrow keys, in what is typed)

    def prompted() -> str:
        try:
            return input("> ")
        except EOFError:
            raise Leaving from None

    return prompted


def _piped(waiting: str) -> Callable[[], str]:
    lines = [waiting]

    def following() -> str:
        line = lines.pop() if lines else _line()
        if not line:
            raise Leaving
        console().print(f"> {line.rstrip()}", soft_wrap=True)
        return line

    return following


def _line() -> str:
    if sys.stdin is None:
        return ""
    try:
        return sys.stdin.readline(LONGEST_LINE)
    except UnicodeDecodeError as error:
        raise UsageError("Standard input: expected answers as text in UTF-8.") from error


class _Keeping:
    """Writes progress after each exercise; where it cannot be written that is said once."""

    def __init__(self, kept: Progress) -> None:
        self.kept, self.failed = kept, False

    def write(self) -> None:
        if not self.failed:
            try:
                self.kept.write()
            except OutputError as error:
                self.failed = True
                note(f"what is answered is not kept: {error}")
