"""A training while it runs: on a terminal curves, a bar and a line an epoch; plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from convcli.render.evaluation import macro_figure
from convcli.render.progress import Bar
from convcli.render.terminal_curves import NARROWEST, SIDE_BY_SIDE, Running, terminal_curves
from convcli.training import BatchDone, EpochDone, Metrics, Training

SAMPLES = 60  # of an epoch's batches, for its curve
MOST_EPOCHS = 400  # or up to twice as many
FEWEST_LINES = 20  # of a terminal on which curves leave room for the epochs above them


class View(Protocol):
    """What shows the events of a training."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def batch(self, event: BatchDone) -> None: ...
    def epoch(self, event: EpochDone) -> None: ...
    def close(self) -> None: ...


def training_view(training: Training) -> View:
    """Return what suits stderr: curves and a bar on a terminal, lines elsewhere."""
    console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return _Bar(console, training)
    return _Lines(training.options.epochs)


def epoch_line(metrics: Metrics, epochs: int, best: bool) -> str:
    """Return the figures of one epoch; `*` marks the best so far."""
    parts = [f"loss {metrics.train_loss:.4f}  accuracy {metrics.train_accuracy:7.2%}"]
    if metrics.validation_loss is not None and metrics.validation_accuracy is not None:
        judged = f"validation loss {metrics.validation_loss:.4f}  accuracy {metrics.validation_accuracy:7.2%}"
        parts.append(f"{judged}  {macro_figure(metrics)}".rstrip())
    parts.append(f"{metrics.images_per_second:,.0f} images/s")
    number = f"{metrics.epoch:{len(str(epochs))}}/{epochs}"
    return f"epoch {number}  " + "  |  ".join(parts) + ("  *" if best else "")


def epoch_lines(metrics: Metrics, epochs: int, best: bool, width: int) -> str:
    """Return the same in as few lines as fit a terminal, none of which is wrapped within a figure."""
    line = epoch_line(metrics, epochs, best)
    without_speed = "  |  ".join(line.split("  |  ")[:-1]) + ("  *" if best else "")
    for shorter in (line, without_speed):
        if len(shorter) <= width:
            return shorter
    mark, number = "  *" if best else "", f"{metrics.epoch:{len(str(epochs))}}/{epochs}"
    train = f"epoch {number}  loss {metrics.train_loss:.4f} {metrics.train_accuracy:.2%}"
    if metrics.validation_loss is None or metrics.validation_accuracy is None:
        return train + mark
    judged = f"validation {metrics.validation_loss:.4f} {metrics.validation_accuracy:.2%}{mark}"
    joint = "  " if len(train) + 2 + len(judged) <= width else "\n  "
    return train + joint + judged


def _stop_line(event: EpochDone) -> str:
    waited = f"{event.waited} epoch" + "s" * (event.waited > 1)
    return f"No improvement for {waited} (training.patience): stopped after epoch {event.metrics.epoch}."


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
        for text in event.notes:
            print(f"note: {text}", file=sys.stderr)  # noqa: T201
        if event.stops:
            print(_stop_line(event), file=sys.stderr)  # noqa: T201

    def close(self) -> None:
        """Nothing is open."""


class _Bar:
    def __init__(self, console: Console, training: Training) -> None:
        self.epochs, self.batches = training.options.epochs, training.batches
        self.display = _Display(console, training)
        done = (training.progress.epoch - 1) * self.batches + training.progress.batch
        self.task = self.display.add_task(
            "training", total=self.epochs * self.batches, completed=done, figures=""
        )

    def __enter__(self) -> Self:
        self.display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batch(self, event: BatchDone) -> None:
        self.display.sample(event)
        speed = f"{event.images_per_second:,.0f} images/s  "
        self.display.update(
            self.task,
            completed=(event.epoch - 1) * self.batches + event.batch,
            description=f"epoch {event.epoch}/{self.epochs}",
            figures=f"{speed if self.display.console.width >= SIDE_BY_SIDE else ''}loss {event.loss:.4f}",
        )

    def epoch(self, event: EpochDone) -> None:
        self.display.running = []
        width = self.display.console.width
        line = epoch_lines(event.metrics, self.epochs, event.best, width)
        self.display.console.print(line, soft_wrap=True)
        for text in event.notes:
            self.display.console.print(f"note: {text}", soft_wrap=True)
        if event.stops:
            self.display.console.print(_stop_line(event))

    def close(self) -> None:
        """Leave the curves on the terminal, once."""
        if self.display.live.is_started:
            self.display.stop()
            if (curves := self.display.curves()) is not None:
                self.display.console.print(curves, no_wrap=True, overflow="ellipsis")


class _Display(Bar):
    """A bar under the curves so far: of the epochs that have ended, and of how this one goes."""

    def __init__(self, console: Console, training: Training) -> None:
        self.terminal, self.training, self.running = console, training, list[Running]()
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            refresh_per_second=4,  # each takes the training's time
            transient=True,
        )

    def sample(self, event: BatchDone) -> None:
        """Keep some of an epoch's moments."""
        if event.batch * SAMPLES > len(self.running) * event.batches:
            epoch = event.epoch - 1 + event.batch / event.batches
            self.running.append(Running(epoch, event.loss, event.accuracy))

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield what is on the terminal; Rich asks for it again and again."""
        if (curves := self.curves()) is not None:
            yield curves
        yield from super().get_renderables()

    def curves(self) -> Text | None:
        """Return the curves; None where there is nothing to draw yet, or no room for it."""
        progress = self.training.progress
        ended = len(progress.history)  # another thread may add to it from now on
        running = [moment for moment in self.running if moment.epoch > ended]
        width, lines = self.terminal.size
        fits = width >= NARROWEST and lines >= FEWEST_LINES and not self.terminal.options.ascii_only
        if not fits or not (ended or running):
            return None
        # Of very many epochs some, the last and the best one are enough.
        chosen = {*range(ended - 1, -1, -max(1, ended // MOST_EPOCHS)), progress.best_epoch - 1} - {-1}
        history = [progress.history[number] for number in sorted(chosen)]
        return terminal_curves({"": history}, width, 6 if width >= SIDE_BY_SIDE else 4, running)
