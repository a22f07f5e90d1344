"""From pixels to a network's input: the one piece of code that training, evaluation and prediction share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from convcli.config import Normalisation
from convcli.data.presentation import Presentation
from convcli.engine.volumes import line, lines
from convcli.engine.workspace import Array, Workspace
from convcli.errors import ConfigError, ShapeError

# Of the mean of an image: the share of images on either side that do not count for the range; how far beyond
# it others have to lie, as a share of it, and at least.
RARE, MARGIN, LEAST_MARGIN = 0.001, 0.25, 0.02


@dataclass(frozen=True)
class Preprocessing:
    """x = (pixels / 255 − mean) / deviation, channel by channel, in float32.

    Attributes
    ----------
    shape
        (h, w, c) of the images it takes.
    mean, deviation
        A number for each channel, of pixels scaled to 0 … 1.
    presentation
        How a picture becomes these pixels.
    brightness
        Between which means, from 0 to 1, all but a few images lie that it was fitted to; None if not known.
    """

    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    presentation: Presentation = field(default_factory=Presentation)
    brightness: tuple[float, float] | None = None

    @classmethod
    def fit(
        cls,
        blocks: Iterable[Array],
        kind: Literal["standardize", "rescale"] | Normalisation,
        presentation: Presentation | None = None,
    ) -> Preprocessing:
        """Return the preprocessing that images call for: `blocks` of them, at least one, uint8 (k, h, w, c).

        `standardize` takes each channel's mean and standard deviation, `rescale` 0 and 1; a table says them.
        A channel that is the same everywhere keeps deviation 1.

        Raises ConfigError if there are neither as many told as channels, nor one.
        """
        levels = np.arange(256) / 255
        counts, means = np.zeros((1, 256), np.int64), list[Array]()
        for images in blocks:
            _, height, width, channels = images.shape
            if kind == "standardize":  # counting is exact, and does not depend on the order of the images
                each = [np.bincount(images[..., c].ravel(), minlength=256) for c in range(channels)]
                counts = counts + np.array(each)
            means.append(_means(images))
        mean, deviation = np.zeros(channels), np.ones(channels)
        if isinstance(kind, Normalisation):
            mean, deviation = (_for_each(kind, name, channels) for name in ("mean", "deviation"))
        if kind == "standardize":
            for channel, count in enumerate(counts):
                mean[channel] = count @ levels / count.sum()
                variance = count @ (levels - mean[channel]) ** 2 / count.sum()
                # Rounding may put the mean of a single level beside it, a deviation of 1e-17.
                deviation[channel] = np.sqrt(variance) if np.count_nonzero(count) > 1 else 1.0
        return cls(
            (height, width, channels),
            tuple(mean.tolist()),
            tuple(deviation.tolist()),
            presentation or Presentation(),
            _range_of(np.concatenate(means)),
        )

    def apply(self, images: Array, scratch: Workspace, dtype: DTypeLike = np.float32) -> Array:
        """Return the network's input (n, h, w, c) for `images` of 0 … 255, in an array of `scratch`."""
        scale, shift = self.affine
        out = scratch.batch("input", images.shape, dtype)
        np.copyto(out, images)
        rows = lines(out)
        rows *= line(scale, out)
        rows += line(shift, out)
        return out

    @cached_property
    def affine(self) -> tuple[Array, Array]:
        """What pixels are multiplied by and what is added then, float32 (c,)."""
        scale = 1 / (255 * np.array(self.deviation))
        shift = -np.array(self.mean) / np.array(self.deviation)
        return scale.astype(np.float32), shift.astype(np.float32)

    def far(self, images: Array) -> Array:
        """Return which of `images` (n, h, w[, c]), uint8, are much brighter or darker than all fitted to.

        That is by more than a quarter of the range that those have: less than one of a hundred is called so
        among images as they were, and all digits in black on white by a network for white on black.
        """
        means = _means(images)
        if self.brightness is None:
            return np.zeros(len(means), bool)
        low, high = self.brightness
        margin = max(MARGIN * (high - low), LEAST_MARGIN)
        return (means < low - margin) | (means > high + margin)

    def checked(self, images: Array) -> Array:
        """Return `images` as (n, h, w, c) if they are what this takes, or raise ShapeError."""
        images = np.asarray(images)
        if images.ndim == 3:
            images = images[..., None]
        if images.shape[1:] != self.shape or images.dtype != np.uint8:
            expected = ", ".join(map(str, self.shape))
            raise ShapeError(
                f"images must be uint8 (n, {expected}), as the network was trained on, "
                f"not {images.dtype} {images.shape}."
            )
        return images

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        numbers = {name: list(getattr(self, name)) for name in ("shape", "mean", "deviation")}
        brightness = None if self.brightness is None else list(self.brightness)
        return {**numbers, "presentation": self.presentation.document(), "brightness": brightness}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Preprocessing:
        """Return the preprocessing whose `document` this is, or raise ValueError."""
        height, width, channels = document["shape"]
        mean, deviation = (tuple(map(float, document[name])) for name in ("mean", "deviation"))
        if not all(type(size) is int and size > 0 for size in (height, width, channels)):
            raise ValueError("the shape of its images is no shape")
        if not len(mean) == len(deviation) == channels:
            raise ValueError(f"{channels} channels, but {len(mean)} means and {len(deviation)} deviations")
        if not (np.isfinite([*mean, *deviation]).all() and min(deviation) > 0):
            raise ValueError("means and deviations have to be numbers, and deviations above 0")
        told, brightness = document.get("presentation"), document.get("brightness")  # older runs have neither
        presentation = Presentation() if told is None else Presentation.from_document(told)
        if brightness is not None:
            low, high = map(float, brightness)
            if not 0 <= low <= high <= 1:
                raise ValueError("the brightness of its images is no range from 0 to 1")
            brightness = (low, high)
        return cls((height, width, channels), mean, deviation, presentation, brightness)


def _for_each(told: Normalisation, name: str, channels: int) -> Array:
    """Return the numbers that are told, one for each channel."""
    numbers = getattr(told, name)
    if len(numbers) not in (1, channels):
        raise ConfigError(
            f"data.preprocessing.{name}: expected one number, or one for each of {channels} channels, "
            f"not {len(numbers)}."
        )
    return np.broadcast_to(np.array(numbers, np.float64), (channels,))


def _means(images: Array) -> Array:
    """Return the mean of each of `images` (n, ...), uint8, from 0 to 1."""
    return np.asarray(images.reshape(len(images), -1).mean(axis=1, dtype=np.float64) / 255)


def _range_of(means: Array) -> tuple[float, float]:
    low, high = np.quantile(means, (RARE, 1 - RARE)).tolist()
    return low, high
