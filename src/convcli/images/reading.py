"""Image files in: upright, as arrays of the values they hold, with what else is true of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageFile
from numpy.typing import NDArray

from convcli.bounds import MAX_PIXELS
from convcli.errors import InputError
from convcli.formats.npy import read_npy
from convcli.images.bmp import read_bitfields, resolution_of
from convcli.images.bounds import check_head, check_jpeg, check_pixels
from convcli.images.image import Image, Metadata, Pixels
from convcli.images.metadata import kept_exif, nodata_of, orientation_of, resolution, upright
from convcli.images.picture import arrays_of, load_as_far_as_it_goes, parted
from convcli.images.pillow import reading
from convcli.images.png import chunks as png_chunks
from convcli.images.png.rows import read_rows
from convcli.images.pnm import read_deep
from convcli.images.sources import kind_of, opened, start
from convcli.images.tiff.directory import Directory, Tag, layout_of
from convcli.images.tiff.pixels import is_left_to_pillow, is_understood, pixels_of, refuse_raw, unknown_kind
from convcli.images.tiff.samples import read_samples

GEO_TAGS = (33550, 33922, 34264, 34735)
"""GeoTIFF's: scale, tie points, transformation, keys."""


def read(
    source: Path | BinaryIO,
    *,
    luma: bool = False,
    threads: int = 1,
    max_pixels: int = MAX_PIXELS,
    damaged: bool = False,
) -> Image:
    """Return the image in a file or stream, upright: its EXIF orientation is applied.

    One with more than `max_pixels` is refused before it is decoded. Of several pictures in a file (an
    animation, pages) the first is read, and a note says so.

    `luma` says that only the brightness of colours is wanted. A JPEG file has it ready, the same weights of
    red, green and blue that ITU-R 601 gives; then its colours are not decoded at all, and `pixels` are grey.
    These differ from the brightness of the decoded colours by rounding, and more only where a colour was out
    of range and had to be cut. Other files are read in colour nevertheless.

    `damaged` opens a PNG, JPEG, GIF or BMP file as far as it can be decoded; a note says how many rows are
    real.

    Raises
    ------
    InputError
        If there is no file, or it is no image that can be read without loss; the message says what was found.
    """
    with opened(source) as (stream, where), reading(where, max_pixels) as warned:
        head = start(stream)
        kind = kind_of(head, where)
        if kind == "NPY":
            return _read_npy(stream, where, max_pixels)
        if kind == "TIFF":
            decoded = _read_tiff(stream, where, threads, max_pixels)
        else:
            decoded = _read_other(
                _File(stream, head, kind, where, max_pixels), luma=luma, threads=threads, damaged=damaged
            )
        metadata, dpi = decoded.metadata, decoded.metadata.dpi
        if dpi is not None and decoded.orientation >= 5:
            metadata = replace(metadata, dpi=dpi[::-1])
        alpha = decoded.alpha
        return Image(
            upright(decoded.pixels, decoded.orientation),
            None if alpha is None else upright(alpha, decoded.orientation),
            metadata,
            (*(f"{where}: {text}" for text in warned), *decoded.notes),
            decoded.without_colour,
            decoded.nodata,
        )


@dataclass(frozen=True, eq=False)
class _File:
    """An opened file: its first bytes, its kind, its name in messages, the most pixels it may have."""

    stream: BinaryIO
    head: bytes
    kind: str
    where: str
    most: int


@dataclass(frozen=True, eq=False)
class _Decoded:
    """What is known of a picture that is decoded and not yet turned upright."""

    pixels: Pixels
    alpha: Pixels | None
    orientation: int
    metadata: Metadata
    notes: list[str]
    without_colour: bool = False
    nodata: float | None = None


