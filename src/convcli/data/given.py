"""Images as Python code hands them over, in files or in memory, as the pixels that a network sees."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli import images as image_files
from convcli.bounds import MAX_PIXELS
from convcli.data.dataset import BLOCK_BYTES
from convcli.data.notes import COLOURS, of_files
from convcli.data.pixels import ALPHA
from convcli.data.presentation import DARK, Pixels, Presentation
from convcli.data.survey import BYTE
from convcli.errors import InputError, ShapeError, UsageError
from convcli.images import Image
from convcli.images.folders import images_named
from convcli.wording import shown

if TYPE_CHECKING:
    import PIL.Image

Name: TypeAlias = str | os.PathLike[str]
Given: TypeAlias = "ArrayLike | Name | PIL.Image.Image | Sequence[Any]"
"""An array; the name of an image file, of a folder, a pattern; a picture of Pillow's; a list of these."""

Tell: TypeAlias = Callable[[str], None]


def are_names(given: Given) -> TypeGuard[Name | Sequence[Name]]:
    """Whether these are files, not pixels."""
    if isinstance(given, list | tuple):
        return bool(given) and all(isinstance(one, str | os.PathLike) for one in given)
    return isinstance(given, str | os.PathLike)


def as_seen(
    given: Given,
    shape: tuple[int, int, int],
    presentation: Presentation,
    *,
    tell: Tell,
    max_pixels: int = MAX_PIXELS,
) -> Pixels:
    """Return images as a network that takes `shape` (h, w, c) sees them: uint8 (n, h, w, c).

    Parameters
    ----------
    given
        Files as `convcli predict` names them, pictures of Pillow's, or arrays: a batch (n, h, w[, c]), or one
        image (h, w[, c]), which becomes a batch of one. Three axes are one image where the last has 1 or 3
        cells, or as many as the network has channels, unless they fit (n, h, w) exactly. The images of a list
        may have any sizes. All become grey or RGB as the network needs.

        Values are uint8, of which 0 is black and 255 white; bool, or floats from 0 to 1; or any others
        where the presentation has their range.
    tell
        Hears what was passed over, cut, or odd.
    max_pixels
        Pixels that a file or a picture may have.

    Raises
    ------
    InputError
        If a file cannot be read.
    ShapeError
        If these are not images, or have channels that cannot become the network's.
    UsageError
        If it is not known which values are black and white.
    """
    sight = _Sight(shape, presentation, tell, max_pixels)
    if are_names(given):
        return sight.of_files([given] if isinstance(given, str | os.PathLike) else given)
    images = [given] if image_files.is_pillow(given) else given
    if isinstance(images, list | tuple) and any(map(_is_image, images)):
        return np.concatenate([sight.of_one(image, f"image {n}") for n, image in enumerate(images)])
    return sight.of_batch(_batch(_array(images), shape), "images")


def _is_image(value: object) -> bool:
    return isinstance(value, np.ndarray | str | os.PathLike) or image_files.is_pillow(value)


def _array(given: Any) -> NDArray[Any]:
    try:
        array = np.asarray(given)
    except ValueError:  # lists of several lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "buif":
        kind = type(given).__name__ if array.dtype.kind == "O" else array.dtype
        raise ShapeError(
            "images: expected arrays, pictures of Pillow's, or names of files, folders or patterns, "
            f"found {kind}."
        )
    return array


