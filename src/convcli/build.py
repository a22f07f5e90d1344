"""From a configuration to a network and its training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convcli.config import Normalisation
from convcli.data import Splits
from convcli.engine.workspace import Array, Workspace
from convcli.nn.config import Config
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.ranks import ALONE, Ranks
from convcli.nn.transfer import Origins, Taken, fill_learned, take_over
from convcli.nn.weights import NetworkWeights
from convcli.nn.workers import check_training_memory
from convcli.training import Training


def new_model(
    config: Config,
    data: Splits,
    threads: int | None = None,
    origins: Origins | None = None,
    ranks: Ranks = ALONE,
) -> Model:
    """Return a model that has not learned, its weights drawn from the seed, for `threads` of ranks to train.

    `origins` has the runs that layers begin as, where `init` names some.
    """
    network = Network.classifying(config.layers, data.train.shape, len(data.train.classes))
    batch_size = min(config.training.batch_size, len(data.train))
    check_training_memory(network, batch_size, threads, ranks)  # before weights are drawn
    config.augmentation.check(data.train.shape)
    preprocessing = Preprocessing.fit(data.train.blocks(), config.data.preprocessing, data.presentation)

    def images(count: int) -> Array:
        chosen = np.linspace(0, len(data.train) - 1, min(count, len(data.train))).round().astype(np.int64)
        pixels = data.train.take(chosen).images
        return preprocessing.apply(pixels, Workspace())

    rng = np.random.default_rng((config.training.seed, 0))
    weights = NetworkWeights.initial(network, rng, images=images)
    fill_learned(network, weights, origins)
    loss = config.training.loss.weighing(data.train.classes, data.train.labels)
    return Model(network, weights, preprocessing, loss, data.train.classes, config)


@dataclass(frozen=True, eq=False)
class Begun:
    """A model that begins as another.

    Attributes
    ----------
    taken
        What of the other's weights it has.
    keeps_preprocessing
        Whether pixels are scaled as they were for the other.
    """

    model: Model
    taken: Taken
    keeps_preprocessing: bool


def begun_from(model: Model, origin: Model) -> Begun:
    """Return a model that has not learned with what fits of the weights of another, which has.

    If that is all of the first layer, pixels are scaled as they were for it, unless the configuration says
    how; what the configuration says then.
    """
    taken = take_over(model.network, model.weights, origin)
    data, old, now = model.config.data, origin.preprocessing, model.preprocessing
    alike = old.shape[2] == now.shape[2]
    if not (taken.names and taken.whole_first_layer and alike) or "preprocessing" in data.model_fields_set:
        return Begun(model, taken, (old.mean, old.deviation) == (now.mean, now.deviation))
    said = data.model_copy(update={"preprocessing": Normalisation(mean=old.mean, deviation=old.deviation)})
    kept = replace(now, mean=old.mean, deviation=old.deviation)
    config = model.config.model_copy(update={"data": said})
    return Begun(replace(model, preprocessing=kept, config=config), taken, True)


def new_training(
    config: Config, data: Splits, threads: int | None = None, origins: Origins | None = None
) -> Training:
    """Return a training that has not begun."""
    return training_of(new_model(config, data, threads, origins), data, threads)


def training_of(model: Model, data: Splits, threads: int | None = None, ranks: Ranks = ALONE) -> Training:
    """Return the training of a model that has not learned from `data`."""
    return Training(model, model.config.training, data.train, data.validation, threads, ranks)
