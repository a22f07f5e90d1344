"""Image files in: whatever Pillow reads, upright, as arrays."""

from __future__ import annotations

import codecs
import io
import math
import os
import stat
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

from convcli.arrays import read_npy
from convcli.errors import InputError, reason, shortened, shown
from convcli.images.bounds import MAX_PIXELS, check_head, check_jpeg, check_pixels, check_tiles
from convcli.images.description import program_of, says_shape_only
from convcli.images.image import Image, Metadata, Pixels
from convcli.images.pillow import reading
from convcli.images.png_rows import read_rows

# What of EXIF stays true of other pixels: texts, camera, time and place; not sizes, strips, thumbnails.
_Tag = PIL.ExifTags.Base
_KEPT_TAGS = (_Tag.ImageDescription, _Tag.Make, _Tag.Model, _Tag.DateTime, _Tag.Artist, _Tag.Copyright)
_STALE_TAGS = (_Tag.ExifImageWidth, _Tag.ExifImageHeight, _Tag.ExifInteroperabilityOffset)

NODATA_TAG = 42113

_KINDS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", ".npy")  # Pillow tries nothing else: some run programs
_MAGIC = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # with places of 64 bits
    b"MM\0+": "TIFF",
    b"\x93NUMPY": "NPY",
}
_PLAIN_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX")
_HEAD_BYTES = 256  # enough to tell what a file is
BAND_BYTES = 2**20  # taken over from Pillow at a time
_PIECE = 2**20
MOST_PIPED = 2**29
"""Bytes that are taken from a pipe, which has to be held in memory as a whole."""


def read(
    source: Path | BinaryIO, *, luma: bool = False, threads: int = 1, max_pixels: int = MAX_PIXELS
) -> Image:
    """Return the image in a file or stream, upright: its EXIF orientation is applied.

    One with more than `max_pixels` is refused before it is decoded. Of several pictures in a file (an
    animation, pages) the first is read, and a note says so.

    `luma` says that only the brightness of colours is wanted. A JPEG file has it ready, the same weights of
    red, green and blue that ITU-R 601 gives; then its colours are not decoded at all, and `pixels` are grey.
    These differ from the brightness of the decoded colours by rounding, and more only where a colour was out
    of range and had to be cut. Other files are read in colour nevertheless.

    Raises
    ------
    InputError
        If there is no file, or it is no image that can be read without loss; the message says what was found.
    """
    with _opened(source) as (stream, where), reading(where, max_pixels) as warned:
        head = _start(stream)
        kind = _kind(head, where)
        if kind == "NPY":
            return _read_npy(stream, where, max_pixels)
        decoded = _decode(stream, head, kind, where, luma=luma, threads=threads, most=max_pixels)
        picture = decoded.picture
        dpi, exif, said = _dpi(picture), None, decoded.notes
        if decoded.rows is not None:
            pixels, alpha = _parted(decoded.rows)
        else:
            exif, turned = _turn_upright(picture, where)
            pixels, alpha, converted = _arrays(picture, where, threads)
            said = [*said, *turned, *converted]
        metadata = Metadata(picture.info.get("icc_profile") or None, dpi, exif)
        nodata, named = _nodata(picture, where)
        notes = (*(f"{where}: {text}" for text in warned), *said, *named)
    return Image(pixels, alpha, metadata, notes, decoded.without_colour, nodata)


