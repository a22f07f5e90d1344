"""From a configuration to objects, and from a run's files back to a model: the only place that knows both."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

import convcli.nn.layers  # noqa: F401 - registers the layers
from convcli import config as configuration
from convcli import toml
from convcli.bounds import check_memory
from convcli.config import Config, ConfigFile, DataOptions
from convcli.data import BUILT_IN, Dataset, Presentation, Source, Wanted, open_source, split
from convcli.data.dataset import listed
from convcli.data.duplicates import same_pictures
from convcli.engine.workspace import Array
from convcli.errors import ConfigError, ConvcliError, InputError, UsageError, shortened
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
from convcli.runs import BEST, RESOLVED, Checkpoint, Run
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


def best_checkpoint(training: Training) -> Checkpoint:
    """Return all that predicting needs: the weights of the best epoch and what belongs to them."""
    return _model_checkpoint(training.best_model(), training.progress.best_epoch)


def last_checkpoint(training: Training) -> Checkpoint:
    """Return all that going on needs: weights, the optimizer's state, how far it came, the best epoch."""
    model = _model_checkpoint(training.model, training.progress.epoch)
    arrays, document = dict(model.arrays), {**model.document, "progress": training.progress.document()}
    arrays |= {f"optimizer.{name}": vector for name, vector in training.optimizer_state.items()}
    if training.progress.best_epoch:
        best = best_checkpoint(training)
        arrays |= {f"best.{name}": array for name, array in best.arrays.items()}
        document["best"] = best.document
    return Checkpoint(arrays, document)


def best_part(last: Checkpoint) -> Checkpoint | None:
    """Return the best checkpoint that a last one holds; None before an epoch has ended."""
    if "best" not in last.document:
        return None
    best = "best."
    arrays = {name.removeprefix(best): last.arrays[name] for name in last.arrays if name.startswith(best)}
    return Checkpoint(arrays, last.document["best"])


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


def _model(checkpoint: Checkpoint, path: Path, changed: Config | None = None) -> Model:
    """Return the model of a checkpoint, under a `changed` configuration where one is given."""
    fault = f"{path}: damaged checkpoint"
    if changed is not None:
        fault = f"{path}: does not fit the changed configuration; start a new run for it"
    try:
        document = checkpoint.document
        if document["format"] != _FORMAT:
            found = shortened(repr(document["format"]))
            raise InputError(f"{path}: format {found}; this version reads format {_FORMAT}.")
        config = changed or SCHEMA.validate(document["config"], f"{path} (its configuration)")
        preprocessing = Preprocessing.from_document(document["preprocessing"])
        classes = _class_names(document["classes"])
        network = build_network(config, preprocessing.shape, len(classes))
        weights = _weights(network, checkpoint.arrays, fault)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ConvcliError):
            raise InputError(f"{fault}. {error.lines[0]}", *error.lines[1:]) from error
        raise InputError(f"{fault} ({shortened(repr(error))}).") from error
    return Model(network, weights, preprocessing, cast(Loss, config.training.loss), classes, config)


def _class_names(names: object) -> tuple[str, ...]:
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        raise ValueError("the names of its classes are no list of texts")
    return tuple(names)


def _weights(network: Network, arrays: Mapping[str, Array], fault: str) -> NetworkWeights:
    """Return the weights that a checkpoint's arrays hold; nothing is allocated that they do not fill."""
    shapes = network.trained.shapes() | network.kept.shapes()
    _check_arrays({f"layers.{name}": shape for name, shape in shapes.items()}, arrays, fault)
    weights = NetworkWeights(network)
    for name, view in _weight_arrays(network, weights).items():
        np.copyto(view, arrays[f"layers.{name}"])
        if not np.isfinite(view).all():
            raise InputError(f"{fault}: layers.{name} holds values that are no numbers (NaN or infinity).")
    return weights


def _fill(views: Mapping[str, Array], arrays: Mapping[str, Array], fault: str) -> None:
    """Copy `arrays` into `views`, name by name, and complain about any that does not fit."""
    _check_arrays({name: view.shape for name, view in views.items()}, arrays, fault)
    for name, view in views.items():
        np.copyto(view, arrays[name])


def _check_arrays(shapes: Mapping[str, Shape], arrays: Mapping[str, Array], fault: str) -> None:
    """Raise InputError unless there is an array of float32 for each of these shapes."""
    for name, shape in shapes.items():
        found = arrays.get(name)
        if found is None or found.shape != shape or found.dtype != np.float32:
            what = "is missing" if found is None else f"is {found.dtype} {found.shape}"
            raise InputError(f"{fault}: {name} {what}, expected float32 {shape}.")


def run_config(run: Run) -> ConfigFile:
    """Return the configuration that a run was made with, its paths absolute."""
    file = configuration.read(run.folder / RESOLVED, SCHEMA, inside=True)
    return replace(file, name=run.folder.name)


def restore_training(
    last: Checkpoint, path: Path, data: Data, threads: int | None = None, changed: Config | None = None
) -> Training:
    """Return the training of a last checkpoint as it stood, under a `changed` configuration where given.

    Raises
    ------
    InputError
        If the checkpoint (at `path`) is damaged, or does not fit the images or the changed configuration.
    """
    model = _model(last, path, changed)
    if (model.preprocessing.shape, model.classes) != (data.train.shape, data.train.classes):
        raise InputError(f"{path}: the data is no longer what this run was trained on (size or classes).")
    if changed is not None:
        model = replace(model, preprocessing=replace(model.preprocessing, presentation=data.presentation))
    training = Training(model, model.config.training, data.train, data.validation, threads)
    try:
        training.progress = Progress.from_document(last.document["progress"])
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: damaged checkpoint (its progress cannot be read).") from error
    fault = f"{path}: damaged checkpoint"
    if changed is not None:
        fault = f"{path}: does not fit the changed optimizer; start a new run for it"
    state = {f"optimizer.{name}": vector for name, vector in training.optimizer_state.items()}
    _fill(state, last.arrays, fault)
    best = best_part(last)
    if training.progress.best_epoch and best is None:
        raise InputError(f"{path}: damaged checkpoint (the best epoch is missing).")
    if best is not None:
        training.best_of = _model(best, path)
        training.best.copy_from(training.best_of.weights)
    return training


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


def metric_rows(training: Training) -> list[dict[str, Any]]:
    """Return the table of epochs, a row each."""
    return [asdict(metrics) for metrics in training.progress.history]
