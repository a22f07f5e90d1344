"""From a configuration to a network and its training."""

from __future__ import annotations

import numpy as np

from convcli.data import Splits
from convcli.engine.workspace import Array, Workspace
from convcli.nn.config import Config
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.weights import NetworkWeights
from convcli.nn.workers import check_training_memory
from convcli.training import Training


def new_model(config: Config, data: Splits, threads: int | None = None) -> Model:
    """Return a model that has not learned, its weights drawn from the seed, for `threads` to train."""
    network = Network.classifying(config.layers, data.train.shape, len(data.train.classes))
    batch_size = min(config.training.batch_size, len(data.train))
    check_training_memory(network, batch_size, threads)  # before weights are drawn
    config.augmentation.check(data.train.shape)
    preprocessing = Preprocessing.fit(data.train.blocks(), config.data.preprocessing, data.presentation)

    def images(count: int) -> Array:
        chosen = np.linspace(0, len(data.train) - 1, min(count, len(data.train))).round().astype(np.int64)
        pixels = data.train.take(chosen).images
        return preprocessing.apply(pixels, Workspace())

    rng = np.random.default_rng((config.training.seed, 0))
    return Model(
        network,
        NetworkWeights.initial(network, rng, images=images),
        preprocessing,
        config.training.loss.weighing(data.train.classes, data.train.labels),
        data.train.classes,
        config,
    )


def new_training(config: Config, data: Splits, threads: int | None = None) -> Training:
    """Return a training that has not begun."""
    model = new_model(config, data, threads)
    return Training(model, config.training, data.train, data.validation, threads)
