"""What class folders may look like."""

import numpy as np
import pytest
from PIL import Image

from convcli.data import open_source


@pytest.fixture
def tree(tmp_path):
    """Make grey pictures whose level is their number in the list of names."""

    def make(*names):
        for level, name in enumerate(names):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (4, 4), level).save(tmp_path / name, lossless=True)
        return tmp_path

    return make


def test_classes_that_are_numbers_are_sorted_as_numbers(tree):
    source = open_source(".", base=tree("10/a.png", "9/b.png", "9/a.png"))
    assert source.train.classes == ("9", "10")
    assert source.train.labels.tolist() == [0, 0, 1]
    assert source.train.images[:, 0, 0, 0].tolist() == [2, 1, 0]


def test_each_picture_is_known_by_its_file(tree):
    source = open_source(".", base=tree("train/cat/1.png", "train/dog/2.png", "test/dog/1.png"))
    assert [source.train.origin(n) for n in range(2)] == ["cat/1.png", "dog/2.png"]
    assert source.test.origin(0) == "dog/1.png"


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff", "bmp", "gif", "jpg"])
def test_every_picture_format_is_read(tree, suffix):
    source = open_source(".", base=tree(f"cat/1.{suffix}", f"dog/2.{suffix}"))
    np.testing.assert_allclose(source.train.images.mean(axis=(1, 2, 3)), [0, 1], atol=1)


@pytest.mark.parametrize("name", ["test", "val", "validation", "Test"])
def test_the_companion_of_train_is_the_test_part(tree, name):
    source = open_source(".", base=tree("train/cat/1.png", "train/dog/1.png", f"{name}/dog/1.png"))
    assert len(source.train) == 2
    assert source.test.labels.tolist() == [1]
    assert source.test.classes == ("cat", "dog")


def test_a_train_folder_alone_has_no_test_part(tree):
    source = open_source(".", base=tree("train/cat/1.png", "train/dog/1.png"))
    assert len(source.train) == 2
    assert source.test is None


def test_a_folder_left_over_beside_train_and_test_is_said(tree):
    folder = tree("train/cat/1.png", "test/cat/1.png", "val/cat/1.png")
    source = open_source(".", base=folder)
    assert source.notes == (f"{folder / 'val'} is not used; validation or test can name it",)


def test_train_and_test_can_be_classes_themselves(tree):
    source = open_source(".", base=tree("train/1.png", "bus/1.png"))
    assert source.train.classes == ("bus", "train")


def test_a_test_part_takes_the_size_of_the_training_part(tree):
    folder = tree("train/cat/1.png", "test/cat/1.png")
    Image.new("L", (9, 9)).save(folder / "test/cat/1.png")
    source = open_source(".", base=folder)
    assert source.test.shape == source.train.shape == (4, 4, 1)
    assert source.notes == ("test: 1 of 1 images resized to 4×4",)
