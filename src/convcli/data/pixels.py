"""Pictures of any size, in files or in memory, become one uint8 array of one size; changes are said aloud.

All of a source is surveyed before anything is decided: which size most have, what its values are, what cannot
be read. Where headers tell that, files are decoded once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from convcli import images as image_files
from convcli.bounds import check_memory
from convcli.data import notes as said
from convcli.data.neighbours import Neighbours
from convcli.data.presentation import Pixels, Presentation
from convcli.data.readers import FEWER, Wanted
from convcli.data.survey import Held, Seen, Shape, found_range, held_by, is_transparent, survey
from convcli.engine.team import MOST_PARTS, Team
from convcli.engine.threads import share
from convcli.errors import InputError
from convcli.images import Image
from convcli.wording import shown

Result = TypeVar("Result")

# Pixels from which decoding (without Python's lock) outweighs the threads' waiting for that lock; measured.
# From here on, too, a look at all headers costs less than decoding in vain.
WORTH_A_THREAD = 128 * 128

# Small pictures from which two processes save more than it takes to make one.
WORTH_A_PROCESS = 256

ALPHA = {2: 1, 4: 3}
"""Channels with transparency → those of colour."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size, uint8 (n, h, w, c), and what was done on the way."""

    images: Pixels
    presentation: Presentation  # how they were made from what was stored, its range found
    notes: tuple[str, ...]
    kept: NDArray[np.int64] | None = None  # which of the files these are, where some are left out


def read_images(paths: Sequence[Path], wanted: Wanted, name: str = "image files") -> Pictures:
    """Read picture files into one array (n, h, w, c), in the order of `paths`.

    Raises InputError if files are missing or no readable pictures, all of which the message names, and may
    not be left out; if no size is that of most pictures; if black and white are unknown.
    """
    check_channels("image files", 3, wanted.channels)
    reading = _Reading(paths, wanted, name)
    seen = reading.each(range(len(paths)), reading.place)
    kept = [index for index, each in enumerate(seen) if not each.fault]
    left_out = said.left_out(name, [each.fault for each in seen], skip=wanted.skip_damaged)
    seen = [seen[index] for index in kept]
    presentation, told = _with_range(name, wanted, [each.held for each in seen])
    reading.place_again(kept, seen, presentation)
    wanted.neighbours.only_first(lambda: _move_together(reading.images, kept))
    images = reading.images[: len(kept)]
    notes = said.of_pictures(seen, reading.target, wanted.size, presentation)
    some = None if len(kept) == len(paths) else np.array(kept, np.int64)
    return Pictures(images, presentation, (*left_out, *told, *notes), some)


class _Reading:
    """Files on their way into an array."""

    def __init__(self, paths: Sequence[Path], wanted: Wanted, name: str) -> None:
        self.paths, self.wanted, self.name = paths, wanted, name
        self.presentation = wanted.presentation
        # Most sets have one size, that of the first picture: then every small file is opened only once.
        first = next((shape for path in paths if (shape := image_files.shape_of(path))), (1, 1, 1))
        self.large = first[0] * first[1] >= WORTH_A_THREAD
        if wanted.size is None and self.large:
            shapes = self.each(range(len(paths)), lambda index: image_files.shape_of(paths[index]))
            first = common_shape(name, [shape for shape in shapes if shape is not None], wanted)
        self.target = fitted_shape(first, wanted)
        self.images = empty(len(paths), self.target, name, wanted.neighbours)

    def each(self, indices: Sequence[int], work: Callable[[int], Result]) -> list[Result]:
        neighbours = self.wanted.neighbours
        return neighbours.each(indices, lambda own: _each(own, work, self.large, neighbours.cores))

    def place(self, index: int) -> Seen:
        """Put one picture where it belongs, if it fits there without a change nobody asked for."""
        try:
            image = image_files.read(self.paths[index])
            held = survey(image)
            coloured = image.pixels.ndim == 3 or (held.transparent and self.presentation.is_coloured)
            seen = Seen((*image.pixels.shape[:2], 3 if coloured else 1), held, image.notes)
            known = not held.kind or self.wanted.settled or self.presentation.range is not None
            if not known and image.pixels.dtype != np.uint16:  # all have to be known before one is placed
                return seen
            pixels = self.presentation.shown(image, self.wanted.channels, shown(self.paths[index]))
        except InputError as error:
            return Seen((0, 0, 0), Held(), fault=str(error))
        if fitted_shape(seen.shape, self.wanted) == self.target:
            self.images[index] = self.presentation.fitted(pixels, self.target[:2])
        return seen

    def place_changed(self, index: int) -> None:
        """Put one picture where it belongs, changed as all are."""
        path, (*size, channels) = self.paths[index], self.target
        image = image_files.read(path)
        pixels = self.presentation.shown(image, channels, shown(path))
        self.images[index] = self.presentation.fitted(pixels, (size[0], size[1]))

    def place_again(self, kept: Sequence[int], seen: Sequence[Seen], presentation: Presentation) -> None:
        """Put those pictures in their places that were not, or not as `presentation` has them."""
        common = common_shape(self.name, [each.shape for each in seen], self.wanted)
        usual = self.presentation.range or (0.0, 65535.0)
        again = [
            index
            for index, each in zip(kept, seen, strict=True)
            if common != self.target
            or fitted_shape(each.shape, self.wanted) != common
            or (each.held.kind and presentation.range not in (None, usual))
        ]
        if common != self.target:
            self.target = common
            self.images = empty(len(self.paths), common, self.name, self.wanted.neighbours)
        self.presentation = presentation
        self.each(again, self.place_changed)


