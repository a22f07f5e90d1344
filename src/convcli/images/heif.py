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
from convcli.images.heif_items import coding_of, is_film
from convcli.images.image import Image, Metadata, stretched
from convcli.images.kind import Decoded, File
from convcli.images.metadata import exif_of
from convcli.images.opening import only_first
from convcli.images.picture import parted
from convcli.images.pillow_writing import in_colour
from convcli.images.xmp import xmp_of


def decode(file: File) -> Decoded:
    """Return the main picture in a HEIC or HEIF file, of 8 bits, or of 10 or 12 as uint16."""
    heif = extra("pillow_heif", "formats", f"{file.where}: a HEIC file")
    file.stream.seek(0)
    try:
        return _decoded(file, heif.open_heif(file.stream, convert_hdr_to_8bit=False))
    except (InputError, MemoryError):
        raise
    except Exception as error:  # the library says nearly anything of what it has no decoder for
        if is_film(file.stream):
            raise InputError(f"{file.where}: {_FILM}") from error
        coding = coding_of(file.stream)
        if coding in (None, _DECODED) or not _lacks_decoder(error):
            raise
        raise InputError(f"{file.where}: {_UNDECODED.format(coding)}") from error


_DECODED = "HEVC"
_UNDECODED = (
    "its pixels are coded as {}, which pillow-heif has no decoder for; save them as PNG, TIFF or AVIF."
)
_FILM = "has a sequence of pictures, as a film, and no still one, which alone is read of HEIC files."


def _lacks_decoder(error: Exception) -> bool:
    """Whether an error is of a codec that is missing, and not of a damaged file."""
    return isinstance(error, RuntimeError) and "compression format" in str(error)


def _decoded(file: File, opened: Any) -> Decoded:
    """Return the main picture of a file that the library has opened; it leaves out those it cannot decode."""
    if not len(opened):
        coding = coding_of(file.stream)
        raise InputError(
            f"{file.where}: expected a HEIC file's main picture, found none."
            if coding in (None, _DECODED)
            else f"{file.where}: {_UNDECODED.format(coding)}"
        )
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
