"""Several pictures into one file, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import IO

import numpy as np

from convcli.errors import OutputError
from convcli.images.encoding import Encoding
from convcli.images.frames.frame import FOR_EVER, Frame, Story
from convcli.images.holding import check_fits
from convcli.images.image import Image, full_scale
from convcli.images.kind import Several
from convcli.images.kinds import FORMATS
from convcli.images.writing import encode

DEFAULT_SECONDS = Fraction(1, 10)
"""How long each picture of a file without time is shown in an animation."""
WRITERS = {name: one.several for name, one in FORMATS.items() if one.several is not None}
"""The formats whose files hold several pictures, and how."""


def holds_several(format: str) -> Several:  # noqa: A002
    """Return how several pictures go into a file of `format`, or raise `OutputError` if none do."""
    if format in WRITERS:
        return WRITERS[format]
    endings = ", ".join(FORMATS[name].endings[0] for name in WRITERS)
    raise OutputError(
        f"{format.upper()} files are written with one picture; use {endings} for several, --frames N for one "
        "of them, or -o NAME_{frame} for a file each."
    )


def write_frames(
    stream: IO[bytes],
    frames: Iterable[Frame],
    story: Story,
    format: str,  # noqa: A002
    encoding: Encoding | None = None,
) -> None:
    """Write frames, each taken when the one before is written, as a file of `format`.

    `stream` is at its beginning, and can be written anywhere. `story` says what they come from, `encoding` is
    as in `encode`.

    Raises
    ------
    OutputError
        If the format holds no several pictures, or not these.
    """
    writer = holds_several(format)

    def encoded(image: Image) -> bytes:
        return encode(image, format, encoding)

    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise OutputError("there is no frame to write.")
    checked = _fitting(chain([first], frames), writer, format, story)
    writer.write(stream, checked, FOR_EVER if story.plays is None else story.plays, encoded)


def _fitting(frames: Iterable[Frame], writer: Several, format: str, story: Story) -> Iterator[Frame]:  # noqa: A002
    """Yield frames as the file has them: with alpha if others may have it, with a time if it has time."""
    first: Image | None = None
    for number, frame in enumerate(frames, 1):
        image = frame.image
        if writer.one_kind and story.transparent and image.alpha is None and _with_alpha(format, image):
            alpha = np.full(image.pixels.shape[:2], full_scale(image.pixels.dtype), image.pixels.dtype)
            image = Image(image.pixels, alpha, image.metadata)
        if not (writer.any_alpha and image.pixels.dtype == np.uint8):
            check_fits(image, format)
        if first is None:
            first = image
        elif what := _difference(first, image, writer):
            raise OutputError(
                f"frame {number:,} has {what[1]}, the first one {what[0]}; {format.upper()} files hold "
                "frames that are alike. Use .tif, whose pages may differ."
            )
        yield Frame(image, DEFAULT_SECONDS if frame.seconds is None else frame.seconds)


def _with_alpha(format: str, image: Image) -> bool:  # noqa: A002
    return FORMATS[format].holds(image.pixels.dtype.name, alpha=True) and image.pixels.dtype.kind != "f"


def _difference(first: Image, image: Image, writer: Several) -> tuple[str, str] | None:
    """Return in what two frames differ that the format has once, in words; None if in nothing."""

    def kind(one: Image) -> str:
        colour = "RGB" if one.pixels.ndim == 3 else "grey"
        return f"{one.pixels.dtype.name} {colour}{' with alpha' if one.alpha is not None else ''}"

    sizes = [f"{one.pixels.shape[0]} × {one.pixels.shape[1]} pixels" for one in (first, image)]
    if writer.one_size and sizes[0] != sizes[1]:
        return sizes[0], sizes[1]
    if writer.one_kind and kind(first) != kind(image):
        return kind(first), kind(image)
    return None
