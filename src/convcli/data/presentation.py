"""How a decoded picture becomes what a network sees: the one piece of code for all who show it pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from convcli import images as image_files
from convcli.bounds import MAX_PIXELS
from convcli.data.survey import BYTE, Held, is_transparent, no_range, survey
from convcli.errors import InputError
from convcli.images import Image
from convcli.images.image import full_scale
from convcli.wording import shown

Pixels: TypeAlias = NDArray[np.uint8]
Size: TypeAlias = tuple[int, int]
Colour: TypeAlias = tuple[int, int, int]
Fit: TypeAlias = Literal["stretch", "pad", "crop"]

WHITE: Colour = (255, 255, 255)
# A picture whose values end below this share of what is black to white is nearly all black.
DARK = 1 / 8
# ITU-R 601 in units of 1/65536, as Pillow's mode L has it: 0.299, 0.587 and 0.114.
_LUMA = np.array([19595, 38470, 7471], np.uint32)


@dataclass(frozen=True)
class Presentation:
    """What stands behind transparent pixels, which values are black and white, how a size is reached.

    It belongs to a network as its weights do: a checkpoint keeps it. The values of the range become 0 and 255
    in pictures of more than 8 bits; None takes 0 and 65535 for 16 bits, 0 and 1 for floats. Of a picture of
    another shape, "pad" keeps the proportions and all of it, "crop" the proportions and its middle.
    """

    background: Colour = WHITE  # also beside padded pictures
    range: tuple[float, float] | None = None
    said: bool = False  # a person chose the range: it holds for pictures of 8 bits, too, that can hold it
    fit: Fit = "stretch"

    def read(
        self,
        path: Path,
        channels: int | None = None,
        size: Size | None = None,
        *,
        max_pixels: int = MAX_PIXELS,
    ) -> tuple[Pixels, tuple[str, ...]]:
        """Return the image at `path` as a network sees it, uint8 (h, w, c), and what there is to say of it.

        Channels are 1 for grey (luma, ITU-R 601) or 3 for RGB, the size rows and columns; None leaves either.

        Raises InputError as `images.read`; or if its pixels have no known black and white.
        """
        image = image_files.read(path, max_pixels=max_pixels)
        where, held, notes = shown(path), survey(image), list(image.notes)
        pixels = self.shown(image, channels, where)
        if held.transparent:
            notes.append(f"{where}: is transparent, and was laid on {self.ground}.")
        if self.cuts(held):
            low, high = self.limits(image.pixels, where)
            notes.append(
                f"{where}: holds {held.low:g} … {held.high:g}, of which {low:g} … {high:g} is black to white."
            )
        elif held.kind:
            low, high = self.limits(image.pixels, where)
            if held.high < low + DARK * (high - low):
                notes.append(f"{where}: is nearly all black to the network, whose white is {high:g}.")
        return pixels if size is None else self.fitted(pixels, size), tuple(notes)

    def shown(self, image: Image, channels: int | None = None, where: str = "image") -> Pixels:
        """Return an image as uint8 (h, w, c) of its own size; `where` begins the error messages."""
        pixels, alpha = image.pixels, image.alpha
        if pixels.ndim == 2:
            pixels = pixels[:, :, np.newaxis]
        levels = self._levels(pixels, where)
        if alpha is not None and is_transparent(alpha):
            levels = self._on_background(levels, alpha)
        if levels.dtype != np.uint8:
            levels = np.floor(levels + 0.5).astype(np.uint8)
        if channels is not None and levels.shape[2] != channels:
            levels = np.repeat(levels, 3, axis=2) if channels == 3 else luma(levels)
        return np.ascontiguousarray(levels)

    def fitted(self, pixels: Pixels, size: Size) -> Pixels:
        """Return pixels (h, w, c) in this many rows and columns, by Lanczos' filter."""
        rows, columns = pixels.shape[:2]
        if (rows, columns) == size:
            return pixels
        if self.fit == "stretch":
            return image_files.resize(pixels, size)
        down, across = size[0] / rows, size[1] / columns
        scale = min(down, across) if self.fit == "pad" else max(down, across)
        scaled = (max(1, round(rows * scale)), max(1, round(columns * scale)))
        pixels = image_files.resize(pixels, scaled)
        tops = [(there - wanted) // 2 for there, wanted in zip(scaled, size, strict=True)]
        if self.fit == "crop":
            return pixels[tops[0] : tops[0] + size[0], tops[1] : tops[1] + size[1]].copy()
        canvas = np.empty((*size, pixels.shape[2]), np.uint8)
        canvas[:] = self._background(pixels.shape[2])
        canvas[-tops[0] : scaled[0] - tops[0], -tops[1] : scaled[1] - tops[1]] = pixels
        return canvas

    def cuts(self, held: Held) -> bool:
        """Whether some values of a picture lie outside black and white."""
        if not held.kind or self.range is None:
            return False
        return held.low < self.range[0] or held.high > self.range[1]

    @property
    def changes_bytes(self) -> bool:
        """Whether pictures of 8 bits have another black or white than 0 and 255."""
        return self._byte_limits() != (0, BYTE)

    @property
    def is_coloured(self) -> bool:
        """Whether the background is another colour than a grey."""
        return len(set(self.background)) > 1

    @property
    def ground(self) -> str:
        """The background in words."""
        named = {WHITE: "white", (0, 0, 0): "black"}
        return named.get(self.background, str(list(self.background)))

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        limits = None if self.range is None else list(self.range)
        return {"background": list(self.background), "range": limits, "said": self.said, "fit": self.fit}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Presentation:
        """Return the presentation whose `document` this is, or raise ValueError."""
        red, green, blue = document["background"]
        if not all(type(level) is int and 0 <= level <= BYTE for level in (red, green, blue)):
            raise ValueError("its background is no colour")
        limits = document["range"]
        if limits is not None:
            low, high = map(float, limits)
            if not (math.isfinite(high - low) and low < high):
                raise ValueError("its range is no range")
            limits = (low, high)
        if document["fit"] not in get_args(Fit) or type(document["said"]) is not bool:
            raise ValueError("how its pictures are fitted is unknown")
        return cls((red, green, blue), limits, document["said"], document["fit"])

    def _byte_limits(self) -> tuple[float, float]:
        if self.said and self.range is not None and self.range[0] >= 0 and self.range[1] <= BYTE:
            return self.range
        return 0.0, float(BYTE)

    def limits(self, pixels: NDArray[Any], where: str = "image") -> tuple[float, float]:
        """Return the values that are black and white."""
        if pixels.dtype == np.uint8:
            return self._byte_limits()
        if self.range is not None:
            return self.range
        if pixels.dtype == np.uint16:
            return 0.0, 65535.0
        if pixels.dtype.kind == "f" and pixels.size and pixels.min() >= 0 and pixels.max() <= 1:
            return 0.0, 1.0
        raise no_range(where, pixels.dtype.kind, pixels.min(initial=0), pixels.max(initial=0))

    def _levels(self, pixels: NDArray[Any], where: str) -> NDArray[Any]:
        """Return values as levels 0 … 255: uint8, or floats that are not yet rounded."""
        low, high = self.limits(pixels, where)
        if pixels.dtype == np.uint8 and (low, high) == (0, BYTE):
            return pixels
        if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
            raise InputError(f"{where}: expected numbers, found NaN or infinity among its pixels.")
        levels = (pixels.astype(np.float64) - low) * BYTE / (high - low)
        return np.clip(levels, 0, BYTE, out=levels)

    def _on_background(self, levels: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.float64]:
        if levels.shape[2] == 1 and self.is_coloured:
            levels = np.repeat(levels, 3, axis=2)
        share = (alpha / full_scale(alpha.dtype))[:, :, np.newaxis]
        mixed: NDArray[np.float64] = levels * share + self._background(levels.shape[2]) * (1 - share)
        return np.clip(mixed, 0, BYTE, out=mixed)

    def _background(self, channels: int) -> Pixels:
        """Return the background in so many channels."""
        colour = np.array(self.background, np.uint8)
        if channels == len(colour):
            return colour
        return np.repeat(luma(colour[np.newaxis, np.newaxis])[0, 0], channels)


def luma(pixels: Pixels) -> Pixels:
    """Return an RGB picture (h, w, 3) as grey (h, w, 1): ITU-R 601, rounded exactly as Pillow's mode L."""
    grey: Pixels = ((pixels @ _LUMA + 0x8000) >> 16).astype(np.uint8)
    return grey[:, :, np.newaxis]
