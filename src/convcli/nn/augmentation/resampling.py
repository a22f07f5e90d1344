"""Rotate, zoom, shear and crop: images seen through an affine map, interpolated once for all of them."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field

from convcli.config import tuples
from convcli.engine.workspace import Array
from convcli.nn.augmentation.augmentation import Augmentation, whole_pixels
from convcli.nn.augmentation.draws import Draws

# Pixels that are interpolated together: what is computed on the way takes some hundred bytes for each.
BLOCK_PIXELS = 1 << 14

Degrees: TypeAlias = Annotated[float, Field(ge=0, le=180)]
Limits: TypeAlias = tuple[float, float]


class Resampling(Augmentation):
    """Looks at each image through an affine map.

    Those in force are composed, and images are resampled once, by bilinear interpolation. Beyond the border
    they are mirrored without their outermost pixels, as by a shift. Maps are about the middle of the image,
    in pixels; y points down.
    """

    @abstractmethod
    def maps(self, sides: tuple[int, int], draws: Draws) -> Array:
        """Return where each pixel comes from, for images of so many rows and columns: (n, 2, 3).

        That is (y, x, 1) in the result → (y, x) in the image.
        """


def _linear(yy: Array, yx: Array, xy: Array, xx: Array) -> Array:
    """Return maps (n, 2, 3) that leave the middle where it is, from their coefficients (n,)."""
    zero = np.zeros_like(yy)
    return np.array([[yy, yx, zero], [xy, xx, zero]]).transpose(2, 0, 1)


class Rotate(Resampling):
    """Turn images about their middle by an angle from −`degrees` … `degrees`, drawn evenly.

    As torchvision's RandomRotation, but for what lies beyond the border, which is black there.
    """

    degrees: Degrees

    def maps(self, sides: tuple[int, int], draws: Draws) -> Array:
        (drawn,) = draws.uniform("rotate", 1)
        angle = np.radians((2 * drawn - 1) * self.degrees)
        sine, cosine = np.sin(angle), np.cos(angle)
        return _linear(cosine, -sine, sine, cosine)


def _zoom(value: object) -> object:
    value = tuples(value)
    limits = (1 - value, 1 + value) if type(value) in (int, float) else value  # type: ignore[operator]
    if _is_range(limits) and 0.1 <= limits[0] <= limits[1] <= 10:  # type: ignore[index]
        return limits
    raise ValueError(
        "expected a number from 0 to 0.9, how much larger or smaller, or [least, most], factors from 0.1 to "
        f"10, not {value!r}"
    )


def _is_range(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(type(one) in (int, float) for one in value)


class Zoom(Resampling):
    """Enlarge images by a factor from `factor` [least, most], drawn evenly; a number z is [1 − z, 1 + z].

    Below 1 they are made smaller. Rows and columns have the same factor, as `scale` of torchvision's
    RandomAffine.
    """

    off: ClassVar[Any] = (1, 1)

    factor: Annotated[Limits, BeforeValidator(_zoom)]

    def maps(self, sides: tuple[int, int], draws: Draws) -> Array:
        (drawn,) = draws.uniform("zoom", 1)
        least, most = self.factor
        smaller = 1 / (least + drawn * (most - least))
        zero = np.zeros_like(smaller)
        return _linear(smaller, zero, zero, smaller)


class Shear(Resampling):
    """Slant images along their rows by an angle from −`degrees` … `degrees`, drawn evenly.

    As `shear` of torchvision's RandomAffine, where it is a number.
    """

    degrees: Annotated[float, Field(ge=0, lt=90)]

    def maps(self, sides: tuple[int, int], draws: Draws) -> Array:
        (drawn,) = draws.uniform("shear", 1)
        slope = np.tan(np.radians((2 * drawn - 1) * self.degrees))
        one = np.ones_like(slope)
        return _linear(one, np.zeros_like(slope), slope, one)


def _scale(value: object) -> object:
    value = tuples(value)
    limits = (value, 1) if type(value) in (int, float) else value
    if _is_range(limits) and 0.01 <= limits[0] <= limits[1] <= 1:  # type: ignore[index]
        return limits
    raise ValueError(
        "expected a number from 0.01 to 1, the least share of an image, or [least, most], shares up to 1, "
        f"not {value!r}"
    )


def _ratio(value: object) -> object:
    value = tuples(value)
    if _is_range(value) and 0.1 <= value[0] <= value[1] <= 10:  # type: ignore[index]
        return value
    raise ValueError(f"expected [least, most], width by height, from 0.1 to 10, not {value!r}")


class Crop(Resampling):
    """Cut out `scale` [least, most] of each image's area, and enlarge it to the image; a number s is [s, 1].

    The area is drawn evenly, its width by its height from `ratio`, evenly in the logarithm, and then where it
    lies. As torchvision's RandomResizedCrop; one that is longer than the image is shortened to it, and not
    drawn again.
    Source: Szegedy et al., 2015, arXiv:1409.4842, section 6.
    """

    off: ClassVar[Any] = (1, 1)

    scale: Annotated[Limits, BeforeValidator(_scale)]
    ratio: Annotated[Limits, BeforeValidator(_ratio)] = (3 / 4, 4 / 3)

    def maps(self, sides: tuple[int, int], draws: Draws) -> Array:
        drawn_area, drawn_ratio, *drawn_places = draws.uniform("crop", 4)
        area = math.prod(sides) * (self.scale[0] + drawn_area * (self.scale[1] - self.scale[0]))
        low, high = np.log(self.ratio)
        ratio = np.exp(low + drawn_ratio * (high - low))
        result = np.zeros((len(area), 2, 3))
        for axis, (side, length, place) in enumerate(
            zip(sides, (np.sqrt(area / ratio), np.sqrt(area * ratio)), drawn_places, strict=True)
        ):
            share = np.minimum(length / side, 1)
            result[:, axis, axis] = share
            result[:, axis, 2] = (place - 0.5) * (1 - share) * side  # its middle, from that of the image
        return result


def composed(maps: list[Array]) -> Array:
    """Return the map of images that are seen through the first of these, the result through the next …"""
    result, *others = maps
    for after in others:
        moved = result[:, :, :2] @ after
        moved[:, :, 2] += result[:, :, 2]
        result = moved
    return result


def resampled(images: Array, maps: Array) -> Array:
    """Return `images` (n, h, w, c), uint8, seen through `maps` (n, 2, 3): float32 of the same shape."""
    result = np.empty(images.shape, np.float32)
    together = max(1, BLOCK_PIXELS // math.prod(images.shape[1:3]))
    for first in range(0, len(images), together):
        block = slice(first, first + together)
        result[block] = _resampled(images[block], maps[block])
    return result


def _resampled(images: Array, maps: Array) -> Array:
    count, height, width, channels = images.shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    grid = np.ones((3, height * width))
    grid[:2] = np.indices((height, width)).reshape(2, -1) - middle[:, None]
    (rows, down), (columns, across) = (
        _between(places + centre, side)
        for places, centre, side in zip((maps @ grid).swapaxes(0, 1), middle, (height, width), strict=True)
    )
    flat = whole_pixels(images).ravel()
    place = (rows + np.arange(count)[:, None] * height) * width + columns
    below, beside = width if height > 1 else 0, 1 if width > 1 else 0

    def at(step: int) -> Array:
        taken: Array = np.take(flat, (place + step).ravel(), mode="clip")
        return taken.view(np.uint8).reshape(-1, channels).astype(np.float32)

    down, across = down.reshape(-1, 1), across.reshape(-1, 1)
    upper = _mixed(at(0), at(beside), across)
    return _mixed(upper, _mixed(at(below), at(below + beside), across), down).reshape(images.shape)


def _between(places: Array, side: int) -> tuple[Array, Array]:
    """Return the first of two neighbours that places lie between, and how far they are on to the second.

    Places beyond the border are folded back: there the image is mirrored at its outermost pixels.
    """
    np.abs(places, out=places)
    last = side - 1
    if places.max() > 2 * last:
        places %= max(2 * last, 1)
    np.subtract(last, places, out=places)
    np.abs(places, out=places)
    np.subtract(last, places, out=places)
    first = np.minimum(places.astype(np.int64), max(last - 1, 0))
    return first, (places - first).astype(np.float32)


def _mixed(one: Array, other: Array, share: Array) -> Array:
    """Return one + share · (other − one), in the place of `other`."""
    other -= one
    other *= share
    other += one
    return other