def _read_other(file: _File, *, luma: bool, threads: int, damaged: bool) -> _Decoded:
    """Decode a file that Pillow opens."""
    where = file.where
    check_head(file.head, file.most, where)
    if file.kind == "JPEG":
        check_jpeg(file.stream, where)
    if file.kind == "BMP" and (fields := read_bitfields(file.stream, file.most, where)) is not None:
        dpi, notes = resolution(resolution_of(file.stream), where)
        return _Decoded(*fields, 1, Metadata(dpi=dpi), notes)
    if file.kind == "PPM" and (deep := read_deep(file.stream, file.most, where)) is not None:
        return _Decoded(deep, None, 1, Metadata(), [])
    file, picture, notes = _sound(file)
    if several := getattr(picture, "is_animated", False):  # counting them all may take long
        notes.append(f"{where}: has more than one picture; only the first is used.")
    profile, key = picture.info.get("icc_profile") or None, None
    if file.kind == "PNG" and picture.mode != "P":
        key = picture.info.pop("transparency", None)
    rows, grey, used = None, False, False
    loaded: PIL.Image.Image = picture
    if threads > 1 and not several and file.kind == "PNG" and key is None:
        rows = read_rows(file.stream, file.head, picture)
    if rows is not None:
        pixels, alpha = parted(rows)
    elif file.kind == "PNG" and png_chunks.is_deep(file.head):
        loaded, samples = _deep_samples(file, notes, damaged=damaged)
        pixels, alpha = parted(samples)
    else:
        loaded, grey = _loaded(file, picture, notes, luma=luma, damaged=damaged)
        pixels, alpha, said, used = arrays_of(loaded, where, threads, profile)
        notes += said
    if key is not None and alpha is None:
        alpha = png_chunks.keyed_alpha(pixels, key, file.head)
    exif, orientation, said = (None, 1, []) if rows is not None else _exif_of(loaded.getexif, where)
    dpi, about_dpi = resolution(picture.info.get("dpi"), where)
    colour = png_chunks.colour_of(file.stream) if file.kind == "PNG" else ()
    metadata = Metadata(None if used else profile, dpi, exif, colour)
    return _Decoded(pixels, alpha, orientation, metadata, [*notes, *said, *about_dpi], grey)


def _open(file: _File) -> PIL.ImageFile.ImageFile:
    """Return the stream's first picture, found to be no larger than allowed, not loaded."""
    file.stream.seek(0)
    try:
        picture = PIL.Image.open(file.stream, formats=(file.kind,))
    except PIL.UnidentifiedImageError as error:
        raise InputError(
            f"{file.where}: found a {file.kind} file that is damaged, cut short or of a kind that cannot be "
            "read."
        ) from error
    check_pixels(picture.height, picture.width, file.most, file.where)
    return picture


def _sound(file: _File) -> tuple[_File, PIL.ImageFile.ImageFile, list[str]]:
    """Return a file and its picture; a PNG file without those chunks nobody needs that are damaged."""
    try:
        return file, _open(file), []
    except InputError as error:
        if file.kind != "PNG" or not isinstance(error.__cause__, PIL.UnidentifiedImageError):
            raise
        stream, left_out = png_chunks.without_wrong_checksums(file.stream)
        if not left_out:
            raise
        names = ", ".join(dict.fromkeys(left_out[:8]))
        file = replace(file, stream=stream)
        return file, _open(file), [f"{file.where}: its {names} has a wrong checksum and was left out."]


def _loaded(
    file: _File,
    picture: PIL.ImageFile.ImageFile,
    notes: list[str],
    *,
    luma: bool,
    damaged: bool,
    prepared: Callable[[PIL.ImageFile.ImageFile], PIL.ImageFile.ImageFile] = lambda picture: picture,
) -> tuple[PIL.Image.Image, bool]:
    """Return the loaded picture, and whether it is the brightness of one that has colours."""
    grey = False
    if luma and file.kind == "JPEG" and picture.mode == "RGB":
        picture.draft("L", None)
        grey = picture.mode == "L"
    try:
        picture.load()
        return picture, grey
    except MemoryError:
        raise
    except Exception:  # what decoders raise where a file is damaged is nearly anything
        if grey:  # a lossless JPEG has no brightness ready
            return _loaded(file, _open(file), notes, luma=False, damaged=damaged)
        if not damaged or file.kind not in ("PNG", "JPEG", "GIF", "BMP"):
            raise
    cut = file
    if file.kind == "JPEG" and picture.info.get(
        "progressive"
    ):  # which has all rows, each time in more detail
        file.stream.seek(0)
        cut = replace(file, stream=io.BytesIO(file.stream.read() + b"\xff\xd9"))
    partial, rows = load_as_far_as_it_goes(lambda: prepared(_open(cut)))
    if rows == 0:
        raise InputError(f"{file.where}: the image is damaged or cut short; none of its rows can be decoded.")
    if rows == partial.height:
        found = "is damaged or cut short: its rows are all there, but not their details"
    else:
        found = f"is damaged or cut short: {rows:,} of {partial.height:,} rows are real, the others black"
    if not any(found in note for note in notes):
        notes.append(f"{file.where}: {found}.")
    return partial, False


