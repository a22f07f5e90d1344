"""Occlusion: what happens to the score of a class where a patch covers the image."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.nn.attribution.attribution import Attribution, label_of
from convcli.shapes import Pair
from convcli.wording import by

if TYPE_CHECKING:
    from convcli.nn.model import Model

COVERED_BYTES = 1 << 24  # of the covered images that are there at a time
PATCH, STEPS = 5, 4  # a patch is a fifth of the image's side, its step a quarter of its own


@dataclass(frozen=True, eq=False)
class Occlusion(Attribution):
    """What `occlusion` finds.

    Attributes
    ----------
    patch
        Its rows and columns.
    fill
        The level of each channel that covers, uint8 (c,).
    tops, lefts
        At which rows and columns patches begin.
    drops
        By how much the score is smaller with the patch there: (tops, lefts).
    """

    patch: Pair
    fill: Array
    tops: Array
    lefts: Array
    drops: Array


def occlusion(
    model: Model,
    image: Array,
    target: str | int | None = None,
    *,
    patch: int | Pair | None = None,
    stride: int | Pair | None = None,
    fill: float | Sequence[float] | None = None,
) -> Occlusion:
    """Return by how much the score of a class falls where a patch covers the image.

    The patch is laid everywhere from edge to edge, and a pixel has the mean over all patches that cover it:
    above 0 where the score is smaller with it covered. Covered images go the way of `Model.predict`, some at
    a time.
    Source: Zeiler and Fergus, 2014, arXiv:1311.2901, who show the probability that is left.

    Parameters
    ----------
    image, target
        As of `grad_cam`.
    patch
        Rows and columns, or one number for both; a fifth of the image's if not given.
    stride
        How far one place is from the next, a quarter of the patch if not given; at most the patch, so that
        no pixel is left out. The last place is at the edge, however near to the one before.
    fill
        The level from 0 to 255 that covers, or one for each channel, rounded. If not given it is what the
        network sees as 0: the training mean; black where images are only rescaled.

    Raises
    ------
    UsageError
        If there is no such class, or sizes or levels do not fit.
    ShapeError, TrainingError
        As of `Model.predict`.
    """
    pixels = model.seen(np.asarray(image)[None])
    label = label_of(model, pixels[0], target)
    size, level = pixels.shape[1:3], _fill(model, fill)
    own = _pair(patch, "patch", size, PATCH)
    tops, lefts = map(_begins, size, own, _pair(stride, "stride", own, STEPS))
    score = float(model.outputs(pixels)[0, label])
    left = _left(model, pixels[0], label, tops, lefts, own, level)
    drops = score - left
    down, across = map(_covers, size, own, (tops, lefts))
    means = (down.T @ drops @ across) / np.outer(down.sum(0), across.sum(0))
    return Occlusion(label, score, means, own, level, tops, lefts, drops)


def cover(pixels: Array, top: int, left: int, patch: Pair, fill: Array) -> Array:
    """Return an image (h, w, c) with a patch of so many rows and columns at a place."""
    covered = pixels.copy()
    covered[top : top + patch[0], left : left + patch[1]] = fill
    return covered


def _left(
    model: Model, pixels: Array, label: int, tops: Array, lefts: Array, patch: Pair, fill: Array
) -> Array:
    """Return the score that is left with the patch at each place: (tops, lefts), float64."""
    corners = [(top, left) for top in tops.tolist() for left in lefts.tolist()]
    together = max(1, COVERED_BYTES // pixels.size)
    scores = np.empty(len(corners))
    for start in range(0, len(corners), together):
        chosen = slice(start, start + together)
        batch = np.stack([cover(pixels, top, left, patch, fill) for top, left in corners[chosen]])
        scores[chosen] = model.outputs(batch)[:, label]
    return scores.reshape(len(tops), len(lefts))


def _begins(size: int, patch: int, stride: int) -> Array:
    """Return where patches begin on an axis: at every `stride`, and so that the last one ends at the edge.

    >>> _begins(8, 3, 2).tolist(), _begins(7, 3, 2).tolist(), _begins(3, 3, 1).tolist()
    ([0, 2, 4, 5], [0, 2, 4], [0])
    """
    return np.append(np.arange(0, size - patch, stride), size - patch)


def _covers(size: int, patch: int, begins: Array) -> Array:
    """Return which pixels of an axis each patch covers: (patches, size), 0 or 1."""
    behind = np.arange(size) - begins[:, None]
    return ((behind >= 0) & (behind < patch)).astype(np.float64)


def _pair(value: int | Pair | None, name: str, most: Sequence[int], share: int) -> Pair:
    """Return rows and columns, a share of `most` if none are given; UsageError if they are not within it."""
    if value is None:
        rows, columns = (max(1, round(side / share)) for side in most)
        return rows, columns
    try:
        rows, columns = map(operator.index, value if isinstance(value, Sequence) else (value, value))
    except (TypeError, ValueError):
        rows, columns = 0, 0
    if not (1 <= rows <= most[0] and 1 <= columns <= most[1]):
        raise UsageError(f"{name}: expected rows and columns from 1 × 1 to {by(most)}, found {value!r}.")
    return rows, columns


def _fill(model: Model, fill: float | Sequence[float] | None) -> Array:
    """Return a level for each channel, uint8 (c,)."""
    mean = np.array(model.preprocessing.mean)
    levels = np.clip(255 * mean, 0, 255) if fill is None else np.asarray(fill, np.float64)
    if levels.shape not in ((), mean.shape) or not ((levels >= 0) & (levels <= 255)).all():
        each = "" if len(mean) == 1 else f", or one for each of {len(mean)} channels"
        raise UsageError(f"fill: expected a level from 0 to 255{each}, found {fill!r}.")
    return np.broadcast_to(np.rint(levels).astype(np.uint8), mean.shape)
