"""A network: a loop forward over its layers, and the same loop reversed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from convcli.engine.workspace import Array, Workspace
from convcli.errors import ConfigError, ShapeError
from convcli.nn.fused import plan
from convcli.nn.layer import Layer, Shape, Tape
from convcli.nn.layers.activation import Affine
from convcli.nn.weights import Layout, NetworkWeights

MOST_NUMBERS = 1 << 30  # of all weights, or in one array: 4 GiB of float32
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
    steps
        What is called, in order: layers, or neighbours as one, each with its position.
    shapes
        What goes into each layer, and last what comes out.
    trained, kept
        Where each weight lies in the flat vectors.
    """

    def __init__(self, layers: Iterable[Layer], input_shape: Shape) -> None:
        self.layers = tuple(layers)
        self.steps = plan(self.layers)
        self.shapes: list[Shape] = [tuple(input_shape)]
        if math.prod(input_shape) > MOST_NUMBERS:
            size = " × ".join(map(str, input_shape))
            raise ConfigError(
                f"Images of {size} are too large: at most {MOST_NUMBERS:,} numbers each. Set data.size."
            )
        for number, layer in enumerate(self.layers, 1):
            try:
                self.shapes.append(_affordable(layer, self.shapes[-1]))
            except ShapeError as error:
                size = " × ".join(map(str, self.shapes[-1]))
                raise ConfigError(
                    f"[[layers]] {number} ({layer.name()}) cannot take its input of {size}. {error}"
                ) from None
        self._check_sums()
        inputs = list(zip(self.layers, self.shapes[:-1], strict=True))
        self.trained = Layout([layer.parameters(shape) for layer, shape in inputs])
        self.kept = Layout([layer.state(shape) for layer, shape in inputs])

    @classmethod
    def classifying(cls, layers: Sequence[Layer], input_shape: Shape, classes: int | None) -> Network:
        """Return the network whose outputs are a number for each class; any network where `classes` is None.

        Raises
        ------
        ConfigError
            If the layers do not fit each other, the input, or the number of classes, or nothing is trained.
        """
        last = layers[-1]
        if classes is not None:
            layers = [*layers[:-1], last.for_classes(classes)]
        network = cls(layers, input_shape)
        outputs = network.shapes[-1]
        if classes is not None and outputs != (classes,):
            flat = "flatten and " if len(outputs) > 1 else ""
            raise ConfigError(
                f"[[layers]] {len(layers)} ({last.name()}) gives {outputs}, but there are {classes} "
                f"classes: end with {flat}a dense layer without `units`, or with units = {classes}."
            )
        frozen = any(network.parameter_counts(number)[1] for number in range(1, len(layers) + 1))
        if frozen and not network.trained.size:
            raise ConfigError("[[layers]]: every layer with weights is frozen, so there is nothing to train.")
        return network

    def _check_sums(self) -> None:
        """Raise ConfigError where each layer would be possible, but not all of them."""
        activations = sum(map(math.prod, self.shapes))
        if activations > MOST_ACTIVATIONS:
            raise ConfigError(
                f"[[layers]] would have {activations:,} outputs in all for each image; at most "
                f"{MOST_ACTIVATIONS:,} are possible. Set data.size, or pool earlier."
            )
        weights = sum(
            _weights(layer, shape) for layer, shape in zip(self.layers, self.shapes[:-1], strict=True)
        )
        if weights > MOST_NUMBERS:
            raise ConfigError(
                f"[[layers]] would have {weights:,} weights in all; at most {MOST_NUMBERS:,} are possible."
            )

    @property
    def couples_samples(self) -> bool:
        """Whether a batch has to go through in one piece while training."""
        return any(layer.couples_samples for layer in self.layers)

    @property
    def draws(self) -> bool:
        """Whether training takes random numbers."""
        return any(layer.draws for layer in self.layers)

    def parameter_counts(self, number: int) -> tuple[int, int]:
        """Return how many numbers of layer `number` (from 1) are trained, and how many are frozen."""
        layer = self.layers[number - 1]
        trained, kept = (
            sum(slot.size for slot in layout.layers[number - 1]) for layout in (self.trained, self.kept)
        )
        return trained, kept if isinstance(layer, Affine) and layer.frozen else 0

    def tapes(self) -> list[Tape]:
        """Return fresh tapes, one a layer; they share their scratch arrays and belong to one thread.

        They ask for the gradients of inputs as far back as something is trained.
        """
        scratch = Workspace()
        first = next((n for n, slots in enumerate(self.trained.layers) if slots), len(self.layers))
        return [Tape(scratch=scratch, input_gradient=number > first) for number in range(len(self.layers))]

    def forward(self, x: Array, weights: NetworkWeights, tapes: Sequence[Tape]) -> Array:
        """Return the outputs (n, ...) for `x` (n, h, w, c); they live on the last tape."""
        for number, step in self.steps:
            x = step.forward(x, weights.by_layer[number], tapes[number])
        return x

    def backward(self, dy: Array, weights: NetworkWeights, tapes: Sequence[Tape]) -> Array:
        """Take dL/doutputs back through the last forward pass; add the weights' gradients to the tapes'.

        `dy` may be overwritten. Returns dL/dx where every tape asks for its input's gradient; it ends at the
        first that does not.
        """
        for number, step in reversed(self.steps):
            dy = step.backward(dy, weights.by_layer[number], tapes[number])
            if not tapes[number].input_gradient:
                break
        return dy


def _affordable(layer: Layer, shape: Shape) -> Shape:
    """Return the layer's output shape, or raise ShapeError where no memory would hold it or its weights."""
    output = layer.output_shape(shape)
    for count, what in ((_weights(layer, shape), "weights"), (math.prod(output), "outputs for each image")):
        if count > MOST_NUMBERS:
            raise ShapeError(f"It would have {count:,} {what}; at most {MOST_NUMBERS:,} are possible.")
    return output


def _weights(layer: Layer, shape: Shape) -> int:
    """Return how many weights a layer has, trained or not."""
    arrays = layer.parameters(shape) | layer.state(shape)
    return sum(math.prod(initial.shape) for initial in arrays.values())
