"""`convcli report`: all there is to see of a run, on one page and as pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli.options import OtherData, OwnPart, RunFolder, chosen_run
from convcli.cli.output import note, out, print_json
from convcli.cli.placing import into_run, out_of_run
from convcli.errors import InputError

if TYPE_CHECKING:
    from convcli.report import Record

PAGE, FIGURES = "report.html", "figures"


def report(
    run: RunFolder,
    data: OtherData = None,
    split: OwnPart = None,
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

    Curves, confusion matrix, figures of each class, the surest mistakes, kernels, feature maps, timing; and a
    link to the page.html that `convcli export --to page` has put beside it.

    \b
    Examples:
      convcli report runs/digits-001
      convcli report runs/digits-001 --split validation --out-dir validation
      convcli report runs/flowers-002 --data more-flowers/ --out-dir more --json
    """
    run = chosen_run(run)
    from convcli.runs.folder import RESOLVED

    folder = out_dir or run
    inside = out_dir is None or os.path.lexists(folder / RESOLVED)
    check, make, write = into_run() if inside else out_of_run(force=force)
    check(folder / PAGE)
    from convcli.render.evaluation import headline
    from convcli.render.page.export import Page
    from convcli.render.report import document, figures, page
    from convcli.report import report as judge
    from convcli.runs import checkpoints
    from convcli.runs.measuring import measured

    model = checkpoints.load_run(run)
    record = _record(run)
    chosen = measured(run, model, data, split)
    note(chosen.notes)
    found = judge(record, model, chosen.images, chosen.part, own=chosen.own)
    live = Page.target if (folder / Page.target).is_file() else None
    made, pictures = page(found, live), figures(found)
    contents = {folder / FIGURES / f"{name}.png": data for name, data in pictures.items()}
    contents[folder / PAGE] = made
    make(folder / FIGURES)
    for path in contents:  # all, before the first is written
        check(path)
    for path, content in contents.items():
        write(path, content)
    if json:
        written = {"run": str(run), "report": str(folder / PAGE), "own": chosen.own}
        return print_json({**written, **document(found)})
    out(headline(found.figures, chosen.part))
    out(f"{folder / PAGE}  {len(made) / 1000:,.0f} kB")
    return out(f"{folder / FIGURES}  {len(pictures)} pictures")


def _record(run: Path) -> Record:
    """Return what the run has written down of itself."""
    from convcli.report import Record
    from convcli.runs import checkpoints
    from convcli.runs.folder import ENVIRONMENT, METRICS, Run
    from convcli.runs.imported import origin
    from convcli.runs.metrics import read_history

    opened = Run.open(run)
    history, foreign = read_history(opened), origin(opened)
    if not history and foreign is None:
        raise InputError(f"{run / METRICS}: expected a row for each epoch, found none.")
    name = run.resolve().name
    return Record(
        name,
        tuple(history),
        opened.read_document(ENVIRONMENT),
        checkpoints.run_config(opened).text,
        None if history else foreign,
    )
