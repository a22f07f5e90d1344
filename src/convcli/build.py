"""From a configuration to objects, and from a run's files back to a model: the only place that knows both."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

import convcli.nn.layers  # noqa: F401 - registers the layers
from convcli import config as configuration
from convcli.config import Config, ConfigFile, DataOptions
from convcli.data import BUILT_IN, Dataset, open_source, split
from convcli.engine.workspace import Array
from convcli.errors import ConfigError, ConvcliError, InputError, UsageError
from convcli.nn.layer import LAYERS, Layer, Shape
from convcli.nn.layers import Dense
from convcli.nn.losses import LOSSES, Loss
from convcli.nn.model import Model
from convcli.nn.network import Network, NetworkWeights
from convcli.nn.optimizers import OPTIMIZERS
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.schedules import SCHEDULES
from convcli.runs import BEST, LAST, RESOLVED, Checkpoint, Run
from convcli.training import Progress, Training

SCHEMA = configuration.schema(layers=LAYERS, loss=LOSSES, optimizer=OPTIMIZERS, schedule=SCHEDULES)

_FORMAT = 1


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

    def part(self, name: str) -> Dataset:
        """Return the part `name`, or raise UsageError if there is none."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        found = parts[name]
        if found is None:
            there = ", ".join(key for key, value in parts.items() if value is not None)
            raise UsageError(f"The data has no {name} part; it has: {there}.")
        return found


def load_data(options: DataOptions, base: Path, seed: int) -> Data:
    """Read the images that [data] names; relative paths start from `base`."""
    source = open_source(options.source, base=base, size=options.size, channels=options.channels)
    train, notes = source.train, list(source.notes)

    def beside(path: str) -> Dataset:
        other = open_source(path, base=base, size=train.shape[:2], channels=train.shape[2])
        notes.extend(f"{path}: {note}" for note in other.notes)
        return other.held_out.relabel(train.classes)

    test = source.test if options.test is None else beside(options.test)
    if isinstance(options.validation, str):
        validation: Dataset | None = beside(options.validation)
    else:
        train, validation = split(train, options.validation, seed)
    return Data(train, validation, test, tuple(notes))


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
        raise ConfigError(
            f"[[layers]] {len(layers)} ({last.name()}) gives {network.shapes[-1]}, but there are {classes} "
            f"classes: end with a dense layer without `units`, or with units = {classes}."
        )
    return network


def new_training(config: Config, data: Data, threads: int | None = None) -> Training:
    """Return a training that has not begun, its weights drawn from the seed."""
    network = build_network(config, data.train.shape, len(data.train.classes))
    rng = np.random.default_rng((config.training.seed, 0))
    model = Model(
        network,
        NetworkWeights.initial(network, rng),
        Preprocessing.fit(data.train.images, config.data.preprocessing),
        cast(Loss, config.training.loss),
        data.train.classes,
        config,
    )
    return Training(model, config.training, data.train, data.validation, threads)


def resolved_text(file: ConfigFile) -> str:
    """Return every value in force as TOML, with paths that hold from anywhere.

    Raises
    ------
    ConfigError
        If a path is not UTF-8, which TOML is.
    """

    def absolute(text: str) -> str:
        return text if text in BUILT_IN else str((file.base / Path(text).expanduser()).resolve())

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
    return SCHEMA.validate(tomllib.loads(resolved_text(file)), file.name)


def evaluation_data(
    folder: Path, model: Model, source: str | None, part: str | None
) -> tuple[Dataset, str, tuple[str, ...]]:
    """Return the images to judge a run's model by, the name of their part, and what there is to say.

    `source` is other data than the run's own; `part` is "train", "validation" or "test", by default the test
    part where there is one.
    """
    if source is not None:
        rows, columns, channels = model.preprocessing.shape
        other = open_source(source, base=Path(), size=(rows, columns), channels=channels)
        if part == "validation" or (part == "test" and other.test is None):
            raise UsageError(f"{source} has no {part} part of its own; leave --split out.")
        chosen = other.train if part == "train" else other.held_out
        return chosen.relabel(model.classes), "test" if chosen is other.test else "train", other.notes
    file = run_config(Run.open(folder))
    data = load_data(file.config.data, file.base, file.config.training.seed)
    name = part or ("test" if data.test is not None else "validation")
    return data.part(name).relabel(model.classes), name, data.notes


def best_checkpoint(training: Training) -> Checkpoint:
    """Return all that predicting needs: the weights of the best epoch and what belongs to them."""
    return _model_checkpoint(training.best_model(), training.progress.best_epoch)


def last_checkpoint(training: Training) -> Checkpoint:
    """Return all that resuming needs: the weights as they are, the optimizer's state, how far it came."""
    model = _model_checkpoint(training.model, training.progress.epoch)
    state = {f"optimizer.{name}": vector for name, vector in training.optimizer_state.items()}
    document = {**model.document, "progress": training.progress.document()}
    return Checkpoint({**model.arrays, **state}, document)


