"""Pictures of any size, in files or in memory, become one uint8 array of one size; changes are said aloud."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli import images as image_files
from convcli.bounds import check_memory
from convcli.data.readers import FEWER
from convcli.engine.team import MOST_PARTS, Team, shared_zeros
from convcli.engine.threads import available_cores
from convcli.errors import InputError

Pixels: TypeAlias = NDArray[np.uint8]
Size: TypeAlias = tuple[int, int]
Shape: TypeAlias = tuple[int, int, int]

# Pixels from which decoding (without Python's lock) outweighs the threads' waiting for that lock; measured.
WORTH_A_THREAD = 128 * 128

# Small pictures from which two processes save more than the 10 ms that it takes to make one.
WORTH_A_PROCESS = 256
COLOURS = {1: "grey", 3: "RGB"}


def read_images(
    paths: Sequence[Path], *, size: Size | None = None, channels: int | None = None
) -> tuple[Pixels, tuple[str, ...]]:
    """Read picture files into one array (n, h, w, c), in the order of `paths`.

    Parameters
    ----------
    size, channels
        What every picture is brought to; where None, what most of the files have.

    Returns
    -------
    images, notes
        `notes` says how many pictures were resized or converted.

    Raises
    ------
    InputError
        If a file is missing or is no readable picture; the message names it.
    """
    _check_channels("image files", 3, channels)
    # Most sets have one size, that of the first picture: then every file is read only once.
    first = _shape(image_files.read_pixels(paths[0], None))
    target = _fitted_shape(first, size, channels)
    images = _empty(len(paths), target)

    def place(index: int) -> Shape:
        """Put one picture where it belongs, if it fits there without a change nobody asked for."""
        pixels = image_files.read_pixels(paths[index], None)
        fitted = _fitted(pixels, size, channels)
        if fitted.shape == target:
            images[index] = fitted
        return _shape(pixels)

    def place_changed(index: int) -> Shape:
        pixels = image_files.read_pixels(paths[index], None)
        images[index] = _fitted(pixels, target[:2], target[2])
        return _shape(pixels)

    large = first[0] * first[1] >= WORTH_A_THREAD
    stored = _each(range(len(paths)), place, large)
    misfits = [i for i, shape in enumerate(stored) if _fitted_shape(shape, size, channels) != target]
    if misfits:
        common = _fitted_shape(_most_common(stored), size, channels)
        if common != target:
            target, images = common, _empty(len(paths), common)
            misfits = list(range(len(paths)))
        _each(misfits, place_changed, large)
    return images, _notes(stored, target, size)


def fit_images(
    images: Pixels, *, size: Size | None = None, channels: int | None = None, name: str = "images"
) -> tuple[Pixels, tuple[str, ...]]:
    """Bring an array of pictures (n, h, w, c) to `size` and `channels`; it is returned as is where it fits.

    Colour becomes grey by the ITU-R 601 luma, in the integer arithmetic that Pillow uses.

    Returns
    -------
    images, notes
        As `read_images`.

    Raises
    ------
    InputError
        If the pictures have neither 1 nor 3 channels and are asked for another number.

    Examples
    --------
    >>> pictures, notes = fit_images(np.full((2, 4, 4, 1), 7, np.uint8), size=(8, 8), channels=3)
    >>> pictures.shape, notes
    ((2, 8, 8, 3), ('2 of 2 images resized to 8×8', '2 of 2 images converted to RGB'))
    """
    stored = _shape(images[0])
    target = _fitted_shape(stored, size, channels)
    if target == stored:
        return images, ()
    _check_channels(name, stored[2], channels)
    fitted = _empty(len(images), target, name)
    for index, pixels in enumerate(images):
        fitted[index] = _fitted(pixels, size, channels)
    return fitted, _notes([stored] * len(images), target, size)


def _empty(count: int, shape: Shape, name: str = "image files") -> Pixels:
    """Return room for so many pictures, shared with processes that are forked later.

    Raises InputError if there is none on this machine.
    """
    size = count * math.prod(shape)
    check_memory(name, size, advice=FEWER)
    return shared_zeros(size, np.uint8).reshape(count, *shape)


def _fitted(pixels: Pixels, size: Size | None, channels: int | None) -> Pixels:
    """Return one picture in the channels and the size asked for."""
    if channels is not None and pixels.shape[2] != channels:
        pixels = np.repeat(pixels, 3, axis=2) if channels == 3 else _luma(pixels)
    return pixels if size is None or pixels.shape[:2] == size else image_files.resize(pixels, size)


def _luma(pixels: Pixels) -> Pixels:
    """Return an RGB picture (h, w, 3) as grey (h, w, 1): ITU-R 601, rounded exactly as Pillow's mode L."""
    weights = np.array([19595, 38470, 7471], np.uint32)  # 0.299, 0.587 and 0.114 in units of 1/65536
    luma: Pixels = ((pixels @ weights + 0x8000) >> 16).astype(np.uint8)
    return luma[:, :, np.newaxis]


