"""Image files that Pillow writes, and what of an image is more than they take."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import PIL.Image

from convcli.errors import OutputError
from convcli.images.encoding import MODERN_QUALITY, Encoding
from convcli.images.image import Image, Pixels
from convcli.images.kind import Encoder

JPEG_QUALITY = 95

MOST_EXIF_BYTES = 65_533  # of a JPEG file: one segment
MOST_XMP_BYTES = 65_502
MOST_JPEG_DPI = 65_535


def by_pillow(
    name: str,
    picture_of: Callable[[Pixels], PIL.Image.Image] = PIL.Image.fromarray,
    options: Callable[[Encoding], dict[str, Any]] = lambda how: {},
) -> Encoder:
    """Return what makes files of the format that Pillow calls `name`, with `options` of its `save`."""

    def encode(image: Image, how: Encoding) -> bytes:
        stream, said = io.BytesIO(), options(how)
        for field in ("icc_profile", "dpi", "exif", "xmp"):
            if value := getattr(image.metadata, field):
                said[field] = value
        try:
            picture = picture_of(image.samples)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                picture.save(stream, name, **said)
        except Exception as error:  # Pillow's encoders raise OSError, ValueError, struct.error and more
            raise OutputError(
                f"The image cannot be written as {name} ({error}); use .png or .tif."
            ) from error
        return stream.getvalue()

    return encode


def of_jpeg(how: Encoding) -> dict[str, Any]:
    return {"quality": how.quality or JPEG_QUALITY}


def of_webp(how: Encoding) -> dict[str, Any]:
    """Nothing is lost unless a quality is given."""
    return {"lossless": True, "exact": True} if how.quality is None else {"quality": how.quality}


def of_avif(how: Encoding) -> dict[str, Any]:
    return {"quality": how.quality or MODERN_QUALITY, "subsampling": "4:4:4"}


def in_colour(samples: Pixels) -> PIL.Image.Image:
    """Return a picture of three channels, or of four with alpha, whose grey ones are alike."""
    if samples.ndim == 3 and samples.shape[2] > 2:
        return PIL.Image.fromarray(samples)
    return PIL.Image.fromarray(samples).convert("RGB" if samples.ndim == 2 else "RGBA")


def beyond_jpeg(image: Image) -> dict[str, str]:
    size, dpi = len(image.metadata.exif or b""), max(image.metadata.dpi or (0,))
    found = {}
    if size > MOST_EXIF_BYTES:
        found["exif"] = f"its EXIF data of {size:,} bytes are more than JPEG files hold; left out."
    if len(image.metadata.xmp or b"") > MOST_XMP_BYTES:
        found["xmp"] = "its XMP data are more than JPEG files hold; left out."
    if dpi > MOST_JPEG_DPI:
        found["dpi"] = f"its resolution of {dpi:g} dpi is more than JPEG files hold; left out."
    return found