def _batch(array: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[Any]:
    """Return an array as a batch (n, h, w, c)."""
    if array.ndim == 4 and _becomes(array.shape[3], shape[2]):
        return array
    grey = array.ndim == 3 and shape[2] == 1
    if grey and (array.shape[1:] == shape[:2] or array.shape[2] not in (1, 2, 3, 4)):
        return array[..., np.newaxis]
    return _single(array, shape, "images")


def _becomes(channels: int, wanted: int) -> bool:
    """Whether so many channels can become those that a network takes: grey and RGB are converted."""
    return channels == wanted or {channels, wanted} <= set(COLOURS)


def _single(array: NDArray[Any], shape: tuple[int, int, int], where: str) -> NDArray[Any]:
    """Return the array of one image as a batch of one."""
    channels = shape[2]
    if array.ndim == 2 and _becomes(1, channels) and array.shape[1] != math.prod(shape):
        return array[np.newaxis, :, :, np.newaxis]
    if array.ndim == 3 and _becomes(array.shape[2], channels):
        return array[np.newaxis]
    axes = "h, w" if channels == 1 else f"h, w, {channels}"
    expected = f"(n, {axes}) or ({axes})" if where == "images" else f"({axes})"
    raise ShapeError(f"{where}: expected {expected}, found {array.shape}.{_advice(array, shape)}")


def _advice(array: NDArray[Any], shape: tuple[int, int, int]) -> str:
    """Return what to do with an array of another shape."""
    channels = shape[2]
    if array.ndim == 2 and array.shape[1] == math.prod(shape):
        size = ", ".join(map(str, shape))
        return f" Rows of {array.shape[1]:,} numbers become images by images.reshape(-1, {size})."
    if array.ndim in (3, 4) and channels > 1 and array.shape[-3] == channels:
        return f" Channels come last: np.moveaxis(images, {array.ndim - 3}, -1)."
    if array.ndim in (3, 4) and array.shape[-1] in ALPHA:
        return " With an alpha channel, hand over pictures of Pillow's: they are laid on data.background."
    return ""


@dataclass(frozen=True)
class _Sight:
    """What a network takes, and who hears of what is odd; see `as_seen`."""

    shape: tuple[int, int, int]
    presentation: Presentation
    tell: Tell
    max_pixels: int

    def of_files(self, names: Sequence[Name]) -> Pixels:
        """Return the images in files, folders, and those that patterns match."""
        listed = images_named([os.fspath(name) for name in names], tell=self.tell)
        rows, columns, channels = self.shape
        pixels, notes = np.empty((len(listed), *self.shape), np.uint8), list[str]()
        for number, name in enumerate(listed):
            pixels[number], said = self.presentation.read(
                Path(name), channels, (rows, columns), max_pixels=self.max_pixels
            )
            notes += said
        for note in of_files(notes, len(listed)):
            self.tell(note)
        return pixels

    def of_one(self, image: Any, where: str) -> Pixels:
        """Return an image of a list as a batch of one."""
        if isinstance(image, str | os.PathLike):
            raise UsageError(f"{where} ({shown(image)}): expected files or arrays, found both in one list.")
        rows, columns, channels = self.shape
        if not image_files.is_pillow(image):
            return self.of_batch(_single(_array(image), self.shape, where), where)
        read = image_files.from_pillow(image, where, max_pixels=self.max_pixels)
        for note in read.notes:
            self.tell(note)
        pixels = self.presentation.shown(read, channels, where)
        return self.presentation.fitted(pixels, (rows, columns))[np.newaxis]

    def of_batch(self, volumes: NDArray[Any], where: str) -> Pixels:
        """Return a batch (n, h, w, c) of any numbers and size."""
        if not volumes.size and len(volumes):
            raise ShapeError(f"{where}: expected at least one pixel, found {volumes.shape}.")
        rows, columns, channels = self.shape
        plain = volumes.dtype == np.uint8 and not self.presentation.changes_bytes
        if not plain or volumes.shape[3] != channels:
            volumes = self.levels(volumes, where)
        if volumes.shape[1:3] == (rows, columns):
            return volumes
        fitted = np.empty((len(volumes), *self.shape), np.uint8)
        for number, volume in enumerate(volumes):
            fitted[number] = self.presentation.fitted(np.ascontiguousarray(volume), (rows, columns))
        return fitted

    def levels(self, volumes: NDArray[Any], where: str) -> Pixels:
        """Return numbers as levels 0 … 255, in the channels wanted; say what is cut, or nearly black."""
        levels = np.empty((*volumes.shape[:3], self.shape[2]), np.uint8)
        if volumes.dtype == bool:
            volumes = volumes.astype(np.float32)
        if not volumes.size:
            return levels
        low, high = float(volumes.min()), float(volumes.max())
        if not math.isfinite(low + high):
            raise UsageError(f"{where}: expected numbers, found NaN or infinity among them.")
        try:
            black, white = self.presentation.limits(volumes)
        except InputError:
            raise _unknown_range(where, volumes.dtype, low, high) from None
        if low < black or high > white:
            share = np.mean((volumes < black) | (volumes > white))
            self.tell(f"{where}: {share:.1%} of the values lie outside {black:g} … {white:g}, and are cut")
        elif volumes.dtype != np.uint8 and high < black + DARK * (white - black):
            self.tell(f"{where}: nearly all black to the network, whose white is {white:g}")
        count = max(1, BLOCK_BYTES // math.prod(volumes.shape[1:]))
        for start in range(0, len(volumes), count):  # each time as one picture, image under image
            block = volumes[start : start + count]
            tall = Image(block.reshape(-1, *volumes.shape[2:]))
            seen = self.presentation.shown(tall, self.shape[2], where)
            levels[start : start + count] = seen.reshape(levels[start : start + count].shape)
        return levels


def _unknown_range(where: str, dtype: np.dtype[Any], low: float, high: float) -> UsageError:
    advice = "Divide them by what is white"
    if low >= 0 and high <= BYTE:
        advice = "If 255 is white, images.astype(np.uint8); if not, divide them by what is"
    return UsageError(
        f"{where}: expected uint8, or floats from 0 (black) to 1 (white); found {dtype} from {low:g} to "
        f"{high:g}. {advice}."
    )