def _check_channels(name: str, stored: int, channels: int | None) -> None:
    if channels not in (None, stored) and not {stored, channels} <= set(COLOURS):
        raise InputError(
            f"{name}: {channels} channels were asked for and the images have {stored}; only 1 (grey) and 3 "
            "(RGB) are converted into each other. Ask for another number, or none."
        )


def _shape(pixels: Pixels) -> Shape:
    rows, columns, channels = pixels.shape
    return rows, columns, channels


def _fitted_shape(shape: Shape, size: Size | None, channels: int | None) -> Shape:
    rows, columns = size or shape[:2]
    return rows, columns, channels or shape[2]


def _most_common(shapes: Sequence[Shape]) -> Shape:
    """Return the most common rows × columns and number of channels; of equally common ones the larger."""
    sizes, depths = Counter(shape[:2] for shape in shapes), Counter(shape[2] for shape in shapes)
    rows, columns = max(sizes, key=lambda size: (sizes[size], size))
    return rows, columns, max(depths, key=lambda depth: (depths[depth], depth))


def _each(indices: Sequence[int], work: Callable[[int], Shape], large: bool) -> list[Shape]:
    """Return the result of `work` for each index, in order; the first error in that order is raised.

    What `work` leaves behind lies in shared arrays.
    """
    parts = min(len(indices), MOST_PARTS)
    edges = [len(indices) * part // max(parts, 1) for part in range(parts + 1)]
    failed = shared_zeros(parts, np.bool_)

    def read(_: None, part: int) -> tuple[list[Shape], InputError | None]:
        shapes: list[Shape] = []
        if failed[:part].any():
            return shapes, None
        try:
            shapes.extend(work(index) for index in indices[edges[part] : edges[part + 1]])
        except InputError as error:
            failed[part] = True
            return shapes, error
        return shapes, None

    team = Team(read, available_cores())
    if not large and (len(indices) < WORTH_A_PROCESS or not team.forks):
        team = Team(read, 1)
    try:
        results = team.run(None, parts)
    finally:
        team.close()
    if error := next((error for _, error in results if error), None):
        raise error
    return [shape for shapes, _ in results for shape in shapes]


def _notes(stored: Sequence[Shape], target: Shape, size: Size | None) -> tuple[str, ...]:
    """Return what a person should hear of pictures of the `stored` shapes becoming `target`."""
    resized = sum(shape[:2] != target[:2] for shape in stored)
    converted = sum(shape[2] != target[2] for shape in stored)
    notes = []
    if resized:
        reason = "" if size else ", the size that most of them have"
        notes.append(f"{resized:,} of {len(stored):,} images resized to {target[0]}×{target[1]}{reason}")
    if converted:
        notes.append(f"{converted:,} of {len(stored):,} images converted to {COLOURS[target[2]]}")
    return tuple(notes)
