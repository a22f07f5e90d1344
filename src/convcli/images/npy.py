"""Images in .npy files: arrays of pixels, with or without alpha."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.formats.npy import read_npy
from convcli.images.bounds import check_pixels
from convcli.images.encoding import Encoding
from convcli.images.image import Image
from convcli.images.kind import Decoded, File


def decode(file: File) -> Decoded:
    """Return the image in an .npy file: (h, w[, 1 or 3]), or with alpha (h, w, 2 or 4) of uint8 or uint16."""

    def check(shape: tuple[int, ...]) -> None:
        if len(shape) > 1:
            check_pixels(shape[0], shape[1], file.most, file.where)

    try:
        array = read_npy(file.stream, check)
    except ValueError as error:
        raise InputError(f"{file.where}: expected an .npy array of numbers; {error}.") from error
    return image_of(array, file.where, every=file.every)


def image_of(array: NDArray[Any], where: str, *, every: bool = False) -> Decoded:
    """Return the image that an array is, or raise `InputError` if it is none.

    With `every` it may have any number of channels.
    """
    channels = array.shape[2] if array.ndim == 3 else 1
    with_alpha = channels in (2, 4) and array.dtype in (np.uint8, np.uint16)
    stack = " Of a stack of images filter --frames takes all." if array.ndim in (3, 4) else ""
    if array.ndim not in (2, 3) or array.size == 0 or not (with_alpha or channels in (1, 3) or every):
        raise InputError(
            f"{where}: expected (rows, columns) or (rows, columns, 3), found {array.shape} of {array.dtype}."
            f"{stack}"
        )
    array = (
        array.astype(np.uint8) * np.uint8(255)
        if array.dtype == np.bool_
        else array.astype(array.dtype.newbyteorder("="))
    )
    pixels, alpha = (array[..., :-1], array[..., -1]) if with_alpha else (array, None)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    return Decoded(np.ascontiguousarray(pixels), alpha)


def encode(image: Image, _: Encoding) -> bytes:
    """Return an .npy file of the pixels, with alpha as a last channel if there is any."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(image.samples), allow_pickle=False)
    return stream.getvalue()
