"""TIFF files out: grey or RGB of any real dtype, with alpha, in one uncompressed strip.

Source: TIFF 6.0 (Adobe, 1992).
"""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import PIL.Image
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from convcli.images.encoding import Encoding
from convcli.images.image import Image, Metadata, Pixels, full_scale
from convcli.images.tiff.directory import Tag

_FORMATS = {"u": 1, "i": 2, "f": 3}
_UNSPECIFIED, _UNASSOCIATED_ALPHA, _INCH = 0, 2, 2


def encode(image: Image, _: Encoding) -> bytes:
    """Return a TIFF file of pixels (h, w) or (h, w, n) of any real dtype, and alpha if there is any."""
    directory, _tags, data = page_of(image.pixels, image.alpha, image.metadata, 8)
    return b"".join((b"II*\0", struct.pack("<I", 8), directory, data))


def page_of(pixels: Pixels, alpha: Pixels | None, metadata: Metadata, place: int) -> tuple[bytes, int, bytes]:
    """Return a page's directory as it stands at `place`, its number of tags, and the data that follow it."""
    samples = pixels if pixels.ndim == 3 else pixels[:, :, None]
    if alpha is not None:
        samples = np.concatenate([samples, _as_dtype(alpha, pixels.dtype)[:, :, None]], axis=2)
    height, width, count = samples.shape
    data = np.ascontiguousarray(samples, samples.dtype.newbyteorder("<")).tobytes()
    tags = ImageFileDirectory_v2()
    if metadata.exif:
        exif = PIL.Image.Exif()
        exif.load(metadata.exif)
        for tag in exif:
            tags[tag] = exif.get_ifd(tag) or exif[tag]
    tags[Tag.WIDTH], tags[Tag.LENGTH], tags[Tag.ROWS_PER_STRIP] = width, height, height
    tags[Tag.BITS] = (samples.dtype.itemsize * 8,) * count
    tags[Tag.SAMPLE_FORMAT] = (_FORMATS[samples.dtype.kind],) * count
    tags[Tag.COMPRESSION], tags[Tag.PLANAR] = 1, 1
    coloured = pixels.ndim == 3 and pixels.shape[2] == 3
    tags[Tag.PHOTOMETRIC] = 2 if coloured else 1
    tags[Tag.SAMPLES] = count
    others = (_UNSPECIFIED,) * (count - (3 if coloured else 1) - (alpha is not None))
    if extra := (*others, _UNASSOCIATED_ALPHA) if alpha is not None else others:
        tags[Tag.EXTRA_SAMPLES] = extra
    if metadata.dpi:
        across, down = (IFDRational(Fraction(dots).limit_denominator(1000)) for dots in metadata.dpi)
        tags[Tag.X_RESOLUTION], tags[Tag.Y_RESOLUTION], tags[Tag.RESOLUTION_UNIT] = across, down, _INCH
    if metadata.icc_profile:
        tags.tagtype[Tag.ICC_PROFILE] = 7
        tags[Tag.ICC_PROFILE] = metadata.icc_profile
    if metadata.xmp:
        tags.tagtype[Tag.XMP] = 1
        tags[Tag.XMP] = metadata.xmp
    tags[Tag.STRIP_OFFSETS], tags[Tag.STRIP_BYTES] = (0,), (len(data),)
    directory = tags.tobytes(place)
    return directory, int.from_bytes(directory[:2], "little"), data


def _as_dtype(alpha: Pixels, dtype: np.dtype[np.generic]) -> Pixels:
    """Return alpha in the scale of a dtype: its largest integer, or 1, is opaque."""
    if alpha.dtype == dtype:
        return alpha
    share = alpha.astype(np.float64) / full_scale(alpha.dtype)
    if dtype.kind == "f":
        floats: Pixels = share.astype(dtype)
        return floats
    # The largest integers of 64 bits are no float64.
    scaled: Pixels = np.where(
        share >= 1, full_scale(dtype), np.rint(share * 2.0**53) * (full_scale(dtype) / 2.0**53)
    )
    return scaled.astype(dtype)
