"""Checkpoints: what a training or its model is, as arrays and a document, and both from them again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from convcli.config_file import ConfigFile
from convcli.data import Presentation, Splits
from convcli.engine.workspace import Array
from convcli.errors import ConfigError, ConvcliError, InputError
from convcli.nn.config import Config, validate
from convcli.nn.layer import Shape
from convcli.nn.losses import Loss
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.ranks import ALONE, Ranks
from convcli.nn.weights import NetworkWeights
from convcli.runs.folder import BEST, RESOLVED, Checkpoint, Run
from convcli.training import Progress, Training
from convcli.wording import shortened

_FORMAT = 1
_AVERAGES = "averages."


def best_checkpoint(training: Training) -> Checkpoint:
    """Return all that predicting needs: the weights of the best epoch and what belongs to them."""
    return model_checkpoint(training.best_model(), training.progress.best_epoch)


def last_checkpoint(training: Training) -> Checkpoint:
    """Return all that going on needs: weights, the optimizer's state, how far it came, the best epoch."""
    model = model_checkpoint(training.model, training.progress.epoch)
    arrays, document = dict(model.arrays), {**model.document, "progress": training.progress.document()}
    arrays |= _state_arrays(training)
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


def model_checkpoint(model: Model, epoch: int) -> Checkpoint:
    """Return all that predicting with a model needs, as after an epoch; 0 is before the first."""
    document = {
        "format": _FORMAT,
        "epoch": epoch,
        "classes": list(model.classes),
        "preprocessing": model.preprocessing.document(),
        "config": _config_document(model.config),
    }
    if model.loss.class_weights is not None:
        document["class_weights"] = model.loss.class_weights
    return Checkpoint(_weight_arrays(model.weights), document)


def _config_document(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude_none=True)


def _weight_arrays(weights: NetworkWeights) -> dict[str, Array]:
    return {f"layers.{name}": array for name, array in weights.items()}


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


def packed(model: Model) -> bytes:
    """Return a model as the bytes of a safetensors file, such as a run keeps."""
    return b"".join(model_checkpoint(model, epoch=0).parts())


def unpacked(data: bytes, name: str) -> Model:
    """Return the model that such bytes are; `name` begins the message of the InputError if they are none."""
    try:
        checkpoint = Checkpoint.of(data)
    except ValueError as error:
        raise InputError(f"{name}: damaged checkpoint ({shortened(str(error))}).") from error
    return _model(checkpoint, Path(name))


def _model(checkpoint: Checkpoint, path: Path, known: Model | None = None) -> Model:
    """Return the model of a checkpoint; a `known` one whose configuration is the same spares reading it."""
    fault = f"{path}: damaged checkpoint"
    try:
        document = checkpoint.document
        if document["format"] != _FORMAT:
            found = shortened(repr(document["format"]))
            raise InputError(f"{path}: format {found}; this version reads format {_FORMAT}.")
        if known is not None and document["config"] == _config_document(known.config):
            config = known.config
        else:
            config = validate(document["config"], f"{path} (its configuration)")
        preprocessing = Preprocessing.from_document(document["preprocessing"])
        classes = _class_names(document["classes"])
        loss = _loss(config.training.loss, document.get("class_weights"), classes)
        return _fitted(config, loss, preprocessing, classes, checkpoint.arrays, fault)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ConvcliError):
            raise InputError(f"{fault}. {error.lines[0]}", *error.lines[1:]) from error
        raise InputError(f"{fault} ({shortened(repr(error))}).") from error


def _loss(loss: Loss, weights: object, classes: tuple[str, ...]) -> Loss:
    """Return a loss with the weights of classes as its training found them."""
    if loss.class_weights is None:
        return loss
    if not (
        isinstance(weights, dict)
        and set(weights) == set(classes)
        and all(type(weight) is float and 0 < weight < math.inf for weight in weights.values())
    ):
        raise ValueError("there is not one weight for each class")
    return loss.model_copy(update={"class_weights": {name: weights[name] for name in classes}})


