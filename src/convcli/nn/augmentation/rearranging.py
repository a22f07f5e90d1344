"""Flip and shift: pixels from other places, none of which is computed anew."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from convcli.engine.workspace import Array
from convcli.nn.augmentation.augmentation import Extent, Probability, Rearranging, pixels_of, whole_pixels
from convcli.nn.augmentation.draws import Draws
from convcli.nn.layer import Shape
from convcli.wording import by


class Flip(Rearranging):
    """Mirror images: left and right exchanged, top and bottom, or each by itself.

    Each with `probability`, in every epoch anew, as torchvision's RandomHorizontalFlip. With `alternate` an
    image that is drawn to be as it was in one epoch is mirrored in the next, and so on in turn; of "both"
    the vertical one turns every second epoch, so that four epochs show all four forms.
    Source of the latter: Jordan, 2024, arXiv:2404.00498, section 3.6.
    """

    off: ClassVar[Any] = "none"

    direction: Literal["horizontal", "vertical", "both", "none"]
    probability: Probability = 0.5
    alternate: bool = False

    @model_validator(mode="after")
    def _alternating_is_half(self) -> Flip:
        if self.alternate and self.probability != 0.5:
            raise ValueError("alternate flips every second time: it cannot be had with another probability")
        return self

    @property
    def horizontal(self) -> bool:
        """Whether left and right are exchanged."""
        return self.direction in ("horizontal", "both")

    def places(self, rows: Array, columns: Array, draws: Draws) -> None:
        across, down = self._chosen(draws)
        if self.horizontal:
            columns[across] = columns.shape[1] - 1 - columns[across]
        if self.direction in ("vertical", "both"):
            rows[down] = rows.shape[1] - 1 - rows[down]

    def _chosen(self, draws: Draws) -> Array:
        """Return which images to mirror, horizontally and vertically: (2, n), bool."""
        if not self.alternate:
            return np.less(draws.uniform("flip", 2), self.probability)
        # In its own words of 64 bits, of which one decides, so that "both" has two that are independent.
        first = draws.bits("flip", 2, every_epoch=True).T & np.uint64(1)
        turns = np.array([draws.epoch, draws.epoch >> (self.direction == "both")], np.uint64)
        chosen: Array = (first + turns[:, None]) % 2 == 1
        return chosen


class Shift(Rearranging):
    """Move images by up to `size` pixels along rows and columns; what is missing is reflected.

    `size` is in pixels, or below 1 a share of each side (0.0625 of 32 pixels is 2). Both ways are drawn
    evenly from −size … size. The border is mirrored without its outermost pixels, as NumPy's `reflect`. This
    is torchvision's RandomCrop(side, padding=size, padding_mode="reflect").
    """

    size: Extent

    def _pixels(self, side: int) -> int:
        return pixels_of(self.size, side, side - 1) if side > 1 else 0

    def problem(self, shape: Shape) -> str | None:
        least = min((side for side in shape[:2] if side > 1), default=1)
        if self._pixels(least) < least:
            return None
        return f"images of {by(shape[:2])} can be moved by at most {least - 1} pixels"

    def doubt(self, shape: Shape) -> str | None:
        alone = [name for name, side in zip(("row", "column"), shape, strict=False) if side == 1]
        return f"images of one {' and one '.join(alone)} are not moved along it" if alone else None

    def places(self, rows: Array, columns: Array, draws: Draws) -> None:
        for lines, drawn in zip((rows, columns), draws.uniform("shift", 2), strict=True):
            side = lines.shape[1]
            most = self._pixels(side)
            moved = lines + (np.floor(drawn * (2 * most + 1)).astype(np.int64) - most)[:, None]
            lines[:] = side - 1 - np.abs(side - 1 - np.abs(moved))


def rearranged(images: Array, rows: Array, columns: Array) -> Array:
    """Return images[i, rows[i], columns[i]] of each of `images` (n, h, w, c): (n, h', w', c)."""
    count, height, width, channels = images.shape
    starts = (np.arange(count)[:, None] * height + rows) * width
    places = starts[:, :, None] + columns[:, None, :]
    # "clip" looks for no index that is wrong.
    taken: Array = np.take(whole_pixels(images).ravel(), places.ravel(), mode="clip")
    return taken.view(images.dtype).reshape(*places.shape, channels)
