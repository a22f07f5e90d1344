"""Training as a generator of events. It neither prints nor writes: whoever iterates does, and may stop."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter

from convcli.data import Dataset
from convcli.engine.sums import vector_norm
from convcli.engine.workspace import Array
from convcli.errors import TrainingError
from convcli.nn.config import USUAL_FIGURE, Figure, TrainingOptions
from convcli.nn.cutting import Cutting
from convcli.nn.doubts import about_learning
from convcli.nn.evaluation import Evaluation, evaluate
from convcli.nn.model import Model
from convcli.nn.ranks import ALONE, Ranks
from convcli.nn.weights import NetworkWeights, bias_mask, decay_mask
from convcli.nn.workers import Workers, check_training_memory

# What is read from a checkpoint has exactly these fields, and finite numbers.
_AS_WRITTEN = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class BatchDone:
    """A batch has been learned from; loss and accuracy are of the epoch so far.

    `stop` is the number of a signal that asks a rank to stop: all see it behind the same batch. 0 is none.
    """

    epoch: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    images_per_second: float
    learning_rate: float
    stop: int = 0


@dataclass(frozen=True)
class Metrics:
    """The figures of one epoch; validation figures are None without validation images."""

    __pydantic_config__ = _AS_WRITTEN

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float
    images_per_second: float
    validation_macro_precision: float | None = None
    validation_macro_recall: float | None = None
    validation_macro_f1: float | None = None
    best_by: Figure = USUAL_FIGURE

    @property
    def merit(self) -> tuple[float, float]:
        """What the best epoch has the largest of: see `best_metrics`."""
        figure, loss = getattr(self, self.best_by), self.validation_loss or 0.0
        if figure is None:
            return -math.inf, self.epoch
        return (-figure if self.best_by.endswith("loss") else figure), -loss


def best_metrics(history: Sequence[Metrics]) -> Metrics:
    """Return the best of some epochs (at least one).

    It is the one with the highest validation accuracy, or the best of another figure that `best_by` names;
    the lower validation loss among equals, and the first of those that are equal in both. Without
    validation it is simply the last one, unless the figure is one of training.
    """
    return max(history, key=lambda metrics: metrics.merit)


@dataclass(frozen=True, eq=False)
class EpochDone:
    """An epoch has ended."""

    metrics: Metrics
    figures: Evaluation | None  # on the validation images, if there are any
    best: bool  # the best so far
    waited: int  # how many epochs the best one is ago
    stops: bool  # patience has run out
    notes: tuple[str, ...] = ()  # why nothing is learned, once, where that is so
    stop: int = 0  # as of a batch


@dataclass
class Progress:
    """How far a run has come: all that, with the arrays, it takes to go on exactly.

    Random numbers need no state: they depend on the seed, the epoch and the step alone.
    """

    __pydantic_config__ = _AS_WRITTEN

    epoch: int = 1
    batch: int = 0
    step: int = 0
    loss: float = 0.0
    correct: int = 0
    seconds: float = 0.0
    best_epoch: int = 0
    history: list[Metrics] = field(default_factory=list)

    @property
    def place(self) -> str:
        """How far that is, in words."""
        done = f"epoch {self.epoch - 1}" if self.epoch > 1 else "the start"
        return f"{done} and {self.batch} batches of epoch {self.epoch}" if self.batch else done

    @property
    def best(self) -> Metrics:
        """The best epoch, once one has ended."""
        return self.history[self.best_epoch - 1]

    def restart_epoch(self) -> None:
        """Forget what has been learned from in this epoch, as at its beginning."""
        self.batch, self.loss, self.correct, self.seconds = 0, 0.0, 0, 0.0

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Any) -> Progress:
        """Return what `document` returned, or raise ValueError if it did not return that."""
        progress = TypeAdapter(cls).validate_python(document)
        if not (
            len(progress.history) == progress.epoch - 1
            and [row.epoch for row in progress.history] == list(range(1, progress.epoch))
            and 0 <= progress.best_epoch < progress.epoch
            and min(progress.batch, progress.step, progress.correct, progress.seconds) >= 0
        ):
            raise ValueError("the epochs do not fit each other")
        return progress


def epoch_order(seed: int, epoch: int, images: int) -> Array:
    """Return the order in which so many images are learned from in an epoch: their positions (n,)."""
    return np.random.default_rng((seed, epoch)).permutation(images)


class Training:
    """A model that learns from `train` and is judged on `validation`.

    Iterate over `run()`: it yields a `BatchDone` for each batch and an `EpochDone` for each epoch. At every
    yield `progress`, `optimizer_state`, `averages` and the model's weights are consistent, so iteration may
    end there and another `Training` may go on from them. `best` holds the weights of the best epoch, see
    `best_metrics`; `best_of` is the model that they were weights of.

    With `training.ema` the weights of an epoch are `averages`: they are validated and kept.

    With several `ranks` each has such a training, and all do the same steps: what they yield, and what they
    are then, is the same for all of them.
    """

    def __init__(
        self,
        model: Model,
        options: TrainingOptions,
        train: Dataset,
        validation: Dataset | None,
        threads: int | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        check_training_memory(model.network, min(options.batch_size, len(train)), threads, ranks)
        model.config.augmentation.check(train.shape)
        self.model, self.options, self.train, self.validation = model, options, train, validation
        self.threads, self.ranks = threads, ranks
        self.progress = Progress()
        self.optimizer = options.optimizer
        self.schedule = options.schedule
        self.optimizer_state = self.optimizer.start(model.weights.trained)
        self.best, self.best_of = NetworkWeights(model.network), model
        self.averages: NetworkWeights | None = None
        if options.ema is not None:
            self.averages = NetworkWeights(model.network)
            self.averages.copy_from(model.weights)
        self._decay = decay_mask(model.network)
        self._factors: Array | None = None  # of the rate, for each parameter
        if options.optimizer.bias_rate_factor != 1:
            self._factors = 1 + np.float32(options.optimizer.bias_rate_factor - 1) * bias_mask(model.network)
        self._doubted = False

    @property
    def batches(self) -> int:
        """How many batches an epoch has; the last may be smaller."""
        return -(-len(self.train) // self.options.batch_size)

    @property
    def lanes(self) -> int:
        """In how many lanes a batch goes: for so many workers, of all ranks, it has work."""
        cutting = Cutting.of(self.model.network)
        pieces, _ = cutting.to_learn(min(self.options.batch_size, len(self.train)))
        return cutting.lanes(pieces)

    @property
    def most_lanes(self) -> int:
        """In how many the largest batches go."""
        return Cutting.of(self.model.network).most_lanes

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        history = self.progress.history
        return self.progress.epoch > self.options.epochs or bool(history and self.out_of_patience)

    def best_model(self) -> Model:
        """Return the model with the weights of the best epoch."""
        return replace(self.best_of, weights=self.best)

    def run(self, asked: Sequence[int] = ()) -> Iterator[BatchDone | EpochDone]:
        """Learn, epoch by epoch, until the last one or until patience runs out.

        `asked` begins with the number of a signal, once one has asked this rank to stop; see `BatchDone`.

        Raises TrainingError if loss or weights are no longer finite numbers; names the epoch, the batch, the
        likely cause.
        """
        with self.model.workers(self.threads, self.ranks) as workers:
            while not self.finished:
                yield from self._epoch(workers, asked)
                yield self._judge(workers, asked)

    def _epoch(self, workers: Workers, asked: Sequence[int]) -> Iterator[BatchDone]:
        progress, size = self.progress, self.options.batch_size
        order = epoch_order(self.options.seed, progress.epoch, len(self.train))
        while progress.batch < self.batches:
            started = time.perf_counter()
            batch = order[progress.batch * size : (progress.batch + 1) * size]
            stop = self._step(workers, batch, asked)
            progress.seconds += time.perf_counter() - started
            seen = min(progress.batch * size, len(self.train))
            yield BatchDone(
                progress.epoch,
                progress.batch,
                self.batches,
                progress.loss / seen,
                progress.correct / seen,
                seen / progress.seconds,
                self._rate_of(progress.batch - 1),
                stop if self.ranks.size > 1 else _first(asked),
            )

    def _step(self, workers: Workers, batch: Array, asked: Sequence[int]) -> int:
        """Learn from a batch; return the signal that asked a rank to stop."""
        progress, weights, averages, ema = self.progress, self.model.weights, self.averages, self.options.ema
        seed = (self.options.seed, progress.epoch, progress.batch)
        train = self.train
        train.check_unchanged()
        result = workers.gradient(train.stored, train.labels[batch], train.places(batch), seed, asked)
        gradient = workers.total
        norm = vector_norm(gradient)
        if not math.isfinite(result.loss):
            raise self._diverged(f"The loss became {result.loss}")
        if not math.isfinite(norm):
            raise self._diverged("The gradient became infinite")
        if self.options.clip_norm is not None:
            norm = self.ranks.same(norm)  # whose last digits are the processor's
            if norm > self.options.clip_norm:
                gradient *= self.options.clip_norm / norm
        rate, factors = self.rate, self._factors
        progress.step += 1

        def update(chunk: slice) -> bool:
            state = {name: vector[chunk] for name, vector in self.optimizer_state.items()}
            rates = rate if factors is None else rate * factors[chunk]
            self.optimizer.step(
                weights.trained[chunk], gradient[chunk], self._decay[chunk], state, rates, progress.step
            )
            if averages is not None and ema is not None:
                ema.update(averages.trained[chunk], weights.trained[chunk], progress.step)
            return bool(np.isfinite(weights.trained[chunk]).all())

        # The next loss would tell too, but a checkpoint may come first, and after the last step none does.
        if not (all(workers.in_chunks(update)) and np.isfinite(weights.kept).all()):
            raise self._diverged("The weights became infinite")
        if averages is not None and ema is not None:
            ema.update(averages.kept, weights.kept, progress.step)
        progress.batch += 1
        progress.loss += result.loss
        progress.correct += result.correct
        return result.stop

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self._rate_of(self.progress.batch)

    def _rate_of(self, batch: int) -> float:
        """Return the learning rate of a batch of this epoch, counted from 0."""
        step = (self.progress.epoch - 1) * self.batches + batch
        return self.optimizer.learning_rate * self.schedule.factor(step, self.batches, self.options.epochs)

    def _diverged(self, what: str) -> TrainingError:
        progress = self.progress
        usual = type(self.optimizer)().learning_rate
        smaller = min(self.optimizer.learning_rate / 10, 10 * usual)  # of 1e30 a tenth is as hopeless
        remedy = f"try training.optimizer.learning_rate = {smaller:g}"
        if self.options.clip_norm is None:
            remedy += " or training.clip_norm = 1.0"
        return TrainingError(
            f"{what} in epoch {progress.epoch}, batch {progress.batch + 1} of {self.batches}, "
            f"at learning rate {self.rate:.3g}. Most likely the learning rate is too high: {remedy}."
        )

    def _judge(self, workers: Workers, asked: Sequence[int]) -> EpochDone:
        """End an epoch: validate, compare with the best, set up the next."""
        progress, count = self.progress, len(self.train)
        figures, progress.seconds = self.ranks.same((self._validate(workers), progress.seconds))
        if figures is not None and not math.isfinite(figures.loss):
            progress.batch -= 1
            raise self._diverged(f"The loss became {figures.loss}")
        macro = figures.macro if figures else None
        metrics = Metrics(
            progress.epoch,
            progress.loss / count,
            progress.correct / count,
            figures.loss if figures else None,
            figures.accuracy if figures else None,
            self._rate_of(self.batches - 1),
            round(progress.seconds, 3),
            round(count / progress.seconds, 1),
            macro.precision if macro else None,
            macro.recall if macro else None,
            macro.f1 if macro else None,
            self.options.best_by,
        )
        progress.history.append(metrics)
        best = best_metrics(progress.history) is metrics
        if best:
            progress.best_epoch = progress.epoch
            self.best.copy_from(self.averages or self.model.weights)
            self.best_of = self.model
        progress.epoch += 1
        progress.restart_epoch()
        waited, notes = metrics.epoch - progress.best_epoch, self._doubts()
        stop = self._agreed(asked)
        return EpochDone(metrics, figures, best, waited, self.out_of_patience, notes, stop)

    def _agreed(self, asked: Sequence[int]) -> int:
        """Return the signal that asks a rank to stop; raise TrainingError if their weights differ."""
        if self.ranks.size == 1:
            return _first(asked)
        weights = self.model.weights
        fingerprint = zlib.crc32(weights.kept.data, zlib.crc32(weights.trained.data))
        rows = np.zeros((self.ranks.size, 2))
        rows[self.ranks.rank] = _first(asked), fingerprint
        self.ranks.collect(rows, [2] * self.ranks.size)
        if others := np.flatnonzero(rows[:, 1] != rows[0, 1]).tolist():
            raise TrainingError(
                f"The weights of rank {others[0]} are no longer those of rank 0: their processors or "
                "libraries compute differently. Train on machines of one kind, with the same versions."
            )
        return int(rows[:, 0].max())

    def _doubts(self) -> tuple[str, ...]:
        """Return why nothing is learned, if nothing is and that has not been said; the first rank says it."""
        if self._doubted or self.ranks.rank:
            return ()
        losses = [row.train_loss for row in self.progress.history]
        shares = np.bincount(self.train.labels, minlength=len(self.train.classes)) / len(self.train)
        doubt = about_learning(self.model, self.train, losses, self.model.loss.of_guessing(shares))
        self._doubted = doubt is not None
        return () if doubt is None else (doubt,)

    def _validate(self, workers: Workers) -> Evaluation | None:
        if self.validation is None:
            return None
        self.validation.check_unchanged()
        with self._averages_for_weights():
            outputs = workers.outputs(self.validation.stored, self.validation.positions)
        return evaluate(outputs, self.validation.labels, self.model.loss, self.model.classes)

    @contextmanager
    def _averages_for_weights(self) -> Iterator[None]:
        """Have the averages, if there are any, where workers see the weights."""
        if self.averages is None:
            yield
            return
        weights = self.model.weights
        trained, kept = weights.trained.copy(), weights.kept.copy()
        weights.copy_from(self.averages)
        try:
            yield
        finally:
            weights.trained[...], weights.kept[...] = trained, kept

    @property
    def out_of_patience(self) -> bool:
        """Whether what is looked at has not improved for as many epochs as it may; an epoch has ended."""
        patience, history = self.options.patience, self.progress.history
        return patience is not None and history[-1].epoch - self.progress.best_epoch >= patience


def _first(asked: Sequence[int]) -> int:
    return asked[0] if asked else 0
