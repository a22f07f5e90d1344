"""`convcli evaluate`: the figures of a trained network on labelled images."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from convcli.cli import blas
from convcli.cli.options import OtherData, RunFolder, chosen_run
from convcli.cli.output import note, out, print_json, show


class Split(StrEnum):
    """A part of the run's own data."""

    validation = "validation"
    test = "test"
    train = "train"


def evaluate(
    run: RunFolder,
    data: OtherData = None,
    split: Annotated[
        Split | None,
        typer.Option("--split", help="Which part; test if there is one, otherwise validation."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure a run's best network: accuracy, loss, precision, recall, F1, confusion matrix.

    \b
    Examples:
      convcli evaluate runs/digits-001
      convcli evaluate runs/digits-001 --split validation --json
      convcli evaluate runs/flowers-002 --data more-flowers/
    """
    blas.prepare()
    from convcli import build
    from convcli.render.evaluation import class_table, confusion_table, headline

    run = chosen_run(run)
    model = build.load_run(run)
    chosen, name, notes = build.evaluation_data(run, model, data, split and split.value)
    note(notes)
    figures = model.evaluate(chosen.images, chosen.labels)
    if json:
        return print_json({"run": str(run), "split": name, "data": chosen.name, **figures.document()})
    out(headline(figures, name))
    show(class_table(figures))
    return show(confusion_table(figures))
