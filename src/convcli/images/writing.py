"""Image files out: only formats that hold the image as it is."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from convcli import files
from convcli.errors import OutputError, UnknownNameError
from convcli.images.image import FORMATS, Image, Pixels, format_of
from convcli.images.png.writing import encode_png
from convcli.wording import shown

COMPRESSION = 1
"""How hard a PNG file is compressed unless asked: runs only, no search for repetitions."""

MOST_PROFILE_BYTES = 2**20
"""Of a colour profile in a PNG file. Pillow and what is built on it open no file with a larger one."""

MOST_EXIF_BYTES = 65_533  # of a JPEG file: one segment
MOST_JPEG_DPI = 65_535
GIF_COLOURS = 256

_HAVE_ALPHA = ("png", "webp", "tiff", "npy")
_DTYPES = {"png": ("uint8", "uint16"), "tiff": ("float16", "float32", "float64")}
_DTYPES["tiff"] += tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_HELD = {
    "png": ("icc_profile", "dpi", "exif", "colour"),
    "jpeg": ("icc_profile", "dpi", "exif"),
    "webp": ("icc_profile", "exif"),
    "tiff": ("icc_profile", "dpi", "exif"),
    "bmp": ("dpi",),
}
"""What of `Metadata` a format holds."""

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 95},
    "webp": {"lossless": True, "exact": True},
}


def kept(image: Image, format: str) -> tuple[Image, tuple[str, ...]]:  # noqa: A002
    """Return `image` with the metadata that a file of `format` can hold, and a word on each that it cannot.

    A profile is of RGB or of grey; one that is not of the pixels' kind says nothing of them and goes unsaid.
    """
    metadata, notes = image.metadata, []
    space = b"GRAY" if image.pixels.ndim == 2 else b"RGB "
    profile, held = metadata.icc_profile, _HELD.get(format, ())
    missing = {"icc_profile": "colour profile", "dpi": "resolution", "exif": "EXIF data"}
    missing["colour"] = " and ".join(name.decode("latin-1") for name, _ in metadata.colour)
    lost = [name for name in missing if getattr(metadata, name) and name not in held]
    if lost:
        words = ", ".join(missing[name] for name in lost)
        notes.append(f"{format.upper()} files do not hold its {words}; left out.")
    if profile and "icc_profile" in held:
        if profile[16:20] != space:
            lost.append("icc_profile")
        elif format == "png" and len(profile) > MOST_PROFILE_BYTES:
            notes.append(
                f"its colour profile of {len(profile):,} bytes is more than PNG readers take; left out."
            )
            lost.append("icc_profile")
    if format == "jpeg" and metadata.exif and len(metadata.exif) > MOST_EXIF_BYTES:
        notes.append(
            f"its EXIF data of {len(metadata.exif):,} bytes are more than JPEG files hold; left out."
        )
        lost.append("exif")
    if format == "jpeg" and metadata.dpi and max(metadata.dpi) > MOST_JPEG_DPI:
        notes.append(f"its resolution of {max(metadata.dpi):g} dpi is more than JPEG files hold; left out.")
        lost.append("dpi")
    if format == "gif" and (colours := len(_colours(image.pixels)[0])) > GIF_COLOURS:
        notes.append(f"its {colours:,} colours become {GIF_COLOURS}: GIF files hold no more.")
    left: dict[str, Any] = {name: () if name == "colour" else None for name in lost}
    return replace(image, metadata=replace(metadata, **left)), tuple(notes)


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
    _check_fits(image, format)
    metadata = kept(image, format)[0].metadata
    if format == "png":
        return encode_png(image.pixels, image.alpha, metadata, level=compress, threads=threads)
    if format == "tiff":
        from convcli.images.tiff.writing import (
            encode_tiff,
        )  # with Pillow's TIFF parts, which others do not need

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
        picture = _with_palette(pixels) if format == "gif" else PIL.Image.fromarray(pixels)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.save(stream, format.upper(), **options)
    except Exception as error:  # Pillow's encoders raise OSError, ValueError, struct.error and more
        raise OutputError(
            f"The image cannot be written as {format.upper()} ({error}); use .png or .tif."
        ) from error
    return stream.getvalue()


def encode_animation(pictures: Iterable[Pixels], seconds: Sequence[float]) -> bytes:
    """Return uint8 pictures (h, w, 3) of one size as a GIF that runs for ever, each shown for its seconds.

    Of each picture only what differs from the one before is kept.
    """
    first, *others = map(_with_palette, pictures)
    stream = io.BytesIO()
    first.save(
        stream,
        "GIF",
        save_all=True,
        append_images=others,
        duration=[round(1000 * wait) for wait in seconds],
        loop=0,
        disposal=1,  # what is transparent in the next one shows it
        optimize=True,
    )
    return stream.getvalue()


def _colours(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """Return the different colours (n, 3) of uint8 pixels, and the number of each pixel's."""
    if pixels.ndim == 2 or pixels.dtype != np.uint8:
        return np.zeros((1, 3), np.uint8), np.zeros(0, np.uint8)
    whole = np.dstack((pixels, np.zeros(pixels.shape[:2], np.uint8))).view(np.uint32)[:, :, 0]
    values, numbers = np.unique(whole, return_inverse=True)
    return values.view(np.uint8).reshape(-1, 4)[:, :3], numbers.reshape(whole.shape)


def _with_palette(pixels: Pixels) -> PIL.Image.Image:
    """Return pixels as a picture of at most 256 colours: exactly those there are, if they are no more."""
    if pixels.ndim == 2:
        return PIL.Image.fromarray(pixels)
    colours, numbers = _colours(pixels)
    if len(colours) > GIF_COLOURS:
        return PIL.Image.fromarray(pixels)  # which Pillow brings down to them
    picture = PIL.Image.fromarray(numbers.astype(np.uint8))
    picture.putpalette(colours.tobytes())
    return picture


def _check_fits(image: Image, format: str) -> None:  # noqa: A002
    """Raise `OutputError` if `format` would lose alpha, depth or channels."""
    dtype, colour, with_alpha = image.pixels.dtype.name, image.pixels.ndim == 3, image.alpha is not None

    def fits(name: str) -> bool:
        if name == "npy":  # where a fourth channel of floats would be no alpha
            return not with_alpha or dtype in ("uint8", "uint16")
        return dtype in _DTYPES.get(name, ("uint8",)) and (not with_alpha or name in _HAVE_ALPHA)

    if fits(format):
        return
    what = f"{dtype} {'RGB' if colour else 'grey'} pixels{' with transparency' if with_alpha else ''}"
    suggested = ("png", "webp", "tiff") if dtype == "uint8" else ("png", "tiff", "npy")
    fitting = [f".{name[:3] if name == 'tiff' else name}" for name in suggested if fits(name)]
    listed = (
        ", ".join(fitting[:-1]) + f" or {fitting[-1]}"
        if len(fitting) > 1 and dtype == "uint8"
        else " or ".join(fitting)
    )
    raise OutputError(f"{format.upper()} cannot hold {what}; use {listed or '.npy without alpha'}.")


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
