"""A network: a sequence of layers that fit each other, and where each of them stands."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from convcli.engine.workspace import Array
from convcli.errors import ConfigError, ShapeError
from convcli.nn.layer import Layer, Shape
from convcli.nn.layers.sequence import Sequence
from convcli.nn.tape import LayerNumber, Pass, Tape
from convcli.nn.weights import Layout, NetworkWeights
from convcli.shapes import ReceptiveField

MOST_NUMBERS = 1 << 30  # of all weights, or in one array: 4 GiB of float32
MOST_ACTIVATIONS = 1 << 28  # of all layers for one image: 1 GiB of float32


@dataclass(frozen=True, eq=False)
class Place:
    """A layer where it stands in a network.

    Attributes
    ----------
    input, output
        Shapes of what goes in and comes out.
    field
        What a cell of the output sees of the image; None where that differs from cell to cell.
    trained, frozen
        How many numbers of its weights, and of those of the layers in it, are trained, and how many frozen.
    """

    number: LayerNumber
    layer: Layer
    input: Shape
    output: Shape
    field: ReceptiveField | None

    @property
    def name(self) -> str:
        """What an error calls it: `[[layers]] 3 → inside 1 (conv)`."""
        return _name(self.number, self.layer)

    @property
    def inner(self) -> bool:
        """Whether it stands in another layer."""
        return not isinstance(self.number, int)

    @property
    def title(self) -> str:
        """Its type and options in a few words."""
        return f"{self.layer.name()} {self.layer.summary()}".strip()

    @property
    def trained(self) -> int:
        return self._count("trained")

    @property
    def frozen(self) -> int:
        return self._count("frozen")

    def _count(self, kind: str) -> int:
        arrays = self.layer.initial_weights(self.input).values()
        return sum(initial.size for initial in arrays if initial.kind == kind)


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
                f"Images of {_size(input_shape)} are too large: at most {MOST_NUMBERS:,} numbers each. "
                "Set data.size."
            )
        self.places = _inside(self.sequence, "", tuple(input_shape), ReceptiveField())
        outputs = (place.output for place in self.places if not place.inner)
        self.shapes: list[Shape] = [tuple(input_shape), *outputs]
        self._check_sums()
        arrays = self.sequence.initial_weights(self.shapes[0])
        trained = {name: initial for name, initial in arrays.items() if initial.kind == "trained"}
        kept = {name: initial for name, initial in arrays.items() if name not in trained}
        self.trained, self.kept = Layout(self.sequence, trained), Layout(self.sequence, kept)

    @classmethod
    def classifying(cls, layers: Iterable[Layer], input_shape: Shape, classes: int | None) -> Network:
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
                f"{_name(len(network.layers), last)} gives {outputs}, but there are {classes} "
                f"classes: end with {flat}a dense layer without `units`, or with units = {classes}."
            )
        if not network.trained.size and any(place.frozen for place in network.places):
            raise ConfigError("[[layers]]: every layer with weights is frozen, so there is nothing to train.")
        return network

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that are in no other."""
        return self.sequence.layers

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
        weights = _weights(self.sequence, self.shapes[0])
        if weights > MOST_NUMBERS:
            raise ConfigError(
                f"[[layers]] would have {weights:,} weights in all; at most {MOST_NUMBERS:,} are possible."
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


def _inside(layer: Layer, prefix: str, shape: Shape, field: ReceptiveField | None) -> list[Place]:
    """Return where the layers within a layer stand, which takes an input of `shape` that sees `field`."""
    given = zip(layer.inside(shape), layer.fields(field, shape), strict=True)
    return [
        place
        for number, ((child, inner), seen) in enumerate(given, 1)
        for place in _placed(child, f"{prefix}{number}", inner, seen)
    ]


def _placed(layer: Layer, number: str, shape: Shape, field: ReceptiveField | None) -> list[Place]:
    """Return where a layer and all in it stand; those first, so that the innermost that errs is named."""
    inner = _inside(layer, f"{number}.", shape, field)
    try:
        output = _affordable(layer, shape)
    except ShapeError as error:
        told = f"{_name(number, layer)} cannot take its input of {_size(shape)}."
        raise ConfigError(f"{told} {error}") from None
    place = Place(number if "." in number else int(number), layer, shape, output, layer.sees(field, shape))
    return [place, *inner]


def _affordable(layer: Layer, shape: Shape) -> Shape:
    """Return the layer's output shape, or raise ShapeError where no memory would hold it or its weights."""
    output = layer.output_shape(shape)
    for count, what in ((_weights(layer, shape), "weights"), (math.prod(output), "outputs for each image")):
        if count > MOST_NUMBERS:
            raise ShapeError(f"It would have {count:,} {what}; at most {MOST_NUMBERS:,} are possible.")
    return output


def _weights(layer: Layer, shape: Shape) -> int:
    """Return how many weights a layer has, trained or not."""
    return sum(initial.size for initial in layer.initial_weights(shape).values())


def _size(shape: Shape) -> str:
    return " × ".join(map(str, shape))


def _name(number: LayerNumber, layer: Layer) -> str:
    return f"[[layers]] {str(number).replace('.', ' → inside ')} ({layer.name()})"
