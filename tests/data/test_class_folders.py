"""What class folders may look like."""

import numpy as np
import pytest
from PIL import Image

from convcli.data import Wanted, open_source
from convcli.errors import InputError


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


def test_a_validation_folder_beside_train_and_test_is_the_validation_part(tree):
    folder = tree("train/cat/1.png", "test/cat/1.png", "val/cat/1.png")
    source = open_source(".", base=folder)
    assert source.notes == ()
    assert len(source.validation) == 1


LAYOUTS = {
    "Training/Testing": ("Training/cat/1.png", "Training/dog/1.png", "Testing/cat/2.png"),
    "training_set/test_set": ("training_set/cat/1.png", "training_set/dog/1.png", "test_set/dog/3.png"),
    "seg_train/seg_train": (
        "seg_train/seg_train/cat/1.png",
        "seg_train/seg_train/dog/1.png",
        "seg_test/seg_test/cat/1.png",
        "seg_pred/seg_pred/9.png",
    ),
    "TRAIN/VAL": ("TRAIN/cat/1.png", "TRAIN/dog/1.png", "VAL/dog/1.png"),
    "a folder around": ("archive/Train/cat/1.png", "archive/Train/dog/1.png", "archive/Test/cat/2.png"),
}


@pytest.mark.parametrize("names", LAYOUTS.values(), ids=LAYOUTS)
def test_parts_go_by_many_names(tree, names):
    source = open_source(".", base=tree(*names))
    assert source.train.classes == ("cat", "dog")
    assert (len(source.train), len(source.test)) == (2, 1)
    assert source.validation is None


@pytest.mark.parametrize("name", ["valid", "val", "Validation", "valid_set"])
def test_train_validation_and_test_are_three_parts(tree, name):
    source = open_source(
        ".", base=tree("train/cat/1.png", "train/dog/2.png", f"{name}/dog/3.png", "test/cat/4.png")
    )
    assert [len(part) for part in (source.train, source.validation, source.test)] == [2, 1, 1]


@pytest.mark.parametrize(
    "names",
    [
        ("train/1.png", "test/2.png"),
        ("Training/1.png", "Training/2.png", "Testing/3.png"),
        ("train/1.png", "valid/2.png", "test/3.png"),
        ("train/1.png", "train/2.png"),
        ("training_set/1.png", "test_set/2.png", "single_prediction/3.png"),
    ],
)
def test_parts_without_class_folders_are_not_taken_for_classes(tree, names):
    with pytest.raises(InputError, match="the names of parts, and no class folders in"):
        open_source(".", base=tree(*names))


def test_what_is_no_picture_is_passed_over_with_a_note(tree):
    folder = tree("cat/1.png", "dog/2.png")
    for name in (
        "cat/readme.txt",
        "cat/.DS_Store",
        "cat/Thumbs.db",
        "dog/notes.md",
        "dog/labels.json",
        "dog/desktop.ini",
    ):
        (folder / name).write_text("hello")
    source = open_source(".", base=folder)
    assert len(source.train) == 2
    (note,) = source.notes
    assert (
        "6 file(s) that are no images were passed over (cat/.DS_Store, cat/Thumbs.db, cat/readme.txt, …)"
        in note
    )


@pytest.mark.parametrize("part", ["test", "val"])
def test_a_class_may_have_no_image_in_a_part_that_is_not_learned_from(tree, part):
    folder = tree("train/cat/1.png", "train/dog/2.png", f"{part}/cat/3.png")
    (folder / part / "dog").mkdir()
    source = open_source(".", base=folder)
    assert source.test.class_counts == {"cat": 1, "dog": 0}
    assert "class 'dog' has no image there" in source.notes[0]


def test_damaged_photos_are_named_and_left_out_where_that_is_asked_for(tree):
    folder = tree("cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png")
    for name in ("cat/2.png", "dog/3.png"):
        (folder / name).write_bytes((folder / name).read_bytes()[:45])
    with pytest.raises(InputError) as caught:
        open_source(".", base=folder)
    assert all(
        name in str(caught.value) for name in ("2 of 4 images", "cat/2.png", "dog/3.png", "skip_damaged")
    )
    source = open_source(".", base=folder, wanted=Wanted(skip_damaged=True))
    assert source.train.labels.tolist() == [0, 1]
    assert [source.train.origin(n) for n in range(2)] == ["cat/1.png", "dog/4.png"]


@pytest.mark.parametrize("suffix", ["pgm", "ppm", "pbm"])
def test_portable_pixmaps_are_read(tree, suffix):
    folder = tree("dog/0.png")
    (folder / "cat").mkdir()
    picture = Image.fromarray(np.eye(4, dtype=np.uint8) * 255)
    picture.convert({"pgm": "L", "ppm": "RGB", "pbm": "1"}[suffix]).save(folder / f"cat/1.{suffix}")
    source = open_source(".", base=folder)
    np.testing.assert_array_equal(source.train.images[0][..., 0], np.eye(4) * 255)


def test_train_and_test_can_be_classes_themselves(tree):
    source = open_source(".", base=tree("train/1.png", "bus/1.png"))
    assert source.train.classes == ("bus", "train")


def test_a_test_part_takes_the_size_of_the_training_part(tree):
    folder = tree("train/cat/1.png", "test/cat/1.png")
    Image.new("L", (9, 9)).save(folder / "test/cat/1.png")
    source = open_source(".", base=folder)
    assert source.test.shape == source.train.shape == (4, 4, 1)
    assert source.notes == ("test: 1 of 1 images resized to 4×4",)
