"""`convcli report`: all there is to see of a run, on one page and as pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli.options import OtherData, OwnPart, RunFolder, chosen_run
from convcli.cli.output import note, out, print_json
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

    Curves, confusion matrix, figures of each class, the surest mistakes, kernels, feature maps, timing.

    \b
    Examples:
      convcli report runs/digits-001
      convcli report runs/digits-001 --split validation --out-dir validation
      convcli report runs/flowers-002 --data more-flowers/ --out-dir more --json
    """
    run = chosen_run(run)
    place = _Place.of(run, out_dir, force=force)
    place.check(PAGE)
    from convcli.render.evaluation import headline
    from convcli.render.report import document, figures, page
    from convcli.report import report as judge
    from convcli.runs import checkpoints
    from convcli.runs.measuring import measured

    model = checkpoints.load_run(run)
    record = _record(run)
    chosen = measured(run, model, data, split and split.value)
    note(chosen.notes)
    found = judge(record, model, chosen.images, chosen.part)
    made, pictures = page(found), figures(found)
    place.write_all({f"{FIGURES}/{name}.png": data for name, data in pictures.items()} | {PAGE: made})
    if json:
        written = {"run": str(run), "report": str(place.folder / PAGE), "own": chosen.own}
        return print_json({**written, **document(found)})
    out(headline(found.figures, chosen.part))
    out(f"{place.folder / PAGE}  {len(made) / 1000:,.0f} kB")
    return out(f"{place.folder / FIGURES}  {len(pictures)} pictures")


@dataclass(frozen=True)
class _Place:
    """The folder for page and figures.

    In a run's (`inside`) they take the place of older ones, and no link is followed. Elsewhere links are
    the user's own, and nothing is overwritten without `force`.
    """

    folder: Path
    inside: bool
    force: bool

    @classmethod
    def of(cls, run: Path, out_dir: Path | None, *, force: bool) -> _Place:
        from convcli.runs.folder import RESOLVED

        folder = out_dir or run
        return cls(folder, out_dir is None or os.path.lexists(folder / RESOLVED), force)

    def check(self, name: str) -> None:
        """Refuse a file that could not or must not be written."""
        from convcli.files import judge, judge_inside

        path = self.folder / name
        judge_inside(path) if self.inside else judge(path, force=self.force, made=True)

    def write_all(self, data: Mapping[str, bytes]) -> None:
        """Write files, none before all may be written."""
        from convcli.files import make_folder, make_inside, write, write_inside

        if self.inside:
            make_inside(self.folder / FIGURES)
        else:
            make_folder(self.folder / FIGURES)
        for name in data:
            self.check(name)
        for name, content in data.items():
            path = self.folder / name
            write_inside(path, content) if self.inside else write(path, content, force=self.force)


def _record(run: Path) -> Record:
    """Return what the run has written down of itself."""
    from convcli.report import Record
    from convcli.runs import checkpoints
    from convcli.runs.folder import ENVIRONMENT, METRICS, Run
    from convcli.runs.metrics import read_history

    opened = Run.open(run)
    history = read_history(opened)
    if not history:
        raise InputError(f"{run / METRICS}: expected a row for each epoch, found none.")
    name = run.resolve().name
    return Record(
        name, tuple(history), opened.read_document(ENVIRONMENT), checkpoints.run_config(opened).text
    )
