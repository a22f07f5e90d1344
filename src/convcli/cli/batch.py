"""A batch of images on the command line: its results as they come, how far it is, and its end."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import typer

from convcli.cli.interruption import interruptions
from convcli.cli.output import note, of_failures, out, out_bytes, own_words_only, print_json, say
from convcli.errors import CheckError, ConvcliError, UsageError
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.cli.showing import Showing
    from convcli.filtering.batch import Batch
    from convcli.filtering.outcomes import Done


def work_through(batch: Batch, *, json: bool, showing: Showing | None = None) -> None:
    """Make what a batch makes, print or show each result, and end as its failures or a signal ask for."""
    _check_streams(batch, json=json)
    with own_words_only():
        make = _filter_one if batch.is_single else _filter_all
        left, signal, others = make(batch, json=json, showing=showing)
    _conclude(batch, left, signal, lasting=showing is None or showing.folder is None)
    if others:
        count = f"{others:,} of {len(batch.jobs):,} results"
        raise CheckError(
            f"{count} are not those of the manifest, made by another version or another machine."
        )


def rehearse(batch: Batch, *, json: bool) -> None:
    """Print what a batch would write, and end as the batch would, as far as names and headers tell."""
    from convcli.filtering.rehearsal import Planned, rehearse
    from convcli.render.filtering import planned_document, planned_line

    _check_streams(batch, json=json)
    for job, error in batch.failures.items() if json else ():
        print_json({"input": job.source, "error": str(error)})
    count = 0
    with own_words_only():
        for outcome in rehearse(batch):
            if isinstance(outcome, Planned):
                count += 1
                if json:
                    print_json(planned_document(outcome))
                else:
                    out(planned_line(outcome))
            elif json:
                print_json({"input": outcome.job.source, "error": str(outcome.error)})
    note(f"nothing is written with --dry-run; {count:,} of {len(batch.jobs):,} would be")
    _conclude(batch, 0, 0, rest="can be")


def _check_streams(batch: Batch, *, json: bool) -> None:
    """Refuse a terminal as an image, and two documents on standard output."""
    if any(job.source == "-" for job in batch.jobs) and sys.stdin.isatty():
        raise UsageError("Standard input is a terminal; pipe an image into it.")
    if all(job.target is not None for job in batch.jobs):
        return
    if json:
        raise UsageError("--json and the image cannot both go to standard output; give -o FILE.")
    if sys.stdout.isatty():
        raise UsageError("Standard output is a terminal; redirect it, or give -o FILE.")


def _filter_one(batch: Batch, *, json: bool, showing: Showing | None) -> tuple[int, int, int]:
    """Make the only result, and print it. Nothing is left, and a signal ends all.

    What is returned is as in `_filter_all`.
    """
    from convcli.filtering.outcomes import Done
    from convcli.render.late_bar import shares

    with shares("filtering") as progress:
        outcomes = list(batch.run(progress=progress))
    others = 0
    for done in outcomes:
        if isinstance(done, Done):  # or it is raised
            print_done(done, done.notes, json=json, showing=showing)
            others += _differs(batch, done)
    return 0, 0, others


def _filter_all(batch: Batch, *, json: bool, showing: Showing | None) -> tuple[int, int, int]:
    """Make what is to be made, and print each result.

    Return how many were not begun, the number of the signal that asked for it, and how many results are not
    what a manifest has.
    """
    from convcli.filtering.notes import Said
    from convcli.filtering.outcomes import Done
    from convcli.render.progress import steps

    left, others, said = len(batch.todo), 0, Said()
    for job, error in batch.failures.items() if json else ():
        print_json({"input": job.source, "error": str(error)})
    with (
        interruptions() as asked,
        steps(left, "filtering", "images") as advance,
        closing(batch.run(lambda: bool(asked))) as outcomes,
    ):
        for outcome in outcomes:
            if isinstance(outcome, Done):
                print_done(outcome, said.new(outcome.notes, outcome.job.source), json=json, showing=showing)
                others += _differs(batch, outcome)
            elif json:
                print_json({"input": outcome.job.source, "error": str(outcome.error)})
            left -= 1
            advance()
    note(said.counted())
    return left, asked[0] if asked else 0, others


def _differs(batch: Batch, done: Done) -> bool:
    """Whether a result is not what a manifest has; then it is said."""
    what = batch.differs(done)
    if what:
        note(f"{shown(str(done.job.target))}: its {what} is not the manifest's")
    return bool(what)


def print_done(done: Done, notes: Iterable[str], *, json: bool, showing: Showing | None = None) -> None:
    """Print a result and what is to be said of it."""
    from convcli.render.filtering import result_document, result_lines

    target = done.job.target
    if done.data is not None:
        out_bytes(done.data)
    note(notes)
    if json:
        return print_json(result_document(done))
    if showing is not None:
        showing.put(done)
        if showing.folder is not None:
            target = Path(done.job.source)
    stream = sys.stderr if target is None else sys.stdout
    width = get_terminal_size().columns if stream is not None and stream.isatty() else None
    lines = result_lines(
        "standard output" if target is None else shown(target), done.found, width, done.frames
    )
    return say(*lines) if target is None else out(*lines)


def _conclude(batch: Batch, left: int, signal: int, *, rest: str = "are done", lasting: bool = True) -> None:
    """Say which images failed and how many were left undone; end as that asks for.

    `lasting` says that results are still there when the call has ended.
    """
    count, failures = len(batch.jobs), batch.failures
    summary, lines = of_failures([failures[job] for job in batch.jobs if job in failures], count, "filtered")
    if left:
        if failures:
            say(f"error: {summary}.", *lines)
        say(f"Interrupted: {count - left - len(failures):,} of {count:,} images are done.")
        kept = batch.journal is not None or any(results.out_dir is not None for results in batch.results)
        if kept and lasting:
            say("With --resume the same call goes on.")
        raise typer.Exit(128 + signal)
    if failures:
        raise ConvcliError(f"{summary}; the others {rest}.", *lines)
