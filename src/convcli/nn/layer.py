"""What a layer is: options, a shape rule, forward, backward. A new one is one class in one place."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np

from convcli.config import Part
from convcli.engine.workspace import Array, Workspace
from convcli.errors import ShapeError
from convcli.registry import Registry
from convcli.shapes import Pair, Window

Shape: TypeAlias = tuple[int, ...]
Weights: TypeAlias = Mapping[str, Array]

_FUNCTIONS = ("relu", "leaky_relu", "sigmoid", "tanh")
_HINTS = {
    "softmax": "softmax belongs to the loss (cross_entropy has it): end with a dense layer.",
    **dict.fromkeys(("linear", "fc", "fully_connected"), "That is called 'dense' here."),
    **{name: f"That is type = 'activation' with function = '{name}'." for name in _FUNCTIONS},
}
LAYERS: Registry[type[Layer]] = Registry("layer", _HINTS)


@dataclass
class Tape:
    """What one layer keeps from its forward pass for its backward pass, on one piece of a batch.

    Attributes
    ----------
    training
        Whether dropout drops and batch normalisation uses the batch's own figures.
    rng
        Source of the random numbers of this pass; set where `training` is.
    gradients
        Where `backward` adds the gradients of the weights, by their names.
    fresh
        Whether nothing has been added yet, so that what stands there is to be overwritten.
    input_gradient
        Whether anybody needs what `backward` returns.
    saved
        The layer's notes between the two passes.
    workspace
        The layer's own arrays, which live until its next pass.
    scratch
        Arrays that any layer may overwrite; one for each thread.
    """

    training: bool = False
    rng: np.random.Generator | None = None
    gradients: Weights = field(default_factory=dict)
    fresh: bool = False
    input_gradient: bool = True
    saved: dict[str, Any] = field(default_factory=dict)
    workspace: Workspace = field(default_factory=Workspace)
    scratch: Workspace = field(default_factory=Workspace)

    def gradient(self, name: str) -> Array:
        """Return the array to which the gradient of the weights `name` is to be added."""
        array = self.gradients[name]
        if self.fresh:
            array[...] = 0
        return array

    def add(self, name: str, gradient: Array) -> None:
        """Add to the gradient of the weights `name`."""
        if self.fresh:
            self.gradients[name][...] = gradient
        else:
            self.gradients[name][...] += gradient


@dataclass(frozen=True)
class Initial:
    """How an array of weights begins.

    `scheme` is "he", "glorot", "zeros" or "ones". The fans count a neuron's inputs and outputs.
    """

    shape: Shape
    scheme: str
    fan_in: int = 0
    fan_out: int = 0

    def draw(self, rng: np.random.Generator) -> Array:
        """Return the array, in float64.

        He draws from a normal distribution with variance 2 / fan_in (He, Zhang, Ren and Sun, 2015,
        arXiv:1502.01852), Glorot uniformly from ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).
        """
        if self.scheme == "he":
            return rng.normal(0, math.sqrt(2 / self.fan_in), self.shape)
        if self.scheme == "glorot":
            limit = math.sqrt(6 / (self.fan_in + self.fan_out))
            return rng.uniform(-limit, limit, self.shape)
        return np.ones(self.shape) if self.scheme == "ones" else np.zeros(self.shape)


class Layer(Part):
    """Options of one layer and what it does with them.

    A layer holds no arrays: weights are handed in, what the backward pass needs is on the tape. So one
    layer can work on several pieces of a batch at the same time. Shapes are without the batch: (h, w, c)
    or (features,). A subclass registers itself by the default of its field `type`.
    """

    couples_samples: ClassVar[bool] = False  # a batch may not be cut into pieces
    draws: ClassVar[bool] = False  # takes random numbers while training

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" in cls.model_fields:
            LAYERS.register(cls.name())(cls)

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape that comes out when `shape` goes in, or raise ShapeError."""

    def for_classes(self, classes: int) -> Layer:
        """Return the layer as it stands at the end of a network for so many classes."""
        return self

    def parameters(self, shape: Shape) -> dict[str, Initial]:
        """Return what is trained, by name, for an input of `shape`."""
        return {}

    def state(self, shape: Shape) -> dict[str, Initial]:
        """Return what is kept with the weights but not trained, by name."""
        return {}

    @abstractmethod
    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        """Return the output for `x` (n, *shape). `x` stays as it is."""

    @abstractmethod
    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        """Return dL/dx and add the weights' gradients to the tape's. `dy` may be overwritten."""

    def multiply_adds(self, shape: Shape) -> int:
        """Return the multiplications of the forward pass of one sample."""
        return 0

    def window(self, shape: Shape) -> Window | None:
        """Return the window that the layer slides over its input, if it does."""
        return None

    def summary(self) -> str:
        """Return the options in a few words."""
        return ""


def plane_of(shape: Shape, layer: str) -> tuple[Pair, int]:
    """Return ((h, w), c) of a volume's shape, or raise ShapeError."""
    if len(shape) != 3:
        raise ShapeError(f"{layer} needs a volume (h, w, c), not {shape}: put it before flatten.")
    return (shape[0], shape[1]), shape[2]
