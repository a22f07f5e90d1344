"""`python -m reliability.checkpoint RUN`: goes on to the end of an epoch, which is written between marks."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from convcli.data import load_data
from convcli.runs.folder import LAST, Run
from convcli.runs.recording import Recorder
from convcli.runs.resuming import resume, values_in_force
from convcli.training import EpochDone
from reliability.states import Reference, begun, is_temporary, write_config

BEGIN, END = "/the-checkpoint-begins", "/the-checkpoint-has-ended"


class Scene:
    """A run whose first two epochs are done, in whose folder the third is written and broken off.

    Attributes
    ----------
    run
        The folder.
    """

    def __init__(self, home: Path) -> None:
        self.run, self._before = home / "run", home / "before"
        config = home / "training.toml"
        write_config(config, units=8)
        self._reference = Reference.of(config, home / "undisturbed")
        self._finished: set[tuple[tuple[str, bytes], ...]] = set()
        recorder = begun(config, self._before, threads=1)
        for event in recorder.training.run():
            recorder.record(event)
            if isinstance(event, EpochDone) and event.metrics.epoch == 2:
                break

    def set(self) -> None:
        """Put the folder back as it was."""
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.copytree(self._before, self.run)

    def check(self) -> None:
        """Raise BrokenError unless the run is as before or as after, and goes on to the same end.

        Files that have been seen to do so are not asked again.
        """
        self._reference.check(self.run)
        files = [path for path in self.run.iterdir() if not is_temporary(path)]
        state = tuple(sorted((path.name, path.read_bytes()) for path in files))
        if state not in self._finished:
            self._finished.add(state)
            with Run.open(self.run).hold():
                recorder = reopen(self.run)
                for event in recorder.training.run():
                    recorder.record(event)
            self._reference.check_end(self.run)


def reopen(folder: Path) -> Recorder:
    """Return what goes on with a run."""
    run = Run.open(folder)
    last = run.read_checkpoint(LAST)
    file = values_in_force(run, last)
    data = load_data(file.config.data, file.base, file.config.training.seed)
    return resume(run, last, file, data, threads=1)[0]


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
