"""Parts and names of CIFAR-10 folders."""

import pickle

import numpy as np
import pytest

from convcli.data import open_source
from convcli.errors import InputError

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
RECORD = bytes([3]) + bytes([10]) * 1024 + bytes([20]) * 1024 + bytes([30]) * 1024


def test_a_record_is_a_label_and_three_planes(tmp_path):
    (tmp_path / "some.bin").write_bytes(RECORD * 2)
    train = open_source("some.bin", base=tmp_path).train
    assert train.labels.tolist() == [3, 3]
    np.testing.assert_array_equal(train.images, np.broadcast_to(np.uint8([10, 20, 30]), (2, 32, 32, 3)))


def test_names_come_from_the_list_beside_the_batches(tmp_path):
    (tmp_path / "test_batch.bin").write_bytes(RECORD)
    (tmp_path / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    for source in (".", "test_batch.bin"):
        train = open_source(source, base=tmp_path).train
        assert train.classes == tuple(NAMES)
        assert train.class_counts["cat"] == 1


def test_batches_are_read_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 1):
        (tmp_path / f"data_batch_{number}.bin").write_bytes(bytes([number % 10]) + RECORD[1:])
    assert open_source(".", base=tmp_path).train.labels.tolist() == [1, 9, 0]


def test_a_set_of_fewer_classes_has_fewer_names(tmp_path):
    records = np.zeros((3, 3073), np.uint8)
    records[:, 0] = [2, 0, 1]
    records.tofile(tmp_path / "data_batch_1.bin")
    (tmp_path / "batches.meta.txt").write_text("bird\nfire truck\nship\n\n")
    train = open_source(".", base=tmp_path).train
    assert train.classes == ("bird", "fire truck", "ship")
    assert train.labels.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    "name", ["data_batch_1", "cifar-10-batches-py/test_batch", "cifar-100-python/train", "x.pkl"]
)
def test_the_pickled_version_is_refused_by_its_name(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps({b"data": np.zeros((2, 3072), np.uint8)}))
    for source in {name, str(path.parent) if name != "x.pkl" else name, "." if "/" in name else name}:
        with pytest.raises(InputError, match=r"is pickled.*never unpickles.*cifar-10-binary"):
            open_source(source, base=tmp_path)
