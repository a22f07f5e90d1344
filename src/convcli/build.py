"""From a configuration to a network and its training."""

from __future__ import annotations

import numpy as np

import convcli.nn.layers  # noqa: F401 - registers the layers
from convcli.bounds import check_memory
from convcli.data import Splits
from convcli.nn.config import Config
from convcli.nn.layer import Shape
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.weights import NetworkWeights
from convcli.nn.workers import training_bytes
from convcli.training import Training


def build_network(config: Config, input_shape: Shape, classes: int | None) -> Network:
    """Return the network of a configuration for inputs (h, w, c).

    Raises
    ------
    ConfigError
        If the layers do not fit each other, the input, or the number of classes.
    """
    return Network.classifying(config.layers, input_shape, classes)


def new_model(config: Config, data: Splits, threads: int | None = None) -> Model:
    """Return a model that has not learned, its weights drawn from the seed, for `threads` to train."""
    network = build_network(config, data.train.shape, len(data.train.classes))
    check_memory(
        "[[layers]]",
        training_bytes(network, min(config.training.batch_size, len(data.train)), threads),
        advice="Set a smaller data.size or training.batch_size, pool earlier, or take fewer --threads.",
    )
    rng = np.random.default_rng((config.training.seed, 0))
    return Model(
        network,
        NetworkWeights.initial(network, rng),
        Preprocessing.fit(data.train.blocks(), config.data.preprocessing, data.presentation),
        config.training.loss,
        data.train.classes,
        config,
    )


def new_training(config: Config, data: Splits, threads: int | None = None) -> Training:
    """Return a training that has not begun."""
    model = new_model(config, data, threads)
    return Training(model, config.training, data.train, data.validation, threads)
