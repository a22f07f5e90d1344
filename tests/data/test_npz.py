"""What NumPy archives may hold."""

import numpy as np
import pytest

from convcli.data import Wanted, open_source
from convcli.errors import InputError

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


COLOUR = np.random.default_rng(0).integers(0, 256, (6, 9, 11, 3), np.uint8)
NUMBERS = np.array([2, 0, 1, 2, 1, 0])


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("X_train", "y_train", "X_test", "y_test"),
        ("images", "labels", "test_images", "test_labels"),
    ],
)
def test_the_names_that_others_use_are_understood(tmp_path, names):
    source = read(tmp_path, **dict(zip(names, (COLOUR, NUMBERS, COLOUR[:3], NUMBERS[:3]), strict=True)))
    np.testing.assert_array_equal(source.train.images, COLOUR)
    np.testing.assert_array_equal(source.test.labels, NUMBERS[:3])
    assert source.notes == ()


def test_medmnist_has_a_validation_part_of_its_own(tmp_path):
    names = {f"{part}_{kind}" for part in ("train", "val", "test") for kind in ("images", "labels")}
    arrays = {name: COLOUR if "images" in name else NUMBERS[:, None] for name in names}
    source = read(tmp_path, **arrays)
    assert len(source.validation) == len(source.test) == 6
    assert source.notes == ()


def test_arrays_that_mean_nothing_here_are_named(tmp_path):
    assert read(tmp_path, images=COLOUR, labels=NUMBERS, weights=np.ones(6)).notes == ("weights is not used",)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_may_come_first(tmp_path, channels):
    source = read(tmp_path, images=np.moveaxis(COLOUR[..., :channels], 3, 1), labels=NUMBERS)
    np.testing.assert_array_equal(source.train.images, COLOUR[..., :channels])
    (note,) = source.notes
    assert f"(6, {channels}, 9, 11) is read as channels first, {channels} of 9×11" in note


def test_where_the_channels_are_may_have_to_be_said(tmp_path):
    images = COLOUR[:, :3, :, :3]
    with pytest.raises(
        InputError, match=r"3 rows × 11 columns of 3 channels, or 3 channels of 11 × 3.*data\.layout"
    ):
        read(tmp_path, images=images, labels=NUMBERS)
    for layout, shape in (("channels_last", (3, 11, 3)), ("channels_first", (11, 3, 3))):
        wanted = Wanted(layout=layout)
        assert open_source("set.npz", base=tmp_path, wanted=wanted).train.shape == shape


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (NUMBERS[:, None], ("0", "1", "2")),
        (np.eye(3)[NUMBERS], ("0", "1", "2")),
        (np.eye(3, dtype=bool)[NUMBERS], ("0", "1", "2")),
        (np.eye(4, dtype=np.uint8)[NUMBERS], ("0", "1", "2", "3")),
        (NUMBERS.astype(np.float32), ("0", "1", "2")),
        (NUMBERS.astype(float)[:, None], ("0", "1", "2")),
        (np.array(["a", "b", "c"])[NUMBERS][:, None], ("a", "b", "c")),
        (np.array([b"a", b"b", b"c"])[NUMBERS], ("a", "b", "c")),
    ],
)
def test_labels_in_every_form_that_people_keep_them_in(tmp_path, labels, classes):
    train = read(tmp_path, images=COLOUR, labels=labels).train
    assert train.classes == classes
    np.testing.assert_array_equal(train.labels, NUMBERS)


def test_truth_values_are_labels(tmp_path):
    train = read(tmp_path, images=COLOUR, labels=NUMBERS > 0).train
    assert train.classes == ("False", "True")
    np.testing.assert_array_equal(train.labels, NUMBERS > 0)
    named = read(tmp_path, images=COLOUR, labels=NUMBERS > 0, classes=["no", "yes"]).train
    assert named.classes == ("no", "yes")
    np.testing.assert_array_equal(named.labels, NUMBERS > 0)


@pytest.mark.parametrize(
    "labels", [NUMBERS + 0.5, np.full(6, np.nan), np.ones((6, 3)), np.eye(3)[NUMBERS] * 0.9]
)
def test_labels_that_are_no_classes_are_refused(tmp_path, labels):
    with pytest.raises(InputError, match="labels"):
        read(tmp_path, images=COLOUR, labels=labels)


def test_rows_of_a_square_number_of_values_are_images(tmp_path):
    rows = COLOUR[:, :9, :9, 0]
    source = read(tmp_path, data=rows.reshape(6, 81) / 255, target=NUMBERS)
    np.testing.assert_array_equal(source.train.images[..., 0], rows)
    assert "rows of 81 numbers are read as images of 9×9" in source.notes[0]