def _fitted(
    config: Config,
    loss: Loss,
    preprocessing: Preprocessing,
    classes: tuple[str, ...],
    arrays: Mapping[str, Array],
    fault: str,
) -> Model:
    """Return the model of a configuration with the weights that `arrays` hold."""
    network = Network.classifying(config.layers, preprocessing.shape, len(classes))
    shapes = network.trained.shapes() | network.kept.shapes()
    # Before there is room for the weights: nothing is allocated that a file does not fill.
    _check_arrays({f"layers.{name}": shape for name, shape in shapes.items()}, arrays, fault)
    weights = NetworkWeights(network)
    for name, view in _weight_arrays(weights).items():
        np.copyto(view, arrays[name])
        if not np.isfinite(view).all():
            raise InputError(f"{fault}: {name} holds values that are no numbers (NaN or infinity).")
    return Model(network, weights, preprocessing, loss, classes, config)


def _class_names(names: object) -> tuple[str, ...]:
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        raise ValueError("the names of its classes are no list of texts")
    return tuple(names)


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
    file = ConfigFile.read(run.folder / RESOLVED, inside=True)
    return replace(file, name=run.folder.name)


def restore_training(
    last: Checkpoint, path: Path, data: Splits, threads: int | None = None, ranks: Ranks = ALONE
) -> Training:
    """Return the training of a last checkpoint as it stood.

    Raises InputError if the checkpoint (at `path`) is damaged, or does not fit the images, or memory does not
    do.
    """
    fault = f"{path}: damaged checkpoint"
    model = _model(last, path)
    if (model.preprocessing.shape, model.classes) != (data.train.shape, data.train.classes):
        raise InputError(f"{path}: the data is no longer what this run was trained on (size or classes).")
    training = Training(model, model.config.training, data.train, data.validation, threads, ranks)
    try:
        training.progress = Progress.from_document(last.document["progress"])
    except (KeyError, ValueError) as error:
        raise InputError(f"{fault} (its progress cannot be read).") from error
    _fill(_state_arrays(training), last.arrays, fault)
    best = best_part(last)
    if training.progress.best_epoch and best is None:
        raise InputError(f"{fault} (the best epoch is missing).")
    if best is not None:
        training.best_of = _model(best, path, model)
        training.best.copy_from(training.best_of.weights)
    return training


def changed_training(old: Training, config: Config, presentation: Presentation, path: Path) -> Training:
    """Return a training that goes on from where an `old` one stands, under another configuration.

    Raises InputError if the weights or the state of the optimizer, which came from `path`, do not fit it.
    """
    fault = f"{path}: does not fit the changed {{}}; start a new run for it"
    preprocessing = replace(old.model.preprocessing, presentation=presentation)
    arrays, classes = last_checkpoint(old).arrays, old.model.classes
    loss = config.training.loss.weighing(classes, old.train.labels)
    try:
        model = _fitted(config, loss, preprocessing, classes, arrays, fault.format("configuration"))
    except ConfigError as error:
        told = f"{fault.format('configuration')}. {error.lines[0]}"
        raise InputError(told, *error.lines[1:]) from error
    training = Training(model, config.training, old.train, old.validation, old.threads, old.ranks)
    state = _state_arrays(training)
    begun = {name: array for name, array in state.items() if name.startswith(_AVERAGES)}  # if there were none
    _fill(state, {**begun, **arrays}, fault.format("optimizer"))
    training.progress, training.best, training.best_of = old.progress, old.best, old.best_of
    return training


def _state_arrays(training: Training) -> dict[str, Array]:
    """Return what a training has beside its weights and the best ones; to be written, or filled."""
    arrays = {f"optimizer.{name}": vector for name, vector in training.optimizer_state.items()}
    if training.averages is not None:
        averages = _weight_arrays(training.averages)
        arrays |= {f"{_AVERAGES}{name}": array for name, array in averages.items()}
    return arrays
