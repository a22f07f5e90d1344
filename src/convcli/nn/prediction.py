"""What a trained network sees in an image file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convcli.bounds import MAX_PIXELS
from convcli.engine.workspace import Array
from convcli.nn.model import Model


@dataclass(frozen=True)
class Answer:
    """What a network sees in an image.

    Attributes
    ----------
    ranking
        Classes and their probabilities, the most probable first.
    far
        Whether the image is much brighter or darker than all that the network was trained on.
    inverted_is_near
        Whether with black and white exchanged it is not.
    notes
        What there is to say of how it was read.
    """

    image: str
    ranking: tuple[tuple[str, float], ...]
    far: bool
    inverted_is_near: bool
    notes: tuple[str, ...]


def answer_to(
    image: str, model: Model, *, top: int, invert: bool = False, max_pixels: int = MAX_PIXELS
) -> Answer:
    """Return the `top` most probable classes of an image file; `invert` exchanges black and white first.

    Raises
    ------
    InputError
        If it cannot be read.
    TrainingError
        If the network's outputs are beyond float32.
    """
    rows, columns, channels = model.preprocessing.shape
    pixels, notes = model.preprocessing.presentation.read(
        Path(image), channels, (rows, columns), max_pixels=max_pixels
    )
    return answer_of(image, pixels, model, top=top, invert=invert, notes=tuple(notes))


def answer_of(
    image: str, pixels: Array, model: Model, *, top: int, invert: bool = False, notes: tuple[str, ...] = ()
) -> Answer:
    """Return the same of pixels as the network sees them, uint8 (h, w, c)."""
    seen = (255 - pixels if invert else pixels)[None]
    outputs = model.outputs(seen)
    probabilities = model.loss.probabilities(outputs)[0]
    # By outputs, as evaluate counts: different ones may have the same probability.
    order = np.argsort(-outputs[0], kind="stable")[:top]
    ranking = tuple((model.classes[k], float(probabilities[k])) for k in order)
    far, inverted_far = (model.far_from_training(each).item() for each in (seen, 255 - seen))
    return Answer(image, ranking, far, not inverted_far, notes)
