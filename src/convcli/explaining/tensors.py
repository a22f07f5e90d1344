"""The tensors inside a trained network while one image goes through it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.elements import Box
from convcli.explaining.reading import MOST_SIDE, Input, cut
from convcli.nn.layer import Layer
from convcli.nn.model import Model
from convcli.nn.tape import LayerNumber
from convcli.nn.trace import Trace
from convcli.wording import shortened

AnyLayer = TypeVar("AnyLayer", bound=Layer)


@dataclass(frozen=True, eq=False)
class Passage:
    """An image, uint8 (h, w, c) of the network's size, on its way through a network."""

    model: Model
    pixels: Array
    trace: Trace

    @property
    def probabilities(self) -> Array:
        """The probability of each class (classes,)."""
        return np.asarray(self.model.loss.probabilities(self.trace.outputs)[0])


def read_image(model: Model, image: Path | Input, max_pixels: int) -> Array:
    """Return an image as `convcli predict` gives it to the network: uint8 (h, w, c)."""
    if isinstance(image, Input):
        return image.volume
    rows, columns, channels = model.preprocessing.shape
    presentation = model.preprocessing.presentation
    return presentation.read(image, channels, (rows, columns), max_pixels=max_pixels)[0]


def pass_through(model: Model, pixels: Array) -> Passage:
    """Take uint8 pixels (h, w, c) through a network, layer by layer; errors are those of `Model.predict`."""
    trace = model.trace(pixels[None])
    model.checked(trace.outputs)
    return Passage(model, pixels, trace)


def gradient_at(passage: Passage, number: LayerNumber) -> tuple[Array, str]:
    """Return dL/dA of layer `number` in float64, and for which class L is the loss.

    The class is the most probable one.
    """
    label = int(passage.probabilities.argmax())
    _, gradient = passage.model.loss.evaluate(passage.trace.outputs.copy(), np.array([label]))
    passage.trace.back(gradient)
    return passage.trace.gradient(number)[0].astype(np.float64), passage.model.classes[label]


def layer_of(
    model: Model, number: str | None, kinds: tuple[type[AnyLayer], ...], option: str = "--layer"
) -> tuple[LayerNumber, AnyLayer]:
    """Return a layer of one of `kinds` and its number; the first such layer if none is named.

    `option` is what named it.

    Raises
    ------
    UsageError
        If there is no such layer, or it is of another kind.
    """
    places = {str(place.number): place for place in model.network.places}
    fitting = [name for name, place in places.items() if isinstance(place.layer, kinds)]
    wanted = " or ".join(kind.name() for kind in kinds)
    if not fitting:
        raise UsageError(f"{option}: the network has no {wanted} layer.")
    name = fitting[0] if number is None else shortened(number)
    if name not in places:
        beside = _beside(name, places)
        raise UsageError(f"{option} {name}: the network has layers {beside[0]} to {beside[-1]}.")
    place = places[name]
    if not isinstance(place.layer, kinds):
        told = f"{option} {name} is {place.layer.name()}, and this needs a {wanted} layer"
        raise UsageError(f"{told}: {', '.join(fitting)}.")
    return place.number, place.layer


def _beside(name: str, names: Iterable[str]) -> list[str]:
    """Return those of a network's layers that `name` would stand beside, or what would hold it."""
    holder = name.rpartition(".")[0]
    beside = [other for other in names if other.rpartition(".")[0] == holder]
    return beside or _beside(holder, names)


def cropped(volume: Array, box: Box | None, number: LayerNumber) -> Array:
    """Return the part of a layer's input that is to be shown; UsageError if it cannot be."""
    if box is not None:
        volume = cut(volume, box, "--crop")
    rows, columns = volume.shape[:2]
    if max(rows, columns) > MOST_SIDE:
        raise UsageError(
            f"The input of layer {number} is {rows} × {columns}; at most {MOST_SIDE} × {MOST_SIDE} numbers "
            "can be read. Take a part: --crop row,col,height,width."
        )
    return volume
