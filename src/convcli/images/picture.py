"""A picture that Pillow has opened, as arrays: loaded whole or as far as it goes, its mode understood."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFile
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images.image import Pixels

BAND_BYTES = 2**20  # taken over from Pillow at a time
_PLAIN_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX")
_SPACES = {"CMYK": b"CMYK", "LAB": b"Lab ", "YCbCr": b"RGB "}


def load_as_far_as_it_goes(opened: Callable[[], PIL.ImageFile.ImageFile]) -> tuple[PIL.Image.Image, int]:
    """Return a picture, however little of it can be decoded, and how many of its rows are real.

    It is decoded twice, over black and over white: what differs has not been written. The rest is black.
    """
    pictures = []
    for white in (False, True):
        picture = opened()
        fill = tuple((65535 if picture.mode == "I;16" else 255) * white for _ in picture.getbands())
        picture.im = PIL.Image.new(picture.mode, picture.size, fill[0] if len(fill) == 1 else fill).im
        try:
            picture.load()
        except MemoryError:
            raise
        except Exception:  # what decoders raise where a file is damaged is nearly anything
            picture.tile = []  # so that what has been decoded can be had
        pictures.append(picture)
    black, white_one = (np.frombuffer(picture.tobytes(), np.uint8) for picture in pictures)
    rows = black.reshape(pictures[0].height, -1) != white_one.reshape(pictures[0].height, -1)
    missing = rows.any(axis=1)
    return pictures[0], pictures[0].height - int(np.count_nonzero(missing))


def arrays_of(
    picture: PIL.Image.Image, where: str, threads: int, profile: bytes | None
) -> tuple[Pixels, Pixels | None, list[str], bool]:
    """Return a loaded picture's pixels and alpha, what to say, and whether its profile has been used up.

    Raises
    ------
    InputError
        If its colours cannot be converted to RGB.
    """
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16), None, [], False
    if mode in ("I", "F"):
        return np.array(picture), None, [], False
    if mode not in _PLAIN_MODES:
        pixels, note, used = _to_rgb(picture, where, threads, profile)
        return pixels, None, [note], used
    target = "L" if mode in ("1", "L", "LA", "La") else "RGB"
    if picture.has_transparency_data:
        target += "A"
    return *parted(samples_of(picture, target, threads)), [], False


def _to_rgb(
    picture: PIL.Image.Image, where: str, threads: int, profile: bytes | None
) -> tuple[Pixels, str, bool]:
    """Return ink, or another space of colours, as RGB: through its profile if there is one of that space."""
    import PIL.ImageCms  # few pictures need it

    mode = picture.mode
    if mode in _SPACES and profile and profile[16:20] == _SPACES[mode] and mode != "YCbCr":
        try:
            converted = PIL.ImageCms.profileToProfile(
                picture,
                PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                PIL.ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (PIL.ImageCms.PyCMSError, OSError, ValueError):
            note = f"{where}: {mode} was converted to RGB without its profile, which cannot be read."
        else:
            assert converted is not None
            return np.asarray(converted), f"{where}: {mode} was converted to sRGB through its profile.", True
    else:
        note = f"{where}: {mode} was converted to RGB"
        note += " without a profile, as it has none." if mode == "CMYK" else "."
    try:
        if mode == "LAB":
            lab, srgb = PIL.ImageCms.createProfile("LAB"), PIL.ImageCms.createProfile("sRGB")
            rgb = PIL.ImageCms.profileToProfile(picture, lab, srgb, outputMode="RGB")
            assert rgb is not None
            return np.asarray(rgb), note, False
        return samples_of(picture, "RGB", threads), note, False
    except (ValueError, PIL.ImageCms.PyCMSError) as error:
        raise InputError(f"{where}: {mode} cannot be converted to RGB; convert it first.") from error


def parted(samples: NDArray[Any]) -> tuple[Pixels, Pixels | None]:
    """Return pixels (h, w) or (h, w, 3), and alpha if there is a second or fourth channel."""
    if samples.ndim == 2 or samples.shape[2] == 3:
        return samples, None
    colour, alpha = samples[:, :, :-1], np.ascontiguousarray(samples[:, :, -1])
    return np.ascontiguousarray(colour if colour.shape[2] == 3 else colour[:, :, 0]), alpha


def samples_of(picture: PIL.Image.Image, mode: str, threads: int) -> NDArray[np.uint8]:
    """Return the 8-bit samples (h, w) or (h, w, c) of a picture in another or the same mode.

    Band by band: NumPy would ask Pillow for all bytes at once, which holds a photo in memory twice more.
    """
    (width, height), channels = picture.size, len(mode)
    shape = (height, width) if channels == 1 else (height, width, channels)
    array = np.empty(shape, np.uint8)
    rows = max(BAND_BYTES // (width * channels), 1)

    def fill(first: int) -> None:
        last = min(first + rows, height)
        band = picture if last - first == height else picture.crop((0, first, width, last))
        data = (band if band.mode == mode else band.convert(mode)).tobytes()
        array[first:last] = np.frombuffer(data, np.uint8).reshape(last - first, *shape[1:])

    if threads == 1 or height <= rows:
        for first in range(0, height, rows):
            fill(first)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, range(0, height, rows)))
    return array
