"""What training sees: some of its images as they are, and as the first epochs show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convcli.data import Dataset
from convcli.engine.workspace import Array
from convcli.nn.augmentation import Augmenter
from convcli.nn.model import Model
from convcli.training import epoch_order

MOST_IMAGES, MOST_EPOCHS = 8, 7


@dataclass(frozen=True, eq=False)
class Form:
    """An image as an epoch shows it: uint8 (h, w, c), and the classes it is of with their shares."""

    epoch: int
    pixels: Array
    shares: tuple[tuple[str, float], ...]  # the largest first


@dataclass(frozen=True, eq=False)
class Seen:
    """A training image (its file, or its position in the data, from 0) as it is, and its forms."""

    image: str
    label: str
    pixels: Array
    forms: tuple[Form, ...]


def as_trained(model: Model, train: Dataset) -> tuple[Seen, ...]:
    """Return some images of `train`, of as many classes as there are, in the first epochs of a training."""
    chosen = _of_each_class(train.labels)[:MOST_IMAGES]
    epochs = range(1, min(model.config.training.epochs, MOST_EPOCHS) + 1)
    augmenter = Augmenter(model.config.augmentation, model.preprocessing, len(model.classes))
    forms = [_forms(model, train, augmenter, epoch, chosen) for epoch in epochs]
    return tuple(
        Seen(
            train.origin(index),
            train.classes[train.labels[index]],
            train.stored[train.places(np.array([index]))[0]],
            tuple(of_epoch[number] for of_epoch in forms),
        )
        for number, index in enumerate(chosen)
    )


def _of_each_class(labels: Array) -> list[int]:
    """Return the positions of images: the first of each class, the second of each, and so on."""
    ranks = np.empty(len(labels), np.int64)
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    ranks[order] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return [int(index) for index in np.lexsort((labels, ranks))]


def _forms(model: Model, train: Dataset, augmenter: Augmenter, epoch: int, chosen: list[int]) -> list[Form]:
    """Return what becomes of images in an epoch, each in the batch that it is in there."""
    options, result = model.config.training, []
    order = epoch_order(options.seed, epoch, len(train))
    for index in chosen:
        number, within = divmod(int(np.flatnonzero(order == index)[0]), options.batch_size)
        indices = order[number * options.batch_size :][: options.batch_size]
        places = train.places(indices)
        batch = train.stored[places], train.labels[indices], places
        seen = slice(within, within + 1)
        images, targets = augmenter.piece(batch, seen, (options.seed, epoch, number))
        result.append(Form(epoch, np.rint(images[0]).astype(np.uint8), _named(targets[0], model.classes)))
    return result


def _named(target: Array, classes: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Return the classes of a target, a label or shares, with what each has."""
    if not target.ndim:
        return ((classes[target], 1.0),)
    largest = np.argsort(-target, kind="stable")[: np.count_nonzero(target)]
    return tuple((classes[k], float(target[k])) for k in largest)
