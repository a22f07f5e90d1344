"""NumPy archives: images (n, h, w[, c]) and labels (n) under the names that people give them.

    images, labels, perhaps classes, test_images, test_labels
    train_images, train_labels, val_images, …       as MedMNIST has them
    x_train, y_train, x_test, y_test                as Keras has them
    x, y or data, target

Nothing is unpickled, and no array is made before its announced size is compared with the file's real one.
"""

from __future__ import annotations

import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from convcli.arrays.archives import check_member
from convcli.data.dataset import BLOCK_BYTES
from convcli.data.mapping import mapped
from convcli.data.neighbours import Neighbours
from convcli.data.parts import RawPart, assemble, names_of
from convcli.data.readers import FEWER, READERS, Layout, Reader, Wanted
from convcli.data.splits import Splits
from convcli.errors import InputError
from convcli.formats.npy import npy_start
from convcli.wording import shortened, shown

Array: TypeAlias = NDArray[Any]

# The names of images and labels, in small letters: of the training, the test and the validation part.
NAMES = (
    (("images", "labels"), ("test_images", "test_labels"), ("val_images", "val_labels")),
    (("train_images", "train_labels"), ("test_images", "test_labels"), ("val_images", "val_labels")),
    (("x_train", "y_train"), ("x_test", "y_test"), ("x_val", "y_val")),
    (("train_x", "train_y"), ("test_x", "test_y"), ("val_x", "val_y")),
    (("x", "y"), ("x_test", "y_test"), ("x_val", "y_val")),
    (("data", "target"), ("test_data", "test_target"), ("val_data", "val_target")),
)
CLASSES = ("classes", "target_names")
KNOWN = {name for scheme in NAMES for pair in scheme for name in pair} | set(CLASSES)

# Channels that a picture has; an axis as short as these may be theirs.
FEW = (1, 2, 3, 4)
LEADING = (1, 3, 4)

_LOCAL_LENGTHS = 26  # where a member's own header says how long its name is and what follows it
LONGEST_REASON = 120  # signs of what the libraries say of a damaged file


def matches(path: Path) -> bool:
    """Return whether this is an .npz file, by its name."""
    return path.suffix.lower() == ".npz" and path.is_file()


def read(path: Path, wanted: Wanted) -> Splits:
    """Read an archive; integer labels count in `classes` if that is there, and name the classes if not."""
    arrays, others = _arrays(path, wanted.neighbours)
    learn, test, validation = _scheme(path, arrays, others)
    listed = next((arrays.pop(name) for name in CLASSES if name in arrays), None)
    classes = _class_names(listed, path) if listed is not None else None
    used = {*learn, *test, *validation}
    notes = [f"{name} is not used" for name in (*arrays, *others) if name not in used]

    def part(names: Sequence[str], name: str) -> RawPart | None:
        if not names:
            return None
        where = f"{path} ({names[0]})"
        images, told = channels_last(arrays[names[0]], where, wanted.layout)
        notes.extend(told)
        if images.dtype != np.uint8 or not images.flags.c_contiguous:
            images, _ = wanted.neighbours.once(lambda: (_numbers(images, where), None))
        return RawPart(name, images, arrays[names[1]])

    train = part(learn, str(path))
    assert train is not None
    tested, validated = part(test, f"{path} (test)"), part(validation, f"{path} (validation)")
    notes = list(dict.fromkeys(notes))
    return assemble(train, tested, validated, classes=classes, wanted=wanted, notes=notes)


def _scheme(path: Path, arrays: Mapping[str, Array], others: Sequence[str]) -> tuple[Sequence[str], ...]:
    """Return the names of images and labels of each part; none for a part that is not there."""
    schemes = [scheme for scheme in NAMES if set(scheme[0]) <= set(arrays)]
    if not schemes:
        half = [scheme for scheme in NAMES if set(scheme[0]) & set(arrays)]
        learn = (half or NAMES)[0][0]
        missing = next(name for name in learn if name not in arrays)
        raise InputError(
            f"{path} has no array {missing!r}: expected {', '.join(learn)}, found "
            f"{shortened(', '.join([*arrays, *others])) or 'none'}. Save it with numpy.savez(path, "
            f"{', '.join(f'{name}=…' for name in learn)})."
        )
    learn, *held_out = max(
        schemes, key=lambda scheme: len({n for pair in scheme for n in pair} & set(arrays))
    )
    found: list[Sequence[str]] = [learn]
    for pair in held_out:
        there = set(pair) & set(arrays)
        if len(there) == 1:
            missing = next(name for name in pair if name not in there)
            raise InputError(
                f"{path} has no array {missing!r}: expected {', '.join((*learn, *pair))}, found "
                f"{', '.join(arrays)}. Save it with numpy.savez(path, {pair[0]}=…, {pair[1]}=…, …)."
            )
        found.append(pair if there else ())
    return tuple(found)


