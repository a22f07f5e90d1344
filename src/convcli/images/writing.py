"""Image files out: only formats that hold the image as it is."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from convcli import files
from convcli.errors import OutputError, UnknownNameError, shown
from convcli.images.image import FORMATS, Image, format_of
from convcli.images.png import encode_png

COMPRESSION = 1
"""How hard a PNG file is compressed unless asked: runs only, no search for repetitions."""

_HAVE_ALPHA = ("png", "webp", "tiff", "npy")
_GREY_DTYPES = {
    "png": ("uint16",),
    "tiff": ("uint16", "int32", "float16", "float32", "float64"),
}  # besides uint8
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 95},
    "webp": {"lossless": True, "exact": True},
}


def encode(image: Image, format: str, *, compress: int = COMPRESSION, threads: int = 1) -> bytes:  # noqa: A002
    """Return `image` as a file of `format`, one of the values of `FORMATS`.

    A colour profile that is not of the pixels' kind (RGB, grey) is left out. `compress` (0 to 9) is what a
    PNG file takes in time to be smaller, `threads` how many compress it; other formats know neither.

    Raises
    ------
    UsageError
        If there is no such format.
    OutputError
        If the format cannot hold the image without changing it; the message names one that can.
    """
    if format not in FORMATS.values():
        raise UnknownNameError("image format", format, dict.fromkeys(FORMATS.values()))
    _check_fits(image, format)
    metadata = image.metadata
    space = b"GRAY" if image.pixels.ndim == 2 else b"RGB "
    if metadata.icc_profile and metadata.icc_profile[16:20] != space:
        metadata = replace(metadata, icc_profile=None)
    if format == "png":
        return encode_png(image.pixels, image.alpha, metadata, level=compress, threads=threads)
    pixels = image.pixels if image.alpha is None else np.dstack((image.pixels, image.alpha))
    stream = io.BytesIO()
    if format == "npy":
        np.lib.format.write_array(stream, np.ascontiguousarray(pixels), allow_pickle=False)
        return stream.getvalue()
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    options = dict(_SAVE_OPTIONS.get(format, {}))
    if metadata.icc_profile:
        options["icc_profile"] = metadata.icc_profile
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    if metadata.exif:
        options["exif"] = metadata.exif
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            PIL.Image.fromarray(pixels).save(stream, format.upper(), **options)
    except Exception as error:  # Pillow's encoders raise OSError, ValueError, struct.error and more
        raise OutputError(
            f"The image cannot be written as {format.upper()} ({error}); use .png or .tif."
        ) from error
    return stream.getvalue()


def _check_fits(image: Image, format: str) -> None:  # noqa: A002
    """Raise `OutputError` if `format` would lose alpha, depth or channels."""
    dtype, colour = image.pixels.dtype.name, image.pixels.ndim == 3
    what = f"{dtype} {'RGB' if colour else 'grey'}"
    if image.alpha is not None and (format not in _HAVE_ALPHA or dtype != "uint8"):
        instead = ".npy without alpha" if dtype != "uint8" else ".png, .webp or .tif"
        raise OutputError(f"{format.upper()} cannot hold {what} pixels with transparency; use {instead}.")
    if dtype == "uint8" or format == "npy":
        return
    if colour or dtype not in _GREY_DTYPES.get(format, ()):
        fitting = [f".{name[:3]}" for name, dtypes in _GREY_DTYPES.items() if dtype in dtypes and not colour]
        raise OutputError(
            f"{format.upper()} cannot hold {what} pixels; use {' or '.join([*fitting, '.npy'])}."
        )


def write(
    path: Path,
    image: Image,
    *,
    format: str | None = None,  # noqa: A002
    compress: int = COMPRESSION,
    threads: int = 1,
    force: bool = True,
    confirm: Callable[[], None] | None = None,
) -> None:
    """Write `image` to where `path` leads, in `format` or the one that the suffix names.

    `compress` and `threads` are those of `encode`, `force` and `confirm` those of `files.write`.

    Raises
    ------
    UsageError
        If neither names a known format.
    OutputError
        If the format cannot hold the image, or the file cannot be written.
    """
    try:
        data = encode(image, format or format_of(path), compress=compress, threads=threads)
    except OutputError as error:
        raise OutputError(f"{shown(path)}: {error}") from error
    files.write(path, data, force=force, confirm=confirm)
