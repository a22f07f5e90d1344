"""HEIC and HEIF files, by pillow-heif."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image

from convcli.errors import InputError
from convcli.extras import extra
from convcli.images.bounds import check_pixels
from convcli.images.encoding import MODERN_QUALITY, Encoding
from convcli.images.image import Image, Metadata, stretched
from convcli.images.metadata import exif_of
from convcli.images.opening import Decoded, File, only_first
from convcli.images.picture import parted
from convcli.images.pillow_writing import in_colour
from convcli.images.xmp import xmp_of


def decode(file: File) -> Decoded:
    """Return the main picture in a HEIC or HEIF file, of 8 bits, or of 10 or 12 as uint16."""
    heif = extra("pillow_heif", "formats", f"{file.where}: a HEIC file")
    file.stream.seek(0)
    opened = heif.open_heif(file.stream, convert_hdr_to_8bit=False)
    if not len(opened):
        raise InputError(f"{file.where}: expected a HEIC file's main picture, found none.")
    picture = opened[min(opened.primary_index, len(opened) - 1)]
    columns, rows = picture.size
    check_pixels(rows, columns, file.most, file.where)
    notes = (only_first(file.where),) if len(opened) > 1 else ()
    samples = np.asarray(picture)
    info = picture.info
    if samples.dtype == np.uint16 and (bits := int(info.get("bit_depth", 16))) < 16:
        samples = stretched(samples >> (16 - bits), bits)
    pixels, alpha = parted(np.ascontiguousarray(samples))
    exif, _, about_exif = exif_of(lambda: _exif(info.get("exif")), file.where)  # which is turned already
    xmp, about_xmp = xmp_of(info.get("xmp"), file.where)
    metadata = Metadata(info.get("icc_profile") or None, exif=exif, xmp=xmp)
    return Decoded(pixels, alpha, metadata=metadata, notes=(*notes, *about_exif, *about_xmp))


def _exif(data: bytes | None) -> Any:
    exif = PIL.Image.Exif()
    exif.load(data or b"")
    return exif


def encode(image: Image, how: Encoding) -> bytes:
    """Return a HEIC file of 8 bits with profile, EXIF and XMP data."""
    heif = extra("pillow_heif", "formats", "writing HEIC files")
    said = {name: data for name in ("icc_profile", "exif", "xmp") if (data := getattr(image.metadata, name))}
    stream = io.BytesIO()
    made = heif.from_pillow(in_colour(image.samples))
    made.save(stream, quality=how.quality or MODERN_QUALITY, chroma=444, **said)
    return stream.getvalue()
