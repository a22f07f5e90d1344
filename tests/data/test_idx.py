"""IDX folders as they are found in the wild, and MNIST itself."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from convcli.data import open_source, split
from convcli.errors import InputError

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"


def write_pair(folder, prefix, level, suffix="", dash="-"):
    images = b"\0\0\x08\x03" + struct.pack(">3I", 2, 3, 3) + bytes([level]) * 18
    labels = b"\0\0\x08\x01" + struct.pack(">I", 2) + bytes([7, 3])
    for name, data in ((f"images{dash}idx3-ubyte", images), (f"labels{dash}idx1-ubyte", labels)):
        (folder / f"{prefix}{name}{suffix}").write_bytes(gzip.compress(data) if suffix else data)


def test_classes_are_named_after_the_labels_present(tmp_path):
    write_pair(tmp_path, "train-", 0)
    train = open_source(".", base=tmp_path).train
    assert train.classes == ("3", "7")
    assert train.labels.tolist() == [1, 0]


def test_an_images_file_finds_its_labels_beside_it(tmp_path):
    write_pair(tmp_path, "t10k-", 5, ".gz")
    source = open_source("t10k-images-idx3-ubyte.gz", base=tmp_path)
    assert source.test is None
    assert (source.train.images == 5).all()


@pytest.mark.parametrize("prefixes", [("train-", "test-"), ("emnist-letters-train-", "emnist-letters-test-")])
def test_parts_are_known_by_how_their_names_begin(tmp_path, prefixes):
    for level, prefix in enumerate(prefixes):
        write_pair(tmp_path, prefix, level, dash=".")
    source = open_source(".", base=tmp_path)
    assert (source.train.images == 0).all()
    assert (source.test.images == 1).all()


def test_unpacked_and_packed_twins_are_one_part(tmp_path):
    write_pair(tmp_path, "train-", 1, ".gz")
    write_pair(tmp_path, "train-", 2)
    assert (open_source(".", base=tmp_path).train.images == 2).all()


def test_a_file_unpacked_without_renaming_is_read(tmp_path):
    write_pair(tmp_path, "train-", 1)
    for path in list(tmp_path.iterdir()):
        path.rename(f"{path}.gz")
    assert len(open_source(".", base=tmp_path).train) == 2


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"needs MNIST in {MNIST}")
def test_mnist_is_read_whole_and_split_exactly():
    source = open_source(str(MNIST), base=Path())
    assert source.train.images.shape == (60_000, 28, 28, 1)
    assert source.test is None
    assert source.train.classes == tuple("0123456789")
    # the counts that LeCun, Cortes and Burges publish
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert list(source.train.class_counts.values()) == counts
    assert source.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert round(source.train.images.mean() / 255, 4) == 0.1307
    train, validation = split(source.train, 5_000 / 60_000, seed=0)
    assert (len(train), len(validation)) == (55_000, 5_000)
    assert np.abs(np.array(list(validation.class_counts.values())) - np.array(counts) / 12).max() < 1


def put(folder, name, count=4, side=5):
    folder.mkdir(parents=True, exist_ok=True)
    images = np.arange(count * side * side, dtype=np.uint8).reshape(count, side, side)
    head = bytes([0, 0, 8, 3]) + struct.pack(">3I", *images.shape)
    (folder / f"{name}-images-idx3-ubyte").write_bytes(head + images.tobytes())
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", count) + bytes(number % 2 for number in range(count))
    (folder / f"{name}-labels-idx1-ubyte").write_bytes(labels)


@pytest.mark.parametrize("root", [".", "MNIST", "MNIST/raw"])
def test_the_root_that_torchvision_keeps_is_understood(tmp_path, root):
    put(tmp_path / "MNIST/raw", "train")
    put(tmp_path / "MNIST/raw", "t10k", 2)
    source = open_source(root, base=tmp_path)
    assert (len(source.train), len(source.test)) == (4, 2)


def test_of_several_sets_under_one_root_one_has_to_be_named(tmp_path):
    for name in ("MNIST", "FashionMNIST"):
        put(tmp_path / name / "raw", "train")
    with pytest.raises(InputError, match=r"holds 2 data sets: FashionMNIST/raw, MNIST/raw\. Name one"):
        open_source(".", base=tmp_path)
    assert len(open_source("MNIST", base=tmp_path).train) == 4


@pytest.mark.parametrize("stray", [None, "train-labels-idx1-ubyte"])
def test_a_test_part_alone_is_not_learned_from_unless_it_is_named(tmp_path, stray):
    put(tmp_path, "t10k")
    if stray:
        (tmp_path / stray).write_bytes(b"")
    with pytest.raises(
        InputError, match=r"expected train-images-idx3-ubyte.*found the test part alone \(t10k-images"
    ):
        open_source(".", base=tmp_path)
    assert len(open_source("t10k-images-idx3-ubyte", base=tmp_path).train) == 4
