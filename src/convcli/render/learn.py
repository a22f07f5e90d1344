"""Lessons on a terminal: the list with what is done, a text, a question, what is said to an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from convcli.explaining.elements import Explanation, Formula, Words
from convcli.learn import Exercise, Lesson, Reply
from convcli.learn.progress import Progress
from convcli.render.explain.terminal import show_rows
from convcli.wording import counted, printable

COLUMNS = 84
"""Text is no wider than this, so that the eye finds the next line."""

HELP = (
    "Type the answer and Enter.",
    "  a number        12, -3, 1/9, 0.111 (three decimals are enough)",
    "  a matrix        1 2; 3 4 or [[1, 2], [3, 4]]",
    "  sizes, places   5x5x2 or 5 5 2",
    "  skip            show the solution and go on",
    "  quit            end; what was answered is kept",
)


def listing(lessons: Iterable[Lesson], progress: Progress) -> str:
    """Return the lessons, a line each, with how many of their exercises were answered."""
    chosen = list(lessons)
    width = max(len(lesson.name) for lesson in chosen)
    lines = ["convcli learn LESSON", ""]
    for lesson in chosen:
        done, count = len(progress.done(lesson)), len(lesson.kinds)
        bar = "■" * done + "□" * (count - done)
        lines.append(f"  {lesson.number:>2}  {lesson.name:<{width}}  {bar:<5}  {lesson.title}")
    following = next((lesson for lesson in chosen if progress.open(lesson)), None)
    said = "All lessons are done." if following is None else f"Next: convcli learn {following.name}"
    return "\n".join([*lines, "", said])


def show_lesson(console: Console, lesson: Lesson, figure: Explanation) -> None:
    """Print a lesson's title, text and figure."""
    console.print(Text(f"{lesson.number}. {lesson.title}", style="bold cyan"))
    for part in lesson.text:
        console.print()
        if isinstance(part, Words):
            _print_wrapped(console, part.text)
        else:
            console.print(Text(f"  {part.text}", style="bold"), soft_wrap=True)
    for step in figure.steps:
        console.print()
        show_rows(console, step.rows)
    console.print()
    console.print(Text(f"More of it: convcli explain {lesson.topic}", style="dim"))


def show_beginning(console: Console, lesson: Lesson, seed: int) -> None:
    """Print how to answer, and by which seed the same exercises come again."""
    told = f"Seed {seed}: convcli learn {lesson.name} --seed {seed} asks the same. ? helps, quit ends."
    console.print(Text(told, style="dim"), soft_wrap=True)


def show_question(console: Console, exercise: Exercise, number: int, count: int) -> None:
    """Print a question, with where it is among the others."""
    console.print()
    console.print(Text(f"Exercise {number} of {count}", style="bold cyan"))
    _print_wrapped(console, exercise.question)
    if exercise.rows:
        console.print()
        show_rows(console, exercise.rows)


def show_help(console: Console, exercise: Exercise) -> None:
    """Print what may be typed."""
    console.print(Text(f"Expected here: {exercise.answer.expects}."))
    for line in HELP:
        console.print(Text(line), soft_wrap=True)


def show_reply(console: Console, reply: Reply, exercise: Exercise) -> None:
    """Print what there is to say to an answer."""
    if reply.verdict == "right":
        console.print(Text("Right.", style="bold green"))
        lines = [row for row in exercise.solution.rows if all(isinstance(part, Formula) for part in row)]
        show_rows(console, lines)
        return
    if reply.verdict != "unreadable":
        console.print(Text("Not yet." if reply.verdict == "wrong" else "The solution:", style="bold yellow"))
    for line in reply.lines:
        _print_wrapped(console, line)
    if reply.verdict == "told":
        console.print()
        show_rows(console, exercise.solution.rows)
        show_rows(console, exercise.answer.rows)


def show_end(console: Console, lesson: Lesson, right: int, asked: int, left: Sequence[str]) -> None:
    """Print how it went, and what is next."""
    console.print()
    said = f"{right} of {counted(asked, 'exercise')} right."
    if left:
        said += f" {counted(len(left), 'exercise')} of this lesson still open: convcli learn {lesson.name}"
    else:
        said += f" Lesson {lesson.number} is done."
    console.print(Text(said, style="bold"), soft_wrap=True)


def _print_wrapped(console: Console, text: str) -> None:
    for line in wrap(printable(text), min(console.width, COLUMNS)):
        console.print(Text(line), soft_wrap=True)
