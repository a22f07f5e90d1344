"""What grey images on a plain ground have in common, so that a drawing can be made like them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcli.data.dataset import Dataset

MOST_SIDE = 64  # a larger image is no drawing's size
MOST_IMAGES = 4096  # that are looked at, evenly taken from all
PLAIN = 0.6  # share of the pixels along the border that have to be ground
ALIKE = 16  # levels by which ground differs from itself
_FAINT = 1 / 8  # of the brightest ink: less is no part of its box


class Spread(NamedTuple):
    """Where a figure lies in nine tenths of the images, and in the middle one."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Spread:
        """Return the 5th, 50th and 95th percentile, to a hundredth."""
        return cls(*np.round(np.quantile(values, (0.05, 0.5, 0.95)), 2).tolist())

    @property
    def width(self) -> float:
        """How far its ends lie apart."""
        return self.high - self.low


@dataclass(frozen=True)
class Drawings:
    """How ink lies in images: of which level, how thick, how large, and where. Lengths are in pixels.

    Attributes
    ----------
    ground, ink
        Levels 0 … 255 of what is drawn on, and of the strongest ink in the middle image.
    thickness
        Of a stroke, by the ink's area and the length of its outline.
    side
        The longer side of the ink's bounding box.
    centred
        What lies at the same place in all images, the more so of the two: the ink's centre of mass, or the
        middle of its box.
    row, column
        Where that is, from the image's upper left corner: 0.5 is the middle of the first pixel.
    images
        How many were looked at.
    """

    ground: int
    ink: int
    thickness: Spread
    side: Spread
    centred: Literal["mass", "box"]
    row: Spread
    column: Spread
    images: int

    @classmethod
    def of(cls, images: Dataset) -> Drawings | None:
        """Return what these have in common; None where they are coloured, large, or on no plain ground."""
        rows, columns, channels = images.shape
        if channels != 1 or max(rows, columns) > MOST_SIDE:
            return None
        chosen = np.unique(np.linspace(0, len(images) - 1, min(len(images), MOST_IMAGES)).astype(np.int64))
        levels = images.stored[images.places(chosen)][..., 0].astype(np.float64)
        edge = np.concatenate([levels[:, [0, -1], :].ravel(), levels[:, :, [0, -1]].ravel()])
        ground = float(np.median(edge))
        if np.mean(np.abs(edge - ground) <= ALIKE) < PLAIN:
            return None
        darker, brighter = np.maximum(ground - levels, 0), np.maximum(levels - ground, 0)
        above = darker.sum() <= brighter.sum()
        ink = brighter if above else darker
        ink = ink[ink.max((1, 2)) > ALIKE]  # an empty image says nothing
        if not len(ink):
            return None
        strongest = float(np.median(ink.max((1, 2))))
        boxes, masses = _boxes(ink), _centres_of_mass(ink)
        middles = (boxes[:, 0] + boxes[:, 1]) / 2
        by_mass, by_box = ([Spread.of(axis) for axis in places.T] for places in (masses, middles))
        mass = sum(axis.width for axis in by_mass) <= sum(axis.width for axis in by_box)
        row, column = by_mass if mass else by_box
        return cls(
            round(ground),
            round(ground + strongest if above else ground - strongest),
            Spread.of(_thickness(ink)),
            Spread.of((boxes[:, 1] - boxes[:, 0]).max(1)),
            "mass" if mass else "box",
            row,
            column,
            len(ink),
        )

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def _boxes(ink: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the ink of each image begins and ends: (n, 2, 2), first and last, by row and column."""
    drawn = ink > ink.max((1, 2), keepdims=True) * _FAINT
    lines = drawn.any(2), drawn.any(1)
    first = np.stack([line.argmax(1) for line in lines], 1)
    last = np.stack([line.shape[1] - line[:, ::-1].argmax(1) for line in lines], 1)
    return np.stack([first, last], 1).astype(np.float64)


def _centres_of_mass(ink: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the row and column that the ink of each image is balanced on, (n, 2)."""
    mass = ink.sum((1, 2))
    each = [ink.sum(2) @ (np.arange(ink.shape[1]) + 0.5), ink.sum(1) @ (np.arange(ink.shape[2]) + 0.5)]
    return np.stack([sums / mass for sums in each], 1)


def _thickness(ink: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how thick the strokes of each image are, (n,).

    That is the short side of a rectangle as large as the ink, with an outline as long: the sum of how steep
    the ink is.
    """
    padded = np.pad(ink / ink.max((1, 2), keepdims=True), ((0, 0), (1, 1), (1, 1)))
    down, across = np.diff(padded, axis=1)[:, :, :-1], np.diff(padded, axis=2)[:, :-1]
    area, half = padded.sum((1, 2)), np.hypot(down, across).sum((1, 2)) / 2
    return np.asarray((half - np.sqrt(np.maximum(half**2 - 4 * area, 0))) / 2)
