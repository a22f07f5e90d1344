"""Whether a format holds an image; what it does not of the metadata is left out, and said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from convcli.errors import OutputError, UsageError
from convcli.images.image import Image, Metadata
from convcli.images.kinds import FORMATS
from convcli.images.metadata import is_profile

_NOTHING = Metadata()


def kept(image: Image, format: str) -> tuple[Image, tuple[str, ...]]:  # noqa: A002
    """Return `image` with the metadata that a file of `format` can hold, and a word on each that it cannot.

    A profile is of RGB or of grey; one that is not of the pixels' kind says nothing of them and goes unsaid.
    """
    metadata, notes = image.metadata, []
    missing = {"icc_profile": "colour profile", "dpi": "resolution", "exif": "EXIF data"}
    missing["xmp"] = "XMP data"
    missing["colour"] = " and ".join(name.decode("latin-1") for name, _ in metadata.colour)
    lost = [name for name in missing if getattr(metadata, name) and name not in FORMATS[format].metadata]
    if lost:
        words = ", ".join(missing[name] for name in lost)
        notes.append(f"{format.upper()} files do not hold its {words}; left out.")
    if metadata.icc_profile and "icc_profile" not in lost and not is_profile(metadata.icc_profile):
        notes.append("its colour profile is damaged; left out.")
    if (metadata.icc_profile or b"")[16:20] != (b"GRAY" if image.pixels.ndim == 2 else b"RGB "):
        lost.append("icc_profile")
    image = _without(image, lost)
    beyond = FORMATS[format].beyond(image)
    return _without(image, beyond), (*notes, *beyond.values())


def _without(image: Image, names: Iterable[str]) -> Image:
    """Return an image without what these fields of its metadata say."""
    left: dict[str, Any] = {name: getattr(_NOTHING, name) for name in names if hasattr(_NOTHING, name)}
    return replace(image, metadata=replace(image.metadata, **left))


def stripped(image: Image) -> Image:
    """Return an image that says nothing of its origin: what is needed to show it as it is, stays.

    That is its profile and colour, and its resolution.
    """
    return _without(image, ("exif", "xmp"))


def check_choice(
    format: str,  # noqa: A002
    *,
    compress: int | None = None,
    quality: int | None = None,
    lossless: bool = False,
) -> None:
    """Raise `UsageError` of an option that a format knows nothing of.

    >>> check_choice("png", compress=9), check_choice("webp", lossless=True)
    (None, None)
    """
    if quality is not None and lossless:
        raise UsageError("--quality says how much may be lost, --lossless nothing: give one of them.")
    if compress is not None and format != "png":
        raise UsageError("--compress is for PNG files; leave it out for other formats.")
    if quality is not None and FORMATS[format].loss == "never":
        raise UsageError(
            f"--quality is for {_with('always', 'either')} files; {format.upper()} have none. Leave it out."
        )
    if lossless and FORMATS[format].loss != "either":
        raise UsageError(
            f"--lossless is for {_with('either')} files; {format.upper()} files leave no choice. "
            + ("Leave it out." if FORMATS[format].loss == "never" else "Files of .png and .tif lose nothing.")
        )


def _with(*losses: str) -> str:
    """Return the endings of formats, in words."""
    return ", ".join(one.endings[0] for one in FORMATS.values() if one.loss in losses)


def check_fits(image: Image, format: str) -> None:  # noqa: A002
    """Raise `OutputError` if `format` would lose alpha, depth or channels."""
    dtype, alpha = image.pixels.dtype.name, image.alpha is not None
    channels = image.pixels.shape[2] if image.pixels.ndim == 3 else 1
    if FORMATS[format].holds(dtype, alpha=alpha, channels=channels):
        return
    colours = {1: "grey pixels", 3: "RGB pixels"}.get(channels, f"pixels of {channels} channels")
    what = f"{dtype} {colours}{' with transparency' if alpha else ''}"
    fitting = [
        one.endings[0]
        for one in FORMATS.values()
        if one.proposed and one.holds(dtype, alpha=alpha, channels=channels)
    ]
    *others, last = fitting or [".npy without alpha"]
    use = f"{', '.join(others)} or {last}" if others else last
    changed = _changing(format, dtype, alpha=alpha, channels=channels)
    raise OutputError(f"{format.upper()} cannot hold {what}; use {use}{changed}.")


def _changing(format: str, dtype: str, *, alpha: bool, channels: int) -> str:  # noqa: A002
    """Return the options of `filter` that make a result one that a format holds, as the end of a sentence.

    >>> _changing("jpeg", "uint16", alpha=True, channels=3)
    ', or filter with --depth 8 --background white'
    """
    holds = partial(FORMATS[format].holds, channels=channels)
    depths = {dtype: ""}
    if "int" in dtype:  # floats are only kept where they are asked for
        depths |= {"uint16": "--depth 16", "uint8": "--depth 8"} | depths
    for kind, depth in depths.items():
        for ground in ("", "--background white") if alpha else ("",):
            if holds(kind, alpha=alpha and not ground):
                return f", or filter with {' '.join(filter(None, (depth, ground)))}"
    return ""
