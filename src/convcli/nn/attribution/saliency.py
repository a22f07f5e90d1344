"""The gradient of a class's score with respect to the pixels: a saliency map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.nn.attribution.attribution import Attribution, back, label_of

if TYPE_CHECKING:
    from convcli.nn.model import Model


@dataclass(frozen=True, eq=False)
class Gradient(Attribution):
    """What `gradient` finds.

    Attributes
    ----------
    pixels
        ∂score/∂pixel (h, w, c): how the score grows with a level, of 255.
    """

    pixels: Array


def gradient(model: Model, image: Array, target: str | int | None = None) -> Gradient:
    """Return how fast the score of a class changes with each pixel: the largest |∂score/∂pixel| of channels.

    The derivative goes back through all layers, as in training. Any network will do.
    Source: Simonyan, Vedaldi and Zisserman, 2013, arXiv:1312.6034.

    Parameters and errors are those of `grad_cam`, but for the layer.
    """
    pixels = model.seen(np.asarray(image)[None])
    label = label_of(model, pixels[0], target)
    score, slope = _of(model, pixels, label)
    if model.config.evaluation.flips:
        mirrored = _of(model, pixels[:, :, ::-1], label)
        score, slope = (score + mirrored[0]) / 2, (slope + mirrored[1][:, ::-1]) / 2
    return Gradient(label, score, np.abs(slope).max(2), slope)


def _of(model: Model, pixels: Array, label: int) -> tuple[float, Array]:
    """Return the score of an image (1, h, w, c) as it is, and its derivative (h, w, c)."""
    trace, slope = back(model, pixels, np.array([label]))
    return float(trace.outputs[0, label]), slope[0]
