"""A picture that Pillow holds already, as an image: what reading its file would have given."""

from __future__ import annotations

from typing import TypeGuard

import PIL.Image

from convcli.bounds import MAX_PIXELS
from convcli.images.bounds import check_pixels
from convcli.images.image import Image
from convcli.images.kind import Decoded
from convcli.images.metadata import exif_of
from convcli.images.picture import arrays_of
from convcli.images.pillow import reading


def is_pillow(value: object) -> TypeGuard[PIL.Image.Image]:
    """Whether a value is a picture of Pillow's."""
    return isinstance(value, PIL.Image.Image)


def from_pillow(picture: PIL.Image.Image, where: str = "image", *, max_pixels: int = MAX_PIXELS) -> Image:
    """Return a picture, upright as its EXIF orientation has it, in the form that `read` returns.

    Raises
    ------
    InputError
        If it has more than `max_pixels`, cannot be loaded, or has colours that cannot become RGB.
    """
    with reading(where, max_pixels) as warned:
        check_pixels(picture.height, picture.width, max_pixels, where)
        picture.load()
        _, orientation, _ = exif_of(picture.getexif, where)
        profile = picture.info.get("icc_profile") or None
        pixels, alpha, notes, _ = arrays_of(picture, where, 1, profile)
    notes = [*(f"{where}: {text}" for text in warned), *notes]
    return Decoded(pixels, alpha, orientation, notes=tuple(notes)).upright()