def channels_last(images: Array, name: str, layout: Layout | None) -> tuple[Array, list[str]]:
    """Return images as (n, h, w, c), and what to say of that.

    Raises InputError if they are no images, or could have their channels in either place.

    Examples
    --------
    >>> channels_last(np.zeros((2, 3, 28, 30), np.uint8), "images", None)[0].shape
    (2, 28, 30, 3)
    """
    shape, notes = images.shape, []
    if images.ndim == 2 and (side := math.isqrt(shape[1])) >= max(FEW) and side**2 == shape[1]:
        notes.append(f"{name}: rows of {shape[1]:,} numbers are read as images of {side}×{side}")
        images = images.reshape(len(images), side, side)
    if images.ndim not in (3, 4):
        raise InputError(f"{name}: expected images (n, h, w) or (n, h, w, c), found shape {shape}.")
    if images.ndim == 3:
        return images[..., np.newaxis], notes
    may_lead, may_trail = shape[1] in LEADING and shape[2] > max(FEW), shape[3] in FEW
    if layout is None and may_lead and may_trail:
        raise InputError(
            f"{name}: shape {shape} may be {shape[1]} rows × {shape[2]} columns of {shape[3]} channels, or "
            f"{shape[1]} channels of {shape[2]} × {shape[3]}. Say which with data.layout = "
            '"channels_last" or "channels_first".'
        )
    if layout == "channels_first" or (layout is None and may_lead and shape[3] > max(FEW)):
        images = np.moveaxis(images, 1, 3)
        if layout is None:
            notes.append(
                f"{name}: shape {shape} is read as channels first, {shape[1]} of {shape[2]}×{shape[3]} "
                "(data.layout says otherwise)"
            )
    return images, notes


def _numbers(images: Array, name: str) -> Array:
    """Return images as contiguous numbers: uint8 if that changes no value."""
    if images.dtype.kind not in "buif":
        raise InputError(f"{name}: expected numbers, found {images.dtype}.")
    if images.dtype.kind == "b":
        return images.astype(np.uint8) * np.uint8(255)
    if images.dtype.kind != "f" and images.size and images.min() >= 0 and images.max() <= 255:
        return np.ascontiguousarray(images, np.uint8)
    return np.ascontiguousarray(images, images.dtype.newbyteorder("="))


def _class_names(classes: Array, path: Path) -> list[str]:
    if classes.ndim != 1 or classes.dtype.kind not in "iuSU":
        raise InputError(
            f"{path} (classes): expected a list of names, found {classes.dtype} with shape {classes.shape}."
        )
    return names_of(classes, f"{path} (classes)")


def _arrays(path: Path, neighbours: Neighbours) -> tuple[dict[str, Array], list[str]]:
    """Read the arrays that mean something here, by name in small letters; return the other names, too."""
    arrays: dict[str, Array] = {}
    others: list[str] = []
    length = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header that Python 2 wrote is fine
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                known = name.lower()
                if known in arrays:
                    raise InputError(f"{path} ({name}): there are two arrays of this name. Save it again.")
                if known not in KNOWN:
                    others.append(shortened(shown(name)))
                    continue
                check_member(archive, member, f"{path} ({name})", length, advice=FEWER)
                array = _left_there(path, archive, member, trusted=not neighbours.scans)
                if array is None:
                    array, _ = neighbours.once(partial(_unpacked, archive, member))
                arrays[known] = array
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
        reason = shortened(str(error), LONGEST_REASON)
        raise InputError(f"{path}: not a readable .npz archive ({reason}). Save it again.") from error
    return arrays, others


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[Array, None]:
    with archive.open(member) as stream:
        return npy.read_array(stream, allow_pickle=False), None


def _left_there(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, *, trusted: bool
) -> Array | None:
    """Return an array of bytes that are not packed, mapped where they lie; None if they are not so.

    They are read once, as their checksum has to be right, unless it is `trusted`.
    """
    if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
        return None
    with archive.open(member) as stream:
        shape, dtype, start, fortran = npy_start(stream)
        if dtype != np.uint8 or fortran or not math.prod(shape):
            return None
        stream.seek(0)
        while not trusted and stream.read(BLOCK_BYTES):
            pass
    with path.open("rb") as file:
        file.seek(member.header_offset + _LOCAL_LENGTHS)
        name, extra = struct.unpack("<HH", file.read(4))
        begin = member.header_offset + _LOCAL_LENGTHS + 4 + name + extra
        return mapped(file, path, begin + start, shape)


READERS.register("npz")(
    Reader(
        "an .npz file with arrays images and labels (or x_train, y_train; train_images, train_labels; …)",
        matches,
        read,
    )
)
