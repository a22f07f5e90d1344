"""What NumPy archives may hold."""

import numpy as np
import pytest

from convcli.data import open_source

IMAGES = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)


def read(folder, save=np.savez, **arrays):
    save(folder / "set.npz", **arrays)
    return open_source("set.npz", base=folder)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, ">i2"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_whole_numbers_within_a_byte_are_kept_whatever_their_type(tmp_path, dtype, save):
    train = read(tmp_path, save, images=np.asfortranarray(IMAGES.astype(dtype)), labels=np.arange(4)).train
    np.testing.assert_array_equal(train.images[..., 0], IMAGES)
    assert train.images.flags.c_contiguous


@pytest.mark.parametrize("labels", [["b", "a", "b", "ü"], np.char.encode(["b", "a", "b", "ü"], "utf-8")])
def test_labels_may_be_text(tmp_path, labels):
    train = read(tmp_path, images=IMAGES, labels=labels).train
    assert train.classes == ("a", "b", "ü")
    assert train.labels.tolist() == [1, 0, 1, 2]


def test_text_labels_with_classes_keep_the_order_of_the_classes(tmp_path):
    train = read(tmp_path, images=IMAGES, labels=list("baba"), classes=list("bca")).train
    assert train.classes == ("b", "c", "a")
    assert train.labels.tolist() == [0, 2, 0, 2]


def test_integer_labels_without_classes_name_them(tmp_path):
    train = read(tmp_path, images=IMAGES, labels=np.array([10, 9, 10, 200], np.uint8)).train
    assert train.classes == ("9", "10", "200")
    assert train.labels.tolist() == [1, 0, 1, 2]


def test_a_test_part_with_fewer_classes_is_numbered_as_the_training_part(tmp_path):
    test = read(
        tmp_path, images=IMAGES, labels=list("abca"), test_images=IMAGES[:2], test_labels=list("ca")
    ).test
    assert test.classes == ("a", "b", "c")
    assert test.labels.tolist() == [2, 0]


def test_test_images_of_another_size_are_resized_and_it_is_said(tmp_path):
    labels = np.zeros(4, int)
    source = read(
        tmp_path, images=IMAGES, labels=labels, test_images=np.zeros((4, 9, 9), int), test_labels=labels
    )
    assert source.test.shape == source.train.shape == (3, 2, 1)
    assert source.notes == ("test: 4 of 4 images resized to 3×2",)


def test_any_number_of_channels_is_kept(tmp_path):
    assert read(tmp_path, images=np.zeros((2, 3, 3, 5), np.uint8), labels=[0, 1]).train.shape == (3, 3, 5)
