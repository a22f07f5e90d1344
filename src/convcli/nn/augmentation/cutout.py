"""Cutout: a square of each image that the network does not see."""

from __future__ import annotations

from convcli.engine.workspace import Array
from convcli.nn.augmentation.augmentation import Covering, Extent, Probability, pixels_of, spans, whole_pixels
from convcli.nn.augmentation.draws import Draws
from convcli.nn.layer import Shape
from convcli.wording import by


class Cutout(Covering):
    """Cover a square of `size` pixels in each image, or in as many as `probability` says.

    `size` is in pixels, or below 1 a share of the shorter side. The square's centre is any pixel, so that it
    may lie partly outside. It is covered by what the network sees as 0: of standardised pixels their mean, as
    near as a level of 0 … 255 comes.
    Source: DeVries and Taylor, 2017, arXiv:1708.04552.
    """

    size: Extent
    probability: Probability = 1.0

    def _pixels(self, shape: Shape) -> int:
        side = min(shape[:2])
        return pixels_of(self.size, side, side)

    def problem(self, shape: Shape) -> str | None:
        longer = max(shape[:2])
        if self._pixels(shape) < longer:
            return None
        return f"images of {by(shape[:2])} would be covered wholly: at most {longer - 1} pixels"

    def cover(self, images: Array, colour: Array, draws: Draws) -> None:
        height, width = images.shape[1:3]
        size = self._pixels((height, width))
        chosen, *centres = draws.uniform("cutout", 3)
        rows, columns = (
            spans(side, size, drawn) for side, drawn in zip((height, width), centres, strict=True)
        )
        rows &= (chosen < self.probability)[:, None]
        whole_pixels(images)[rows[:, :, None] & columns[:, None, :]] = whole_pixels(colour)
