"""A network: a sequence of layers that fit each other, and where each of them stands."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Self

from convcli.engine.workspace import Array
from convcli.errors import ConfigError
from convcli.nn.layer import Layer, Shape
from convcli.nn.layers.sequence import Sequence
from convcli.nn.places import MOST_NUMBERS, Place, places_in
from convcli.nn.tape import LayerNumber, Pass, Tape
from convcli.nn.weights import Layout, NetworkWeights
from convcli.shapes import ReceptiveField
from convcli.wording import by

MOST_ACTIVATIONS = 1 << 28  # of all layers for one image: 1 GiB of float32


class Network:
    """Layers that fit each other, for inputs of one shape. It holds no weights.

    Parameters
    ----------
    layers
        In order.
    input_shape
        (h, w, c) of one sample.

    Raises
    ------
    ConfigError
        If a layer cannot take what the one before it gives (names the layer and its input), or no memory
        would hold its weights, or what goes into it.

    Attributes
    ----------
    sequence
        The layers as one.
    places
        Where each layer stands; those in a layer follow it.
    shapes
        What goes into each layer that is in no other, and last what comes out.
    trained, kept
        Where each weight lies in the flat vectors.
    """

    def __init__(self, layers: Iterable[Layer], input_shape: Shape) -> None:
        self.sequence = Sequence(layers=tuple(layers))
        if math.prod(input_shape) > MOST_NUMBERS:
            raise ConfigError(
                f"Images of {by(input_shape)} are too large: at most {MOST_NUMBERS:,} numbers each. "
                "Set data.size."
            )
        self.places = places_in(self.sequence, tuple(input_shape), ReceptiveField())
        outputs = (place.output for place in self.places if not place.inner)
        self.shapes: list[Shape] = [tuple(input_shape), *outputs]
        arrays = self.sequence.initial_weights(self.shapes[0])
        trained = {name: initial for name, initial in arrays.items() if initial.kind == "trained"}
        kept = {name: initial for name, initial in arrays.items() if name not in trained}
        self.trained, self.kept = Layout(self.sequence, trained), Layout(self.sequence, kept)
        self._check_sums()
        self._check_first()

    @classmethod
    def classifying(cls, layers: Iterable[Layer], input_shape: Shape, classes: int | None) -> Self:
        """Return the network whose outputs are a number for each class; any network where `classes` is None.

        Raises
        ------
        ConfigError
            If the layers do not fit each other, the input, or the number of classes, or nothing is trained.
        """
        *others, last = layers
        network = cls([*others, last if classes is None else last.for_classes(classes)], input_shape)
        outputs = network.shapes[-1]
        if classes is not None and outputs != (classes,):
            flat = "flatten and " if len(outputs) > 1 else ""
            raise ConfigError(
                f"{network.place(len(network.layers)).name} gives {outputs}, but there are {classes} "
                f"classes: end with {flat}a dense layer without `units`, or with units = {classes}."
            )
        if not network.trained.size and any(place.frozen for place in network.places):
            raise ConfigError("[[layers]]: every layer with weights is frozen, so there is nothing to train.")
        return network

    def place(self, number: LayerNumber) -> Place:
        """Return where the layer of a number stands."""
        return next(place for place in self.places if place.number == number)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that are in no other."""
        return self.sequence.children

    @property
    def activations(self) -> list[int]:
        """How many numbers an image is, and how many come out of each layer for it."""
        return [math.prod(self.shapes[0]), *self.sequence.activations(self.shapes[0])]

    def _check_sums(self) -> None:
        """Raise ConfigError where each layer would be possible, but not all of them."""
        activations = sum(self.activations)
        if activations > MOST_ACTIVATIONS:
            raise ConfigError(
                f"[[layers]] would have {activations:,} outputs in all for each image; at most "
                f"{MOST_ACTIVATIONS:,} are possible. Set data.size, or pool earlier."
            )
        weights = self.trained.size + self.kept.size
        if weights > MOST_NUMBERS:
            raise ConfigError(
                f"[[layers]] would have {weights:,} weights in all; at most {MOST_NUMBERS:,} are possible."
            )

    def _check_first(self) -> None:
        """Raise ConfigError where weights are to begin as the images tell, and others than images go in."""
        for place in self.places:
            own = place.layer.initial_weights(place.input).items()
            first = set(str(place.number).split(".")) == {"1"}
            if not first and any(initial.from_images for name, initial in own if "." not in name):
                raise ConfigError(
                    f'{place.name}: init = "whiten" is made from the images themselves, so only a layer that '
                    "they go into, the first of a network, can begin so."
                )

    def tape(self) -> Tape:
        """Return a fresh tape, for one thread. It does not ask for the gradient of the images."""
        tape = self.sequence.tape(Pass())
        tape.input_gradient = False
        return tape

    def forward(self, x: Array, weights: NetworkWeights, tape: Tape) -> Array:
        """Return the outputs (n, ...) for `x` (n, h, w, c); they live on the tape."""
        return self.sequence.forward(x, weights.arrays, tape)

    def backward(self, dy: Array, weights: NetworkWeights, tape: Tape) -> Array:
        """Take dL/doutputs back through the last forward pass; add the weights' gradients to the tape's.

        `dy` may be overwritten. Returns dL/dx where the tape asks for it.
        """
        return self.sequence.backward(dy, weights.arrays, tape)
