"""`convcli report`: all there is to see of a run, on one page and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli import blas
from convcli.cli.evaluate import Split
from convcli.cli.options import OtherData, RunFolder
from convcli.cli.output import note, out, print_json
from convcli.errors import InputError, OutputError

if TYPE_CHECKING:
    from convcli.report import Record

PAGE, FIGURES = "report.html", "figures"


def report(
    run: RunFolder,
    data: OtherData = None,
    split: Annotated[
        Split | None,
        typer.Option("--split", help="Which part to judge by; test if there is one, otherwise validation."),
    ] = None,
    out_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where page and figures go; the run's folder if not given."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Overwrite a page in --out-dir; the run's own always is."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print its numbers as one JSON document.")] = False,
) -> None:
    """Write report.html, one page that needs nothing else, and its parts as PNG in figures/.

    Curves, confusion matrix, figures of each class, the surest mistakes, kernels, feature maps, timing.

    \b
    Examples:
      convcli report runs/digits-001
      convcli report runs/digits-001 --split validation --out-dir validation
      convcli report runs/flowers-002 --data more-flowers/ --out-dir more --json
    """
    folder = _folder(run, out_dir, force=force)
    blas.prepare()
    from convcli import build
    from convcli.files import write_atomically
    from convcli.render.evaluation import headline
    from convcli.render.report import document, figures, page
    from convcli.report import report as judge

    model = build.load_run(run)
    record = _record(run)
    chosen, part, notes = build.evaluation_data(run, model, data, split and split.value)
    note(notes)
    found = judge(record, model, chosen, part, own=data is None)
    made, pictures = page(found), figures(found)
    _make(folder / FIGURES)
    for name, picture in pictures.items():
        write_atomically(folder / FIGURES / f"{name}.png", picture)
    write_atomically(folder / PAGE, made)
    if json:
        return print_json({"run": str(run), "report": str(folder / PAGE), **document(found)})
    out(headline(found.figures, part))
    out(f"{folder / PAGE}  {len(made) / 1000:,.0f} kB")
    return out(f"{folder / FIGURES}  {len(pictures)} pictures")


def _folder(run: Path, out_dir: Path | None, *, force: bool) -> Path:
    """Return where to write; a page elsewhere than in the run is never overwritten unasked."""
    if out_dir is None:
        return run
    if (out_dir / PAGE).exists() and not force:
        raise OutputError(f"{out_dir / PAGE} exists already; use --force to overwrite it.")
    return out_dir


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: this folder cannot be made ({error.strerror}).") from error


def _record(run: Path) -> Record:
    """Return what the run has written down of itself."""
    from convcli import build
    from convcli.history import read_history
    from convcli.report import Record
    from convcli.runs import METRICS, Run

    opened = Run.open(run)
    history = read_history(opened)
    if not history:
        raise InputError(f"{run / METRICS}: expected a row for each epoch, found none.")
    name = run.resolve().name
    return Record(name, tuple(history), opened.read_environment(), build.run_config(opened).text)
