"""From a configuration to objects, and from a run's files back to a model: the only place that knows both."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

import convcli.nn.layers  # noqa: F401 - registers the layers
from convcli import config as configuration
from convcli import toml
from convcli.bounds import check_memory
from convcli.config import Config, ConfigFile, DataOptions
from convcli.data import BUILT_IN, Dataset, Presentation, Source, Wanted, open_source, split
from convcli.data.duplicates import same_pictures
from convcli.errors import ConfigError, UsageError
from convcli.images import colour
from convcli.nn.layer import LAYERS, Layer, Shape
from convcli.nn.layers import Dense
from convcli.nn.layers.activation import Affine
from convcli.nn.losses import LOSSES, Loss
from convcli.nn.model import Model
from convcli.nn.network import Network, NetworkWeights
from convcli.nn.optimizers import OPTIMIZERS
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.schedules import SCHEDULES
from convcli.nn.workers import training_bytes
from convcli.training import Training
from convcli.wording import listed

SCHEMA = configuration.schema(layers=LAYERS, loss=LOSSES, optimizer=OPTIMIZERS, schedule=SCHEDULES)


def load_config(path: Path, overrides: Iterable[str] = ()) -> ConfigFile:
    """Return the configuration in a TOML file, with `key=value` overrides; ConfigError names all mistakes."""
    return configuration.read(path, SCHEMA, overrides)


@dataclass(frozen=True, eq=False)
class Data:
    """The images that a configuration asks for, in parts that do not overlap."""

    train: Dataset
    validation: Dataset | None
    test: Dataset | None
    notes: tuple[str, ...]
    presentation: Presentation = field(default_factory=Presentation)
    seen: int = 0
    """How many test images stand in the training or the validation part, too."""

    def part(self, name: str) -> Dataset:
        """Return the part `name`, or raise UsageError if there is none."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        found = parts[name]
        if found is None:
            there = ", ".join(key for key, value in parts.items() if value is not None)
            raise UsageError(f"The data has no {name} part; it has: {there}.")
        return found

    def fingerprint(self) -> dict[str, str]:
        """Return what tells these images from others, as far as training depends on them.

        For the training and the validation part: the number and size of the images, and the start of the
        SHA-256 of images and labels.
        """
        return {
            name: fingerprint(part) if part is not None else "none"
            for name, part in (("training", self.train), ("validation", self.validation))
        }


def fingerprint(dataset: Dataset) -> str:
    """Return the number and size of images, and the start of the SHA-256 of them and their labels."""
    digest = hashlib.sha256(np.ascontiguousarray(dataset.images).data)
    digest.update(np.ascontiguousarray(dataset.labels).data)
    size = "×".join(map(str, dataset.shape))
    return f"{len(dataset):,} of {size}, SHA-256 {digest.hexdigest()[:16]}…"


def open_data(options: DataOptions, base: Path, presentation: Presentation | None = None) -> Source:
    """Read the source that [data] names, without what it names beside; relative paths start from `base`.

    `presentation` is that of a network which is to see the images; without one, [data] and the source decide.
    """
    return open_source(options.source, base=base, wanted=wanted(options, presentation))


def divided(source: Source, share: float, seed: int) -> tuple[Dataset, Dataset | None]:
    """Return the training and the validation part: the source's own one, or a share split off."""
    if source.validation is None:
        return split(source.train, share, seed)
    return source.train, source.validation if share else None


def wanted(options: DataOptions, presentation: Presentation | None = None) -> Wanted:
    """Return what [data] asks of a source."""
    return Wanted(
        options.size,
        options.channels,
        presentation or _presentation(options),
        presentation is not None,
        options.skip_damaged,
        options.columns,
        options.layout,
    )


def _presentation(options: DataOptions) -> Presentation:
    background = options.background
    if isinstance(background, str):
        try:
            background = colour(background)
        except UsageError as error:
            raise ConfigError(f"data.background: {error}") from error
    elif isinstance(background, int):
        background = (background, background, background)
    return Presentation(background, options.range, options.range is not None, options.fit)


def load_data(options: DataOptions, base: Path, seed: int) -> Data:
    """Read the images that [data] names; relative paths start from `base`."""
    source = open_data(options, base)
    train, notes = source.train, list(source.notes)

    def beside(path: str) -> Dataset:
        like = wanted(options).like(train.shape, source.presentation)
        other = open_source(path, base=base, wanted=like)
        notes.extend(f"{path}: {note}" for note in other.notes)
        return other.held_out.relabel(train.classes)

    test = source.test if options.test is None else beside(options.test)
    if isinstance(options.validation, str):
        validation: Dataset | None = beside(options.validation)
    else:
        train, validation = divided(source, options.validation, seed)
        if source.validation is not None and not options.validation:
            notes.append("the source's own validation part is not used: data.validation is 0")
    same, seen = same_pictures({"train": train, "validation": validation, "test": test})
    return Data(train, validation, test, (*notes, *same, *_lacking(train)), source.presentation, seen)


def _lacking(train: Dataset) -> list[str]:
    """Return what a person should hear of classes that cannot be learned."""
    if len(train.classes) == 1:
        return [f"there is one class only, {train.classes[0]!r}: every answer will be right"]
    missing = [name for name, count in train.class_counts.items() if not count]
    return [f"without any training image, so never learned: class {listed(missing)}"] if missing else []


def build_network(config: Config, input_shape: Shape, classes: int | None) -> Network:
    """Return the network of a configuration for inputs (h, w, c).

    Raises
    ------
    ConfigError
        If the layers do not fit each other, the input, or the number of classes.
    """
    layers: list[Layer] = [layer for layer in config.layers if isinstance(layer, Layer)]
    last = layers[-1]
    if isinstance(last, Dense) and last.units is None and classes is not None:
        layers[-1] = last.model_copy(update={"units": classes})
    network = Network(layers, input_shape)
    if classes is not None and network.shapes[-1] != (classes,):
        flat = "flatten and " if len(network.shapes[-1]) > 1 else ""
        raise ConfigError(
            f"[[layers]] {len(layers)} ({last.name()}) gives {network.shapes[-1]}, but there are {classes} "
            f"classes: end with {flat}a dense layer without `units`, or with units = {classes}."
        )
    if any(isinstance(layer, Affine) and layer.frozen for layer in layers) and not network.trained.size:
        raise ConfigError("[[layers]]: every layer with weights is frozen, so there is nothing to train.")
    return network


def new_model(config: Config, data: Data, threads: int | None = None) -> Model:
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


def new_training(config: Config, data: Data, threads: int | None = None) -> Training:
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


def differences(one: Config, other: Config) -> list[str]:
    """Return a line for each value in which two configurations differ."""
    return [f"{key}: {before!r} → {after!r}" for key, (before, after) in changes(one, other).items()]
