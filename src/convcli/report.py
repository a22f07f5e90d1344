"""What there is to say of a run: its figures, mistakes, kernels and feature maps, as plain objects."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convcli.data import Dataset
from convcli.data.splits import in_words
from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.explaining.tensors import pass_through
from convcli.images import resize
from convcli.nn.attribution import grad_cams, plane_of
from convcli.nn.evaluation import Evaluation
from convcli.nn.model import Model
from convcli.nn.places import Place
from convcli.nn.tape import LayerNumber
from convcli.training import Metrics, best_metrics

MOST_MISTAKES = 24
MOST_CONFUSIONS = 12
MOST_SAMPLES = 3


@dataclass(frozen=True, eq=False)
class Why:
    """Grad-CAM of an image for two classes, each (h, w), at least 0: what speaks for them, and where."""

    pixels: Array  # the image as the network sees it, uint8 (h, w, c)
    predicted: Array
    true: Array


@dataclass(frozen=True, eq=False)
class Judged:
    """An image and what the network says of it."""

    image: str  # its file, or its position in the data, from 0
    pixels: Array  # uint8 (h, w, c)
    true: str
    predicted: str
    probability: float  # of the predicted class
    true_probability: float
    why: Why | None = None  # of mistakes, where there is such a thing


@dataclass(frozen=True)
class Confusion:
    """How many images of class `true` were taken for `predicted`, and which share of that class they are."""

    true: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True, eq=False)
class Kernels:
    """The weights that look at the image itself."""

    layer: LayerNumber
    name: str
    what: str  # "kernel" of a convolution, or "unit" of a dense layer
    weights: Array  # (n, h, w, c): for each of them a picture


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """What a convolution or pool (its number, from 1, and its options) makes of an image: (h, w, c)."""

    layer: LayerNumber
    name: str
    maps: Array


@dataclass(frozen=True, eq=False)
class Sample:
    """An image on its way through the network."""

    judged: Judged
    layers: tuple[FeatureMaps, ...]


@dataclass(frozen=True)
class Timing:
    """How long the training steps of a run took, in seconds; judging and writing are not among them."""

    total: float
    mean: float  # of an epoch, as the next two
    fastest: float
    slowest: float
    images_per_second: float  # over the whole run

    @classmethod
    def of(cls, history: Sequence[Metrics]) -> Timing:
        """Return the figures of at least one epoch."""
        seconds = [row.seconds for row in history]
        total = sum(seconds)
        images = sum(row.images_per_second * row.seconds for row in history)
        rate = images / total if total else history[-1].images_per_second
        return cls(round(total, 3), total / len(seconds), min(seconds), max(seconds), rate)


@dataclass(frozen=True)
class Record:
    """What a run has written down of itself."""

    name: str  # of its folder
    history: tuple[Metrics, ...]  # of each finished epoch; none of a network that was trained elsewhere
    environment: Mapping[str, Any]  # versions, processor, threads
    config: str  # every value in force, as TOML
    origin: str | None = None  # the file that a network came from which was trained elsewhere


@dataclass(frozen=True, eq=False)
class Report:
    """A run and its best network, judged."""

    record: Record
    model: Model
    data: str  # the source of the judged images
    part: str  # which of it: "train", "validation" or "test"; or "new"
    split_off: bool  # they are a share of a larger part, and are named by their position in that
    figures: Evaluation
    mistakes: tuple[Judged, ...]  # the most confident ones, the surest first
    looked_at: Place | None  # the layer whose maps Grad-CAM takes; None where none gives a plane
    kernels: Kernels | None  # None where no layer with weights looks at the image itself
    samples: tuple[Sample, ...]
    own: bool = False  # the images are those of the run, which commands name by part and number

    @property
    def kind(self) -> str:
        """What one calls the judged images: "test", "validation", "training" or "new"."""
        return in_words(self.part)

    @property
    def best(self) -> Metrics | None:
        """The figures of the epoch whose weights were kept."""
        return best_metrics(self.record.history) if self.record.history else None

    @property
    def timing(self) -> Timing | None:
        """How long training took."""
        return Timing.of(self.record.history) if self.record.history else None

    @property
    def wrong(self) -> int:
        """How many images were judged wrongly."""
        return self.figures.samples - int(self.figures.confusion.trace())

    @property
    def confusions(self) -> tuple[Confusion, ...]:
        """The pairs of classes that were mixed up most often, the most frequent first."""
        counts = self.figures.confusion.copy()
        support = counts.sum(1)
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[:MOST_CONFUSIONS]
        names = self.figures.classes
        pairs = (divmod(int(place), len(names)) for place in order)
        return tuple(
            Confusion(names[i], names[j], int(counts[i, j]), float(counts[i, j] / support[i]))
            for i, j in pairs
            if counts[i, j]
        )


def report(record: Record, model: Model, images: Dataset, part: str, *, own: bool = False) -> Report:
    """Judge a run's best network on images, labelled in its classes, and gather all that a report shows.

    `own` says that they are a part of the run's own data.
    """
    pixels = images.images
    outputs = model.outputs(pixels)
    probabilities, guesses = model.loss.probabilities(outputs), outputs.argmax(1)

    def judged(index: int) -> Judged:
        label, guess = int(images.labels[index]), int(guesses[index])
        return Judged(
            images.origin(index),
            pixels[index],
            model.classes[label],
            model.classes[guess],
            float(probabilities[index, guess]),
            float(probabilities[index, label]),
        )

    wrong, looked_at = _surest(probabilities, guesses != images.labels), _plane(model)
    why: list[Why] | list[None] = [None] * len(wrong)
    if looked_at is not None:
        why = _whys(model, pixels[wrong], guesses[wrong], images.labels[wrong])
    return Report(
        record,
        model,
        images.name,
        part,
        images.positions is not None,
        model.judge(outputs, images.labels),
        tuple(replace(judged(index), why=own) for index, own in zip(wrong, why, strict=True)),
        looked_at,
        first_kernels(model),
        tuple(_sample(model, judged(index)) for index in _first_of_each_class(images.labels)),
        own,
    )


def _surest(probabilities: Array, wrong: Array) -> list[int]:
    """Return the positions of the wrongly judged images with the highest probabilities."""
    places = np.flatnonzero(wrong)
    order = np.argsort(-probabilities[places].max(1), kind="stable")
    return [int(place) for place in places[order][:MOST_MISTAKES]]


def _plane(model: Model) -> Place | None:
    try:
        return plane_of(model.network)
    except ShapeError:
        return None


def _whys(model: Model, images: Array, predicted: Array, true: Array) -> list[Why]:
    seen = model.seen(images)
    both = (grad_cams(model, seen, labels.tolist()) for labels in (predicted, true))
    return [Why(*each) for each in zip(seen, *((cam.map for cam in cams) for cams in both), strict=True)]


def _first_of_each_class(labels: Array) -> list[int]:
    """Return the positions of the first images of a few classes, in the order of the classes."""
    _, first = np.unique(labels, return_index=True)
    return [int(index) for index in first[:MOST_SAMPLES]]


def _sample(model: Model, judged: Judged) -> Sample:
    rows, columns, _ = model.preprocessing.shape
    trace = pass_through(model, resize(judged.pixels, (rows, columns))).trace
    return Sample(
        judged,
        tuple(
            FeatureMaps(place.number, place.title, trace.output(place.number)[0])
            for place in model.network.places
            if (place.layer.window(place.input) or place.layer.transposed(place.input))
            and len(place.output) == 3
        ),
    )


def examples(model: Model, images: Dataset, most: int) -> tuple[Judged, ...]:
    """Return up to `most` images that a network judges rightly, and then as many of its surest mistakes.

    Of the right ones the first of each class come first, then the second of each, and so on.
    """
    pixels, labels = images.images, images.labels
    probabilities = model.predict(pixels)
    guesses = probabilities.argmax(1)
    right = np.flatnonzero(guesses == labels)
    before = np.zeros(len(right), np.int64)  # how many of the class stand before each of them
    for label in np.unique(labels[right]):
        own = labels[right] == label
        before[own] = np.arange(np.count_nonzero(own))
    chosen = right[np.lexsort((labels[right], before))[:most]].tolist()
    return tuple(
        Judged(
            images.origin(index),
            pixels[index],
            model.classes[labels[index]],
            model.classes[guesses[index]],
            float(probabilities[index, guesses[index]]),
            float(probabilities[index, labels[index]]),
        )
        for index in [*chosen, *_surest(probabilities, guesses != labels)[:most]]
    )


def first_kernels(model: Model) -> Kernels | None:
    """Return the weights of the first convolution, or of a dense layer that sees the pixels; or None."""
    image, before = model.network.shapes[0], None
    for place in model.network.places:
        w = model.weights.arrays.at(place.number).get("W")
        if w is not None and place.layer.window(place.input) is not None:
            return Kernels(place.number, place.title, "kernel", np.moveaxis(w, 3, 0))
        if w is not None:
            flattened = before is not None and before.input == image and place.input == (math.prod(image),)
            return Kernels(place.number, place.title, "unit", w.T.reshape(-1, *image)) if flattened else None
        before = before if place.layer.children else place
    return None