def fit_images(images: NDArray[Any], wanted: Wanted, name: str = "images") -> Pictures:
    """Bring an array of pictures (n, h, w, c) to what is wanted; uint8 that fits is returned as it is.

    Colour becomes grey by the ITU-R 601 luma, in the integer arithmetic that Pillow uses. Where other
    channels are asked for, the last of 2 or 4 is transparency.

    Raises InputError if the pictures cannot get the channels asked for, or black and white are unknown.

    Examples
    --------
    >>> fitted = fit_images(np.full((2, 4, 4, 1), 7, np.uint8), Wanted(size=(8, 8), channels=3))
    >>> fitted.images.shape, fitted.notes
    ((2, 8, 8, 3), ('2 of 2 images resized to 8×8', '2 of 2 images converted to RGB'))
    """
    stored: Shape = (images.shape[1], images.shape[2], images.shape[3])
    alpha = ALPHA.get(stored[2]) if wanted.channels not in (None, stored[2]) else None
    colours = alpha or stored[2]
    check_channels(name, colours, wanted.channels)
    target = (*(wanted.size or stored[:2]), wanted.channels or colours)
    held = [held_by(images)] * len(images) if images.dtype != np.uint8 else []
    presentation, told = _with_range(name, wanted, held)
    if target == stored and images.dtype == np.uint8 and not presentation.changes_bytes:
        extra = [said.four_channels(name, stored[2])] if stored[2] in ALPHA else []
        return Pictures(images, presentation, tuple(extra))
    fitted = empty(len(images), target, name, wanted.neighbours)

    def place(index: int) -> Seen:
        pixels = images[index]
        colour, opacity = (pixels[..., :-1], pixels[..., -1]) if alpha else (pixels, None)
        levels = presentation.shown(Image(colour, opacity), wanted.channels, name)
        fitted[index] = presentation.fitted(levels, target[:2])
        through = opacity is not None and is_transparent(opacity)
        return Seen((*stored[:2], colours), Held(transparent=through))

    seen = wanted.neighbours.each(range(len(images)), lambda own: [place(index) for index in own])
    cut = [said.of_cut(held, presentation)] if held and presentation.cuts(held[0]) else []
    return Pictures(
        fitted, presentation, (*told, *cut, *said.of_pictures(seen, target, wanted.size, presentation))
    )


def _with_range(name: str, wanted: Wanted, held: Sequence[Held]) -> tuple[Presentation, tuple[str, ...]]:
    """Return the presentation with the range that a source calls for, and what to say of it."""
    presentation = wanted.presentation
    if wanted.settled or presentation.said:
        return presentation, ()
    found, told = found_range(name, held)
    return replace(presentation, range=found), (told,) if told else ()


def empty(count: int, shape: Shape, name: str, neighbours: Neighbours) -> Pixels:
    """Return room for so many pictures, shared with others that read them, and processes forked later.

    Raises InputError if there is none on this machine.
    """
    size = count * math.prod(shape)
    check_memory(name, size, advice=FEWER)
    return neighbours.room(size).reshape(count, *shape)


def _move_together(images: Pixels, kept: Sequence[int]) -> None:
    """Move the pictures at these increasing indices to the beginning: a copy might not fit."""
    for place, index in enumerate(kept):
        if place != index:
            images[place] = images[index]


def check_channels(name: str, stored: int, channels: int | None) -> None:
    """Raise InputError if pictures cannot get so many channels."""
    if channels not in (None, stored) and not {stored, channels} <= set(said.COLOURS):
        raise InputError(
            f"{name}: {channels} channels were asked for and the images have {stored}; only 1 (grey) and 3 "
            "(RGB) are converted into each other. Ask for another number, or none."
        )


def fitted_shape(shape: Shape, wanted: Wanted) -> Shape:
    """Return the shape that a picture gets if only what is wanted changes it."""
    rows, columns = wanted.size or shape[:2]
    return rows, columns, wanted.channels or shape[2]


def common_shape(name: str, shapes: Sequence[Shape], wanted: Wanted) -> Shape:
    """Return what all pictures become: the wanted size, or that of more than half; the usual channels.

    Raises InputError if a size has to be asked for; one is proposed.
    """
    depths = Counter(shape[2] for shape in shapes)
    channels = wanted.channels or max(depths, key=lambda depth: (depths[depth], depth))
    if wanted.size is not None:
        return *wanted.size, channels
    sizes = Counter(shape[:2] for shape in shapes)
    (rows, columns), most = sizes.most_common(1)[0]
    if 2 * most <= len(shapes):
        proposed = [_to_eight(float(np.median([shape[axis] for shape in shapes]))) for axis in (0, 1)]
        raise InputError(
            f"{name}: expected one size that most images have, found {len(sizes):,} sizes, of which {rows}×"
            f"{columns} has {most:,} of {len(shapes):,} images. Set one: data.size = {proposed} is near the "
            "median; data.fit says how images get it."
        )
    return rows, columns, channels


def _to_eight(length: float) -> int:
    return max(8, 8 * round(length / 8))


def _each(indices: Sequence[int], work: Callable[[int], Result], large: bool, cores: int) -> list[Result]:
    """Return the result of `work` for each index, in order; what it leaves behind lies in shared arrays."""
    parts = min(len(indices), MOST_PARTS)

    def read(_: None, part: int) -> list[Result]:
        own = share(len(indices), part, parts)
        return [work(index) for index in indices[own.start : own.stop]]

    team = Team(read, cores)
    if not large and (len(indices) < WORTH_A_PROCESS or not team.forks):
        team = Team(read, 1)
    try:
        results = team.run(None, parts)
    finally:
        team.close()
    return [result for part in results for result in part]
