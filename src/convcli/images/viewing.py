"""An image of any dtype as a screen shows it: 8 bits, RGB, over a checkerboard where it is transparent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.images.image import Image, Pixels, full_scale
from convcli.images.resizing import resize

Bytes = NDArray[np.uint8]

CHECKS = (153, 102)
"""The two greys of a checkerboard, as GIMP has them in its middle tones."""

BAND = 2**18  # values that are brought to 8 bits at a time


@dataclass(frozen=True)
class Levels:
    """Which values are shown as black and as white, and why: empty if that goes without saying."""

    black: float
    white: float
    why: str = ""


def levels_of(images: Iterable[Image]) -> Levels:
    """Return the levels that suit images of one unit.

    Unsigned integers are shown as they are, floats too where all are from 0 to 1. Others are shown from their
    least to their largest finite value, which is said.
    """
    pixels = [image.pixels for image in images]
    if all(one.dtype.kind == "u" for one in pixels):
        return Levels(0, max(full_scale(one.dtype) for one in pixels))
    found = [span for one in pixels if (span := _span(one))]
    if not found:
        return Levels(0, 1, "no value is finite")
    least, most = min(span[0] for span in found), max(span[1] for span in found)
    if least >= 0 and most <= 1 and all(one.dtype.kind == "f" for one in pixels):
        return Levels(0, 1)
    if least == most:
        return Levels(least - 1, most + 1, f"every value is {least:.6g}, shown as grey")
    return Levels(least, most, f"values {least:.6g} … {most:.6g} are shown from black to white")


def _span(pixels: Pixels) -> tuple[float, float] | None:
    """Return the least and the largest finite value, None if there is none."""
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    return (float(finite.min()), float(finite.max())) if finite.size else None


@dataclass(frozen=True, eq=False)
class View:
    """What there is to see of an image.

    Attributes
    ----------
    colours
        (h, w, 3), weighted by alpha where there is any.
    alpha
        (h, w), or None.
    notes
        How its values were brought to 8 bits, if that was a choice.
    """

    colours: Bytes
    alpha: Bytes | None = None
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.colours.shape[0], self.colours.shape[1]

    def fitted(self, rows: int, columns: int) -> View:
        """Return the same in another size: smoothed where that is less, pixels repeated where it is more."""
        alpha = None if self.alpha is None else _scaled(self.alpha[:, :, None], rows, columns)[:, :, 0]
        return View(_scaled(self.colours, rows, columns), alpha, self.notes)

    def on_checks(self, side: int = 8) -> Bytes:
        """Return (h, w, 3) over a checkerboard whose squares have a side in pixels."""
        if self.alpha is None:
            return self.colours
        rows, columns = (np.arange(n) // side for n in self.shape)
        ground = np.array(CHECKS, np.uint16)[(rows[:, None] + columns) % 2]
        behind = (ground * (255 - self.alpha.astype(np.uint16)) + 127) // 255
        seen: Bytes = np.minimum(self.colours + behind[:, :, None], 255).astype(np.uint8)
        return seen


def view(image: Image, levels: Levels | None = None) -> View:
    """Return what there is to see of an image; `levels` are its own, unless others are given.

    What is not a number is black. Of channels that are neither grey nor RGB the first is shown.
    """
    levels = levels or levels_of([image])
    notes = [levels.why] if levels.why else []
    pixels = image.pixels
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        notes.append(f"of {pixels.shape[2]} channels the first is shown")
        pixels = pixels[:, :, 0]
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        notes.append("what is no finite number is shown as black (−∞, NaN) or white (∞)")
    colours = _eight_bits(pixels, levels)
    if colours.ndim == 2:
        colours = np.repeat(colours[:, :, None], 3, axis=2)
    if image.alpha is None:
        return View(colours, None, tuple(notes))
    alpha = _eight_bits(image.alpha, Levels(0, full_scale(image.alpha.dtype)))
    weighted = (colours * alpha[:, :, None].astype(np.uint16) + 127) // 255
    return View(weighted.astype(np.uint8), alpha, tuple(notes))


def _eight_bits(values: Pixels, levels: Levels) -> Bytes:
    """Return values as 0 … 255 between two levels, rounded; some rows at a time, since floats are large."""
    if values.dtype == np.uint8 and (levels.black, levels.white) == (0, 255):
        return values
    result = np.empty(values.shape, np.uint8)
    step = max(BAND // max(int(np.prod(values.shape[1:])), 1), 1)
    span = levels.white / 2 - levels.black / 2  # halves: the span of all floats is no float
    for row in range(0, len(values), step):
        share: NDArray[Any] = values[row : row + step].astype(np.float64)
        share = (share / 2 - levels.black / 2) / span
        share = np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0)
        result[row : row + step] = np.rint(np.clip(share, 0, 1) * 255)
    return result


def _scaled(pixels: Bytes, rows: int, columns: int) -> Bytes:
    """Return (h, w, c) in another size: an axis that grows has its pixels repeated."""
    less = min(rows, pixels.shape[0]), min(columns, pixels.shape[1])
    pixels = resize(pixels, less)
    if less == (rows, columns):
        return pixels
    down, across = (np.arange(n) * size // n for n, size in zip((rows, columns), less, strict=True))
    repeated: Bytes = pixels[np.ix_(down, across)]
    return repeated
