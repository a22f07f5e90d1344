"""Image files out: only formats that hold the image as it is."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from convcli import files
from convcli.errors import OutputError, UnknownNameError
from convcli.images.gif import with_palette
from convcli.images.holding import check_fits, kept
from convcli.images.image import FORMATS, Image, format_of
from convcli.images.png.writing import encode_png
from convcli.wording import shown

COMPRESSION = 1
"""How hard a PNG file is compressed unless asked: runs only, no search for repetitions."""

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 95},
    "webp": {"lossless": True, "exact": True},
}


def encode(image: Image, format: str, *, compress: int = COMPRESSION, threads: int = 1) -> bytes:  # noqa: A002
    """Return `image` as a file of `format`, one of the values of `FORMATS`.

    What of the metadata the format cannot hold is left out; `kept` says what. `compress` (0 to 9) is what a
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
    check_fits(image, format)
    metadata = kept(image, format)[0].metadata
    if format == "png":
        return encode_png(image.pixels, image.alpha, metadata, level=compress, threads=threads)
    if format == "tiff":
        from convcli.images.tiff.writing import encode_tiff  # with Pillow's parts, which others do not need

        return encode_tiff(image.pixels, image.alpha, metadata)
    pixels = image.pixels if image.alpha is None else np.dstack((image.pixels, image.alpha))
    stream = io.BytesIO()
    if format == "npy":
        np.lib.format.write_array(stream, np.ascontiguousarray(pixels), allow_pickle=False)
        return stream.getvalue()
    options = dict(_SAVE_OPTIONS.get(format, {}))
    for name in ("icc_profile", "dpi", "exif"):
        if value := getattr(metadata, name):
            options[name] = value
    try:
        picture = with_palette(pixels) if format == "gif" else PIL.Image.fromarray(pixels)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.save(stream, format.upper(), **options)
    except Exception as error:  # Pillow's encoders raise OSError, ValueError, struct.error and more
        raise OutputError(
            f"The image cannot be written as {format.upper()} ({error}); use .png or .tif."
        ) from error
    return stream.getvalue()


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
