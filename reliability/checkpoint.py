"""`python -m reliability.checkpoint RUN`: goes on to the end of an epoch, which is written between marks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from convcli import build
from convcli.config_file import ConfigFile
from convcli.data import load_data
from convcli.runs.folder import LAST, Run
from convcli.runs.recording import Recorder, begin
from convcli.runs.resuming import resume, values_in_force
from convcli.training import EpochDone
from reliability.states import Reference, write_config

BEGIN, END = "/the-checkpoint-begins", "/the-checkpoint-has-ended"


def prepare(home: Path) -> tuple[Reference, Path]:
    """Return all states of an undisturbed run, and the folder of one whose first two epochs are done."""
    config, folder = home / "training.toml", home / "before"
    write_config(config, units=8)
    reference = Reference.of(config, home / "undisturbed")
    file = ConfigFile.read(config)
    data = load_data(file.config.data, file.base, file.config.training.seed)
    training = build.new_training(file.config, data, threads=1)
    recorder = begin(Run.create(file.name, folder), file, training, data, 1)
    for event in training.run():
        recorder.record(event)
        if isinstance(event, EpochDone) and event.metrics.epoch == 2:
            break
    return reference, folder


def reopen(folder: Path) -> Recorder:
    """Return what goes on with a run."""
    run = Run.open(folder)
    last = run.read_checkpoint(LAST)
    file = values_in_force(run, last)
    data = load_data(file.config.data, file.base, file.config.training.seed)
    return resume(run, last, file, data, threads=1)[0]


def finish(folder: Path) -> None:
    """Go on with a run to its end."""
    with Run.open(folder).hold():
        recorder = reopen(folder)
        for event in recorder.training.run():
            recorder.record(event)


def epoch_to_write(folder: Path) -> Callable[[], None]:
    """Go on with a run to the end of an epoch, and return what writes that into its folder."""
    recorder = reopen(folder)
    event = next(event for event in recorder.training.run() if isinstance(event, EpochDone))
    return lambda: recorder.record(event)


def _mark(path: str) -> None:
    """Make a system call that a tracer can recognise."""
    with suppress(FileNotFoundError):
        Path(path).stat()


def main() -> None:
    """Write one epoch of a run."""
    write = epoch_to_write(Path(sys.argv[1]))
    _mark(BEGIN)
    write()
    _mark(END)


if __name__ == "__main__":
    main()
