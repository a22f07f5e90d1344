"""Training as a generator of events. It neither prints nor writes: whoever iterates does, and may stop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

import numpy as np

from convcli.config import TrainingOptions
from convcli.data import Dataset
from convcli.engine.workspace import Array
from convcli.errors import TrainingError
from convcli.nn.evaluation import Evaluation, evaluate
from convcli.nn.model import Model
from convcli.nn.network import NetworkWeights, decay_mask
from convcli.nn.optimizers import Optimizer
from convcli.nn.schedules import Schedule
from convcli.nn.workers import Workers


@dataclass(frozen=True)
class BatchDone:
    """A batch has been learned from; loss and accuracy are of the epoch so far."""

    epoch: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    images_per_second: float


@dataclass(frozen=True)
class Metrics:
    """The figures of one epoch; validation figures are None without validation images."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float
    images_per_second: float


def best_metrics(history: Sequence[Metrics]) -> Metrics:
    """Return the best of some epochs (at least one).

    It is the one with the highest validation accuracy, the lower loss among equals, and the first of those
    that are equal in both; without validation simply the last one.
    """

    def merit(metrics: Metrics) -> tuple[float, float]:
        loss, accuracy = metrics.validation_loss, metrics.validation_accuracy
        return (-1.0, metrics.epoch) if loss is None or accuracy is None else (accuracy, -loss)

    return max(history, key=merit)


@dataclass(frozen=True)
class EpochDone:
    """An epoch has ended; `best` tells whether it is the best so far, `stops` whether patience ran out."""

    metrics: Metrics
    best: bool
    stops: bool


@dataclass
class Progress:
    """How far a run has come: all that, with the arrays, it takes to go on exactly.

    Random numbers need no state: they depend on the seed, the epoch and the step alone.
    """

    epoch: int = 1
    batch: int = 0
    step: int = 0
    loss: float = 0.0
    correct: int = 0
    seconds: float = 0.0
    best_epoch: int = 0
    history: list[Metrics] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Progress:
        """Return what `document` returned."""
        history = [Metrics(**row) for row in document["history"]]
        return cls(**{**document, "history": history})


