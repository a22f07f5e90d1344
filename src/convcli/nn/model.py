"""A trained network with all that it takes to use it on images."""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from threading import current_thread, main_thread
from typing import Any

import numpy as np

from convcli.engine.blas import one_thread_each
from convcli.engine.threads import available_cores
from convcli.engine.workspace import Array, Workspace
from convcli.errors import TrainingError
from convcli.nn.attribution import map_of
from convcli.nn.config import Config
from convcli.nn.evaluation import Evaluation, evaluate
from convcli.nn.losses import Loss
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.ranks import ALONE, Ranks
from convcli.nn.trace import Trace
from convcli.nn.weights import NetworkWeights
from convcli.nn.workers import Workers


@dataclass(frozen=True, eq=False)
class Model:
    """A network, its weights and preprocessing, and the names of its classes.

    Attributes
    ----------
    classes
        Names, in the order of the outputs.
    config
        The configuration it was trained with.
    """

    network: Network
    weights: NetworkWeights
    preprocessing: Preprocessing
    loss: Loss
    classes: tuple[str, ...]
    config: Config

    def predict(self, images: Array) -> Array:
        """Return the probability of each class for each image.

        Parameters
        ----------
        images : (n, h, w) or (n, h, w, c), uint8
            As read: scaling is done here, and images of another size are resized.

        Returns
        -------
        (n, classes), float32; rows sum to 1.

        Raises
        ------
        ShapeError
            If the dtype or the number of channels is not what the network was trained on.
        TrainingError
            If the weights are so large that outputs are beyond float32.
        """
        return self.loss.probabilities(self.outputs(images))

    def far_from_training(self, images: Array) -> Array:
        """Return which of `images`, as `predict` takes them, are much brighter or darker than what it knows.

        What a network says of such images may mean nothing: of digits in black on white, if it has learned
        white on black (`255 - images` is what it knows). `predict` itself says nothing.

        Returns
        -------
        (n,), bool
        """
        return self.preprocessing.far(np.asarray(images))

    def outputs(self, images: Array) -> Array:
        """Return the network's raw outputs (n, classes) for `images`; errors are those of `predict`.

        With `evaluation.flips` in the configuration they are the means of those for an image and its mirror
        image, in all that uses them: `predict`, `evaluate`, and the validation of a training.
        """
        pixels = self.seen(images)
        with one_thread_each(), self._lent() as workers:
            return self.checked(workers.outputs(pixels))

    def seen(self, images: Array) -> Array:
        """Return `images` as the network sees them, uint8 (n, h, w, c); errors are those of `predict`."""
        return self.preprocessing.checked(_resized(np.asarray(images), self.preprocessing))

    def checked(self, outputs: Array) -> Array:
        """Return `outputs` (n, classes), or raise TrainingError if some are beyond float32."""
        if wrong := np.count_nonzero(~np.isfinite(outputs).all(1)):
            raise _too_large(f"outputs for {wrong:,} of {len(outputs):,} images are")
        return outputs

    def evaluate(self, images: Array, labels: Array) -> Evaluation:
        """Return the figures on `images` with the true `labels` (n,), indices into `classes`."""
        return self.judge(self.outputs(images), labels)

    def judge(self, outputs: Array, labels: Array) -> Evaluation:
        """Return the figures of `outputs` (n, classes); TrainingError if their loss is beyond float32."""
        figures = evaluate(outputs, labels, self.loss, self.classes)
        if not math.isfinite(figures.loss):
            raise _too_large("loss on these images is")
        return figures

    def trace(self, images: Array) -> Trace:
        """Return what becomes of a few `images` in each layer; errors are those of `predict`."""
        pixels = self.preprocessing.checked(images)
        x = self.preprocessing.apply(pixels, Workspace(), self.weights.trained.dtype)
        return Trace.of(self.network, self.weights, x)

    def why(
        self, image: Array, target: str | int | None = None, *, method: str = "grad_cam", **options: Any
    ) -> Array:
        """Return how much each pixel of an image has to do with the score of a class.

        Parameters
        ----------
        image : (h, w) or (h, w, c), uint8
        target
            Name or index of the class; the predicted one if not given.
        method
            "grad_cam", "occlusion" or "gradient".
        options
            Of the method: `layer`; `patch`, `stride` and `fill`. `convcli.nn.attribution` has functions of
            these names, which say what they do, and return more than a map.

        Returns
        -------
        (h, w), float64, of the size that the network sees.
        """
        return map_of(method, self, image, target, **options)

    @cached_property
    def _kept(self) -> dict[tuple[int, bool], list[Workers]]:
        """Workers that no call is using, for the next one; helpers end with the model or the process."""
        kept: dict[tuple[int, bool], list[Workers]] = {}
        weakref.finalize(self, _close, kept)
        return kept

    @contextmanager
    def _lent(self) -> Iterator[Workers]:
        """Give workers that no other call is using; after an error they are not used again.

        A process that was forked shares memory with the first one, and only the main thread has helpers that
        are processes: each has its own.
        """
        place = os.getpid(), current_thread() is main_thread()
        kept = self._kept.setdefault(place, [])
        try:
            workers = kept.pop()
        except IndexError:
            workers = self.workers()
        try:
            yield workers
        except BaseException:
            workers.close()
            raise
        if len(kept) < available_cores():
            kept.append(workers)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy in another process, or in this one, has as well: no helpers."""
        return {name: value for name, value in vars(self).items() if name != "_kept"}

    def workers(self, threads: int | None = None, ranks: Ranks = ALONE) -> Workers:
        """Return a team that takes batches through the network, as the configuration says."""
        return Workers(
            self.network,
            self.weights,
            self.preprocessing,
            self.loss,
            threads,
            augmentation=self.config.augmentation,
            flips=self.config.evaluation.flips,
            ranks=ranks,
        )


def _close(kept: dict[tuple[int, bool], list[Workers]]) -> None:
    for workers in chain.from_iterable(kept.values()):
        workers.close()


def _too_large(what: str) -> TrainingError:
    return TrainingError(
        f"The network's {what} beyond float32: its weights became too large in training. "
        "Train again with a smaller training.optimizer.learning_rate."
    )


def _resized(pixels: Array, preprocessing: Preprocessing) -> Array:
    rows, columns, _ = preprocessing.shape
    if pixels.ndim not in (3, 4) or pixels.dtype != np.uint8 or pixels.shape[1:3] == (rows, columns):
        return pixels
    volumes = pixels if pixels.ndim == 4 else pixels[..., None]
    result = np.empty((len(volumes), rows, columns, volumes.shape[3]), np.uint8)
    for number, volume in enumerate(volumes):
        result[number] = preprocessing.presentation.fitted(volume, (rows, columns))
    return result
