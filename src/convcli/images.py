"""Image files in and out: the only file that knows Pillow.

Pixels are arrays of rows and columns, with a third axis for RGB. Alpha travels beside them, so that nothing
filters it by accident; so does the metadata that is still true of an image whose pixels have changed.
"""

from __future__ import annotations

import codecs
import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from convcli.errors import InputError, OutputError, UnknownNameError, UsageError, suggestion
from convcli.files import write_atomically

Pixels: TypeAlias = NDArray[Any]

FORMATS = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".bmp": "bmp",
    ".gif": "gif",
    ".npy": "npy",
}
"""Suffix → format."""

# What of EXIF stays true of other pixels: texts, camera, time and place; not sizes, strips, thumbnails.
_Tag = PIL.ExifTags.Base
_KEPT_TAGS = (_Tag.ImageDescription, _Tag.Make, _Tag.Model, _Tag.DateTime, _Tag.Artist, _Tag.Copyright)
_STALE_TAGS = (_Tag.ExifImageWidth, _Tag.ExifImageHeight, _Tag.ExifInteroperabilityOffset)

_PILLOW_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")  # nothing else is tried: some run programs
_MAGIC = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_PLAIN_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX")
_NPY_MAGIC = b"\x93NUMPY"
_HAVE_ALPHA = ("png", "webp", "tiff", "npy")
_GREY_DTYPES = {
    "png": ("uint16",),
    "tiff": ("uint16", "int32", "float16", "float32", "float64"),
}  # besides uint8
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 95},
    "webp": {"lossless": True, "exact": True},
}


@dataclass(frozen=True)
class Metadata:
    """What is written back with an image: colour profile, resolution, EXIF less orientation and sizes."""

    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    exif: bytes | None = None


@dataclass(frozen=True, eq=False)
class Image:
    """An image as arrays.

    Attributes
    ----------
    pixels
        (h, w), or (h, w, 3) for RGB; uint8, uint16, int32 or float32 from image files, from .npy any real
        dtype.
    alpha
        (h, w) of uint8, or None.
    metadata
        What is written back.
    notes
        What the user should hear: what was converted or left out when reading.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()


def read(source: Path | BinaryIO) -> Image:
    """Return the image in a file or stream, upright: its EXIF orientation is applied.

    Raises
    ------
    InputError
        If there is no file, or it is no image that can be read without loss; the message says what was found.
    """
    data, where = _bytes_of(source)
    if data.startswith(_NPY_MAGIC):
        return _read_npy(data, where)
    picture, notes = _decode(data, where)
    dpi = _dpi(picture)
    exif, exif_notes = _turn_upright(picture, where)
    pixels, alpha, mode_notes = _arrays(picture, where)
    metadata = Metadata(picture.info.get("icc_profile") or None, dpi, exif)
    return Image(pixels, alpha, metadata, (*notes, *exif_notes, *mode_notes))


def read_pixels(path: Path, channels: int | None = None) -> NDArray[np.uint8]:
    """Return the image at `path` as a network sees it: uint8 (h, w, c), without alpha.

    Parameters
    ----------
    path
        An image file, grey or colour, of 8 bits or of 16-bit grey, which is scaled to 8.
    channels
        1 for grey (luma, ITU-R 601), 3 for RGB, None for what the file has.

    Raises
    ------
    InputError
        As `read`; or if the pixels have no known white (32-bit integers, floats).
    """
    pixels = read(path).pixels
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise InputError(
            f"{path}: expected 8 or 16 bits per channel, found {pixels.dtype}; convert it to 8 bits."
        )
    if channels is not None and pixels.ndim != (2 if channels == 1 else 3):
        pixels = np.asarray(PIL.Image.fromarray(pixels).convert("L" if channels == 1 else "RGB"))
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def resize(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return uint8 pixels (h, w, c) resized to (rows, columns) by Lanczos' filter, smoothed when shrunk."""
    rows, columns = size
    if pixels.shape[:2] == (rows, columns):
        return pixels
    planes = [
        np.asarray(PIL.Image.fromarray(pixels[:, :, c]).resize((columns, rows), PIL.Image.Resampling.LANCZOS))
        for c in range(pixels.shape[2])
    ]
    return np.stack(planes, axis=2)