class Training:
    """A model that learns from `train` and is judged on `validation`.

    Iterate over `run()`: it yields a `BatchDone` for each batch and an `EpochDone` for each epoch. At every
    yield `progress`, `optimizer_state` and the model's weights are consistent, so iteration may end there
    and another `Training` may go on from them. `best` holds the weights of the best epoch: the one with
    the highest validation accuracy, the lower loss among equals, or simply the last one without validation.
    """

    def __init__(
        self,
        model: Model,
        options: TrainingOptions,
        train: Dataset,
        validation: Dataset | None,
        threads: int | None = None,
    ) -> None:
        self.model, self.options, self.train, self.validation = model, options, train, validation
        self.threads = threads
        self.progress = Progress()
        self.optimizer = cast(Optimizer, options.optimizer)
        self.schedule = cast(Schedule, options.schedule)
        self.optimizer_state = self.optimizer.start(model.weights.trained)
        self.best = NetworkWeights(model.network)
        self._decay = decay_mask(model.network)

    @property
    def batches(self) -> int:
        """How many batches an epoch has; the last may be smaller."""
        return -(-len(self.train) // self.options.batch_size)

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        history = self.progress.history
        return self.progress.epoch > self.options.epochs or bool(history and self._out_of_patience())

    def best_model(self) -> Model:
        """Return the model with the weights of the best epoch."""
        return replace(self.model, weights=self.best)

    def run(self) -> Iterator[BatchDone | EpochDone]:
        """Learn, epoch by epoch, until the last one or until patience runs out.

        Raises
        ------
        TrainingError
            If the loss is no longer a finite number; names the epoch, the batch and the likely cause.
        """
        with self.model.workers(self.threads) as workers:
            while not self.finished:
                yield from self._epoch(workers)
                yield self._judge(workers)

    def _epoch(self, workers: Workers) -> Iterator[BatchDone]:
        progress, size = self.progress, self.options.batch_size
        order = np.random.default_rng((self.options.seed, progress.epoch)).permutation(len(self.train))
        while progress.batch < self.batches:
            started = time.perf_counter()
            batch = order[progress.batch * size : (progress.batch + 1) * size]
            self._step(workers, batch)
            progress.seconds += time.perf_counter() - started
            seen = min(progress.batch * size, len(self.train))
            yield BatchDone(
                progress.epoch,
                progress.batch,
                self.batches,
                progress.loss / seen,
                progress.correct / seen,
                seen / progress.seconds,
            )

    def _step(self, workers: Workers, batch: Array) -> None:
        progress, weights = self.progress, self.model.weights
        seed = (self.options.seed, progress.epoch, progress.batch)
        result = workers.gradient(self.train.images, self.train.labels, batch, seed)
        gradient = workers.total
        norm = float(np.linalg.norm(gradient))
        if not (math.isfinite(result.loss) and math.isfinite(norm)):
            raise self._diverged(result.loss)
        if self.options.clip_norm is not None and norm > self.options.clip_norm:
            gradient *= self.options.clip_norm / norm
        rate = self.rate
        progress.step += 1

        def update(chunk: slice) -> None:
            state = {name: vector[chunk] for name, vector in self.optimizer_state.items()}
            with np.errstate(all="ignore"):  # what overflows here is found by the next loss
                self.optimizer.step(
                    weights.trained[chunk], gradient[chunk], self._decay[chunk], state, rate, progress.step
                )

        workers.in_chunks(update)
        progress.batch += 1
        progress.loss += result.loss
        progress.correct += result.correct

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        factor = self.schedule.factor(self.progress.step, self.batches, self.options.epochs)
        return self.optimizer.learning_rate * factor

    def _diverged(self, loss: float) -> TrainingError:
        progress = self.progress
        what = f"The loss became {loss}" if not math.isfinite(loss) else "The gradient became infinite"
        remedy = f"try training.optimizer.learning_rate = {self.optimizer.learning_rate / 10:g}"
        if self.options.clip_norm is None:
            remedy += " or training.clip_norm = 1.0"
        return TrainingError(
            f"{what} in epoch {progress.epoch}, batch {progress.batch + 1} of {self.batches}, "
            f"at learning rate {self.rate:.3g}. Most likely the learning rate is too high: {remedy}."
        )

    def _judge(self, workers: Workers) -> EpochDone:
        """End an epoch: validate, compare with the best, set up the next."""
        progress, count = self.progress, len(self.train)
        figures = self._validate(workers)
        if figures is not None and not math.isfinite(figures.loss):
            progress.batch -= 1
            raise self._diverged(figures.loss)
        last_rate_step = max(progress.step - 1, 0)
        metrics = Metrics(
            progress.epoch,
            progress.loss / count,
            progress.correct / count,
            figures.loss if figures else None,
            figures.accuracy if figures else None,
            self.optimizer.learning_rate
            * self.schedule.factor(last_rate_step, self.batches, self.options.epochs),
            round(progress.seconds, 3),
            round(count / progress.seconds, 1),
        )
        progress.history.append(metrics)
        best = best_metrics(progress.history) is metrics
        if best:
            progress.best_epoch = progress.epoch
            self.best.copy_from(self.model.weights)
        progress.epoch += 1
        progress.batch, progress.loss, progress.correct, progress.seconds = 0, 0.0, 0, 0.0
        return EpochDone(metrics, best, self._out_of_patience())

    def _validate(self, workers: Workers) -> Evaluation | None:
        if self.validation is None:
            return None
        outputs = workers.outputs(self.validation.images)
        with np.errstate(all="ignore"):  # outputs that overflowed are found by the loss they give
            return evaluate(outputs, self.validation.labels, self.model.loss, self.model.classes)

    def _out_of_patience(self) -> bool:
        patience, history = self.options.patience, self.progress.history
        return patience is not None and history[-1].epoch - self.progress.best_epoch >= patience
