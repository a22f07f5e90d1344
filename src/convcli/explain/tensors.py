"""The tensors inside a trained network while one image goes through it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explain.figure import Box
from convcli.explain.reading import MOST_SIDE, cut
from convcli.nn.layer import Layer, Tape
from convcli.nn.model import Model

AnyLayer = TypeVar("AnyLayer", bound=Layer)


@dataclass(frozen=True, eq=False)
class Passage:
    """An image on its way through a network.

    Attributes
    ----------
    pixels
        uint8 (h, w, c), of the network's size.
    activations
        What goes into each layer, and last what comes out; (h, w, c) or (features,), float32.
    tapes
        What the layers keep for their backward pass.
    """

    model: Model
    pixels: Array
    activations: tuple[Array, ...]
    tapes: tuple[Tape, ...]

    @property
    def probabilities(self) -> Array:
        """The probability of each class (classes,)."""
        probabilities = self.model.loss.probabilities(self.activations[-1][None])
        return np.asarray(probabilities[0])


def read_image(model: Model, path: Path, max_pixels: int) -> Array:
    """Return an image as `convcli predict` gives it to the network: uint8 (h, w, c)."""
    rows, columns, channels = model.preprocessing.shape
    presentation = model.preprocessing.presentation
    return presentation.read(path, channels, (rows, columns), max_pixels=max_pixels)[0]


def pass_through(model: Model, pixels: Array) -> Passage:
    """Take uint8 pixels (h, w, c) through a network, layer by layer; errors are those of `Model.predict`."""
    images = model.preprocessing.checked(pixels[None])
    x = model.preprocessing.apply(images, np.empty(images.shape, np.float32))
    network, tapes = model.network, model.network.tapes()
    activations = [x[0].copy()]
    with np.errstate(all="ignore"):  # what overflows is found in the outputs
        for layer, own, tape in zip(network.layers, model.weights.by_layer, tapes, strict=True):
            x = layer.forward(x, own, tape)
            activations.append(x[0].copy())
    model.checked(x)
    return Passage(model, pixels, tuple(activations), tuple(tapes))


def gradient_at(passage: Passage, number: int) -> tuple[Array, str]:
    """Return dL/dA of layer `number` (from 1) in float64, and for which class L is the loss.

    The class is the most probable one.
    """
    model, label = passage.model, int(passage.probabilities.argmax())
    _, gradient = model.loss.evaluate(passage.activations[-1][None].copy(), np.array([label]))
    layers = list(zip(model.network.layers, model.weights.by_layer, passage.tapes, strict=True))
    for layer, own, tape in reversed(layers[number:]):
        # What the weights would get is not asked for here, but the layers add to it.
        tape.gradients, tape.fresh, tape.input_gradient = (
            {name: np.zeros_like(array) for name, array in own.items()},
            True,
            True,
        )
        gradient = layer.backward(gradient, own, tape)
    return gradient[0].astype(np.float64), model.classes[label]


def layer_of(
    model: Model, number: int | None, kinds: tuple[type[AnyLayer], ...], option: str = "--layer"
) -> tuple[int, AnyLayer]:
    """Return a layer of one of `kinds` and its number (from 1); the first such layer if none is named.

    `option` is what named it.

    Raises
    ------
    UsageError
        If there is no such layer, or it is of another kind.
    """
    layers = model.network.layers
    fitting = [n for n, layer in enumerate(layers, 1) if isinstance(layer, kinds)]
    wanted = " or ".join(kind.name() for kind in kinds)
    if not fitting:
        raise UsageError(f"{option}: the network has no {wanted} layer.")
    number = fitting[0] if number is None else number
    if not 1 <= number <= len(layers):
        raise UsageError(f"{option} {number}: the network has layers 1 to {len(layers)}.")
    layer = layers[number - 1]
    if not isinstance(layer, kinds):
        known = ", ".join(map(str, fitting))
        raise UsageError(f"{option} {number} is {layer.name()}, and this needs a {wanted} layer: {known}.")
    return number, layer


def cropped(volume: Array, box: Box | None, number: int) -> Array:
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
