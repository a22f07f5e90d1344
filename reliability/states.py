"""What a run must look like whenever it is looked at: as the uninterrupted one did at some moment."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL.Image

from convcli import build
from convcli.config_file import ConfigFile
from convcli.data import load_data
from convcli.runs import checkpoints
from convcli.runs.folder import (
    BEST,
    CONFIG,
    CURVES,
    ENVIRONMENT,
    LAST,
    LOCK,
    METRICS,
    RESOLVED,
    RESULTS,
    Checkpoint,
    Run,
)
from convcli.runs.recording import Recorder, begin
from convcli.training import EpochDone

TIMES = ("seconds", "images_per_second")
FILES = {BEST, CONFIG, CURVES, ENVIRONMENT, LAST, LOCK, METRICS, RESOLVED, RESULTS}

# With all that has a state or draws random numbers.
_CONFIG = """
layers = [
    {{ type = "conv", filters = 8, padding = "same" }},
    "batch_norm",
    "activation",
    "max_pool",
    {{ type = "dropout", rate = 0.2 }},
    "flatten",
    {{ type = "dense", units = {units} }},
    "dense",
]
data = {{ source = "digits" }}
training = {{ {training} }}
"""
_TRAINING = 'epochs = 4, patience = 3, checkpoint_every = 1, schedule = "one_cycle"'  # after every batch


def write_config(path: Path, *, units: int, training: str = _TRAINING) -> None:
    """Write what to train; with many units most of the time goes into checkpoints."""
    path.write_text(_CONFIG.format(units=units, training=training))


class BrokenError(Exception):
    """Something that convcli promises did not hold."""


def expect(held: bool, what: str) -> None:
    """Raise BrokenError where something did not hold."""
    if not held:
        raise BrokenError(what)


def is_temporary(path: Path) -> bool:
    """Return whether a process that was killed may have left this file."""
    return path.name.startswith(".convcli-") and path.suffix in (".tmp", ".lock")


def begun(config: Path, folder: Path, threads: int | None = None) -> Recorder:
    """Begin the run in `folder` that `config` describes, and return what records its training."""
    file = ConfigFile.read(config)
    data = load_data(file.config.data, file.base, file.config.training.seed)
    training = build.new_training(file.config, data, threads)
    return begin(Run.create(file.name, folder), file, training, data, training.threads or 1)


@dataclass
class Reference:
    """All states that a run goes through when nobody disturbs it.

    Attributes
    ----------
    lasts
        Digests of the last checkpoint by epoch and batch, but for times.
    bests
        The bytes of the best checkpoint that are possible.
    rows
        The figures of metrics.csv, but for times.
    """

    lasts: dict[tuple[int, int], str] = field(default_factory=dict)
    bests: list[bytes] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    resolved: str = ""

    @classmethod
    def of(cls, config: Path, folder: Path) -> Reference:
        """Train as `config` says, in `folder`, and note every state on the way."""
        recorder = begun(config, folder)
        reference = cls(resolved=(folder / RESOLVED).read_text())
        reference._note(recorder.run)
        for event in recorder.training.run():
            recorder.record(event, stopping=True)
            reference._note(recorder.run)
            if isinstance(event, EpochDone) and event.best:
                reference.bests.append((folder / BEST).read_bytes())
        reference.rows = metrics(folder)
        return reference

    def _note(self, run: Run) -> None:
        last = run.read_checkpoint(LAST)
        self.lasts[_place(last)] = digest(last)

    def check(self, folder: Path) -> None:
        """Raise BrokenError unless `folder` is a whole run, as the undisturbed one was, or none yet."""
        names = {path.name for path in folder.iterdir() if not is_temporary(path)}
        expect(names <= FILES, f"unexpected files: {names - FILES}")
        if RESOLVED not in names:
            return
        expect((folder / RESOLVED).read_text() == self.resolved, f"{RESOLVED} is another")
        run = Run.open(folder)
        last = run.read_checkpoint(LAST)
        place, epochs = _place(last), len(last.document["progress"]["history"])
        expect(self.lasts.get(place) == digest(last), f"{LAST} at {place} is another")
        found = metrics(folder) if METRICS in names else []
        expect(found == self.rows[: len(found)], f"{METRICS} holds other rows")
        expect(epochs - 1 <= len(found) <= epochs, f"{METRICS} has {len(found)} rows for {epochs} epochs")
        if BEST in names:
            expect((folder / BEST).read_bytes() in self.bests, f"{BEST} is another")
            checkpoints.load_run(folder)
        else:
            expect(epochs <= 1, f"{BEST} is missing after {epochs} epochs")
        if RESULTS in names:
            json.loads((folder / RESULTS).read_bytes())
        if CURVES in names:
            with PIL.Image.open(folder / CURVES) as picture:
                picture.load()

    def check_end(self, folder: Path) -> None:
        """Raise BrokenError unless the run in `folder` ended as the undisturbed one, and tidy."""
        self.check(folder)
        # An empty one may be another process's, about to be written: it goes after a minute.
        leftovers = [path.name for path in folder.iterdir() if is_temporary(path) and path.stat().st_size]
        expect(not leftovers, f"left behind: {leftovers}")
        end = digest(Run.open(folder).read_checkpoint(LAST))
        expect(end == list(self.lasts.values())[-1], f"{LAST} ended in another state")
        expect((folder / BEST).read_bytes() == self.bests[-1], f"{BEST} ended as another")
        expect(metrics(folder) == self.rows, f"{METRICS} ended with other rows")


def digest(checkpoint: Checkpoint) -> str:
    """Return a digest of all that a checkpoint holds but times."""
    document = _without_times(checkpoint.document)
    found = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name, array in sorted(checkpoint.arrays.items()):
        found.update(name.encode() + array.tobytes())
    return found.hexdigest()


def metrics(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a run's metrics.csv but times."""
    with (folder / METRICS).open(newline="") as file:
        return [_without_times(row) for row in csv.DictReader(file)]


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [_without_times(inner) for inner in value] if isinstance(value, list) else value


def _place(last: Checkpoint) -> tuple[int, int]:
    progress = last.document["progress"]
    return progress["epoch"], progress["batch"]
