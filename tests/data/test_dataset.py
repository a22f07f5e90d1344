"""Labelled pictures keep their shape, dtype and label promises; a split is stratified, exact and disjoint."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcli.data import Dataset, Splits, split
from convcli.data import dataset as dataset_module
from convcli.errors import InputError, UsageError


def numbered(labels, classes=None):
    """A data set whose every picture holds its own position, so that it can be found again."""
    labels = np.asarray(labels, np.int64)
    images = np.arange(len(labels), dtype=np.uint32).view(np.uint8).reshape(-1, 2, 2, 1)
    return Dataset(
        images, labels, classes or tuple(f"class {k}" for k in range(labels.max() + 1)), "numbered"
    )


def positions(dataset):
    return dataset.images.reshape(len(dataset), 4).view(np.uint32).ravel().tolist()


IMAGES = np.zeros((3, 4, 5, 1), np.uint8)
LABELS = np.array([0, 1, 0])


@pytest.mark.parametrize(
    ("images", "labels", "classes", "message"),
    [
        (IMAGES.astype(float), LABELS, ("a", "b"), "expected uint8 images .* found float64"),
        (IMAGES[..., 0], LABELS, ("a", "b"), r"found uint8 with shape \(3, 4, 5\)"),
        (IMAGES[:0], LABELS[:0], ("a", "b"), "at least one image"),
        (IMAGES[:, :0], LABELS, ("a", "b"), "at least one pixel"),
        (IMAGES, LABELS[:2], ("a", "b"), r"expected 3 labels.*shape \(2,\)"),
        (IMAGES, LABELS.astype(np.int32), ("a", "b"), "found int32"),
        (IMAGES, LABELS, ("a",), "label 1 is outside 0 … 0"),
        (IMAGES, LABELS - 1, ("a", "b"), "label -1 is outside 0 … 1"),
        (IMAGES, LABELS, ("a", "a"), "class 'a' is named twice"),
    ],
)
def test_a_dataset_that_contradicts_itself_is_refused_with_its_name(images, labels, classes, message):
    with pytest.raises(InputError, match=rf"^here/mine: {message}|^here/mine: .*{message}"):
        Dataset(images, labels, classes, "here/mine")


def test_take_keeps_order_and_classes():
    dataset = numbered([0, 1, 2, 1])
    part = dataset.take([3, 0])
    assert positions(part) == [3, 0]
    assert part.labels.tolist() == [1, 0]
    assert part.classes == dataset.classes
    assert part.class_counts == {"class 0": 1, "class 1": 1, "class 2": 0}


def test_what_is_taken_lies_in_memory_once():
    dataset = numbered([0, 1, 2, 1])
    train, validation = split(dataset, 0.5, seed=0)
    assert train.stored is validation.stored is train.take([1]).stored is dataset.stored
    assert positions(train.take([1, 0])) == [positions(train)[1], positions(train)[0]]


def test_blocks_are_all_pictures_in_order(monkeypatch):
    monkeypatch.setattr(dataset_module, "BLOCK_BYTES", 12)  # three pictures
    dataset = numbered([0, 1, 2, 1, 0, 2, 2])
    for part in (dataset, dataset.take([6, 0, 3, 2])):
        blocks = list(part.blocks())
        assert [len(block) for block in blocks] == [3] * (len(part) // 3) + [len(part) % 3]
        np.testing.assert_array_equal(np.concatenate(blocks), part.images)


def test_a_set_without_a_picture_is_refused():
    with pytest.raises(InputError, match="at least one image"):
        numbered([0, 1]).take(np.array([], int))


def test_what_is_taken_is_known_by_where_it_was_in_the_source():
    pictures = Dataset(np.zeros((9, 2, 2, 1), np.uint8), np.arange(9) % 2, ("even", "odd"))
    assert pictures.origin(4) == "4"
    part = pictures.take([7, 2, 5]).take([2, 0])
    assert [part.origin(n) for n in range(2)] == ["5", "7"]
    assert part.relabel(("odd", "even")).origin(1) == "7"


@pytest.mark.parametrize("name", ["photos", "photos/list.csv"])
def test_pictures_of_files_are_known_by_their_place_in_the_source(name):
    files = [Path("photos/cat/1.png"), Path("photos/cat/2.png"), Path("/elsewhere/3.png")]
    pictures = Dataset(np.zeros((3, 2, 2, 1), np.uint8), np.zeros(3, np.int64), ("cat",), name, files)
    part = pictures.take([2, 1])
    assert [part.origin(n) for n in range(2)] == ["/elsewhere/3.png", "cat/2.png"]


def test_relabel_matches_classes_by_name():
    other = numbered([0, 1, 1], ("dog", "cat"))
    joined = other.relabel(("bird", "cat", "dog"))
    assert joined.labels.tolist() == [2, 1, 1]
    assert joined.classes == ("bird", "cat", "dog")
    assert joined.class_counts == {"bird": 0, "cat": 2, "dog": 1}


def test_relabel_names_an_unknown_class():
    with pytest.raises(InputError, match=r"^numbered: class 'fish' is not among .* 'cat', 'dog'"):
        numbered([0, 1], ("cat", "fish")).relabel(("cat", "dog"))


def test_relabel_passes_over_an_unknown_class_without_pictures():
    assert numbered([0, 0], ("cat", "fish")).relabel(("dog", "cat")).labels.tolist() == [1, 1]


def test_a_message_does_not_list_hundreds_of_classes():
    many = [f"c{k}" for k in range(500)]
    with pytest.raises(InputError, match="and 488 more"):
        numbered([0, 1], ("cat", "fish")).relabel(many)


def test_what_is_held_out_is_the_test_part_or_else_everything():
    train, test = numbered([0, 1]), numbered([1, 0])
    assert Splits(train, test=test).held_out is test
    assert Splits(train).held_out is train


def test_share_zero_gives_no_validation():
    dataset = numbered([0, 1, 0])
    assert split(dataset, 0, seed=1) == (dataset, None)


@pytest.mark.parametrize("share", [-0.1, 1, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(UsageError, match="at least 0 and less than 1"):
        split(numbered([0, 1]), share, seed=0)


@pytest.mark.parametrize(
    ("share", "part"), [(0.01, "validation: choose a larger"), (0.99, "training: choose a smaller")]
)
def test_a_share_that_leaves_a_part_empty_is_refused(share, part):
    with pytest.raises(UsageError, match=f"leaves no image for {part}"):
        split(numbered([0, 1, 0, 1]), share, seed=0)


labels_of_several_classes = st.lists(st.integers(0, 6), min_size=2, max_size=200)


@given(labels_of_several_classes, st.data(), st.integers(0, 2**32))
def test_any_number_of_images_can_be_asked_for_exactly(labels, data, seed):
    wanted = data.draw(st.integers(1, len(labels) - 1))
    dataset = numbered(labels)
    train, validation = split(dataset, wanted / len(labels), seed)
    assert len(validation) == wanted
    assert sorted(positions(train) + positions(validation)) == list(range(len(labels)))
    for part in (train, validation):
        assert positions(part) == sorted(positions(part))
        assert part.labels.tolist() == [labels[position] for position in positions(part)]
        assert part.classes == dataset.classes


@given(labels_of_several_classes, st.data(), st.integers(0, 2**32))
def test_each_class_gives_its_proportion_and_keeps_one_where_it_can(labels, data, seed):
    wanted = data.draw(st.integers(1, len(labels) - 1))
    counts = np.bincount(labels)
    _, validation = split(numbered(labels), wanted / len(labels), seed)
    given_by = np.array(list(validation.class_counts.values()))
    room = np.maximum(counts - 1, 0)
    if (counts >= 2).sum() <= wanted <= room.sum():
        assert (given_by[counts >= 2] >= 1).all()
        assert ((counts - given_by)[counts >= 1] >= 1).all()
    quota = counts * wanted / len(labels)
    unbounded = ((np.floor(quota) >= 1) & (np.ceil(quota) <= room) | (counts == 0)).all()
    if unbounded:
        assert (np.abs(given_by - quota) < 1).all()


def test_leftover_images_go_to_the_largest_remainders():
    # quotas of 10 from 50, 33, 17: 5.0, 3.3, 1.7 → 5, 3, 2
    _, validation = split(numbered([0] * 50 + [1] * 33 + [2] * 17), 0.1, seed=0)
    assert list(validation.class_counts.values()) == [5, 3, 2]


def test_the_seed_decides_and_nothing_else():
    dataset = numbered(np.arange(300) % 10)
    first, again, other = (positions(split(dataset, 0.2, seed)[1]) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert first == positions(split(dataset, 0.2, np.random.default_rng(7))[1])