def _model_checkpoint(model: Model, epoch: int) -> Checkpoint:
    arrays = _weight_arrays(model.network, model.weights)
    document = {
        "format": _FORMAT,
        "epoch": epoch,
        "classes": list(model.classes),
        "preprocessing": model.preprocessing.document(),
        "config": model.config.model_dump(mode="json", serialize_as_any=True, exclude_none=True),
    }
    return Checkpoint({f"layers.{name}": array for name, array in arrays.items()}, document)


def _weight_arrays(network: Network, weights: NetworkWeights) -> dict[str, Array]:
    return network.trained.named(weights.trained) | network.kept.named(weights.kept)


def load_run(path: str | Path) -> Model:
    """Return the best model of a run.

    Parameters
    ----------
    path
        A run's folder, as `convcli train` wrote it.

    Returns
    -------
    Model, with `.predict(images)`, `.classes` and `.config`.

    Raises
    ------
    InputError
        If there is no run, or its checkpoint is damaged.
    """
    run = Run.open(Path(path))
    return _model(run.read_checkpoint(BEST), run.folder / BEST)


def _model(checkpoint: Checkpoint, path: Path) -> Model:
    try:
        document = checkpoint.document
        if document["format"] != _FORMAT:
            raise InputError(f"{path}: format {document['format']}; this version reads format {_FORMAT}.")
        config = SCHEMA.validate(document["config"], f"{path} (its configuration)")
        preprocessing = Preprocessing.from_document(document["preprocessing"])
        classes = tuple(map(str, document["classes"]))
        network = build_network(config, preprocessing.shape, len(classes))
        weights = NetworkWeights(network)
        arrays = {f"layers.{name}": view for name, view in _weight_arrays(network, weights).items()}
        _fill(arrays, checkpoint.arrays, path)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ConvcliError):
            raise InputError(f"{path}: damaged checkpoint. {error}") from error
        raise InputError(f"{path}: damaged checkpoint ({error!r}).") from error
    return Model(network, weights, preprocessing, cast(Loss, config.training.loss), classes, config)


def _fill(views: Mapping[str, Array], arrays: Mapping[str, Array], path: Path) -> None:
    """Copy `arrays` into `views`, name by name, and complain about any that does not fit."""
    for name, view in views.items():
        found = arrays.get(name)
        if found is None or found.shape != view.shape or found.dtype != view.dtype:
            what = "is missing" if found is None else f"is {found.dtype} {found.shape}"
            raise InputError(
                f"{path}: damaged checkpoint: {name} {what}, expected {view.dtype} {view.shape}."
            )
        np.copyto(view, found)


def run_config(run: Run) -> ConfigFile:
    """Return the configuration that a run was made with, its paths absolute."""
    file = load_config(run.folder / RESOLVED)
    return replace(file, name=run.folder.name)


def resume_training(run: Run, data: Data, threads: int | None = None) -> Training:
    """Return the training of a run, as it stood when its last checkpoint was written."""
    path = run.folder / LAST
    checkpoint = run.read_checkpoint(LAST)
    model = _model(checkpoint, path)
    if (model.preprocessing.shape, model.classes) != (data.train.shape, data.train.classes):
        raise InputError(f"{path}: the data is no longer what this run was trained on (size or classes).")
    training = Training(model, model.config.training, data.train, data.validation, threads)
    try:
        training.progress = Progress.from_document(checkpoint.document["progress"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged checkpoint (its progress cannot be read).") from error
    state = {f"optimizer.{name}": vector for name, vector in training.optimizer_state.items()}
    _fill(state, checkpoint.arrays, path)
    if training.progress.best_epoch:
        training.best.copy_from(_model(run.read_checkpoint(BEST), run.folder / BEST).weights)
    return training


def differences(one: Config, other: Config) -> list[str]:
    """Return a line for each value in which two configurations differ, by its TOML path."""

    def flat(value: Any, path: str) -> dict[str, Any]:
        if isinstance(value, dict):
            items: Iterable[tuple[Any, Any]] = value.items()
        elif isinstance(value, Sequence) and not isinstance(value, str) and path == "layers":
            items = enumerate(value, 1)
        else:
            return {path: value}
        return {k: v for key, item in items for k, v in flat(item, f"{path}.{key}".lstrip(".")).items()}

    left, right = (flat(c.model_dump(mode="json", serialize_as_any=True), "") for c in (one, other))
    keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
    return [f"{key}: {left.get(key)!r} → {right.get(key)!r}" for key in keys]


def metric_rows(training: Training) -> list[dict[str, Any]]:
    """Return the table of epochs, a row each."""
    return [asdict(metrics) for metrics in training.progress.history]
