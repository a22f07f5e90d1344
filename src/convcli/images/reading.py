"""Image files in: whatever Pillow reads, upright, as arrays."""

from __future__ import annotations

import codecs
import io
import math
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from convcli.errors import InputError
from convcli.images.image import Image, Metadata, Pixels
from convcli.images.png_rows import read_rows

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
_HEAD_BYTES = 256  # enough to tell what a file is
BAND_BYTES = 2**20  # taken over from Pillow at a time
_NPY_MAGIC = b"\x93NUMPY"


def read(source: Path | BinaryIO, *, luma: bool = False, threads: int = 1) -> Image:
    """Return the image in a file or stream, upright: its EXIF orientation is applied.

    `luma` says that only the brightness of colours is wanted. A JPEG file has it ready, the same weights of
    red, green and blue that ITU-R 601 gives; then its colours are not decoded at all, and `pixels` are grey.
    These differ from the brightness of the decoded colours by rounding, and more only where a colour was out
    of range and had to be cut. Other files are read in colour nevertheless.

    Raises
    ------
    InputError
        If there is no file, or it is no image that can be read without loss; the message says what was found.
    """
    with _opened(source) as (stream, where):
        if _start(stream).startswith(_NPY_MAGIC):
            return _read_npy(stream, where)
        decoded = _decode(stream, where, luma=luma, threads=threads)
        picture = decoded.picture
        dpi, exif, said = _dpi(picture), None, decoded.notes
        if decoded.rows is not None:
            pixels, alpha = _parted(decoded.rows)
        else:
            exif, turned = _turn_upright(picture, where)
            pixels, alpha, converted = _arrays(picture, where, threads)
            said = [*said, *turned, *converted]
        metadata = Metadata(picture.info.get("icc_profile") or None, dpi, exif)
    return Image(pixels, alpha, metadata, tuple(said), decoded.without_colour)


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


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[tuple[BinaryIO, str]]:
    """Yield a stream that can be read anywhere, and what to call it. A file is not read as a whole."""
    if not isinstance(source, Path):
        where, stream = "standard input", io.BytesIO(source.read())
        _check_not_empty(stream, where)
        yield stream, where
        return
    where = str(source)
    try:
        file = source.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{where}: no such file.") from error
    except IsADirectoryError as error:
        raise InputError(f"{where}: expected an image file, found a folder.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{where}: cannot be read ({_reason(error)}).") from error
    with file:
        seekable = file if file.seekable() else io.BytesIO(file.read())  # a named pipe has no places
        _check_not_empty(seekable, where)
        yield seekable, where


def _check_not_empty(stream: BinaryIO, where: str) -> None:
    if not _start(stream):
        raise InputError(f"{where}: expected an image, found nothing (0 bytes).")


def _start(stream: BinaryIO) -> bytes:
    """Return the first bytes of a stream, and go back to its beginning."""
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    return head


@dataclass(frozen=True, eq=False)
class _Decoded:
    """A picture that Pillow has loaded, or, if there are `rows`, only opened."""

    picture: PIL.Image.Image
    rows: NDArray[np.uint8] | None
    notes: list[str]
    without_colour: bool


def _decode(stream: BinaryIO, where: str, *, luma: bool, threads: int) -> _Decoded:
    """Return the stream's first picture, and what to say about it."""
    without_colour, rows = False, None
    head = _start(stream)
    with _pillow_errors(head, where) as warned:
        picture = PIL.Image.open(stream, formats=_PILLOW_FORMATS)
        deep = _is_deep_colour(picture, head)
        frames = getattr(picture, "n_frames", 1)
        if luma and picture.format == "JPEG" and picture.mode == "RGB":
            picture.draft("L", None)
            without_colour = picture.mode == "L"
        if threads > 1 and frames == 1 and picture.format == "PNG":
            rows = read_rows(stream, head, picture)
        if not deep and rows is None:
            picture.load()
    if deep:
        raise InputError(
            f"{where}: colour or transparency with 16 bits per channel, which would be cut to 8. "
            "Convert it to 8 bits per channel, to 16-bit grey, or to .npy first."
        )
    notes = [f"{where}: {text}" for text in warned]
    if frames > 1:
        notes.append(f"{where}: has {frames} pictures; only the first is used.")
    return _Decoded(picture, rows, notes, without_colour)


