"""What a training leaves in its run's folder. The last checkpoint is the truth, the other files follow it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from convcli.config_file import ConfigFile
from convcli.data import Splits
from convcli.nn.config import seconds
from convcli.runs import checkpoints
from convcli.runs.environment import CAME_FROM, write_environment
from convcli.runs.folder import BEST, LAST, RESOLVED, RESULTS, Run
from convcli.runs.metrics import write_history
from convcli.training import BatchDone, EpochDone, Training


class Recorder:
    """Writes a training into its run's folder.

    `resolved` is what resolved.toml holds, every value in force, and `data` the fingerprint of the images;
    `came_from` says which runs' weights the training began with, if it did. `kept` says in words what the
    last checkpoint holds.
    """

    def __init__(
        self,
        run: Run,
        training: Training,
        resolved: str,
        data: Mapping[str, str],
        came_from: Sequence[Any] = (),
    ) -> None:
        self.run, self.training, self.resolved, self.data = run, training, resolved, data
        self.came_from = list(came_from)
        self.kept = training.progress.place
        self._written = time.monotonic()

    def record(self, event: BatchDone | EpochDone, *, stopping: bool = False) -> None:
        """Write all after an epoch, and a checkpoint after a batch if one is due or training is stopping."""
        if isinstance(event, EpochDone):
            self.checkpoint()
            write_history(self.run, self.training.progress.history)
            if event.best:
                self._write_best()
        elif stopping or self.due:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Write where the training stands now."""
        last = checkpoints.last_checkpoint(self.training)
        last.document.update(resolved=self.resolved, data=self.data)
        if self.came_from:
            last.document[CAME_FROM] = self.came_from
        self.run.write_checkpoint(LAST, last)
        self.kept = self.training.progress.place
        self._written = time.monotonic()

    def catch_up(self) -> None:
        """Write the files that follow the last checkpoint, as they have to be beside it."""
        self.run.write(RESOLVED, self.resolved.encode())
        if self.training.progress.history:
            write_history(self.run, self.training.progress.history)
            self._write_best()

    def conclude(self, data: Splits) -> dict[str, Any]:
        """Measure the best epoch on the test images, if there are any; return and write its figures."""
        document: dict[str, Any] = {"best": asdict(self.training.progress.best)}
        if data.test is not None:
            figures = self.training.best_model().evaluate(data.test.images, data.test.labels)
            document["test"] = {name: getattr(figures, name) for name in ("samples", "accuracy", "loss")}
            if data.seen:
                document["test"]["seen_in_training"] = data.seen
        if self.came_from:
            document[CAME_FROM] = self.came_from
        self.run.write_document(RESULTS, document)
        return document

    def _write_best(self) -> None:
        self.run.write_checkpoint(BEST, checkpoints.best_checkpoint(self.training))

    @property
    def due(self) -> bool:
        """Whether it is time for a checkpoint, after a batch."""
        every = self.training.options.checkpoint_every
        if isinstance(every, str):
            return time.monotonic() - self._written >= seconds(every)
        return self.training.progress.step % every == 0


@contextmanager
def new_run(
    file: ConfigFile,
    training: Training,
    data: Splits,
    threads: int,
    folder: Path | None = None,
    came_from: Sequence[Any] = (),
) -> Iterator[Recorder]:
    """Make the run of a training that has not begun (its folder as `Run.create`), and hold it."""
    file.resolved_text()  # complains, if it has to, before there is a folder
    run = Run.create(file.name, folder)
    with run.hold():
        yield begin(run, file, training, data, threads, came_from)


def begin(
    run: Run,
    file: ConfigFile,
    training: Training,
    data: Splits,
    threads: int,
    came_from: Sequence[Any] = (),
) -> Recorder:
    """Return what records a training that has not begun; with this the folder is a run that can go on."""
    recorder = Recorder(run, training, file.resolved_text(), data.fingerprint(), came_from)
    seed, ranks = file.config.training.seed, training.ranks.size
    write_environment(run, seed=seed, threads=threads, ranks=ranks, came_from=came_from)
    recorder.checkpoint()
    run.write_config(file.text, file.overrides, recorder.resolved)
    return recorder
