"""IDX, the format of MNIST and its relatives: a few header numbers, then the bytes of all images.

    bytes 0–1   0
    byte  2     type of the values; 0x08 is uint8, the only one that images use
    byte  3     number of dimensions d: 3 for images (n, rows, columns), 1 for labels (n)
    4 d bytes   the dimensions, big-endian
    the rest    the values

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits",
http://yann.lecun.com/exdb/mnist/. Files may be gzip'd or not, whatever their name says.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from convcli.bounds import check_memory, most_unpacked
from convcli.data.mapping import mapped
from convcli.data.neighbours import ALONE, Neighbours
from convcli.data.parts import RawPart, assemble
from convcli.data.readers import FEWER, READERS, Reader, Wanted
from convcli.data.splits import Splits
from convcli.errors import InputError

NAME = re.compile(
    r"(?P<part>.*)(?P<kind>images|labels)(?P<a>[-._])idx[0-9](?P<b>[-._])ubyte(\.gz)?", re.IGNORECASE
)
RAW = "raw"
TEST_PARTS = ("t10k-", "test-")
GZIP_MAGIC = b"\x1f\x8b"


def matches(path: Path) -> bool:
    """Return whether this is an IDX file, by its name, or a folder with IDX images, or torchvision's root."""
    if path.is_dir():
        return bool(_homes(path))
    return NAME.fullmatch(path.name) is not None and path.is_file()


def read(path: Path, wanted: Wanted) -> Splits:
    """Read a folder with a `train-*` pair and perhaps a `t10k-*` pair, or one images file and its labels."""
    train, test = _pair_of_parts(_home(path)) if path.is_dir() else (path, None)
    several = wanted.neighbours
    return assemble(_part(train, several), _part(test, several) if test else None, wanted=wanted)


def _homes(folder: Path) -> list[Path]:
    """Return where IDX images lie: in the folder, in its `raw`, or in `NAME/raw`, as torchvision has it."""
    if _images_in(folder):
        return [folder]
    inner = [folder / RAW, *(path / RAW for path in sorted(folder.iterdir()) if path.is_dir())]
    return [path for path in inner if path.is_dir() and _images_in(path)]


def _home(folder: Path) -> Path:
    homes = _homes(folder)
    if len(homes) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in homes)
        raise InputError(f"{folder} holds {len(homes)} data sets: {names}. Name one of these folders.")
    return homes[0]


def read_idx(path: Path, dimensions: int, neighbours: Neighbours = ALONE) -> NDArray[np.uint8]:
    """Return the values of an IDX file of uint8 with that many dimensions; the array is read-only.

    They stay in the file, and are read when they are looked at, if it is not packed; if it is, one of several
    processes unpacks them.

    Raises InputError if the file is not of that kind, or its length is not what its header says.
    """
    with path.open("rb") as raw:
        length = os.fstat(raw.fileno()).st_size
        packed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        if not packed:
            return _values(raw, path, dimensions, length, packed=False)
        return neighbours.once(lambda: (_unpacked(raw, path, dimensions, length), None))[0]


def _unpacked(raw: BinaryIO, path: Path, dimensions: int, length: int) -> NDArray[np.uint8]:
    stream: BinaryIO = gzip.GzipFile(fileobj=raw)  # type: ignore[assignment]
    try:
        return _values(stream, path, dimensions, length, packed=True)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: its gzip data is damaged or cut short ({error}). Get the file again."
        ) from error


