"""From a configuration to objects, and from a run's files back to a model: the only place that knows both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

import convcli.nn.layers  # noqa: F401 - registers the layers
from convcli import config as configuration
from convcli.bounds import check_memory
from convcli.config import Config, ConfigFile
from convcli.data import BUILT_IN, Splits
from convcli.errors import ConfigError
from convcli.formats import toml
from convcli.nn.layer import LAYERS, Layer, Shape
from convcli.nn.losses import LOSSES, Loss
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.optimizers import OPTIMIZERS
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.schedules import SCHEDULES
from convcli.nn.weights import NetworkWeights
from convcli.nn.workers import training_bytes
from convcli.training import Training

SCHEMA = configuration.schema(layers=LAYERS, loss=LOSSES, optimizer=OPTIMIZERS, schedule=SCHEDULES)


def load_config(path: Path, overrides: Iterable[str] = ()) -> ConfigFile:
    """Return the configuration in a TOML file, with `key=value` overrides; ConfigError names all mistakes."""
    return configuration.read(path, SCHEMA, overrides)


def build_network(config: Config, input_shape: Shape, classes: int | None) -> Network:
    """Return the network of a configuration for inputs (h, w, c).

    Raises
    ------
    ConfigError
        If the layers do not fit each other, the input, or the number of classes.
    """
    layers = [layer for layer in config.layers if isinstance(layer, Layer)]
    return Network.classifying(layers, input_shape, classes)


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
        Preprocessing.fit(data.train.images, config.data.preprocessing, data.presentation),
        cast(Loss, config.training.loss),
        data.train.classes,
        config,
    )


def new_training(config: Config, data: Splits, threads: int | None = None) -> Training:
    """Return a training that has not begun."""
    model = new_model(config, data, threads)
    return Training(model, config.training, data.train, data.validation, threads)


def resolved_text(file: ConfigFile) -> str:
    """Return every value in force as TOML, with paths that hold from anywhere.

    Raises
    ------
    ConfigError
        If a path is not UTF-8, which TOML is.
    """

    def absolute(text: str) -> str:
        if text in BUILT_IN:
            return text
        return os.path.realpath(file.base / os.path.expanduser(text))  # noqa: PTH111 - as `open_source`

    text = configuration.dump(file.config, absolute)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"{file.name}: the name of a path in [data] is not UTF-8 text, so that a run cannot keep it. "
            "Rename the file or folder."
        ) from None
    return text


def resolved_config(file: ConfigFile) -> Config:
    """Return the configuration as a run keeps it: with paths that hold from anywhere."""
    return SCHEMA.validate(toml.loads(resolved_text(file)), file.name)


def changes(one: Config, other: Config) -> dict[str, tuple[Any, Any]]:
    """Return the values in which two configurations differ, by their TOML path; None where there is none."""
    left, right = (config.model_dump(mode="json", serialize_as_any=True) for config in (one, other))
    return document_changes(left, right)


def document_changes(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the values in which two documents differ, by the keys that lead there; None where there is none.

    >>> document_changes({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": [{"e": 0}]})
    {'a.c': (2, 3), 'd.1.e': (None, 0)}
    """

    def flat(value: Any, path: str) -> dict[str, Any]:
        if isinstance(value, Mapping):
            items: Iterable[tuple[Any, Any]] = value.items()
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            items = enumerate(value, 1)
        else:
            return {path: value}
        return {k: v for key, item in items for k, v in flat(item, f"{path}.{key}".lstrip(".")).items()}

    left, right = flat(one, ""), flat(other, "")
    keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
    return {key: (left.get(key), right.get(key)) for key in keys}
