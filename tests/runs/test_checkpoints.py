"""Checkpoints: a training or its model as arrays and a document, and both from them again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import convcli
import stripes
from convcli import build
from convcli.config import DataOptions
from convcli.config_file import dump
from convcli.data import Presentation, Splits, Wanted
from convcli.errors import InputError
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, LAST, RESOLVED, Run


@pytest.fixture(scope="module")
def finished():
    """Return a training of two epochs."""
    layers = [*stripes.LAYERS[:1], {"type": "batch_norm"}, *stripes.LAYERS[1:]]
    training = stripes.training(layers, epochs=2, optimizer={"type": "sgd", "momentum": 0.9})
    for _ in training.run():
        pass
    return training


@pytest.fixture
def run(finished, tmp_path):
    """Return the folder of that training."""
    run = Run.create("stripes", tmp_path / "run")
    run.write(RESOLVED, b"")
    run.write_checkpoint(BEST, checkpoints.best_checkpoint(finished))
    run.write_checkpoint(LAST, checkpoints.last_checkpoint(finished))
    return run


def restored(run, data=None):
    """Return the training of the run's last checkpoint."""
    return checkpoints.restore_training(run.read_checkpoint(LAST), run.folder / LAST, data or stripes.data())


def changed(run, config):
    """Return that training under another configuration."""
    return checkpoints.changed_training(restored(run), config, Presentation(), run.folder / LAST)


def test_a_loaded_model_predicts_the_same(finished, run):
    images = stripes.dataset(20, 4).images
    model = convcli.load_run(run.folder)
    np.testing.assert_array_equal(model.predict(images), finished.best_model().predict(images))
    assert model.classes == stripes.CLASSES
    assert model.config == finished.model.config
    assert model.preprocessing == finished.model.preprocessing


def test_a_run_may_be_named_by_text(run):
    assert checkpoints.load_run(str(run.folder)).classes == stripes.CLASSES


def test_a_restored_training_stands_where_it_stood(finished, run):
    resumed = restored(run)
    assert resumed.progress == finished.progress
    assert resumed.finished
    for name, vector in finished.optimizer_state.items():
        np.testing.assert_array_equal(resumed.optimizer_state[name], vector)
    for ours, theirs in ((resumed.model.weights, finished.model.weights), (resumed.best, finished.best)):
        np.testing.assert_array_equal(ours.trained, theirs.trained)
        np.testing.assert_array_equal(ours.kept, theirs.kept)


def test_data_that_has_changed_is_refused(run):
    data = stripes.data()
    renamed = replace(data, train=replace(data.train, classes=("a", "b", "c")))
    with pytest.raises(InputError, match="the data is no longer what this run was trained on"):
        restored(run, renamed)


def test_a_restored_training_may_go_on_under_another_configuration(finished, run):
    layers = [*stripes.LAYERS[:1], {"type": "batch_norm"}, *stripes.LAYERS[1:]]
    faster = stripes.config(layers, epochs=2, optimizer={"type": "sgd", "learning_rate": 0.5})
    training = changed(run, faster)
    assert training.optimizer.learning_rate == 0.5
    np.testing.assert_array_equal(training.model.weights.trained, finished.model.weights.trained)
    assert training.best_model().config == finished.model.config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            stripes.config(),
            (
                r"last.safetensors: does not fit the changed configuration; start a new run for it: "
                r"layers\.5\.W|layers\.4\.W"
            ),
        ),
        (
            stripes.config(
                [*stripes.LAYERS[:1], {"type": "batch_norm"}, *stripes.LAYERS[1:]], optimizer="adam"
            ),
            r"does not fit the changed optimizer; start a new run for it: optimizer\.\w+ is missing",
        ),
    ],
)
def test_another_network_or_optimizer_needs_a_new_run(run, config, message):
    with pytest.raises(InputError, match=message):
        changed(run, config)


def test_weights_of_classes_are_those_of_the_training(tmp_path):
    training = stripes.training(epochs=1, loss={"class_weights": "balanced"})
    uneven = training.train.take([*range(30), *range(30, 90, 3)])
    training = build.new_training(training.model.config, Splits(uneven, None, None, ()))
    for _ in training.run():
        pass
    run = Run.create("stripes", tmp_path / "run")
    run.write(RESOLVED, b"")
    run.write_checkpoint(BEST, checkpoints.best_checkpoint(training))
    loss = checkpoints.load_run(run.folder).loss
    assert loss == training.model.loss
    assert loss.class_weights == pytest.approx({"across": 50 / 90, "crossed": 50 / 30, "upright": 50 / 30})


