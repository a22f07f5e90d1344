"""Pixels that are not packed stay in their file, until they are looked at."""

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from convcli.data import open_source
from convcli.data.mapping import is_mapped
from convcli.errors import InputError

IMAGES = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)
LABELS = np.arange(6, dtype=np.uint8) % 2


def idx(folder):
    for name, array in (("images-idx3", IMAGES), ("labels-idx1", LABELS)):
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        (folder / f"train-{name}-ubyte").write_bytes(header + array.tobytes())
    return folder / "train-images-idx3-ubyte"


def npz(folder, save=np.savez, images=IMAGES):
    save(folder / "set.npz", images=images, labels=LABELS)
    return folder / "set.npz"


KINDS = {"IDX": idx, "npz": npz}


@pytest.fixture(params=KINDS)
def file(request, tmp_path):
    return KINDS[request.param](tmp_path)


def test_images_stay_in_a_file_that_is_not_packed(file):
    train = open_source(file.name, base=file.parent).train
    assert is_mapped(train.stored)
    np.testing.assert_array_equal(train.images[..., 0], IMAGES)


@pytest.mark.parametrize(
    "other",
    [
        lambda folder: npz(folder, np.savez_compressed),
        lambda folder: npz(folder, images=IMAGES.astype(np.int64)),
        lambda folder: npz(folder, images=np.asfortranarray(IMAGES)),
    ],
    ids=["packed", "numbers of more bytes", "Fortran's order"],
)
def test_images_that_lie_otherwise_are_read(tmp_path, other):
    train = open_source(other(tmp_path).name, base=tmp_path).train
    assert not is_mapped(train.stored)
    np.testing.assert_array_equal(train.images[..., 0], IMAGES)


def test_looking_at_none_of_the_images_reads_none_of_them(tmp_path):
    file = idx(tmp_path)
    count = 1 << 20
    with file.open("r+b") as stream:
        stream.write(bytes([0, 0, 8, 3]) + struct.pack(">3I", count, 16, 16))
        stream.truncate(16 + count * 256)
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", count) + bytes(count)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels)
    train = open_source(file.name, base=tmp_path).train
    train.stored[train.places(np.arange(10) * 1000)]
    assert looked_at(file) < 1 << 20  # of 256 MiB


def looked_at(file):
    """Return how many bytes of a mapped file this process has in memory."""
    with Path("/proc/self/smaps").open() as lines:
        names = [line.split() for line in lines]
    place = next(n for n, words in enumerate(names) if words[-1] == str(file))
    return next(int(words[1]) << 10 for words in names[place:] if words[0] == "Rss:")


def test_a_file_that_is_replaced_goes_on_as_it_was(file):
    train = open_source(file.name, base=file.parent).train
    (file.parent / "new").write_bytes(b"other bytes")
    (file.parent / "new").replace(file)
    train.check_unchanged()
    np.testing.assert_array_equal(train.images[..., 0], IMAGES)


def test_a_file_that_is_cut_short_is_named_before_anybody_looks_there(file):
    train = open_source(file.name, base=file.parent).train
    os.truncate(file, 20)
    with pytest.raises(InputError, match=rf"{file.name} has 20 bytes where it had .* Put the file back"):
        next(train.take([1, 2]).blocks())


def test_a_file_that_is_written_to_is_named(file):
    train = open_source(file.name, base=file.parent).train
    with file.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"x")
    os.utime(file, ns=(0, 0))  # a clock may be coarse
    with pytest.raises(InputError, match=f"{file.name} was written to since it was opened"):
        train.check_unchanged()


def test_a_checksum_that_is_wrong_is_found_where_nothing_is_unpacked(tmp_path):
    file = npz(tmp_path)
    data = bytearray(file.read_bytes())
    data[data.index(IMAGES.tobytes()) + 5] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match="Bad CRC-32"):
        open_source(file.name, base=tmp_path)


def test_a_member_whose_sizes_contradict_each_other_is_no_mapping_of_its_neighbour(tmp_path):
    file = npz(tmp_path)
    with zipfile.ZipFile(file) as archive:
        size = archive.getinfo("images.npy").compress_size
    data = file.read_bytes()
    place = data.rindex(b"PK\1\2", 0, data.rindex(b"images.npy"))  # in the list at the end
    assert data[place + 20 : place + 28] == struct.pack("<II", size, size)
    file.write_bytes(data[: place + 20] + struct.pack("<I", size - 40) + data[place + 24 :])
    with pytest.raises(InputError, match=r"set\.npz"):
        open_source(file.name, base=tmp_path)
