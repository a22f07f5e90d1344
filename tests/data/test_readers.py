"""Every registered reader gives back the pictures and labels that were written."""

import csv
import gzip
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convcli.data import BUILT_IN, READERS, Wanted, open_source
from convcli.errors import InputError
from threaded_ranks import on_neighbours

LABELS = {"train": np.array([0, 0, 1, 1, 1, 2, 2]), "test": np.array([0, 1, 2])}
TEN = tuple("0123456789")


def write_png(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder, parts):
    for part, (images, labels) in parts.items():
        prefix = {"train": "train", "test": "t10k"}[part]
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(idx_bytes(images[..., 0]))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx_bytes(labels.astype(np.uint8)))
    return folder


def write_idx_gz(folder, parts):
    for path in list(write_idx(folder, parts).iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    return folder


def write_cifar(folder, parts):
    for part, (images, labels) in parts.items():
        planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
        records = np.hstack([labels[:, np.newaxis], planes]).astype(np.uint8)
        if part == "test":
            records.tofile(folder / "test_batch.bin")
        else:
            records[:4].tofile(folder / "data_batch_2.bin")
            records[4:].tofile(folder / "data_batch_10.bin")
    return folder


def write_class_folders(folder, parts):
    for part, (images, labels) in parts.items():
        top = folder if len(parts) == 1 else folder / part
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            write_png(top / ("cat", "dog", "emu")[label] / f"{number}.png", image)
        (top / "readme.txt").write_text("beside the class folders")
        (top / ".hidden").mkdir()
    return folder


def write_npz(folder, parts):
    arrays = {}
    for part, (images, labels) in parts.items():
        prefix = "" if part == "train" else "test_"
        arrays |= {f"{prefix}images": images, f"{prefix}labels": labels}
    np.savez(folder / "set.npz", classes=np.array(["z", "y", "x"]), **arrays)
    return folder / "set.npz"


def write_csv(folder, parts):
    images, labels = parts["train"]
    with (folder / "list.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["label", "path", "remark"])
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            name = f"pictures/{number}, grün.png"
            write_png(folder / name, image)
            rows.writerow([("ä b", "ä, c", "ä d")[label], name, ""])
        stream.write("\r\n")
    return folder / "list.csv"


@dataclass
class Case:
    """How a format is written, the shape of its pictures, and the classes that should come back."""

    reader: str
    write: Callable[[Path, dict], Path]
    shape: tuple
    classes: tuple
    has_test: bool = True


CASES = {
    "idx": Case("idx", write_idx, (5, 4, 1), ("0", "1", "2")),
    "idx.gz": Case("idx", write_idx_gz, (4, 5, 1), ("0", "1", "2")),
    "cifar10": Case("cifar10", write_cifar, (32, 32, 3), TEN),
    "class folders, colour": Case("class folders", write_class_folders, (6, 5, 3), ("cat", "dog", "emu")),
    "class folders, grey": Case("class folders", write_class_folders, (5, 6, 1), ("cat", "dog", "emu")),
    "npz": Case("npz", write_npz, (5, 4, 3), ("z", "y", "x")),
    "csv": Case("csv", write_csv, (5, 4, 3), ("ä b", "ä d", "ä, c"), has_test=False),
}


def pictures(part, shape):
    rng = np.random.default_rng(len(part))
    return rng.integers(0, 256, (len(LABELS[part]), *shape), dtype=np.uint8), LABELS[part]


def written_parts(case, *, with_test):
    return {part: pictures(part, case.shape) for part in (["train", "test"] if with_test else ["train"])}


def assert_same(dataset, part, case):
    images, labels = part
    assert dataset.classes == case.classes
    np.testing.assert_array_equal(dataset.images, images)
    if case.reader == "csv":  # its classes come in another order than they were numbered in
        labels = np.array([0, 2, 1])[labels]
    np.testing.assert_array_equal(dataset.labels, labels)


def test_every_registered_reader_has_a_case():
    assert {case.reader for case in CASES.values()} == set(READERS)


def test_an_empty_name_is_no_data():
    with pytest.raises(InputError, match=r"data\.source is empty"):
        open_source("", base=Path("elsewhere"))


def test_every_reader_and_built_in_set_says_what_it_is():
    assert all(part.description for parts in (READERS, BUILT_IN) for part in parts.values())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_one_part_comes_back_as_it_was_written(case, tmp_path):
    parts = written_parts(case, with_test=False)
    path = case.write(tmp_path, parts)
    source = open_source(str(path), base=Path("elsewhere"))
    assert source.test is None
    assert source.notes == ()
    assert_same(source.train, parts["train"], case)


@pytest.mark.parametrize("size", [None, (9, 7)])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_several_processes_that_read_together_all_have_what_one_has(case, size, tmp_path):
    path = str(case.write(tmp_path, written_parts(case, with_test=case.has_test)))
    alone = open_source(path, base=tmp_path, wanted=Wanted(size))
    for each in on_neighbours(
        3, lambda own: open_source(path, base=tmp_path, wanted=Wanted(size, neighbours=own))
    ):
        for name in ("train", "test") if case.has_test else ("train",):
            np.testing.assert_array_equal(each.part(name).images, alone.part(name).images)
            np.testing.assert_array_equal(each.part(name).labels, alone.part(name).labels)
        assert (each.notes, each.train.classes) == (alone.notes, alone.train.classes)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.has_test])