def test_a_last_checkpoint_holds_the_best_one(finished, run):
    stored, best = run.read_checkpoint(LAST), checkpoints.best_checkpoint(finished)
    found = checkpoints.best_part(stored)
    assert found.document == best.document
    assert {name: array.tobytes() for name, array in found.arrays.items()} == {
        name: array.tobytes() for name, array in best.arrays.items()
    }


def test_before_an_epoch_has_ended_there_is_no_best_one():
    assert checkpoints.best_part(checkpoints.last_checkpoint(stripes.training())) is None


def rewrite(path, change):
    """Let `change(arrays, document)` alter a checkpoint in place."""
    with safetensors.safe_open(path, framework="numpy") as stored:
        arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        document = json.loads(stored.metadata()["convcli"])
    change(arrays, document)
    path.write_bytes(safetensors.numpy.save(arrays, {"convcli": json.dumps(document)}))


DAMAGED_FILES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut in the header": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "cut in the arrays": lambda path: path.write_bytes(path.read_bytes()[:-10]),
    "longer than it says": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "wrong magic": lambda path: path.write_bytes(b"\x93NUMPY" + path.read_bytes()[6:]),
    "text": lambda path: path.write_bytes(b"these are not weights, however long they may be"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
FOREIGN = {
    "no metadata": lambda path: path.write_bytes(safetensors.numpy.save({"x": np.zeros(3)})),
    "other metadata": lambda path: path.write_bytes(
        safetensors.numpy.save({"x": np.zeros(3)}, {"format": "pt"})
    ),
    "no json": lambda path: path.write_bytes(safetensors.numpy.save({"x": np.zeros(3)}, {"convcli": "{"})),
    "bfloat16": lambda path: path.write_bytes(
        b"\x3a" + bytes(7) + b'{"x":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'.ljust(58) + bytes(2)
    ),
}


@pytest.mark.parametrize("damage", DAMAGED_FILES.values(), ids=DAMAGED_FILES.keys())
@pytest.mark.parametrize("name", [BEST, LAST])
def test_a_damaged_file_is_said_to_be_damaged(run, damage, name):
    damage(run.folder / name)
    with pytest.raises(InputError, match=f"{name}: damaged"):
        checkpoints.load_run(run.folder) if name == BEST else restored(run)


@pytest.mark.parametrize("replacement", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_safetensors_file_is_said_to_be_foreign(run, replacement):
    replacement(run.folder / BEST)
    with pytest.raises(
        InputError, match=r"best.safetensors: (a safetensors file, but not one that convcli wrote|damaged)"
    ):
        checkpoints.load_run(run.folder)


def test_a_missing_checkpoint_is_explained(run):
    (run.folder / BEST).unlink()
    with pytest.raises(
        InputError,
        match=r"best\.safetensors: no such file\. No epoch of this run has ended yet, or it was removed",
    ):
        checkpoints.load_run(run.folder)


def drop(*path):
    def change(_arrays, document):
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return change


def put(value, *path):
    def change(_arrays, document):
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


def weigh(weights):
    def change(_arrays, document):
        document["config"]["training"]["loss"]["class_weights"] = "balanced"
        if weights is not None:
            document["class_weights"] = weights

    return change


EVEN = dict.fromkeys(stripes.CLASSES, 1.0)
DAMAGED_CONTENTS = {
    "no weights of classes": (weigh(None), "not one weight for each class"),
    "weights of others": (weigh({"up": 1.0}), "not one weight for each class"),
    "a weight of text": (weigh({**EVEN, "across": "1"}), "not one weight for each class"),
    "a weight below 0": (weigh({**EVEN, "across": -1.0}), "not one weight for each class"),
    "array missing": (lambda arrays, _: arrays.pop("layers.1.W"), "layers.1.W is missing"),
    "state missing": (lambda arrays, _: arrays.pop("layers.2.mean"), "layers.2.mean is missing"),
    "array of another shape": (
        lambda arrays, _: arrays.update({"layers.5.b": np.zeros(4, np.float32)}),
        r"layers.5.b is float32 \(4,\), expected float32 \(3,\)",
    ),
    "array of another dtype": (
        lambda arrays, _: arrays.update({"layers.5.b": np.zeros(3)}),
        r"layers.5.b is float64 \(3,\), expected float32",
    ),
    "later format": (put(2, "format"), "format 2; this version reads format 1"),
    "no format": (drop("format"), "damaged checkpoint"),
    "no classes": (drop("classes"), "damaged checkpoint"),
    "classes a number": (put(3, "classes"), "damaged checkpoint"),
    "no preprocessing": (drop("preprocessing"), "damaged checkpoint"),
    "shape of two numbers": (put([8, 8], "preprocessing", "shape"), "damaged checkpoint"),
    "mean for another depth": (put([0.5, 0.5], "preprocessing", "mean"), "damaged checkpoint"),
    "deviation of text": (put(["a"], "preprocessing", "deviation"), "damaged checkpoint"),
    "configuration wrong": (
        put("many", "config", "layers", 0, "filters"),
        "damaged checkpoint.*valid integer",
    ),
    "network of another size": (
        put(9, "config", "layers", 0, "filters"),
        "damaged checkpoint: layers.1.W is",
    ),
    "network that does not fit": (
        put(99, "config", "layers", 0, "kernel"),
        "damaged checkpoint.*does not fit",
    ),
}


@pytest.mark.parametrize(("change", "message"), DAMAGED_CONTENTS.values(), ids=DAMAGED_CONTENTS.keys())
def test_contents_that_do_not_fit_are_named(run, change, message):
    rewrite(run.folder / BEST, change)
    with pytest.raises(InputError, match=f"(?s)best.safetensors.*{message}"):
        checkpoints.load_run(run.folder)


DAMAGED_PROGRESS = {
    "no progress": (drop("progress"), "its progress cannot be read"),
    "no history": (drop("progress", "history"), "its progress cannot be read"),
    "unknown figure": (put(3, "progress", "history", 0, "colour"), "its progress cannot be read"),
    "a figure of text": (put("high", "progress", "history", 0, "train_loss"), "its progress cannot be read"),
    "a figure that is none": (
        put(float("nan"), "progress", "history", 1, "train_loss"),
        "its progress cannot be read",
    ),
    "an epoch left out": (put(5, "progress", "epoch"), "its progress cannot be read"),
    "a best epoch to come": (put(3, "progress", "best_epoch"), "its progress cannot be read"),
    "a batch below none": (put(-1, "progress", "batch"), "its progress cannot be read"),
    "no best": (drop("best"), "the best epoch is missing"),
    "no best weights": (
        lambda arrays, _: arrays.pop("best.layers.1.W"),
        "damaged checkpoint: layers.1.W is missing",
    ),
    "optimizer's state missing": (
        lambda arrays, _: arrays.pop("optimizer.velocity"),
        "damaged checkpoint: optimizer.velocity is missing",
    ),
}


@pytest.mark.parametrize(("change", "message"), DAMAGED_PROGRESS.values(), ids=DAMAGED_PROGRESS.keys())
def test_progress_that_cannot_be_read_is_named(run, change, message):
    rewrite(run.folder / LAST, change)
    with pytest.raises(InputError, match=f"last.safetensors: .*{message}"):
        restored(run)


def test_a_runs_configuration_bears_the_runs_name(tmp_path):
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.write(RESOLVED, dump(stripes.config()).encode())
    assert checkpoints.run_config(run).name == "run"
    assert isinstance(checkpoints.run_config(run).base, Path)


def test_the_checkpoint_says_how_pictures_are_presented(tmp_path):
    options = DataOptions.model_validate({"source": "s", "background": "teal", "range": [0, 9], "fit": "pad"})
    presentation = Wanted.by(options).presentation
    assert presentation == Presentation((0, 128, 128), (0.0, 9.0), True, "pad")
    data = replace(stripes.data(), presentation=presentation)
    last = checkpoints.last_checkpoint(build.new_training(stripes.config(), data))
    assert last.document["preprocessing"]["presentation"]["background"] == [0, 128, 128]
    run = Run(tmp_path)
    run.write(RESOLVED, b"")
    run.write_checkpoint(BEST, last)
    assert checkpoints.load_run(tmp_path).preprocessing.presentation == presentation