def read_pixels(
    path: Path, channels: int | None = None, *, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Return the image at `path` as a network sees it: uint8 (h, w, c), without alpha.

    Parameters
    ----------
    path
        An image file, grey or colour, of 8 bits or of 16-bit grey, which is scaled to 8.
    channels
        1 for grey (luma, ITU-R 601), 3 for RGB, None for what the file has.
    max_pixels
        As `read`.

    Raises
    ------
    InputError
        As `read`; or if the pixels have no known white (32-bit integers, floats).
    """
    pixels = read(path, max_pixels=max_pixels).pixels
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise InputError(
            f"{shown(path)}: expected 8 or 16 bits per channel, found {pixels.dtype}; convert it to 8 bits."
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


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[tuple[BinaryIO, str]]:
    """Yield a stream that can be read anywhere, and what to call it. A file is not read as a whole."""
    if not isinstance(source, Path):
        yield _held(source, "standard input"), "standard input"
        return
    where = shown(source)
    try:
        kind = source.stat().st_mode
        if stat.S_ISDIR(kind):
            raise InputError(f"{where}: expected an image file, found a folder.")
        if stat.S_ISCHR(kind) or stat.S_ISBLK(kind):
            raise InputError(f"{where}: expected an image file, found a device.")
        file = source.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise InputError(f"{where}: no such file.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{where}: cannot be read ({reason(error)}).") from error
    with _File(file) if file.seekable() else io.BufferedReader(file) as stream:
        yield stream if stream.seekable() else _held(stream, where), where


class _File(io.BufferedReader):
    """A file that takes no more memory than it has bytes, whatever length it announces for a part of it."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__(raw)
        self._end = os.fstat(raw.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _PIECE:
            size = min(size, max(self._end - self.tell(), 0))
        return super().read(size)


def _held(stream: BinaryIO, where: str) -> BinaryIO:
    """Return what a pipe holds, which has no places to go to, in memory; what is no image is not read on."""
    held = io.BytesIO()
    while piece := stream.read(_PIECE):
        held.write(piece)
        if held.tell() == len(piece):
            _kind(piece, where)
        if held.tell() > MOST_PIPED:
            raise InputError(f"{where}: more than {MOST_PIPED >> 20} MiB; save it and give the file's name.")
    return held


def _start(stream: BinaryIO) -> bytes:
    """Return the first bytes of a stream, and go back to its beginning."""
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    return head


def _kind(head: bytes, where: str) -> str:
    """Return the format that a file begins with, or raise `InputError` that says what was found."""
    if not head:
        raise InputError(f"{where}: expected an image, found nothing (0 bytes).")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    raise InputError(f"{where}: expected an image ({', '.join(_KINDS)}), found {_found(head)}.")


@dataclass(frozen=True, eq=False)
class _Decoded:
    """A picture that Pillow has loaded, or, if there are `rows`, only opened."""

    picture: PIL.Image.Image
    rows: NDArray[np.uint8] | None
    notes: list[str]
    without_colour: bool


def _decode(
    stream: BinaryIO, head: bytes, kind: str, where: str, *, luma: bool, threads: int, most: int
) -> _Decoded:
    """Return the stream's first picture: opened, found to be no larger than allowed, then loaded."""
    without_colour, rows = False, None
    check_head(head, most, where)
    if kind == "JPEG":
        check_jpeg(stream, where)
    try:
        picture = PIL.Image.open(stream, formats=(kind,))
    except PIL.UnidentifiedImageError as error:
        raise InputError(
            f"{where}: found a {kind} file that is damaged, cut short or of a kind that cannot be read."
        ) from error
    check_pixels(picture.height, picture.width, most, where)
    check_tiles(picture, most, where)
    if _is_deep_colour(picture, head):
        raise InputError(
            f"{where}: colour or transparency with 16 bits per channel, which would be cut to 8. "
            "Convert it to 8 bits per channel, to 16-bit grey, or to .npy first."
        )
    several = getattr(picture, "is_animated", False)  # counting them all may take long
    if luma and kind == "JPEG" and picture.mode == "RGB":
        picture.draft("L", None)
        without_colour = picture.mode == "L"
    if threads > 1 and not several and kind == "PNG":
        rows = read_rows(stream, head, picture)
    if rows is None:
        picture.load()
    notes = [f"{where}: has more than one picture; only the first is used."] if several else []
    return _Decoded(picture, rows, notes, without_colour)


def _found(head: bytes) -> str:
    """Say what a file that begins with `head` looks like, for a message about what it is not."""
    with suppress(UnicodeDecodeError):
        # The incremental decoder forgives a character that the cut has parted.
        text = " ".join(codecs.getincrementaldecoder("utf-8")().decode(head).split())
        if text.isprintable():
            return f"text ({text[:20]!r} …)"
    return f"other data (beginning with {head[:4].hex(' ')})"


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


def _nodata(picture: PIL.Image.Image, where: str) -> tuple[float | None, list[str]]:
    """Return the value that a TIFF file names as no data, and what to say about it.

    Source: GDAL, GTiff driver: an ASCII tag, 42113, that holds the number as text.
    """
    text = str(getattr(picture, "tag_v2", {}).get(NODATA_TAG, "")).strip(" \0")
    if not text:
        return None, []
    try:
        return float(text), [f"{where}: names {shown(shortened(text))} as its value for no data."]
    except ValueError:
        return None, [f"{where}: its value for no data, {shown(shortened(text))!r}, is no number."]


def _turn_upright(picture: PIL.Image.Image, where: str) -> tuple[bytes | None, list[str]]:
    """Apply the EXIF orientation in place; return the EXIF data that stay true, and what to say."""
    try:
        exif = picture.getexif()
        if not len(exif):
            return None, []
        PIL.ImageOps.exif_transpose(picture, in_place=True)
        return _kept_exif(exif, where)
    except MemoryError:
        raise
    except Exception:  # damaged EXIF raises nearly anything, and is no reason to refuse the pixels
        return None, [f"{where}: its EXIF data are damaged and were left out."]


def _kept_exif(exif: PIL.Image.Exif, where: str) -> tuple[bytes | None, list[str]]:
    kept, notes = PIL.Image.Exif(), []
    for tag in _KEPT_TAGS:
        if tag in exif:
            kept[tag] = exif[tag]
    if whose := program_of(kept.get(_Tag.ImageDescription, "")):
        if not says_shape_only(kept[_Tag.ImageDescription]):
            notes.append(f"{where}: its description, {whose}, is not true of the result and was left out.")
        del kept[_Tag.ImageDescription]
    for part in (PIL.ExifTags.IFD.Exif, PIL.ExifTags.IFD.GPSInfo):
        values = {tag: value for tag, value in exif.get_ifd(part).items() if tag not in _STALE_TAGS}
        if values:
            kept[part] = values
    return (kept.tobytes() if len(kept) else None), notes


def _arrays(picture: PIL.Image.Image, where: str, threads: int) -> tuple[Pixels, Pixels | None, list[str]]:
    """Return a loaded picture's pixels and alpha, and what to say about its conversion."""
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16), None, []
    if mode in ("I", "F"):
        return np.array(picture), None, []
    target = "L" if mode in ("1", "L", "LA", "La") else "RGB"
    notes = [] if mode in _PLAIN_MODES else [f"{where}: {mode} was converted to RGB."]
    if picture.has_transparency_data:
        target += "A"
    try:
        array = _samples(picture, target, threads)
    except ValueError as error:
        raise InputError(f"{where}: {mode} cannot be converted to RGB; convert it first.") from error
    return *_parted(array), notes


def _parted(samples: NDArray[np.uint8]) -> tuple[Pixels, Pixels | None]:
    """Return pixels (h, w) or (h, w, 3), and alpha if there is a second or fourth channel."""
    if samples.ndim == 2 or samples.shape[2] == 3:
        return samples, None
    colour, alpha = samples[:, :, :-1], np.ascontiguousarray(samples[:, :, -1])
    return np.ascontiguousarray(colour if colour.shape[2] == 3 else colour[:, :, 0]), alpha


def _samples(picture: PIL.Image.Image, mode: str, threads: int) -> NDArray[np.uint8]:
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


def _read_npy(stream: BinaryIO, where: str, most: int) -> Image:
    """Return the image in an .npy file: (h, w) or (h, w, 1 or 3), or with alpha (h, w, 2 or 4) of uint8."""

    def check(shape: tuple[int, ...]) -> None:
        if len(shape) > 1:
            check_pixels(shape[0], shape[1], most, where)

    try:
        array = read_npy(stream, check)
    except ValueError as error:
        raise InputError(f"{where}: expected an .npy array of numbers; {error}.") from error
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
    return Image(np.ascontiguousarray(pixels), alpha)