def format_of(path: Path) -> str:
    """Return the format that the suffix of `path` names, or raise `UsageError`."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        hint = suggestion(suffix, FORMATS) if suffix else f" Known: {', '.join(FORMATS)}."
        raise UsageError(f"{path}: the file's ending must name an image format.{hint}")
    return FORMATS[suffix]


def encode(image: Image, format: str) -> bytes:  # noqa: A002
    """Return `image` as a file of `format`, one of the values of `FORMATS`.

    A colour profile that is not of the pixels' kind (RGB, grey) is left out.

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
    pixels = image.pixels if image.alpha is None else np.dstack((image.pixels, image.alpha))
    stream = io.BytesIO()
    if format == "npy":
        np.lib.format.write_array(stream, np.ascontiguousarray(pixels), allow_pickle=False)
        return stream.getvalue()
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    metadata = image.metadata
    options = dict(_SAVE_OPTIONS.get(format, {}))
    space = b"GRAY" if image.pixels.ndim == 2 else b"RGB "
    if metadata.icc_profile and metadata.icc_profile[16:20] == space:
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


def write(path: Path, image: Image, *, format: str | None = None) -> None:  # noqa: A002
    """Write `image` to `path`, whole or not at all, in `format` or the one that the suffix names.

    Raises
    ------
    UsageError
        If neither names a known format.
    OutputError
        If the format cannot hold the image, or the file cannot be written.
    """
    try:
        data = encode(image, format or format_of(path))
    except OutputError as error:
        raise OutputError(f"{path}: {error}") from error
    write_atomically(path, data)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _bytes_of(source: Path | BinaryIO) -> tuple[bytes, str]:
    """Return what `source` holds, and what to call it."""
    if isinstance(source, Path):
        where = str(source)
        try:
            data = source.read_bytes()
        except FileNotFoundError as error:
            raise InputError(f"{where}: no such file.") from error
        except IsADirectoryError as error:
            raise InputError(f"{where}: expected an image file, found a folder.") from error
        except (OSError, ValueError) as error:
            raise InputError(f"{where}: cannot be read ({_reason(error)}).") from error
    else:
        data, where = source.read(), "standard input"
    if not data:
        raise InputError(f"{where}: expected an image, found nothing (0 bytes).")
    return data, where


def _decode(data: bytes, where: str) -> tuple[PIL.Image.Image, list[str]]:
    """Return the first picture in `data`, loaded, and what to say about it."""
    with _pillow_errors(data, where) as warned:
        picture = PIL.Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS)
        deep = _is_deep_colour(picture, data)
        frames = getattr(picture, "n_frames", 1)
        if not deep:
            picture.load()
    if deep:
        raise InputError(
            f"{where}: colour or transparency with 16 bits per channel, which would be cut to 8. "
            "Convert it to 8 bits per channel, to 16-bit grey, or to .npy first."
        )
    notes = [f"{where}: {text}" for text in warned]
    if frames > 1:
        notes.append(f"{where}: has {frames} pictures; only the first is used.")
    return picture, notes


@contextmanager
def _pillow_errors(data: bytes, where: str) -> Iterator[list[str]]:
    """Turn Pillow's errors into `InputError`; yield a list that its warnings' texts are put into."""
    texts: list[str] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield texts
    except PIL.UnidentifiedImageError as error:
        raise InputError(
            f"{where}: expected an image ({', '.join(_PILLOW_FORMATS)}, .npy), {_found(data)}."
        ) from error
    except PIL.Image.DecompressionBombError as error:
        raise InputError(f"{where}: too large to be opened safely ({error})") from error
    except Exception as error:  # damaged files raise OSError, SyntaxError, struct.error, zlib.error and more
        raise InputError(f"{where}: the image is damaged or cut short ({error}).") from error
    # Pillow warns from half its limit on and refuses from the limit on; in between an image is just large.
    texts += [str(item.message) for item in caught if item.category is not PIL.Image.DecompressionBombWarning]


def _found(data: bytes) -> str:
    """Say what `data` looks like, for a message about what it is not."""
    for magic, name in _MAGIC.items():
        if data.startswith(magic):
            return f"found a {name} file that is damaged, cut short or of a kind that cannot be read"
    with suppress(UnicodeDecodeError):
        # The incremental decoder forgives a character that the cut has parted.
        text = " ".join(codecs.getincrementaldecoder("utf-8")().decode(data[:256]).split())
        if text.isprintable():
            return f"found text ({text[:20]!r} …)"
    return f"found other data (beginning with {data[:4].hex(' ')})"


