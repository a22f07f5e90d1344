"""Which images a run is judged by: its own, proven by their fingerprint wherever they lie, or others."""

from __future__ import annotations

import os

import numpy as np
import pytest

import stripes
from convcli import build
from convcli.config_file import ConfigFile
from convcli.data import load_data
from convcli.errors import InputError, UsageError
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, LAST, RESULTS, Run
from convcli.runs.measuring import measured
from convcli.runs.recording import begin

CONFIG = """
[data]
source = "pictures.npz"
validation = 0.2
[[layers]]
type = "flatten"
[[layers]]
type = "dense"
[training]
epochs = 1
"""


def save(path, dataset, test=None):
    arrays = {"images": dataset.images, "labels": dataset.labels, "classes": stripes.CLASSES}
    if test is not None:
        arrays |= {"test_images": test.images, "test_labels": test.labels}
    np.savez(path, **arrays)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder, where one stands, with data sets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    train, test = stripes.dataset(60), stripes.dataset(30, 2)
    save("pictures.npz", train)
    save("more.npz", stripes.dataset(60, 1))
    save("few.npz", stripes.dataset(3, 3))
    save("both.npz", train, test)
    save("other.npz", stripes.dataset(60, 5), test)
    return tmp_path


@pytest.fixture
def train(folder):
    """Return a function that trains a run under some overrides, and returns its folder and model."""

    def made(*overrides):
        (folder / "stripes.toml").write_text(CONFIG)
        file = ConfigFile.read(folder / "stripes.toml", overrides)
        data = load_data(file.config.data, file.base, 0)
        training, run = build.new_training(file.config, data, 1), Run.create("stripes", folder / "run")
        recorder = begin(run, file, training, data, 1)
        for event in training.run():
            recorder.record(event)
        return run.folder, checkpoints.load_run(run.folder)

    return made


def found(run, source=None, part=None):
    """Return the size, part, and whether they are the run's own, of the images measured, and the notes."""
    images = measured(run[0], run[1], source, part)
    return (len(images.images), images.part, images.own), "\n".join(images.notes)


def test_a_runs_own_data_is_found_from_anywhere(train, monkeypatch):
    run = train()
    monkeypatch.chdir("/")
    assert found(run) == ((12, "validation", True), "")
    assert found(run, None, "train") == ((48, "train", True), "")
    with pytest.raises(UsageError, match="no test part; it has: train, validation"):
        found(run, None, "test")


@pytest.mark.parametrize("part", ["validation", "train"])
def test_data_that_has_moved_is_split_as_it_was_and_proven(train, folder, part):
    run = train()
    before = measured(run[0], run[1], None, part)
    (folder / "pictures.npz").rename(folder / "moved.npz")
    with pytest.raises(InputError, match=f"say where with --data SOURCE --split {part}"):
        measured(run[0], run[1], None, part)
    after = measured(run[0], run[1], "moved.npz", part)
    np.testing.assert_array_equal(after.images.images, before.images.images)
    np.testing.assert_array_equal(after.images.labels, before.images.labels)
    assert (after.part, after.own) == (part, True)
    word = "training" if part == "train" else part
    assert after.notes == (
        f"moved.npz is the run's own data, by its fingerprint: measured is its {word} part",
    )


def test_the_advice_names_the_part_that_would_have_been_measured(train, folder):
    run = train("data.source=both.npz")
    Run(run[0]).write_document(RESULTS, {"test": {}})
    (folder / "both.npz").rename(folder / "moved.npz")
    with pytest.raises(InputError, match="say where with --data SOURCE --split test"):
        found(run)
    sizes, told = found(run, "moved.npz", "test")
    assert sizes == (30, "test", True)
    assert told == "moved.npz is the run's own data, by its fingerprint: measured is its test part"


def test_all_of_the_moved_data_is_measured_with_the_word_that_most_was_learned_from(train):
    sizes, told = found(train(), "pictures.npz")
    assert sizes == (60, "new", False)
    assert told == (
        "pictures.npz is the run's own data: the run was trained on 48 of these 60 images; "
        "--split validation measures the others"
    )


@pytest.mark.parametrize(
    ("source", "part", "sizes"),
    [
        ("more.npz", None, (60, "new", False)),
        ("few.npz", None, (3, "new", False)),
        ("both.npz", None, (30, "test", False)),
        ("more.npz", "train", (60, "new", False)),
        ("more.npz", "validation", (12, "new", False)),
        ("other.npz", "train", (60, "train", False)),
        ("other.npz", "test", (30, "test", False)),
    ],
)
def test_other_data_is_new_and_never_the_runs_own(train, source, part, sizes):
    measured_as, told = found(train(), source, part)
    assert measured_as == sizes
    if part is not None:
        assert told.startswith(
            f"{source} is not the data that the run was trained on (training images: 48 of "
        )
        assert "SHA-256" in told
    assert ("may have learned from some of them" in told) == (part == "validation")


@pytest.mark.parametrize("source", ["more.npz", "few.npz"])
def test_other_data_without_a_test_part_is_refused_and_the_advice_works(train, source):
    run = train()
    with pytest.raises(UsageError, match=f"{source} has no test part of its own; leave --split out"):
        found(run, source, "test")
    assert found(run, source)[0][1] == "new"


def test_data_that_has_changed_in_its_place_is_not_the_runs_own(train, folder):
    run = train()
    save(folder / "pictures.npz", stripes.dataset(61))
    sizes, told = found(run)
    assert sizes == (12, "validation", False)
    assert told.startswith(
        "the images are not those that the run was trained on (training images: 48 of 8×8×1"
    )
    assert told.endswith("may have learned from some of them")


def test_validation_images_with_a_place_of_their_own_may_move_too(train, folder):
    run = train("data.validation=more.npz")
    (folder / "pictures.npz").unlink()
    (folder / "more.npz").rename(folder / "moved.npz")
    sizes, told = found(run, "moved.npz", "validation")
    assert (sizes, told) == (
        (60, "validation", True),
        "moved.npz is the run's own validation data, by its fingerprint",
    )
    sizes, told = found(run, "other.npz", "validation")
    assert sizes == (30, "new", False)
    assert told.startswith("other.npz is not the run's validation data (validation images: 60 of ")


def test_training_images_are_proven_without_validation_images_that_have_moved(train, folder):
    run = train("data.validation=more.npz")
    (folder / "more.npz").unlink()
    assert found(run, "pictures.npz", "train")[0] == (60, "train", True)


def test_without_the_last_checkpoint_nothing_is_proven_and_that_is_said(train):
    run = train()
    (run[0] / LAST).unlink()
    assert (run[0] / BEST).exists()
    sizes, told = found(run, "pictures.npz", "validation")
    assert sizes == (12, "new", False)
    assert "last.safetensors, which has their fingerprint, cannot be read" in told
    assert found(run) == ((12, "validation", True), "")
