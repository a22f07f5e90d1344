"""The formats that images are written in: what each holds and how it is made, in one table."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import PIL.Image

from convcli.errors import OutputError, UsageError
from convcli.images import gif
from convcli.images.encoding import MODERN_QUALITY, Encoding, Loss
from convcli.images.image import Image, Pixels
from convcli.images.png.writing import encode_png
from convcli.registry import Registry
from convcli.wording import shown, suggestion

Encoder: TypeAlias = Callable[[Image, Encoding], bytes]
"""An image that fits, with metadata that are held, and how it is to be stored → a file."""

MOST_PROFILE_BYTES = 2**20
"""Of a colour profile in a PNG file. Pillow and what is built on it open no file with a larger one."""

JPEG_QUALITY = 95

MOST_EXIF_BYTES = 65_533  # of a JPEG file: one segment
MOST_XMP_BYTES = 65_502
MOST_JPEG_DPI = 65_535

_TO_16_BITS = ("uint8", "uint16")
_HALVES = ("float16", "float32")
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
    loss: Loss = "never"
    beyond: Callable[[Image], Mapping[str, str]] = lambda image: {}
    """What of an image is more than it takes → what to say. A field of `Metadata` is left out then."""
    is_read: bool = True  # as well as written, and so looked for in folders
    needs: str = ""  # the module of the extra `formats` without which it is not written
    channels: tuple[int, ...] = (1, 3)  # grey and RGB
    any_channels: bool = False  # besides those
    proposed: bool = True  # where another format cannot hold an image

    def holds(self, dtype: str, *, alpha: bool = False, channels: int = 3) -> bool:
        """Whether so many channels of a dtype can be written as they are."""
        held = self.with_alpha if alpha else self.dtypes
        return (held is None or dtype in held) and (channels in self.channels or self.any_channels)

    def has_depth(self, bits: int) -> bool:
        """Whether integers of so many bits can be written, of grey pixels at least."""
        return self.dtypes is None or f"uint{bits}" in self.dtypes


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


def _of_jpeg(how: Encoding) -> dict[str, Any]:
    return {"quality": how.quality or JPEG_QUALITY}


def _of_webp(how: Encoding) -> dict[str, Any]:
    """Nothing is lost unless a quality is given."""
    return {"lossless": True, "exact": True} if how.quality is None else {"quality": how.quality}


def _of_avif(how: Encoding) -> dict[str, Any]:
    return {"quality": how.quality or MODERN_QUALITY, "subsampling": "4:4:4"}


def _png(image: Image, how: Encoding) -> bytes:
    return encode_png(image.pixels, image.alpha, image.metadata, level=how.compress, threads=how.threads)


def _tiff(image: Image, _: Encoding) -> bytes:
    from convcli.images.tiff.writing import encode_tiff  # with Pillow's parts, which others do not need

    return encode_tiff(image.pixels, image.alpha, image.metadata)


def _by(module: str, name: str) -> Encoder:
    """Return the encoder of that name in a module of this package, which is imported when it is needed."""

    def encode(image: Image, how: Encoding) -> bytes:
        encoded: bytes = getattr(import_module(f"convcli.images.{module}"), name)(image, how)
        return encoded

    return encode


def _in_colour(samples: Pixels) -> PIL.Image.Image:
    """Return a picture of three channels, or of four with alpha, whose grey ones are alike."""
    if samples.ndim == 3 and samples.shape[2] > 2:
        return PIL.Image.fromarray(samples)
    return PIL.Image.fromarray(samples).convert("RGB" if samples.ndim == 2 else "RGBA")


def _npy(image: Image, _: Encoding) -> bytes:
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
    if len(image.metadata.xmp or b"") > MOST_XMP_BYTES:
        found["xmp"] = "its XMP data are more than JPEG files hold; left out."
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
        endings=(".png", ".apng"),
        encode=_png,
        dtypes=_TO_16_BITS,
        with_alpha=_TO_16_BITS,
        metadata=("icc_profile", "dpi", "exif", "xmp", "colour"),
        beyond=_beyond_png,
    ),
    "jpeg": Format(
        endings=(".jpg", ".jpeg"),
        encode=by_pillow("JPEG", options=_of_jpeg),
        loss="always",
        metadata=("icc_profile", "dpi", "exif", "xmp"),
        beyond=_beyond_jpeg,
    ),
    "webp": Format(
        endings=(".webp",),
        encode=by_pillow("WEBP", options=_of_webp),
        loss="either",
        with_alpha=("uint8",),
        metadata=("icc_profile", "exif", "xmp"),
    ),
    "tiff": Format(
        endings=(".tif", ".tiff"),
        encode=_tiff,
        dtypes=_NUMBERS,
        with_alpha=_NUMBERS,
        metadata=("icc_profile", "dpi", "exif", "xmp"),
        any_channels=True,
    ),
    "bmp": Format(endings=(".bmp",), encode=by_pillow("BMP"), metadata=("dpi",)),
    "gif": Format(endings=(".gif",), encode=by_pillow("GIF", gif.with_palette), beyond=_beyond_gif),
    "avif": Format(
        proposed=False,
        endings=(".avif",),
        encode=by_pillow("AVIF", options=_of_avif),
        with_alpha=("uint8",),
        metadata=("icc_profile", "exif", "xmp"),
        loss="always",
    ),
    "jp2": Format(
        proposed=False,
        endings=(".jp2",),
        encode=_by("modern_writing", "encode_jp2"),
        loss="either",
        dtypes=_TO_16_BITS,
        with_alpha=_TO_16_BITS,
    ),
    "jxl": Format(
        proposed=False,
        endings=(".jxl",),
        encode=_by("modern_writing", "encode_jxl"),
        loss="either",
        dtypes=(*_TO_16_BITS, *_HALVES),
        with_alpha=(*_TO_16_BITS, *_HALVES),
        needs="imagecodecs",
    ),
    "heic": Format(
        proposed=False,
        endings=(".heic",),
        encode=_by("modern_writing", "encode_heic"),
        loss="always",
        with_alpha=("uint8",),
        metadata=("icc_profile", "exif", "xmp"),
        needs="pillow_heif",
    ),
    "exr": Format(
        proposed=False,
        endings=(".exr",),
        encode=_by("modern_writing", "encode_exr"),
        dtypes=_HALVES,
        with_alpha=_HALVES,
        needs="OpenEXR",
    ),
    "hdr": Format(
        proposed=False,
        endings=(".hdr",),
        encode=_by("modern_writing", "encode_hdr"),
        dtypes=_HALVES,
        needs="imagecodecs",
    ),
    "ppm": Format(
        proposed=False,
        endings=(".ppm", ".pnm"),
        encode=_by("netpbm", "encode_pnm"),
        dtypes=_TO_16_BITS,
    ),
    "pgm": Format(
        proposed=False,
        endings=(".pgm",),
        encode=_by("netpbm", "encode_pnm"),
        dtypes=_TO_16_BITS,
        channels=(1,),
    ),
    "pam": Format(
        proposed=False,
        endings=(".pam",),
        encode=_by("netpbm", "encode_pam"),
        dtypes=_TO_16_BITS,
        with_alpha=_TO_16_BITS,
    ),
    "pfm": Format(
        proposed=False,
        endings=(".pfm",),
        encode=_by("netpbm", "encode_pfm"),
        dtypes=_HALVES,
    ),
    "tga": Format(
        proposed=False,
        endings=(".tga",),
        encode=by_pillow("TGA", options=lambda _: {"compression": "tga_rle"}),
        with_alpha=("uint8",),
    ),
    "qoi": Format(
        proposed=False, endings=(".qoi",), encode=by_pillow("QOI", _in_colour), with_alpha=("uint8",)
    ),
    # A fourth channel of floats would be no alpha.
    "npy": Format(endings=(".npy",), encode=_npy, dtypes=None, with_alpha=_TO_16_BITS, any_channels=True),
}.items():
    FORMATS.register(_name)(_format)


READ_ONLY = (
    *(".heif", ".hif", ".avifs", ".j2k", ".j2c", ".jpc", ".jpx", ".jfif", ".pbm"),
    *(".psd", ".ico", ".dds", ".pcx", ".sgi", ".rgb", ".bw"),
)
"""What else names of files that are read end in."""

ENDINGS = {ending: name for name, one in FORMATS.items() for ending in one.endings}
"""What names of files end in → the format that it means."""


def format_of(path: Path) -> str:
    """Return the format that the suffix of `path` names, or raise `UsageError`."""
    suffix = path.suffix.lower()
    if suffix in READ_ONLY:
        raise UsageError(f"{shown(path)}: files of this ending are read, not written; take .png or .tif.")
    if suffix not in ENDINGS:
        usual = [ending for ending, name in ENDINGS.items() if FORMATS[name].proposed]
        known = usual if get_close_matches(suffix, usual, n=1) else ENDINGS
        hint = suggestion(suffix, known) if suffix else f" Known: {', '.join(ENDINGS)}."
        raise UsageError(f"{shown(path)}: the file's ending must name an image format.{hint}")
    return ENDINGS[suffix]