def _values(stream: BinaryIO, path: Path, dimensions: int, length: int, *, packed: bool) -> NDArray[np.uint8]:
    """Read header and values; nothing is asked of memory that a file of `length` bytes cannot fill."""
    header = stream.read(4 + 4 * dimensions)
    magic = bytes([0, 0, 0x08, dimensions])
    if header[:4] != magic:
        raise InputError(
            f"{path}: expected IDX {'images' if dimensions == 3 else 'labels'}, which begin with the bytes "
            f"{magic.hex(' ')}; found {header[:4].hex(' ') or 'an empty file'}. Name another file, or get it "
            "again."
        )
    if len(header) < 4 + 4 * dimensions:
        raise InputError(
            f"{path} is cut short: its header ends after {len(header)} bytes. Get the file again."
        )
    shape = struct.unpack(f">{dimensions}I", header[4:])
    expected = math.prod(shape)
    announced = " × ".join(f"{number:,}" for number in shape)
    announced += f" = {expected:,} bytes" if dimensions > 1 else " bytes"
    if not expected:
        raise InputError(f"{path}: there is nothing in it (its header announces {announced}).")
    if packed and expected > most_unpacked(length):
        raise InputError(
            f"{path}: its header announces {announced}, packed in {length:,}; no more than "
            f"{most_unpacked(length):,} are unpacked. If it is what you want, unpack it with gunzip first."
        )
    if packed:
        check_memory(str(path), expected, advice=FEWER)
        values = stream.read(expected + 1)
        found = len(values)
    else:
        found = length - len(header)
    if found != expected:
        fault = "is cut short" if found < expected else "is too long"
        held = "more" if found > expected else f"{found:,}"
        raise InputError(f"{path} {fault}: its header announces {announced}, it holds {held}. Get it again.")
    if packed:
        return np.frombuffer(values, np.uint8).reshape(shape)
    return mapped(stream, path, len(header), shape)


def _part(path: Path, neighbours: Neighbours) -> RawPart:
    name = NAME.fullmatch(path.name)
    if name is None or name["kind"].lower() != "images":
        raise InputError(f"{path} holds labels; name the images file, its labels are found beside it.")
    labels_path = _labels_beside(path, name)
    images, labels = read_idx(path, 3, neighbours), read_idx(labels_path, 1, neighbours)
    if len(labels) != len(images):
        raise InputError(
            f"{labels_path} holds {len(labels):,} labels, but {path.name} beside it {len(images):,} images; "
            "expected one label for each image."
        )
    return RawPart(str(path), images[..., np.newaxis], labels)


def _labels_beside(path: Path, name: re.Match[str]) -> Path:
    """Return the labels file that belongs to an images file, gzip'd or not."""
    word = "LABELS" if name["kind"].isupper() else "labels"
    wanted = f"{name['part']}{word}{name['a']}idx1{name['b']}ubyte"
    for candidate in (path.with_name(wanted), path.with_name(wanted + ".gz")):
        if candidate.is_file():
            return candidate
    raise InputError(f"{path}: expected its labels beside it as {wanted} or {wanted}.gz, found neither.")


def _images_in(folder: Path) -> dict[str, Path]:
    """Return the images files of a folder by name without .gz; unpacked files go before packed ones."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = NAME.fullmatch(path.name)
        if name and name["kind"].lower() == "images" and path.is_file():
            found.setdefault(path.name.removesuffix(".gz"), path)
    return found


def _pair_of_parts(folder: Path) -> tuple[Path, Path | None]:
    """Return the images files of the training and the test part."""
    train: list[Path] = []
    test: list[Path] = []
    for name, path in _images_in(folder).items():
        prefix = name.lower().partition("images")[0]
        (test if prefix.endswith(TEST_PARTS) else train).append(path)
    for part, paths in (("training", train), ("test", test)):
        if len(paths) > 1:
            names = ", ".join(path.name for path in paths)
            raise InputError(f"{folder} holds {len(paths)} {part} parts: {names}. Name one of these files.")
    if not train:
        raise InputError(
            f"{folder}: expected train-images-idx3-ubyte[.gz], found the test part alone ({test[0].name}), "
            "which is not for training. Get the training part, or name that file if you mean it."
        )
    return train[0], test[0] if test else None


READERS.register("idx")(
    Reader(
        "IDX files such as MNIST's (a folder with train-images-idx3-ubyte[.gz] …, or one images file)",
        matches,
        read,
    )
)