def test_train_and_test_part_come_back_as_they_were_written(name, tmp_path):
    case = CASES[name]
    parts = written_parts(case, with_test=True)
    path = case.write(tmp_path, parts)
    source = open_source(path.name, base=path.parent)
    assert source.notes == ()
    assert_same(source.train, parts["train"], case)
    assert_same(source.test, parts["test"], case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_path_is_understood_by_its_own_reader_first(case, tmp_path):
    path = case.write(tmp_path, written_parts(case, with_test=case.has_test))
    assert next(name for name, reader in READERS.items() if reader.matches(path)) == case.reader


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_size_and_channels_can_be_set_and_the_change_is_said(case, tmp_path):
    path = case.write(tmp_path, written_parts(case, with_test=False))
    channels = 4 - case.shape[2]
    source = open_source(str(path), base=tmp_path, wanted=Wanted((9, 7), channels))
    assert source.train.shape == (9, 7, channels)
    assert source.notes == (
        "7 of 7 images resized to 9×7",
        f"7 of 7 images converted to {'grey' if channels == 1 else 'RGB'}",
    )


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.has_test])
def test_notes_say_which_part_they_are_about(name, tmp_path):
    path = CASES[name].write(tmp_path, written_parts(CASES[name], with_test=True))
    source = open_source(str(path), base=tmp_path, wanted=Wanted((9, 7)))
    assert source.notes == ("train: 7 of 7 images resized to 9×7", "test: 3 of 3 images resized to 9×7")
    assert source.test.shape == source.train.shape == (9, 7, CASES[name].shape[2])


def test_a_built_in_name_wins_over_a_file_and_a_path_over_a_built_in_name(tmp_path):
    write_idx_folder = tmp_path / "digits"
    write_idx_folder.mkdir()
    write_idx(write_idx_folder, written_parts(CASES["idx"], with_test=False))
    assert len(open_source("digits", base=tmp_path).train) == 1438
    assert len(open_source("./digits", base=tmp_path).train) == 7


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_npz(tmp_path, written_parts(CASES["npz"], with_test=False))
    assert len(open_source("~/set.npz", base=Path("elsewhere")).train) == 7


def test_a_misspelt_built_in_name_is_corrected(tmp_path):
    with pytest.raises(InputError, match=r"'digit' not found.*digit\)\. Did you mean 'digits'\?"):
        open_source("digit", base=tmp_path)


@pytest.mark.parametrize("source", ["nowhere/set", "  ", "~nobody-of-that-name/x", "a\0b"])
def test_a_missing_path_is_said_with_the_place_that_was_looked_at(source, tmp_path):
    with pytest.raises(
        InputError, match=r"not found: it is neither a built-in set nor a file or folder \(.*Known: digits"
    ):
        open_source(source, base=tmp_path)


@pytest.mark.parametrize("name", ["notes.txt", "empty folder", "loose pictures"])
def test_an_unknown_kind_of_source_lists_what_is_understood(name, tmp_path):
    path = tmp_path / name
    if name.endswith(".txt"):
        path.write_text("hello")
    else:
        path.mkdir()
    if name == "loose pictures":
        write_png(path / "1.png", np.zeros((2, 2, 1), np.uint8))
    with pytest.raises(InputError) as caught:
        open_source(name, base=tmp_path)
    assert str(path) in str(caught.value)
    assert all(reader.description in str(caught.value) for reader in READERS.values())


def test_what_the_system_refuses_is_an_error_with_the_place(tmp_path, monkeypatch):
    def refuse(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    write_npz(tmp_path, written_parts(CASES["npz"], with_test=False))
    monkeypatch.setattr(np.lib.format, "read_array", refuse)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        open_source("set.npz", base=tmp_path)


def test_a_source_too_large_for_memory_is_an_error_with_a_remedy(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise MemoryError

    write_npz(tmp_path, written_parts(CASES["npz"], with_test=False))
    monkeypatch.setattr(np.lib.format, "read_array", refuse)
    with pytest.raises(InputError, match=r"set.npz: too large for memory. Set a smaller image size"):
        open_source("set.npz", base=tmp_path)
