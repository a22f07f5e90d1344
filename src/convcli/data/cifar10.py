"""The binary version of CIFAR-10: records of a label byte and 32×32 colour pixels, plane by plane.

    1 byte        label, 0 … 9
    3,072 bytes   red, green, blue: 1,024 each, row by row

Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convcli.bounds import check_memory
from convcli.data.neighbours import Neighbours
from convcli.data.parts import LONGEST_NAME, RawPart, assemble
from convcli.data.readers import FEWER, READERS, Reader, Wanted
from convcli.data.splits import Splits
from convcli.errors import InputError

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE
CLASSES = 10
TOGETHER = 1000  # records that are read at a time
TRAIN_FILES = "data_batch_*.bin"
TEST_FILE = "test_batch.bin"
PYTHON_FOLDERS = ("cifar-10-batches-py", "cifar-100-python")
PYTHON_FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "train", "test")
PICKLES = (".pkl", ".pickle")
NAMES_FILE = "batches.meta.txt"
NAMES_BYTES = 4096  # at most, for ten names


def matches(path: Path) -> bool:
    """Return whether this is a .bin file or a folder with CIFAR-10's batches, pickled or not."""
    if _pickled(path):
        return True
    if path.is_dir():
        return (path / TEST_FILE).is_file() or any(path.glob(TRAIN_FILES))
    return path.suffix.lower() == ".bin" and path.is_file()


def read(path: Path, wanted: Wanted) -> Splits:
    """Read a folder of batches, or one batch; class names come from batches.meta.txt where it is there."""
    if pickled := _pickled(path):
        raise InputError(
            f"{pickled} is pickled, as CIFAR's Python version is. convcli never unpickles: that may run any "
            "program. Get the binary version (cifar-10-binary.tar.gz), or, if you trust the file, unpickle "
            "it yourself and numpy.savez(path, images=…, labels=…)."
        )
    if path.is_dir():
        folder = path
        train = sorted(path.glob(TRAIN_FILES), key=lambda batch: (len(batch.name), batch.name))  # 9 before 10
        test = [path / TEST_FILE] if (path / TEST_FILE).is_file() else []
    else:
        folder, train, test = path.parent, [path], []
    if not train:
        train, test = test, []
    return assemble(
        _part(train, path, wanted.neighbours),
        _part(test, test[0], wanted.neighbours) if test else None,
        classes=_class_names(folder / NAMES_FILE),
        wanted=wanted,
    )


def _pickled(path: Path) -> Path | None:
    """Return the file of CIFAR's Python version that this is or that the folder, or one in it, holds."""
    if path.is_dir():
        folders = [path, *(path / name for name in PYTHON_FOLDERS)]
        candidates = [folder / name for folder in folders for name in PYTHON_FILES]
    else:
        candidates = [path] if path.name in PYTHON_FILES or path.suffix.lower() in PICKLES else []
    for candidate in candidates:
        if candidate.is_file():
            with candidate.open("rb") as file:
                head = file.read(2)
            if head[:1] == b"\x80" and head[1:] <= b"\x05":  # the protocol's number follows
                return candidate
    return None


def _part(batches: Sequence[Path], name: Path, neighbours: Neighbours) -> RawPart:
    """Read the batches into one array, channels last."""
    counts = [_count(batch) for batch in batches]
    check_memory(str(name), sum(counts) * RECORD, advice=FEWER)
    images = neighbours.room(sum(counts) * (RECORD - 1)).reshape(-1, SIDE, SIDE, 3)
    labels = neighbours.room(len(images))
    runs, start = [], 0
    for batch, count in zip(batches, counts, strict=True):
        cuts = [*range(0, count, TOGETHER), count]
        runs += [(batch, first, end, start + first) for first, end in pairwise(cuts)]
        start += count

    def place(own: Sequence[tuple[Path, int, int, int]]) -> Sequence[None]:
        for batch, first, end, begin in own:
            here = slice(begin, begin + end - first)
            labels[here], planes = _records(batch, first, end)
            images[here] = planes.transpose(0, 2, 3, 1)
        return ()

    neighbours.each(runs, place)
    return RawPart(str(name), images, labels)


def _records(batch: Path, first: int, end: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the labels (n,) and the planes (n, 3, h, w) of some records of a batch."""
    count = end - first
    records = np.fromfile(batch, np.uint8, count * RECORD, offset=first * RECORD)
    if len(records) < count * RECORD:
        raise InputError(f"{batch} became shorter while it was read. Try again once it is whole.")
    records = records.reshape(count, RECORD)
    wrong = np.flatnonzero(records[:, 0] >= CLASSES)
    if len(wrong):
        raise InputError(
            f"{batch}: record {first + wrong[0] + 1:,} has label {records[wrong[0], 0]}; expected 0 … 9. "
            "Is it CIFAR-10 in its binary version?"
        )
    return records[:, 0], records[:, 1:].reshape(count, 3, SIDE, SIDE)


def _count(batch: Path) -> int:
    length = batch.stat().st_size
    if length == 0 or length % RECORD:
        raise InputError(
            f"{batch}: expected CIFAR-10 records of {RECORD:,} bytes, found {length:,} bytes "
            f"({length // RECORD:,} × {RECORD:,} + {length % RECORD:,}). Get the file again."
        )
    return length // RECORD


def _class_names(path: Path) -> list[str]:
    """Return the names in the order the labels count, or "0" … "9" where there is no list of names.

    A set that was made of fewer classes in this format has fewer names.
    """
    if not path.is_file():
        return [str(number) for number in range(CLASSES)]
    with path.open(encoding="utf-8", errors="replace") as file:
        names = [line.strip() for line in file.read(NAMES_BYTES).splitlines() if line.strip()]
    if not 0 < len(names) <= CLASSES or max(map(len, names)) > LONGEST_NAME:
        raise InputError(
            f"{path}: expected at most {CLASSES} class names, one on each line, found {len(names)} of up to "
            f"{max(map(len, names), default=0):,} signs."
        )
    return names


READERS.register("cifar10")(
    Reader(
        "CIFAR-10 in its binary version (a folder with data_batch_1.bin …, or one .bin file)", matches, read
    )
)