def _deep_samples(
    file: _File, notes: list[str], *, damaged: bool
) -> tuple[PIL.Image.Image, NDArray[np.uint16]]:
    """Return a PNG file of several channels of 16 bits as Pillow has it, and its samples (h, w, c)."""
    parts = []
    for mode, raw in png_chunks.deep_modes(file.head):

        def prepared(
            picture: PIL.ImageFile.ImageFile, mode: str = mode, raw: str = raw
        ) -> PIL.ImageFile.ImageFile:
            return png_chunks.as_mode(picture, mode, raw)

        picture = prepared(_open(file))
        loaded, _ = _loaded(file, picture, notes, luma=False, damaged=damaged, prepared=prepared)
        parts.append(np.asarray(loaded))
    return loaded, png_chunks.joined(parts)


def _exif_of(load: Callable[[], PIL.Image.Exif], where: str) -> tuple[bytes | None, int, list[str]]:
    """Return the EXIF data that stay true of other pixels, the orientation, and what to say."""
    orientation = 1
    try:
        exif = load()
        if not len(exif):
            return None, 1, []
        orientation = orientation_of(exif)
        kept, notes = kept_exif(exif, where)
    except MemoryError:
        raise
    except Exception:  # damaged EXIF raises nearly anything, and is no reason to refuse the pixels
        return None, orientation, [f"{where}: its EXIF data are damaged and were left out."]
    return kept, orientation, notes


def _read_tiff(stream: BinaryIO, where: str, threads: int, most: int) -> _Decoded:
    """Decode the first picture of a TIFF file: its samples here, or by Pillow where it takes it as it is."""
    directory = Directory(stream, where)
    refuse_raw(directory)
    layout = layout_of(directory, most)
    profile = (directory.raw(Tag.ICC_PROFILE) or None) if Tag.ICC_PROFILE in directory else None
    used = False
    if is_understood(layout):
        pixels, alpha, notes = pixels_of(read_samples(stream, layout, where), layout, directory)
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            pixels, _, said, used = arrays_of(PIL.Image.fromarray(pixels, "CMYK"), where, threads, profile)
            notes += said
    elif is_left_to_pillow(layout):
        picture = _open(_File(stream, b"", "TIFF", where, most))
        picture.load()
        pixels, alpha, notes, used = arrays_of(picture, where, threads, profile)
    else:
        raise InputError(f"{where}: {unknown_kind(layout)}")
    if directory.following:
        notes.append(f"{where}: has more than one picture; only the first is used.")
    if any(tag in directory for tag in GEO_TAGS):
        notes.append(f"{where}: its place on the map (GeoTIFF's tags) was left out.")
    exif, _, said = _exif_of(lambda: _tiff_exif(directory), where)
    per_inch = {2: 1.0, 3: 2.54}.get(directory.number(Tag.RESOLUTION_UNIT, 2), 0.0)
    across, down = (directory.ratio(tag) for tag in (Tag.X_RESOLUTION, Tag.Y_RESOLUTION))
    dpi, about_dpi = resolution(((across or 0) * per_inch, (down or 0) * per_inch), where)
    nodata, about_nodata = nodata_of(directory.text(Tag.NODATA), where)
    orientation = directory.number(Tag.ORIENTATION, 1)
    return _Decoded(
        pixels,
        alpha,
        orientation if 1 <= orientation <= 8 else 1,
        Metadata(None if used else profile, dpi, exif),
        [*notes, *said, *about_dpi, *about_nodata],
        nodata=nodata,
    )


def _tiff_exif(directory: Directory) -> PIL.Image.Exif:
    """Return the tags of a TIFF file as Pillow has them; none of those that it cannot find its way in."""
    exif = PIL.Image.Exif()
    if directory.big and directory.order == ">":
        return exif
    exif.bigtiff = directory.big
    exif.endian = directory.order
    exif.load_from_fp(directory.stream, directory.offset)
    return exif


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


def _read_npy(stream: BinaryIO, where: str, most: int) -> Image:
    """Return the image in an .npy file: (h, w[, 1 or 3]), or with alpha (h, w, 2 or 4) of uint8 or uint16."""

    def check(shape: tuple[int, ...]) -> None:
        if len(shape) > 1:
            check_pixels(shape[0], shape[1], most, where)

    try:
        array = read_npy(stream, check)
    except ValueError as error:
        raise InputError(f"{where}: expected an .npy array of numbers; {error}.") from error
    channels = array.shape[2] if array.ndim == 3 else 1
    with_alpha = channels in (2, 4) and array.dtype in (np.uint8, np.uint16)
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
