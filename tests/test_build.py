"""From configurations to objects, and from a run's files back to a model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from pydantic import ValidationError

import convcli
import stripes
from convcli import build
from convcli.config import DataOptions
from convcli.data import BUILT_IN, Presentation, Wanted
from convcli.errors import ConfigError, InputError
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, LAST, RESOLVED, Run

DENSE = [{"type": "flatten"}, {"type": "dense"}]


def test_the_last_dense_layer_gets_a_unit_for_each_class():
    network = build.build_network(stripes.config(), (8, 8, 1), 7)
    assert network.shapes[-1] == (7,)
    assert network.layers[-1].units == 7


def test_units_of_ones_own_stay():
    layers = [{"type": "flatten"}, {"type": "dense", "units": 4}]
    assert build.build_network(stripes.config(layers), (8, 8, 1), 4).shapes[-1] == (4,)


def test_a_network_may_end_without_dense():
    layers = [{"type": "conv", "filters": 3}, {"type": "global_avg_pool"}]
    assert build.build_network(stripes.config(layers), (8, 8, 1), 3).shapes[-1] == (3,)


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        (
            [{"type": "flatten"}, {"type": "dense", "units": 5}],
            r"2 \(dense\) gives \(5,\), but there are 3 classes",
        ),
        ([{"type": "conv", "filters": 3}], r"1 \(conv\) gives \(6, 6, 3\), but there are 3 classes"),
        (
            [{"type": "flatten"}],
            r"1 \(flatten\) gives \(64,\), but there are 3 classes: end with a dense layer",
        ),
    ],
)
def test_a_last_layer_that_does_not_fit_the_classes_is_named(layers, found):
    with pytest.raises(ConfigError, match=r"\[\[layers\]\] " + found):
        build.build_network(stripes.config(layers), (8, 8, 1), 3)


def test_without_classes_a_network_needs_its_units():
    with pytest.raises(ConfigError, match=r"\[\[layers\]\] 2 \(dense\) .* dense needs `units`"):
        build.build_network(stripes.config(DENSE), (8, 8, 1), None)


def test_only_the_training_images_decide_the_preprocessing():
    data = stripes.data()
    bright = replace(data, validation=stripes.dataset(9, 7), test=None)
    bright.validation.images[:] = 255
    assert build.new_training(stripes.config(), data).model.preprocessing == (
        build.new_training(stripes.config(), bright).model.preprocessing
    )


# configurations as a run keeps them


@pytest.fixture
def file(tmp_path):
    """Return a configuration in a folder below the data, with relative paths."""
    (tmp_path / "configs").mkdir()
    path = tmp_path / "configs" / "stripes.toml"
    path.write_text(
        '[data]\nsource = "../pictures.npz"\nvalidation = "../more.npz"\n'
        '[[layers]]\ntype = "flatten"\n[[layers]]\ntype = "dense"\n'
    )
    return path


def test_a_run_keeps_paths_that_hold_from_anywhere(file, tmp_path):
    config = build.resolved_config(build.load_config(file))
    assert config.data.source == str((tmp_path / "pictures.npz").resolve())
    assert config.data.validation == str((tmp_path / "more.npz").resolve())


def test_the_home_folder_may_be_written_as_a_tilde(file, monkeypatch):
    monkeypatch.setenv("HOME", "/home/of/someone")
    loaded = build.load_config(file, ["data.source=~/pictures.npz"])
    assert build.resolved_config(loaded).data.source == "/home/of/someone/pictures.npz"


def test_a_path_that_toml_cannot_hold_is_refused(file):
    loaded = build.load_config(file, ["data.source=\udcff.npz"])  # how Python reads the byte 0xFF of a name
    with pytest.raises(ConfigError, match=r"stripes: the name of a path in \[data\] is not UTF-8 text"):
        build.resolved_text(loaded)


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_a_built_in_set_is_no_path(file, name):
    assert build.resolved_config(build.load_config(file, [f"data.source={name}"])).data.source == name


def test_changes_are_named_by_their_place():
    one = stripes.config()
    other = stripes.config(
        [{**stripes.LAYERS[0], "filters": 9}, *stripes.LAYERS[1:], {"type": "dropout"}],
        epochs=5,
        optimizer="sgd",
    )
    found = build.changes(one, other)
    assert found["layers.1.filters"] == (4, 9)
    assert found["training.epochs"] == (3, 5)
    assert found["training.optimizer.type"] == ("adam", "sgd")
    assert found["layers.5.type"] == (None, "dropout")
    assert not [key for key in found if key.startswith(("data", "layers.2", "training.seed"))]
    assert build.changes(one, stripes.config()) == {}


# checkpoints


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


def restored(run, data=None, **options):
    """Return the training of the run's last checkpoint."""
    last = run.read_checkpoint(LAST)
    return checkpoints.restore_training(last, run.folder / LAST, data or stripes.data(), **options)


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
    changed = replace(data, train=replace(data.train, classes=("a", "b", "c")))
    with pytest.raises(InputError, match="the data is no longer what this run was trained on"):
        restored(run, changed)


def test_a_restored_training_may_go_on_under_another_configuration(finished, run):
    layers = [*stripes.LAYERS[:1], {"type": "batch_norm"}, *stripes.LAYERS[1:]]
    faster = stripes.config(layers, epochs=2, optimizer={"type": "sgd", "learning_rate": 0.5})
    changed = restored(run, changed=faster)
    assert changed.optimizer.learning_rate == 0.5
    np.testing.assert_array_equal(changed.model.weights.trained, finished.model.weights.trained)
    assert changed.best_model().config == finished.model.config


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
        restored(run, changed=config)


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


DAMAGED_CONTENTS = {
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


# what a run keeps


@pytest.fixture
def written(file, tmp_path):
    """Return the folder of a run that was made from a file."""
    loaded = build.load_config(file, ["training.epochs=1"])
    run = Run.create("stripes", tmp_path / "run")
    run.write_config(loaded.text, loaded.overrides, build.resolved_text(loaded))
    return run.folder


def test_a_runs_configuration_bears_the_runs_name(written):
    assert checkpoints.run_config(Run.open(written)).name == "run"
    assert isinstance(checkpoints.run_config(Run.open(written)).base, Path)


def test_the_checkpoint_says_how_pictures_are_presented(tmp_path):
    options = DataOptions.model_validate({"source": "s", "background": "teal", "range": [0, 9], "fit": "pad"})
    presentation = Wanted.by(options).presentation
    assert presentation == Presentation((0, 128, 128), (0.0, 9.0), True, "pad")
    data = replace(stripes.data(), presentation=presentation)
    checkpoint = checkpoints.last_checkpoint(build.new_training(stripes.config(), data))
    document = json.loads(json.dumps(checkpoint.document))
    assert document["preprocessing"]["presentation"]["background"] == [0, 128, 128]
    assert (
        checkpoints._model(
            checkpoints.Checkpoint(checkpoint.arrays, document), tmp_path
        ).preprocessing.presentation
        == presentation
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("background", 256),
        ("background", [1, 2]),
        ("background", 0.5),
        ("range", [1, 1]),
        ("range", [2, 1]),
        ("range", 7),
        ("fit", "squash"),
        ("columns", ["a"]),
        ("columns", ["a", "a"]),
        ("layout", "first"),
    ],
)
def test_options_of_data_that_mean_nothing_are_refused(option, value):
    with pytest.raises(ValidationError):
        DataOptions.model_validate({"source": "s", option: value})
