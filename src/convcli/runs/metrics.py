"""metrics.csv: a row for each epoch of a run."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from itertools import islice
from typing import Annotated

from pydantic import FailFast, TypeAdapter, ValidationError

from convcli.errors import InputError
from convcli.runs.folder import METRICS, Run
from convcli.training import Metrics

MOST_ROWS = 200_002  # of a table of epochs, with its first line


def write_history(run: Run, history: Sequence[Metrics]) -> None:
    """Write the epochs of a run, at least one."""
    rows = [asdict(metrics) for metrics in history]
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    run.write(METRICS, text.getvalue().encode())


def read_history(run: Run) -> list[Metrics]:
    """Return the epochs of a run; none where it has not ended one.

    Raises InputError if its metrics.csv is damaged, or not one that `convcli train` wrote.
    """
    path = run.folder / METRICS
    rows = [{name: text or None for name, text in row.items()} for row in _rows(run)]
    try:
        history = _epochs().validate_python(rows)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        number, column = fault["loc"]
        raise InputError(f"{path}: damaged in row {int(number) + 1}, {column}: {fault['msg']}.") from None
    if [row.epoch for row in history] != list(range(1, len(history) + 1)):
        raise InputError(f"{path}: damaged: its rows are not the epochs 1, 2, 3 ….")
    if any((row.validation_loss is None) != (row.validation_accuracy is None) for row in history):
        raise InputError(f"{path}: damaged: of an epoch's two validation figures one is missing.")
    return history


@cache
def _epochs() -> TypeAdapter[list[Metrics]]:
    return TypeAdapter(Annotated[list[Metrics], FailFast()])  # of a million mistakes the first is enough


def _rows(run: Run) -> list[dict[str, str]]:
    """Return the rows as they stand in the file, each as long as the first, which has the names."""
    path = run.folder / METRICS
    if not os.path.lexists(path):
        return []
    try:
        text = run.read(METRICS).decode()
        head, first, *rest = islice(csv.reader(io.StringIO(text, newline=""), strict=True), MOST_ROWS)
        if len(rest) == MOST_ROWS - 2:
            raise InputError(f"{path}: damaged: more than {len(rest):,} epochs.")
        return [dict(zip(head, row, strict=True)) for row in (first, *rest)]
    except (csv.Error, ValueError) as error:  # not UTF-8, no row, a row too long or short
        raise InputError(f"{path}: not a table of epochs as `convcli train` writes it.") from error
