"""Networks with random weights: one for each case of each layer, in a row with what makes classes of it."""

from __future__ import annotations

import numpy as np

from convcli.config import DataOptions
from convcli.nn.config import Config, EvaluationOptions, TrainingOptions
from convcli.nn.layer import LAYERS
from convcli.nn.layers import Dense, Flatten
from convcli.nn.losses import CrossEntropy
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.optimizers import OPTIMIZERS
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.schedules import SCHEDULES
from convcli.nn.weights import NetworkWeights
from nn.cases import FACTS

CLASSES = ("ant", "</script>", "$bee")
CASES = {
    f"{name}, {label}": (LAYERS[name](**case.options), case.shape)
    for name, facts in FACTS.items()
    for label, case in facts.cases.items()
}


def model(layers, shape, *, loss=None, flips=False, classes=CLASSES, seed=7):
    """Return a model of these layers, whose weights and running figures are random."""
    rng = np.random.default_rng(seed)
    network = Network.classifying(layers, shape, len(classes))
    weights = NetworkWeights.initial(network, rng)
    weights.trained += rng.normal(0, 0.1, weights.trained.shape).astype(np.float32)
    for name, array in weights.items():
        if name.endswith((".mean", ".variance")):
            array[...] = rng.uniform(0.2, 1.5, array.shape)
    loss = loss or CrossEntropy()
    training = TrainingOptions(loss=loss, optimizer=OPTIMIZERS["sgd"](), schedule=SCHEDULES["constant"]())
    options = {"data": DataOptions(source="made"), "evaluation": EvaluationOptions(flips=flips)}
    config = Config(layers=network.layers, training=training, **options)
    mean, deviation = (tuple(rng.uniform(0.2, 0.6, shape[2]).tolist()) for _ in range(2))
    return Model(network, weights, Preprocessing(shape, mean, deviation), loss, tuple(classes), config)


def of_case(name):
    """Return the model of an entry of `CASES`."""
    layer, shape = CASES[name]
    before = [] if len(shape) == 3 else [Flatten()]
    last = [Dense()] if len(layer.output_shape(shape)) == 1 else [Flatten(), Dense()]
    return model([*before, layer, *last], shape if len(shape) == 3 else (1, 1, *shape))


def images_for(model, count, seed=3):
    """Return random images as the model takes them."""
    shape = (count, *model.preprocessing.shape)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
