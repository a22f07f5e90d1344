"""Another number of samples along an axis: each a weighted sum of those that its filter reaches.

The filters and their places are Pillow's (`PIL.Image.Image.resize`): to shrink, they are widened, so that
nothing aliases; at the ends they are cut and their weights divided by what is left. In floats of any size,
and for any part of the result, which Pillow's single precision of a part's place would not allow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from convcli.engine.workspace import Array

CELLS = 2**15  # of the result that are made at a time: with their sources they stay in the cache


class Filter(NamedTuple):
    """How far a filter reaches to each side, in samples, and its weight at a distance."""

    support: float
    weight: Callable[[Array], Array]


def _bicubic(x: Array) -> Array:
    """Return Keys' cubic with a = −1/2."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = -0.5 * (((x - 5) * x + 8) * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


FILTERS = {
    "nearest": Filter(0.0, np.ones_like),
    "box": Filter(0.5, lambda x: np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)),
    "bilinear": Filter(1.0, lambda x: np.maximum(1 - np.abs(x), 0)),
    "hamming": Filter(
        1.0, lambda x: np.where(np.abs(x) < 1, np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x)), 0)
    ),
    "bicubic": Filter(2.0, _bicubic),
    "lanczos": Filter(3.0, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)),
}


@dataclass(frozen=True, eq=False)
class Taps:
    """What each sample of the result is made of.

    Attributes
    ----------
    places
        (n, taps): the samples of the source, ascending; those beyond the last that counts repeat it.
    weights
        (n, taps), float64, that sum to 1; 0 where a place repeats.
    """

    places: Array
    weights: Array

    @classmethod
    def of(cls, length: int, result: int, name: str) -> Taps:
        """Return the taps of `result` samples made of `length`, by the filter `name`."""
        scale = length / result
        if name == "nearest":
            # Added up one by one, as Pillow does it, so that halves fall to the same side.
            steps = np.full(result, scale)
            steps[0] = scale * 0.5
            places = np.minimum(np.add.accumulate(steps).astype(np.int64), length - 1)[:, None]
            return cls(places, np.ones((result, 1)))
        support, weight = FILTERS[name]
        wider = max(scale, 1.0)
        reach = support * wider
        centres = (np.arange(result) + 0.5) * scale
        first = np.maximum((centres - reach + 0.5).astype(np.int64), 0)
        last = np.minimum((centres + reach + 0.5).astype(np.int64), length)
        places = first[:, None] + np.arange(max(int((last - first).max()), 1))
        weights = weight((places + 0.5 - centres[:, None]) / wider)
        weights[places >= last[:, None]] = 0
        weights /= weights.sum(axis=1, keepdims=True)
        return cls(np.minimum(places, (last - 1)[:, None]), weights)

    @property
    def count(self) -> int:
        """How many samples of the source one of the result is made of."""
        return int(self.places.shape[1])

    def reached(self, part: slice) -> slice:
        """Return the samples of the source that some of the result are made of."""
        places = self.places[part]
        return slice(int(places.min()), int(places.max()) + 1)

    def put(self, cells: Array, part: slice, out: Array) -> None:
        """Put `part` of the result's rows into `out` (rows, w), made of the rows of `reached(part)`."""
        places = self.places[part] - self.reached(part).start
        weights = self.weights[part].astype(out.dtype)
        step = max(CELLS // max(len(places), 1), 64)
        for left in range(0, out.shape[1], step):
            some = slice(left, left + step)
            made = out[:, some]
            np.multiply(cells[places[:, 0], some], weights[:, :1], out=made)
            for tap in range(1, self.count):
                made += cells[places[:, tap], some] * weights[:, tap : tap + 1]


def proportional(shape: tuple[int, int], factor: float) -> tuple[int, int]:
    """Return rows and columns times a factor, rounded half up, at least 1.

    >>> proportional((3, 5), 0.5)
    (2, 3)
    """
    rows, columns = (max(math.floor(n * factor + 0.5), 1) for n in shape)
    return rows, columns
