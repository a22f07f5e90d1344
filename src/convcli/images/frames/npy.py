"""A stack of images in an .npy file: (n, h, w) or (n, h, w, c), read image by image."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from convcli.errors import InputError
from convcli.formats.npy import npy_layout, read_npy
from convcli.images.bounds import check_pixels
from convcli.images.frames.frame import Frame, Frames, Story
from convcli.images.image import Image
from convcli.images.kind import File
from convcli.images.npy import image_of

MOST_CHANNELS = 4  # of an array of three axes that is one image


def frames_of(file: File) -> Frames | None:
    """Return the images of an array; None if it is one image."""
    try:
        layout = npy_layout(file.stream)
    except ValueError as error:
        raise InputError(f"{file.where}: expected an .npy array of numbers; {error}.") from error
    if not is_stack(layout[0]):
        return None
    if 0 in layout[0]:
        raise InputError(f"{file.where}: expected a stack of images, found {layout[0]}: nothing in it.")
    return NpyFrames(file, *layout)


class NpyFrames(Frames):
    """The images of a stack."""

    def __init__(
        self, file: File, shape: tuple[int, ...], dtype: np.dtype[Any], start: int, fortran: bool
    ) -> None:
        super().__init__(file.where, file.most)
        self.file, self.shape, self.dtype, self.start = file, shape, dtype, start
        height, width = self.shape[1:3]
        check_pixels(height, width, file.most, file.where)
        self.story = Story("stack", self.shape[0])
        # The images of an array in Fortran's order lie between each other.
        self._whole = read_npy(file.stream, lambda _: None) if fortran else None

    def _read(self, number: int) -> Frame:
        if self._whole is not None:
            array = self._whole[number]
        else:
            size = math.prod(self.shape[1:]) * self.dtype.itemsize
            self.file.stream.seek(self.start + number * size, io.SEEK_SET)
            array = np.frombuffer(self.file.stream.read(size), self.dtype).reshape(self.shape[1:])
        decoded = image_of(array, self.where)
        return Frame(Image(decoded.pixels, decoded.alpha))


def is_stack(shape: tuple[int, ...]) -> bool:
    """Whether an array is of several images: four axes, or three of which the last is no pixel's."""
    return len(shape) == 4 or (len(shape) == 3 and shape[2] > MOST_CHANNELS)
