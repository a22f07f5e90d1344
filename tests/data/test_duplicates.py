"""Pictures that stand in several parts or classes are found, whatever their files are called."""

import numpy as np
import pytest
from PIL import Image

from convcli.config import DataOptions
from convcli.data import Dataset, load_data
from convcli.data.duplicates import same_pictures

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 1), np.uint8)


def part(indices, labels=None):
    labels = np.array(indices) % 2 if labels is None else np.array(labels)
    return Dataset(IMAGES[indices], labels.astype(np.int64), ("even", "odd"))


def test_parts_of_other_pictures_are_not_spoken_of():
    assert same_pictures({"train": part([0, 1, 2]), "validation": None, "test": part([3, 4])}) == ((), 0)
    assert same_pictures({"train": part([0, 1, 1]), "validation": None, "test": None}) == ((), 0)


@pytest.mark.parametrize("name", ["validation", "test"])
def test_shared_pictures_are_counted_and_two_are_named(name):
    notes, met = same_pictures({"train": part([0, 1, 2, 3]), name: part([5, 3, 1])})
    assert notes == (f"2 of 3 {name} images stand in the training part, too: 3 there is 1 here",)
    assert met == 2


def test_test_images_in_the_validation_part_count_too():
    notes, met = same_pictures({"train": part([0, 1]), "validation": part([2, 3]), "test": part([1, 2, 8])})
    assert met == 2
    assert [note.partition(":")[0] for note in notes] == [
        "1 of 3 test images stand in the training part, too",
        "1 of 3 test images stand in the validation part, too",
    ]


def test_a_picture_in_two_classes_is_named_with_both():
    notes, met = same_pictures({"train": part([0, 1, 0, 1], [0, 1, 1, 0])})
    assert notes == (
        "2 images stand in more than one class: 0 (even) is 2 (odd); no network tells them apart",
    )
    assert met == 0


def test_files_are_named_and_a_copy_in_another_format_is_the_same(tmp_path):
    for index, name in enumerate(["train/a/1.png", "train/b/2.png", "test/a/copy.bmp", "test/b/3.png"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[0 if index == 2 else index, ..., 0]).save(tmp_path / name)
    data = load_data(DataOptions(source=".", validation=0), tmp_path, 0)
    assert data.notes == (
        "1 of 2 test images stand in the training part, too: a/1.png there is a/copy.bmp here",
    )
    assert data.seen == 1


def test_a_share_split_off_shares_what_the_source_holds_twice(tmp_path):
    np.savez(tmp_path / "set.npz", images=np.repeat(IMAGES[:5], 2, axis=0), labels=np.arange(10) // 2 % 2)
    data = load_data(DataOptions(source="set.npz", validation=0.3), tmp_path, 0)
    assert any("validation images stand in the training part, too" in note for note in data.notes)
