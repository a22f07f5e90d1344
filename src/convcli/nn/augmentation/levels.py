"""Brightness, contrast, saturation and noise: other levels of the same pixels."""

from __future__ import annotations

from abc import abstractmethod
from functools import cache
from typing import Annotated

import numpy as np
from pydantic import Field

from convcli.engine.workspace import Array
from convcli.nn.augmentation.augmentation import Augmentation
from convcli.nn.augmentation.draws import Draws
from convcli.nn.layer import Shape

# Of what is drawn for a pixel: enough for levels of 0 … 255, and a table of them fits a cache.
NOISE_BITS = 16

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601, as everywhere here


class Levelling(Augmentation):
    """Changes levels, in float32; what gets below 0 or above 255 is cut to that, as in torchvision."""

    @abstractmethod
    def change(self, images: Array, draws: Draws) -> None:
        """Change the levels of `images` (n, h, w, c), float32."""


def _factors(amount: float, purpose: str, draws: Draws) -> Array:
    """Return factors from max(0, 1 − amount) … 1 + amount, drawn evenly: (n, 1, 1, 1), float32."""
    (drawn,) = draws.uniform(purpose, 1)
    least = max(0.0, 1 - amount)
    factors: Array = least + drawn * (1 + amount - least)
    return factors.astype(np.float32).reshape(-1, 1, 1, 1)


def _grey(images: Array) -> Array:
    """Return the brightness of each pixel (n, h, w, 1): of three channels that of red, green and blue."""
    channels = images.shape[3]
    weights = _LUMA if channels == 3 else np.full(channels, 1 / channels, np.float32)
    grey: Array = images @ weights[:, None]
    return grey


class Brightness(Levelling):
    """Multiply levels by a factor from 1 − `amount` … 1 + `amount`, drawn evenly.

    As `brightness` of torchvision's ColorJitter.
    """

    amount: Annotated[float, Field(ge=0, le=10)]

    def change(self, images: Array, draws: Draws) -> None:
        images *= _factors(self.amount, "brightness", draws)
        np.minimum(images, 255, out=images)


class Contrast(Levelling):
    """Draw levels towards the image's mean brightness, or away from it, by a factor from 1 ± `amount`.

    0 is that grey alone, 1 the image. As `contrast` of torchvision's ColorJitter.
    """

    amount: Annotated[float, Field(ge=0, le=10)]

    def change(self, images: Array, draws: Draws) -> None:
        mean = _grey(images).mean((1, 2), keepdims=True, dtype=np.float64).astype(np.float32)
        _towards(mean, images, _factors(self.amount, "contrast", draws))


class Saturation(Levelling):
    """Draw colours towards grey of their brightness, or away from it, by a factor from 1 ± `amount`.

    0 is a grey image, 1 the image. As `saturation` of torchvision's ColorJitter.
    """

    amount: Annotated[float, Field(ge=0, le=10)]

    def doubt(self, shape: Shape) -> str | None:
        return None if shape[2] == 3 else "images have no colours, and stay as they are"

    def change(self, images: Array, draws: Draws) -> None:
        if images.shape[3] == 3:
            _towards(_grey(images), images, _factors(self.amount, "saturation", draws))


def _towards(grey: Array, images: Array, factors: Array) -> None:
    images -= grey
    images *= factors
    images += grey
    np.clip(images, 0, 255, out=images)


class Noise(Levelling):
    """Add to every number of an image one from a normal distribution, of deviation `sigma` · 255.

    As `sigma` of torchvision's GaussianNoise, where levels go from 0 to 1.
    """

    sigma: Annotated[float, Field(ge=0, le=10)]

    def change(self, images: Array, draws: Draws) -> None:
        each = images[0].size
        words = draws.bits("noise", -(-each * NOISE_BITS // 64))
        places = words.astype("<u8", copy=False).view("<u2")[:, :each]
        images += (normal_table() * np.float32(255 * self.sigma))[places].reshape(images.shape)
        np.clip(images, 0, 255, out=images)


@cache
def normal_table() -> Array:
    """Return the quantiles of the normal distribution in the middles of 2^16 equal shares, float32."""
    from statistics import NormalDist  # of what starts, only this needs it

    half = 1 << (NOISE_BITS - 1)
    positive = [NormalDist().inv_cdf(0.5 + (number + 0.5) / (2 * half)) for number in range(half)]
    upper = np.array(positive, np.float32)
    return np.concatenate([-upper[::-1], upper])