@contextmanager
def _pillow_errors(head: bytes, where: str) -> Iterator[list[str]]:
    """Turn Pillow's errors into `InputError`; yield a list that its warnings' texts are put into."""
    texts: list[str] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield texts
    except PIL.UnidentifiedImageError as error:
        raise InputError(
            f"{where}: expected an image ({', '.join(_PILLOW_FORMATS)}, .npy), {_found(head)}."
        ) from error
    except PIL.Image.DecompressionBombError as error:
        raise InputError(f"{where}: too large to be opened safely ({error})") from error
    except Exception as error:  # damaged files raise OSError, SyntaxError, struct.error, zlib.error and more
        raise InputError(f"{where}: the image is damaged or cut short ({error}).") from error
    # Pillow warns from half its limit on and refuses from the limit on; in between an image is just large.
    texts += [str(item.message) for item in caught if item.category is not PIL.Image.DecompressionBombWarning]


def _found(head: bytes) -> str:
    """Say what a file that begins with `head` looks like, for a message about what it is not."""
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return f"found a {name} file that is damaged, cut short or of a kind that cannot be read"
    with suppress(UnicodeDecodeError):
        # The incremental decoder forgives a character that the cut has parted.
        text = " ".join(codecs.getincrementaldecoder("utf-8")().decode(head).split())
        if text.isprintable():
            return f"found text ({text[:20]!r} …)"
    return f"found other data (beginning with {head[:4].hex(' ')})"


def _is_deep_colour(picture: PIL.Image.Image, head: bytes) -> bool:
    """Whether the file has several channels of more than 8 bits, which Pillow would cut without a word."""
    if picture.format == "PNG":
        depth, colour_type = head[24], head[25]  # in IHDR, always the first chunk
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


def _arrays(picture: PIL.Image.Image, where: str, threads: int) -> tuple[Pixels, Pixels | None, list[str]]:
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
        array = _samples(picture if mode == target else picture.convert(target), threads)
    except ValueError as error:
        raise InputError(f"{where}: {mode} cannot be converted to RGB; convert it first.") from error
    return *_parted(array), notes


def _parted(samples: NDArray[np.uint8]) -> tuple[Pixels, Pixels | None]:
    """Return pixels (h, w) or (h, w, 3), and alpha if there is a second or fourth channel."""
    if samples.ndim == 2 or samples.shape[2] == 3:
        return samples, None
    colour, alpha = samples[:, :, :-1], np.ascontiguousarray(samples[:, :, -1])
    return np.ascontiguousarray(colour if colour.shape[2] == 3 else colour[:, :, 0]), alpha


def _samples(picture: PIL.Image.Image, threads: int) -> NDArray[np.uint8]:
    """Return the 8-bit samples (h, w) or (h, w, c) of a picture.

    Band by band: NumPy would ask Pillow for all bytes at once, which holds a photo in memory twice more.
    """
    (width, height), channels = picture.size, len(picture.getbands())
    shape = (height, width) if channels == 1 else (height, width, channels)
    array = np.empty(shape, np.uint8)
    rows = max(BAND_BYTES // (width * channels), 1)

    def fill(first: int) -> None:
        last = min(first + rows, height)
        data = picture.crop((0, first, width, last)).tobytes()
        array[first:last] = np.frombuffer(data, np.uint8).reshape(last - first, *shape[1:])

    if threads == 1 or height <= rows:
        for first in range(0, height, rows):
            fill(first)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, range(0, height, rows)))
    return array


def _read_npy(stream: BinaryIO, where: str) -> Image:
    """Return the image in an .npy file: (h, w) or (h, w, 1 or 3), or with alpha (h, w, 2 or 4) of uint8."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.lib.format.read_array(stream, allow_pickle=False)
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
