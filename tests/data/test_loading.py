"""The pictures that [data] asks for: its source, split as it says, and what it names beside."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli.config import DataOptions
from convcli.data import Wanted, load_data
from convcli.errors import ConfigError, InputError, UsageError


@pytest.fixture
def sets(tmp_path):
    """Return a folder with stripes as .npz files: `pictures`, `more`, and `both` (with a test part)."""
    (tmp_path / "configs").mkdir()
    for name, seed in (("pictures", 0), ("more", 1)):
        pictures = stripes.dataset(60, seed)
        np.savez(tmp_path / name, images=pictures.images, labels=pictures.labels, classes=stripes.CLASSES)
    train, test = stripes.dataset(60), stripes.dataset(30, 2)
    arrays = {
        "images": train.images,
        "labels": train.labels,
        "test_images": test.images,
        "test_labels": test.labels,
    }
    np.savez(tmp_path / "both", classes=stripes.CLASSES, **arrays)
    return tmp_path


def load(folder, **options):
    return load_data(DataOptions.model_validate(options), folder, 0)


def test_a_share_is_split_off_for_validation(sets):
    data = load(sets, source="pictures.npz", validation=0.2)
    assert (len(data.train), len(data.validation), data.test) == (48, 12, None)


def test_paths_start_from_the_folder_that_is_given(sets, monkeypatch):
    monkeypatch.chdir("/")
    data = load(sets / "configs", source="../pictures.npz", validation="../more.npz")
    assert (len(data.train), len(data.validation)) == (60, 60)


def test_validation_may_be_none(sets):
    data = load(sets, source="pictures.npz", validation=0)
    assert (len(data.train), data.validation) == (60, None)


def test_validation_and_test_may_be_paths(sets):
    data = load(sets, source="pictures.npz", validation="more.npz", test="both.npz")
    assert (len(data.train), len(data.validation), len(data.test)) == (60, 60, 30)
    np.testing.assert_array_equal(data.validation.images, stripes.dataset(60, 1).images)


def test_a_source_brings_its_own_test_part(sets):
    data = load(sets, source="both.npz")
    np.testing.assert_array_equal(data.test.images, stripes.dataset(30, 2).images)


def test_images_beside_the_source_get_its_size_and_classes(sets):
    other = stripes.dataset(30, 3)
    np.savez(
        sets / "large",
        images=np.kron(other.images, np.ones((1, 2, 2, 1), np.uint8)),
        labels=other.labels % 2,
        classes=("across", "crossed"),
    )
    data = load(sets, source="pictures.npz", test="large.npz")
    assert data.test.shape == (8, 8, 1)
    assert data.test.classes == stripes.CLASSES
    assert any("large.npz" in note and "8×8" in note for note in data.notes)


def test_images_of_a_class_that_was_not_learned_are_refused(sets):
    other = stripes.dataset(30, 3)
    np.savez(
        sets / "strange", images=other.images, labels=other.labels, classes=("across", "crossed", "dotted")
    )
    with pytest.raises(InputError, match="class 'dotted' is not among the classes of the training images"):
        load(sets, source="pictures.npz", validation="strange.npz")


@pytest.mark.parametrize(
    ("labels", "classes", "notes"),
    [
        ([0, 1] * 30, ("b", "c"), ()),
        (
            [0, 2] * 30,
            ("b", "c", "a", "x"),
            ("without any training image, so never learned: class 'c', 'x'",),
        ),
        ([0] * 60, ("b",), ("there is one class only, 'b': every answer will be right",)),
    ],
)
def test_classes_that_cannot_be_learned_are_said(sets, labels, classes, notes):
    np.savez(sets / "few", images=stripes.dataset(60).images, labels=labels, classes=classes)
    assert load(sets, source="few.npz").notes == notes


def test_a_part_that_is_not_there_is_named(sets):
    data = load(sets, source="pictures.npz", validation=0)
    assert data.part("train") is data.train
    with pytest.raises(UsageError, match="The data has no test part; it has: train"):
        data.part("test")


@pytest.mark.parametrize(("share", "expected"), [(0.1, 4), (0, None)])
def test_a_source_with_a_validation_part_of_its_own_is_judged_by_it(tmp_path, share, expected):
    images = np.random.default_rng(0).integers(0, 256, (8, 5, 5), np.uint8)
    arrays = {
        f"{part}_{kind}": value
        for part in ("train", "val")
        for kind, value in (
            ("images", images if part == "train" else images[:4]),
            ("labels", np.arange(8 if part == "train" else 4) % 2),
        )
    }
    np.savez(tmp_path / "set.npz", **arrays)
    options = DataOptions.model_validate({"source": "set.npz", "validation": share})
    data = load_data(options, tmp_path, 0)
    assert len(data.train) == 8
    assert (data.validation and len(data.validation)) == expected
    assert any("validation part is not used" in note for note in data.notes) is not bool(share)


def test_a_colour_that_there_is_not_is_a_mistake_in_the_configuration():
    options = DataOptions.model_validate({"source": "s", "background": "whit"})
    with pytest.raises(ConfigError, match=r"data\.background: Unknown colour 'whit'.*Did you mean 'white'"):
        Wanted.by(options)
