"""`convcli learn`: lessons with exercises that are checked, and sheets of them for a class."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli.options import Force, Json
from convcli.cli.output import out, out_text, print_json
from convcli.errors import CheckError, UsageError

if TYPE_CHECKING:
    from convcli.learn.progress import Progress

MOST_SEEDS = 1_000_000  # of those that are drawn: short enough to be typed in again
LARGEST_SEED = 2**63 - 1


def learn(
    lesson: Annotated[
        str | None,
        typer.Argument(
            metavar="[LESSON]",
            help="A name or a number, of a sheet also several: 1-3,stride. Without it, the list.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=LARGEST_SEED, help="Draw these numbers; others each time, unless given."
        ),
    ] = None,
    progress: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep what was answered here, not in $XDG_STATE_HOME/convcli/progress.json "
            "(~/.local/state; %LOCALAPPDATA% on Windows).",
        ),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget what was answered: all, or what belongs to LESSON.")
    ] = False,
    json: Json = False,
    sheet: Annotated[
        int | None,
        typer.Option(metavar="N", help="Make a sheet of N exercises for a class, and its answers beside it."),
    ] = None,
    pdf: Annotated[
        Path | None,
        typer.Option(metavar="F", help="With --sheet: write F.pdf on A4 to hand out, and F-answers.pdf."),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="F", help="With --sheet: write tables and formulas, twice as well.")
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option(metavar="F", help="With --sheet: write matrices and formulas, twice as well."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="F", help="With --sheet: write pages to step through, twice as well."),
    ] = None,
    notebook: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write a notebook a lesson into this folder, with cells that check."
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Learn convolutional networks in twelve lessons, with exercises that are checked.

    Each has a short text, a figure, and exercises on fresh numbers: a hint follows a first wrong answer, the
    solution a second. `?` helps, `skip` goes on, `quit` ends. Asked is what is still open; with --seed, all.
    Piped in, answers are read line by line, and the exit code is 3 unless all are right.

    \b
    Examples:
      convcli learn
      convcli learn stride
      convcli learn 2 --seed 7
      printf '3\\n12 11; 13 15\\n' | convcli learn convolution --seed 7
      convcli learn --json
      convcli learn stride --reset
      convcli learn --sheet 10 --seed 3 --pdf sheet.pdf
      convcli learn --notebook lessons/
      convcli learn 4-6,backward --sheet 5 --pdf sheet.pdf --markdown sheet.md
    """
    from convcli.cli.lesson_files import write_notebooks, write_sheet
    from convcli.learn import lesson_of, lessons_of, make_sheet
    from convcli.learn.progress import read_progress, usual_place
    from convcli.render.learn import listing

    targets = {"pdf": pdf, "markdown": markdown, "latex": latex, "html": html}
    wanted = {form: place for form, place in targets.items() if place is not None}
    if sheet is not None:
        if reset or json or progress is not None or notebook is not None:
            raise UsageError("--sheet goes with --seed and the files to write only.")
        made = make_sheet(sheet, _seed(seed), lessons_of(lesson))
        return write_sheet(made, lesson, wanted, force=force)
    if notebook is not None:
        if reset or json or progress is not None or wanted:
            raise UsageError("--notebook goes with --seed and --force only.")
        return write_notebooks(lessons_of(lesson), _seed(seed), notebook, force=force)
    if wanted or force:
        raise UsageError(
            f"--{next(iter(wanted), 'force')} goes with --sheet N{'' if wanted else ' or --notebook DIR'}."
        )
    kept = read_progress(progress or usual_place())
    if reset:
        return _reset(kept, lesson)
    if lesson is None:
        if seed is not None:
            raise UsageError("--seed goes with a lesson: convcli learn stride --seed 7.")
        return (
            print_json(kept.document(lessons_of(None))) if json else out_text(listing(lessons_of(None), kept))
        )
    if json:
        raise UsageError("--json lists the lessons and what is done; leave the lesson's name out.")
    from convcli.cli.teaching import teach

    one = lesson_of(lesson)
    kinds = (kept.open(one) if seed is None else None) or list(one.kind)
    right = teach(one, kinds, _seed(seed), kept)
    if not (right or sys.stdin.isatty()):
        raise typer.Exit(CheckError.exit_code)
    return None


def _seed(given: int | None) -> int:
    """Return a seed: the one that was given, or one that was drawn."""
    if given is not None:
        return given
    import secrets

    return secrets.randbelow(MOST_SEEDS)


def _reset(kept: Progress, lesson: str | None) -> None:
    from convcli.learn import lessons_of

    chosen = lessons_of(lesson)
    if not any(kept.counts.pop(one.name, None) for one in chosen):
        return out(
            "Nothing was answered yet." if lesson is None else f"Nothing of {lesson} was answered yet."
        )
    kept.write()
    return out(
        f"{kept.place}  forgotten: {', '.join(one.name for one in chosen) if lesson else 'all lessons'}"
    )
