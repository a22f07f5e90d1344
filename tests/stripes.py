"""A task that a small network learns in a moment: do the stripes lie, stand, or cross?"""

from __future__ import annotations

import numpy as np

from convcli import build
from convcli.data import Dataset, Splits
from convcli.nn.config import validate
from convcli.runs import checkpoints
from convcli.runs.folder import LAST, Run

CLASSES = ("across", "crossed", "upright")

LAYERS = [
    {"type": "conv", "filters": 4, "activation": "relu"},
    {"type": "max_pool"},
    {"type": "flatten"},
    {"type": "dense"},
]


def dataset(count=90, seed=0):
    """Return `count` noisy grey 8×8 images of the three classes in turn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 60, (count, 8, 8))
    for image, label, phase in zip(images, labels, rng.integers(2, size=count), strict=True):
        if label != 2:
            image[phase::2] += 120
        if label != 0:
            image[:, phase::2] += 120
    return Dataset(np.minimum(images, 255)[..., None].astype(np.uint8), labels.astype(np.int64), CLASSES)


def data(count=90, *, validation=True):
    """Return training, validation and test images that do not overlap."""
    return Splits(dataset(count), dataset(30, 1) if validation else None, dataset(30, 2), ())


def config(layers=LAYERS, *, validation=0.1, augmentation=None, evaluation=None, **training):
    """Return a configuration for them; other keywords are options of [training]."""
    document = {
        "data": {"source": "stripes.npz", "validation": validation},
        "layers": layers,
        "augmentation": augmentation or {},
        "training": {"epochs": 3, "batch_size": 16, **training},
        "evaluation": evaluation or {},
    }
    return validate(document, "stripes.toml")


def training(layers=LAYERS, *, count=90, validation=True, threads=1, **options):
    """Return a training on them that has not begun; other keywords as for `config`."""
    chosen = config(layers, validation=0.1 if validation else 0, **options)
    return build.new_training(chosen, data(count, validation=validation), threads)


def trained(layers=LAYERS, **options):
    """Return a training on them that has ended; keywords as for `training`."""
    return ended(training(layers, **options))


def ended(training):
    """Return a training at its end."""
    for _ in training.run():
        pass
    return training


def stopped_and_resumed(layers, folder, **options):
    """Return a training that was stopped within its second epoch, written, read and taken to its end.

    Beside it what its checkpoint in `folder` held.
    """
    half = training(layers, **options)
    for event in half.run():
        if getattr(event, "batch", 0) == 3 and half.progress.epoch == 2:
            break
    run = Run.create("stripes", folder)
    run.write_checkpoint(LAST, checkpoints.last_checkpoint(half))
    last = run.read_checkpoint(LAST)
    return ended(checkpoints.restore_training(last, run.folder / LAST, data(), threads=1)), last


def vectors(training):
    """Return the bytes of all that a training has learned, and of what is kept beside it."""
    weights = training.model.weights
    return weights.trained.tobytes(), weights.kept.tobytes()
