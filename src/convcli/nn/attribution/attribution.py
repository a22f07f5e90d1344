"""What the ways to say why have in common: the score, the class, and the way back from one to the pixels."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UnknownNameError, UsageError
from convcli.nn.trace import Trace

if TYPE_CHECKING:
    from convcli.nn.model import Model


@dataclass(frozen=True, eq=False)
class Attribution:
    """What of an image has to do with the score of a class.

    The score is the network's output before softmax, as `Model.outputs` has it: with `evaluation.flips` the
    mean of those for the image and its mirror image, and a map is the mean of both then, the mirrored one
    turned back.

    Attributes
    ----------
    label
        The class, an index into the model's.
    score
        Its output.
    map
        (h, w), float64: a number for each pixel of the image as the network sees it, of its size.
    """

    label: int
    score: float
    map: Array


def label_of(model: Model, image: Array, target: str | int | None) -> int:
    """Return the index of a class that is named or told by its index; of None the one predicted of an image.

    Raises
    ------
    UsageError
        If there is no such class.
    """
    if target is None:
        return int(model.outputs(image[None])[0].argmax())
    if isinstance(target, str):
        if target not in model.classes:
            raise UnknownNameError("class", target, model.classes)
        return model.classes.index(target)
    label, count = operator.index(target), len(model.classes)
    if not 0 <= label < count:
        raise UsageError(f"There is no class {label}: the {count} classes count from 0.")
    return label


def back(model: Model, images: Array, labels: Array) -> tuple[Trace, Array]:
    """Take the score of each image's class back through the network.

    `images` (n, h, w, c) are of its size, and no mirror images are taken. Returns the pass, and ∂score/∂pixel
    (n, h, w, c), float64, where pixels are levels from 0 to 255.
    """
    trace = model.trace(images)
    model.checked(trace.outputs)
    chosen = np.zeros_like(trace.outputs)
    chosen[np.arange(len(labels)), labels] = 1
    levels = 255 * np.array(model.preprocessing.deviation)
    return trace, trace.back(chosen).astype(np.float64) / levels
