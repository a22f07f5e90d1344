"""Reports of networks made by hand, so that what they must say can be worked out on paper."""

from __future__ import annotations

import numpy as np

from convcli.data import Dataset
from convcli.nn.config import validate
from convcli.nn.losses import CrossEntropy
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.weights import NetworkWeights
from convcli.report import Record, report
from convcli.training import Metrics

HISTORY = (
    Metrics(1, 2.0, 0.5, 1.5, 0.6, 0.01, 2.0, 300.0),
    Metrics(2, 1.0, 0.7, 0.9, 0.8, 0.01, 1.0, 600.0),
    Metrics(3, 0.5, 0.9, 1.2, 0.7, 0.01, 3.0, 200.0),
)
ENVIRONMENT = {"versions": {"numpy": "2.0"}, "cpu": "a <processor>", "blas": [], "threads": 2}
RECORD = Record("run-001", HISTORY, ENVIRONMENT, '[data]\nsource = "<b>"\n')


def config(layers, epochs=3):
    """Return a configuration of these layers."""
    document = {"data": {"source": "made.npz"}, "layers": layers, "training": {"epochs": epochs}}
    return validate(document, "made.toml")


def model(layers, shape, classes, *, seed=0):
    """Return a model with weights drawn from the seed, that takes pixels as they are, over 255."""
    chosen = config(layers)
    network = Network.classifying(chosen.layers, shape, len(classes))
    weights = NetworkWeights.initial(network, np.random.default_rng(seed))
    preprocessing = Preprocessing(shape, (0.0,) * shape[2], (1.0,) * shape[2])
    return Model(network, weights, preprocessing, CrossEntropy(), tuple(classes), chosen)


def voting(classes):
    """Return a model whose outputs are an image's pixels over 5, one for each class."""
    made = model([{"type": "flatten"}, {"type": "dense", "bias": False}], (1, len(classes), 1), classes)
    made.weights.arrays.inner[1]["W"][...] = 51 * np.eye(len(classes))
    return made


def votes(rows, labels, classes, **more):
    """Return the images whose pixels these are."""
    images = np.array(rows, np.uint8)[:, None, :, None]
    return Dataset(images, np.array(labels, np.int64), tuple(classes), "votes.npz", **more)


def voted(rows, labels, classes=("a", "b", "c"), part="test", chosen=None, **more):
    """Return the report of the voting network on all images, or on those that are `chosen`."""
    images = votes(rows, labels, classes, **more)
    return report(RECORD, voting(classes), images if chosen is None else images.take(chosen), part)


CONV = [
    {"type": "conv", "filters": 3, "kernel": [3, 2], "padding": "same", "activation": "relu"},
    {"type": "max_pool"},
    {"type": "conv", "filters": 4, "groups": 1, "bias": False},
    {"type": "batch_norm"},
    {"type": "flatten"},
    {"type": "dense"},
]


def drawn(
    classes=("cat", "dog", "eel"), *, shape=(8, 10, 3), layers=CONV, count=30, part="validation", **more
):
    """Return the report of a convolutional network with weights at random, on images at random."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, *shape)).astype(np.uint8)
    labels = np.arange(count) % len(classes)
    dataset = Dataset(images, labels.astype(np.int64), tuple(classes), "drawn.npz", **more)
    return report(RECORD, model(layers, shape, classes), dataset, part)
