"""NumPy archives: `images` (n, h, w[, c]), `labels` (n), perhaps `classes`, `test_images`, `test_labels`.

Nothing is unpickled, and no array is made before its announced size is compared with the file's real one.
"""

from __future__ import annotations

import math
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from convcli.arrays import npy_header
from convcli.bounds import check_memory, most_unpacked
from convcli.data.dataset import Source
from convcli.data.parts import Part, assemble, names_of
from convcli.data.pixels import Pixels
from convcli.data.readers import FEWER, READERS, Reader
from convcli.errors import InputError, shortened

Array: TypeAlias = NDArray[Any]

NEEDED = ("images", "labels")
TEST = ("test_images", "test_labels")
KNOWN = (*NEEDED, "classes", *TEST)

LONGEST_REASON = 120  # signs of what the libraries say of a damaged file


def matches(path: Path) -> bool:
    """Return whether this is an .npz file, by its name."""
    return path.suffix.lower() == ".npz" and path.is_file()


def read(path: Path, *, size: tuple[int, int] | None, channels: int | None) -> Source:
    """Read an archive; integer labels count in `classes` if that is there, and name the classes if not."""
    arrays = _arrays(path)
    needed = (*NEEDED, *TEST) if set(TEST) & set(arrays) else NEEDED
    for name in needed:
        if name not in arrays:
            keywords = ", ".join(f"{name}=…" for name in needed)
            raise InputError(
                f"{path} has no array {name!r}: expected {', '.join(needed)}, found "
                f"{', '.join(arrays) or 'none of them'}. Save it with numpy.savez(path, {keywords})."
            )
    classes = _class_names(arrays["classes"], path) if "classes" in arrays else None
    train = Part(str(path), _pixels(arrays["images"], f"{path} (images)"), arrays["labels"])
    test = None
    if "test_images" in arrays:
        pixels = _pixels(arrays["test_images"], f"{path} (test_images)")
        test = Part(f"{path} (test)", pixels, arrays["test_labels"])
    return assemble(train, test, classes=classes, size=size, channels=channels)


def _pixels(images: Array, name: str) -> Pixels:
    """Return images as uint8 (n, h, w, c) if that changes no value."""
    if images.ndim not in (3, 4):
        raise InputError(f"{name}: expected images (n, h, w) or (n, h, w, c), found shape {images.shape}.")
    if images.dtype.kind not in "iu":
        raise InputError(
            f"{name}: expected uint8 images, 0 … 255, found {images.dtype}. If they are from 0 to 1, save "
            "(images * 255).round().astype('uint8')."
        )
    if images.dtype != np.uint8 and images.size:
        low, high = images.min(), images.max()
        if low < 0 or high > 255:
            raise InputError(f"{name}: expected values 0 … 255, found {low} … {high} ({images.dtype}).")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    return np.ascontiguousarray(images, np.uint8)


def _class_names(classes: Array, path: Path) -> list[str]:
    if classes.ndim != 1 or classes.dtype.kind not in "iuSU":
        raise InputError(
            f"{path} (classes): expected a list of names, found {classes.dtype} with shape {classes.shape}."
        )
    return names_of(classes, f"{path} (classes)")


def _arrays(path: Path) -> dict[str, Array]:
    """Read the arrays that mean something here, by name."""
    arrays: dict[str, Array] = {}
    length = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header that Python 2 wrote is fine
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name in arrays:
                    raise InputError(f"{path} ({name}): there are two arrays of this name. Save it again.")
                if name in KNOWN:
                    _check_header(archive, member, f"{path} ({name})", length)
                    with archive.open(member) as stream:
                        arrays[name] = npy.read_array(stream, allow_pickle=False)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
        reason = shortened(str(error), LONGEST_REASON)
        raise InputError(f"{path}: not a readable .npz archive ({reason}). Save it again.") from error
    return arrays


def _check_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, length: int) -> None:
    """Raise if an array cannot be what its header announces in an archive of `length` bytes."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{name}: expected plain or deflated data. Save it with numpy.savez_compressed.")
    with archive.open(member) as stream:
        shape, dtype = npy_header(stream)
    if dtype.hasobject:
        raise InputError(
            f"{name}: holds Python objects ({dtype}), which convcli never unpickles. Save numbers or text: "
            "numpy.asarray(values, dtype=…)."
        )
    announced = math.prod(shape) * dtype.itemsize
    if announced > member.file_size:
        raise InputError(
            f"{name}: its header announces {announced:,} bytes, the archive holds {member.file_size:,}. "
            "Save it again."
        )
    packed = min(member.compress_size, length)
    if announced > most_unpacked(packed):
        raise InputError(
            f"{name}: its header announces {announced:,} bytes, packed in {packed:,}; no more than "
            f"{most_unpacked(packed):,} are unpacked. If it is what you want, save it with numpy.savez."
        )
    check_memory(name, announced, advice=FEWER)


READERS.register("npz")(Reader("an .npz file with arrays images and labels", matches, read))
