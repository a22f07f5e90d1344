"""Mixup and CutMix: two images as one, with shares of both their classes."""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator

from convcli.engine.workspace import Array
from convcli.nn.augmentation.augmentation import Augmentation, Probability, spans, whole_pixels
from convcli.nn.augmentation.draws import Draws


def _alpha(value: float) -> float:
    if value == 0 or 0.01 <= value <= 100:
        return value
    raise ValueError(f"expected 0 for none, or a number of 0.01 … 100, not {value!r}")


QUANTILES = 4096  # steps of a table; between them it is interpolated


class Mixing(Augmentation):
    """Makes one image of two. Where several are in force, each image is mixed by one of them, drawn evenly.

    Attributes
    ----------
    exact
        Whether it computes no new levels.
    """

    exact: ClassVar[bool] = False

    alpha: Annotated[float, AfterValidator(_alpha)]
    probability: Probability = 1.0

    @abstractmethod
    def mix(self, images: Array, others: Array, draws: Draws) -> Array:
        """Mix each of `images` (n, h, w, c) with one of the `others`, in its place.

        Returns the share of it that stays: (n,).
        """


class Mixup(Mixing):
    """λ · image + (1 − λ) · another of the batch, and so the classes; λ from Beta(`alpha`, `alpha`).

    λ and the other are drawn for every image, where the paper draws one λ and one order for a batch. The
    other is as it is learned from itself: flipped, shifted and so on.
    Source: Zhang, Cisse, Dauphin and Lopez-Paz, 2018, arXiv:1710.09412.
    """

    def mix(self, images: Array, others: Array, draws: Draws) -> Array:
        stays = beta_quantiles(self.alpha, draws.uniform("mixup", 1)[0])
        images -= others
        images *= stays.astype(np.float32).reshape(-1, 1, 1, 1)
        images += others
        return stays


class CutMix(Mixing):
    """Put a rectangle of another image of the batch in the place of the same one, and so the classes.

    It has the proportions of the image and 1 − λ of its area, λ from Beta(`alpha`, `alpha`). Its centre is
    any pixel: what lies outside is left out, and the classes have the shares that are seen.
    Source: Yun et al., 2019, arXiv:1905.04899.
    """

    exact: ClassVar[bool] = True

    def mix(self, images: Array, others: Array, draws: Draws) -> Array:
        drawn, *centres = draws.uniform("cutmix", 3)
        length = np.sqrt(1 - beta_quantiles(self.alpha, drawn))
        sides = images.shape[1:3]
        inside = [
            spans(side, np.floor(side * length), place) for side, place in zip(sides, centres, strict=True)
        ]
        rows, columns = inside
        covered = rows[:, :, None] & columns[:, None, :]
        whole_pixels(images)[covered] = whole_pixels(others)[covered]
        return np.asarray(1 - rows.sum(1) * columns.sum(1) / (sides[0] * sides[1]))


def beta_quantiles(alpha: float, shares: Array) -> Array:
    """Return the quantiles of Beta(alpha, alpha) for `shares` from 0 to 1, right within 0.0002."""
    below, quantiles = _beta_table(alpha)
    half = np.minimum(shares, 1 - shares)
    lower = np.interp(half, below, quantiles) ** (1 / min(alpha, 1))
    result: Array = np.where(shares < 0.5, lower, 1 - lower)
    return result


@lru_cache(maxsize=8)
def _beta_table(alpha: float) -> tuple[Array, Array]:
    """Return shares from 0 to 1/2, and the quantiles to the power of p that belong to them.

    p is alpha up to 1. With v = x^p the density x^(alpha−1) (1 − x)^(alpha−1) dx is x^(alpha−p)
    (1 − x)^(alpha−1) dv / p, which has no pole at 0.
    """
    p = min(alpha, 1)
    v = np.linspace(0, 0.5**p, QUANTILES + 1)
    x = v ** (1 / p)
    density = x ** (alpha - p) * (1 - x) ** (alpha - 1)
    total = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return total / (2 * total[-1]), v
