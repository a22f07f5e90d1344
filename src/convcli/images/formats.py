"""The formats that images are written in: what each holds and how it is made, in one table."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import PIL.Image

from convcli.errors import OutputError, UsageError
from convcli.images import gif
from convcli.images.image import Image, Pixels
from convcli.images.png.writing import encode_png
from convcli.registry import Registry
from convcli.wording import shown, suggestion

Encoder: TypeAlias = Callable[[Image, int, int], bytes]
"""An image that fits, with metadata that are held; how hard to compress it, 0 to 9; and threads → a file."""

MOST_PROFILE_BYTES = 2**20
"""Of a colour profile in a PNG file. Pillow and what is built on it open no file with a larger one."""

MOST_EXIF_BYTES = 65_533  # of a JPEG file: one segment
MOST_JPEG_DPI = 65_535

_TO_16_BITS = ("uint8", "uint16")
_NUMBERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_NUMBERS += ("float16", "float32", "float64")


@dataclass(frozen=True, kw_only=True, eq=False)
class Format:
    """A format of files, and what it holds: pixels by NumPy's names of their dtypes."""

    endings: tuple[str, ...]  # of names of such files; results are given the first
    encode: Encoder
    dtypes: tuple[str, ...] | None = ("uint8",)  # without alpha; None is any
    with_alpha: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()  # fields of `Metadata`
    beyond: Callable[[Image], Mapping[str, str]] = lambda image: {}
    """What of an image is more than it takes → what to say. A field of `Metadata` is left out then."""
    is_read: bool = True  # as well as written, and so looked for in folders

    def holds(self, dtype: str, *, alpha: bool = False) -> bool:
        """Whether pixels of a dtype can be written as they are."""
        held = self.with_alpha if alpha else self.dtypes
        return held is None or dtype in held


def by_pillow(
    name: str, picture_of: Callable[[Pixels], PIL.Image.Image] = PIL.Image.fromarray, **options: Any
) -> Encoder:
    """Return what makes files of the format that Pillow calls `name`, with `options` of its `save`."""

    def encode(image: Image, *_: int) -> bytes:
        stream, said = io.BytesIO(), dict(options)
        for field in ("icc_profile", "dpi", "exif"):
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


def _png(image: Image, compress: int, threads: int) -> bytes:
    return encode_png(image.pixels, image.alpha, image.metadata, level=compress, threads=threads)


def _tiff(image: Image, *_: int) -> bytes:
    from convcli.images.tiff.writing import encode_tiff  # with Pillow's parts, which others do not need

    return encode_tiff(image.pixels, image.alpha, image.metadata)


def _npy(image: Image, *_: int) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(image.samples), allow_pickle=False)
    return stream.getvalue()


def _beyond_png(image: Image) -> dict[str, str]:
    size = len(image.metadata.icc_profile or b"")
    said = f"its colour profile of {size:,} bytes is more than PNG readers take; left out."
    return {"icc_profile": said} if size > MOST_PROFILE_BYTES else {}


def _beyond_jpeg(image: Image) -> dict[str, str]:
    size, dpi = len(image.metadata.exif or b""), max(image.metadata.dpi or (0,))
    found = {}
    if size > MOST_EXIF_BYTES:
        found["exif"] = f"its EXIF data of {size:,} bytes are more than JPEG files hold; left out."
    if dpi > MOST_JPEG_DPI:
        found["dpi"] = f"its resolution of {dpi:g} dpi is more than JPEG files hold; left out."
    return found


def _beyond_gif(image: Image) -> dict[str, str]:
    colours = len(gif.colours_of(image.pixels)[0])
    said = f"its {colours:,} colours become {gif.MOST_COLOURS}: GIF files hold no more."
    return {"pixels": said} if colours > gif.MOST_COLOURS else {}


FORMATS: Registry[Format] = Registry("image format")
"""By name, those first that are proposed first where another cannot hold an image."""

for _name, _format in {
    "png": Format(
        endings=(".png",),
        encode=_png,
        dtypes=_TO_16_BITS,
        with_alpha=_TO_16_BITS,
        metadata=("icc_profile", "dpi", "exif", "colour"),
        beyond=_beyond_png,
    ),
    "jpeg": Format(
        endings=(".jpg", ".jpeg"),
        encode=by_pillow("JPEG", quality=95),
        metadata=("icc_profile", "dpi", "exif"),
        beyond=_beyond_jpeg,
    ),
    "webp": Format(
        endings=(".webp",),
        encode=by_pillow("WEBP", lossless=True, exact=True),
        with_alpha=("uint8",),
        metadata=("icc_profile", "exif"),
    ),
    "tiff": Format(
        endings=(".tif", ".tiff"),
        encode=_tiff,
        dtypes=_NUMBERS,
        with_alpha=_NUMBERS,
        metadata=("icc_profile", "dpi", "exif"),
    ),
    "bmp": Format(endings=(".bmp",), encode=by_pillow("BMP"), metadata=("dpi",)),
    "gif": Format(endings=(".gif",), encode=by_pillow("GIF", gif.with_palette), beyond=_beyond_gif),
    # A fourth channel of floats would be no alpha.
    "npy": Format(endings=(".npy",), encode=_npy, dtypes=None, with_alpha=_TO_16_BITS),
}.items():
    FORMATS.register(_name)(_format)


ENDINGS = {ending: name for name, one in FORMATS.items() for ending in one.endings}
"""What names of files end in → the format that it means."""


def format_of(path: Path) -> str:
    """Return the format that the suffix of `path` names, or raise `UsageError`."""
    suffix = path.suffix.lower()
    if suffix not in ENDINGS:
        hint = suggestion(suffix, ENDINGS) if suffix else f" Known: {', '.join(ENDINGS)}."
        raise UsageError(f"{shown(path)}: the file's ending must name an image format.{hint}")
    return ENDINGS[suffix]
