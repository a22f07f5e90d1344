"""What a file says about its picture besides the pixels: resolution, orientation, EXIF, colour, no data.

What is still true of other pixels is kept; the rest, and what is damaged, is left out and said.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL.ExifTags
import PIL.Image

from convcli.images.description import program_of, says_shape_only
from convcli.images.image import Pixels
from convcli.wording import shortened, shown

MOST_DPI = 1_000_000
"""Dots per inch: more than a light microscope tells apart. A file that says more says nonsense."""

# What of EXIF stays true of other pixels: texts, camera, time and place; not sizes, strips, thumbnails.
_Tag = PIL.ExifTags.Base
_KEPT_TAGS = (_Tag.ImageDescription, _Tag.Make, _Tag.Model, _Tag.DateTime, _Tag.Artist, _Tag.Copyright)
_STALE_TAGS = (_Tag.ExifImageWidth, _Tag.ExifImageHeight, _Tag.ExifInteroperabilityOffset)


def resolution(stated: Any, where: str) -> tuple[tuple[float, float] | None, list[str]]:
    """Return the dots per inch if they are sensible; a note if they are senseless, none if they are 0."""
    try:
        dpi = float(stated[0]), float(stated[1])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None, []
    if all(math.isfinite(value) and 0 < value <= MOST_DPI for value in dpi):
        return dpi, []
    if 0 in dpi:
        return None, []
    return None, [f"{where}: its resolution, {dpi[0]:.10g} × {dpi[1]:.10g} dpi, cannot be true; left out."]


def nodata_of(text: str, where: str) -> tuple[float | None, list[str]]:
    """Return the value that a TIFF file names as no data, and what to say about it.

    Source: GDAL, GTiff driver: an ASCII tag, 42113, that holds the number as text.
    """
    if not text:
        return None, []
    try:
        return float(text), [f"{where}: names {shown(shortened(text))} as its value for no data."]
    except ValueError:
        return None, [f"{where}: its value for no data, {shown(shortened(text))!r}, is no number."]


def is_profile(data: bytes) -> bool:
    """Whether bytes are a colour profile at all, by their header.

    Source: ICC.1:2022, section 7.2: the profile's size, and its signature at 36.
    """
    return len(data) > 128 and data[36:40] == b"acsp"


def _orientation_of(exif: PIL.Image.Exif) -> int:
    """Return the orientation, 1 to 8, whatever type of number it is stored as."""
    value = exif.get(_Tag.Orientation, 1)
    if isinstance(value, bytes) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Return pixels (h, w[, c]) as they are to be looked at.

    Source: TIFF 6.0, Orientation: where the first row and the first column of what is stored belong.
    """
    if orientation == 1:
        return pixels
    turned = np.swapaxes(pixels, 0, 1) if orientation >= 5 else pixels
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


def exif_of(load: Callable[[], PIL.Image.Exif], where: str) -> tuple[bytes | None, int, list[str]]:
    """Return the EXIF data that stay true of other pixels, the orientation, and what to say."""
    orientation = 1
    try:
        exif = load()
        if not len(exif):
            return None, 1, []
        orientation = _orientation_of(exif)
        kept, notes = _kept_exif(exif, where)
    except MemoryError:
        raise
    except Exception:  # damaged EXIF raises nearly anything, and is no reason to refuse the pixels
        return None, orientation, [f"{where}: its EXIF data are damaged and were left out."]
    return kept, orientation, notes


def _kept_exif(exif: PIL.Image.Exif, where: str) -> tuple[bytes | None, list[str]]:
    """Return the EXIF data that stay true of other pixels, and what to say.

    Raises nearly anything: Pillow does not expect damaged ones.
    """
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
