"""What each format can hold: an image must fit; what does not of its metadata is left out, and said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convcli.errors import OutputError
from convcli.images import gif
from convcli.images.image import Image

MOST_PROFILE_BYTES = 2**20
"""Of a colour profile in a PNG file. Pillow and what is built on it open no file with a larger one."""

MOST_EXIF_BYTES = 65_533  # of a JPEG file: one segment
MOST_JPEG_DPI = 65_535

_HAVE_ALPHA = ("png", "webp", "tiff", "npy")
_DTYPES = {"png": ("uint8", "uint16"), "tiff": ("float16", "float32", "float64")}
_DTYPES["tiff"] += tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_HELD = {
    "png": ("icc_profile", "dpi", "exif", "colour"),
    "jpeg": ("icc_profile", "dpi", "exif"),
    "webp": ("icc_profile", "exif"),
    "tiff": ("icc_profile", "dpi", "exif"),
    "bmp": ("dpi",),
}
"""What of `Metadata` a format holds."""


def kept(image: Image, format: str) -> tuple[Image, tuple[str, ...]]:  # noqa: A002
    """Return `image` with the metadata that a file of `format` can hold, and a word on each that it cannot.

    A profile is of RGB or of grey; one that is not of the pixels' kind says nothing of them and goes unsaid.
    """
    metadata, notes = image.metadata, []
    space = b"GRAY" if image.pixels.ndim == 2 else b"RGB "
    profile, held = metadata.icc_profile, _HELD.get(format, ())
    missing = {"icc_profile": "colour profile", "dpi": "resolution", "exif": "EXIF data"}
    missing["colour"] = " and ".join(name.decode("latin-1") for name, _ in metadata.colour)
    lost = [name for name in missing if getattr(metadata, name) and name not in held]
    if lost:
        words = ", ".join(missing[name] for name in lost)
        notes.append(f"{format.upper()} files do not hold its {words}; left out.")
    if profile and "icc_profile" in held:
        if profile[16:20] != space:
            lost.append("icc_profile")
        elif format == "png" and len(profile) > MOST_PROFILE_BYTES:
            notes.append(
                f"its colour profile of {len(profile):,} bytes is more than PNG readers take; left out."
            )
            lost.append("icc_profile")
    if format == "jpeg" and metadata.exif and len(metadata.exif) > MOST_EXIF_BYTES:
        notes.append(
            f"its EXIF data of {len(metadata.exif):,} bytes are more than JPEG files hold; left out."
        )
        lost.append("exif")
    if format == "jpeg" and metadata.dpi and max(metadata.dpi) > MOST_JPEG_DPI:
        notes.append(f"its resolution of {max(metadata.dpi):g} dpi is more than JPEG files hold; left out.")
        lost.append("dpi")
    if format == "gif" and (colours := len(gif.colours_of(image.pixels)[0])) > gif.MOST_COLOURS:
        notes.append(f"its {colours:,} colours become {gif.MOST_COLOURS}: GIF files hold no more.")
    left: dict[str, Any] = {name: () if name == "colour" else None for name in lost}
    return replace(image, metadata=replace(metadata, **left)), tuple(notes)


def check_fits(image: Image, format: str) -> None:  # noqa: A002
    """Raise `OutputError` if `format` would lose alpha, depth or channels."""
    dtype, colour, with_alpha = image.pixels.dtype.name, image.pixels.ndim == 3, image.alpha is not None

    def fits(name: str) -> bool:
        if name == "npy":  # where a fourth channel of floats would be no alpha
            return not with_alpha or dtype in ("uint8", "uint16")
        return dtype in _DTYPES.get(name, ("uint8",)) and (not with_alpha or name in _HAVE_ALPHA)

    if fits(format):
        return
    what = f"{dtype} {'RGB' if colour else 'grey'} pixels{' with transparency' if with_alpha else ''}"
    suggested = ("png", "webp", "tiff") if dtype == "uint8" else ("png", "tiff", "npy")
    fitting = [f".{name[:3] if name == 'tiff' else name}" for name in suggested if fits(name)]
    listed = (
        ", ".join(fitting[:-1]) + f" or {fitting[-1]}"
        if len(fitting) > 1 and dtype == "uint8"
        else " or ".join(fitting)
    )
    raise OutputError(f"{format.upper()} cannot hold {what}; use {listed or '.npy without alpha'}.")
