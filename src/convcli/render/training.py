"""A training while it runs: a progress bar and a line an epoch on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from convcli.training import BatchDone, EpochDone, Metrics, Training


class View(Protocol):
    """What shows the events of a training."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def batch(self, event: BatchDone) -> None: ...
    def epoch(self, event: EpochDone) -> None: ...
    def close(self) -> None: ...


def training_view(training: Training) -> View:
    """Return what suits stderr: a bar on a terminal, lines elsewhere."""
    console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return _Bar(console, training)
    return _Lines(training.options.epochs)


def epoch_line(metrics: Metrics, epochs: int, best: bool) -> str:
    """Return the figures of one epoch; `*` marks the best so far."""
    parts = [f"loss {metrics.train_loss:.4f}  accuracy {metrics.train_accuracy:7.2%}"]
    if metrics.validation_loss is not None and metrics.validation_accuracy is not None:
        parts.append(
            f"validation loss {metrics.validation_loss:.4f}  accuracy {metrics.validation_accuracy:7.2%}"
        )
    parts.append(f"{metrics.images_per_second:,.0f} images/s")
    number = f"{metrics.epoch:{len(str(epochs))}}/{epochs}"
    return f"epoch {number}  " + "  |  ".join(parts) + ("  *" if best else "")


def _stop_line(event: EpochDone) -> str:
    return f"No improvement for a while (training.patience): stopped after epoch {event.metrics.epoch}."


class _Lines:
    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batch(self, event: BatchDone) -> None:
        """A batch is not worth a line."""

    def epoch(self, event: EpochDone) -> None:
        print(epoch_line(event.metrics, self.epochs, event.best), file=sys.stderr)  # noqa: T201
        if event.stops:
            print(_stop_line(event), file=sys.stderr)  # noqa: T201

    def close(self) -> None:
        """Nothing is open."""


class _Bar:
    def __init__(self, console: Console, training: Training) -> None:
        self.epochs, self.batches = training.options.epochs, training.batches
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        done = (training.progress.epoch - 1) * self.batches + training.progress.batch
        self.task = self.progress.add_task(
            "training", total=self.epochs * self.batches, completed=done, figures=""
        )

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batch(self, event: BatchDone) -> None:
        self.progress.update(
            self.task,
            completed=(event.epoch - 1) * self.batches + event.batch,
            description=f"epoch {event.epoch}/{self.epochs}",
            figures=f"{event.images_per_second:,.0f} images/s  loss {event.loss:.4f}",
        )

    def epoch(self, event: EpochDone) -> None:
        self.progress.console.print(epoch_line(event.metrics, self.epochs, event.best), soft_wrap=True)
        if event.stops:
            self.progress.console.print(_stop_line(event))

    def close(self) -> None:
        self.progress.stop()