def _is_deep_colour(picture: PIL.Image.Image, data: bytes) -> bool:
    """Whether the file has several channels of more than 8 bits, which Pillow would cut without a word."""
    if picture.format == "PNG":
        depth, colour_type = data[24], data[25]  # in IHDR, always the first chunk
        return depth > 8 and colour_type != 0
    bits = getattr(picture, "tag_v2", {}).get(_Tag.BitsPerSample, (8,))
    return len(bits) > 1 and max(bits) > 8


def _dpi(picture: PIL.Image.Image) -> tuple[float, float] | None:
    """Return the resolution across and down, if the file has a sensible one."""
    try:
        across, down = (float(value) for value in picture.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(math.isfinite(value) and value > 0 for value in (across, down)):
        return None
    return across, down


def _turn_upright(picture: PIL.Image.Image, where: str) -> tuple[bytes | None, list[str]]:
    """Apply the EXIF orientation in place; return the EXIF data that stay true, and what to say."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = picture.getexif()
            PIL.ImageOps.exif_transpose(picture, in_place=True)
            return _kept_exif(exif), []
    except Exception:  # damaged EXIF raises nearly anything, and is no reason to refuse the pixels
        return None, [f"{where}: its EXIF data are damaged and were left out."]


def _kept_exif(exif: PIL.Image.Exif) -> bytes | None:
    kept = PIL.Image.Exif()
    for tag in _KEPT_TAGS:
        if tag in exif:
            kept[tag] = exif[tag]
    for part in (PIL.ExifTags.IFD.Exif, PIL.ExifTags.IFD.GPSInfo):
        values = {tag: value for tag, value in exif.get_ifd(part).items() if tag not in _STALE_TAGS}
        if values:
            kept[part] = values
    return kept.tobytes() if len(kept) else None


def _arrays(picture: PIL.Image.Image, where: str) -> tuple[Pixels, Pixels | None, list[str]]:
    """Return a loaded picture's pixels and alpha, and what to say about its conversion."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16), None, []
    if mode in ("I", "F"):
        return _finite(np.array(picture), where), None, []
    target = "L" if mode in ("1", "L", "LA", "La") else "RGB"
    notes = [] if mode in _PLAIN_MODES else [f"{where}: {mode} was converted to RGB."]
    if picture.has_transparency_data:
        target += "A"
    try:
        array = np.array(picture.convert(target))
    except ValueError as error:
        raise InputError(f"{where}: {mode} cannot be converted to RGB; convert it first.") from error
    if not target.endswith("A"):
        return array, None, notes
    colour, alpha = array[:, :, :-1], np.ascontiguousarray(array[:, :, -1])
    return np.ascontiguousarray(colour if target == "RGBA" else colour[:, :, 0]), alpha, notes


def _read_npy(data: bytes, where: str) -> Image:
    """Return the image in an .npy file: (h, w) or (h, w, 1 or 3), or with alpha (h, w, 2 or 4) of uint8."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError) as error:
        raise InputError(
            f"{where}: expected an .npy array of numbers ({str(error).splitlines()[0]})."
        ) from error
    if array.dtype.kind not in "buif":
        raise InputError(f"{where}: expected an array of real numbers, found {array.dtype}.")
    channels = array.shape[2] if array.ndim == 3 else 1
    with_alpha = channels in (2, 4) and array.dtype == np.uint8
    if array.ndim not in (2, 3) or array.size == 0 or not (with_alpha or channels in (1, 3)):
        raise InputError(
            f"{where}: expected (rows, columns) or (rows, columns, 3), found {array.shape} of {array.dtype}."
        )
    array = (
        array.astype(np.uint8) * np.uint8(255)
        if array.dtype == np.bool_
        else array.astype(array.dtype.newbyteorder("="))
    )
    pixels, alpha = (array[..., :-1], array[..., -1]) if with_alpha else (array, None)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    return Image(_finite(np.ascontiguousarray(pixels), where), alpha)


def _finite(pixels: Pixels, where: str) -> Pixels:
    """Return `pixels`, or raise `InputError` that says where a NaN or an infinity stands."""
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        row, column = np.argwhere(~np.isfinite(pixels))[0][:2]
        found = pixels[row, column]
        raise InputError(f"{where}: pixel ({row}, {column}): expected finite numbers, found {found}.")
    return pixels
