"""What a layer is: options, a shape rule, forward, backward. A new one is one class in one place."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field

from convcli.config import OneOf, Part, tuples
from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn.learned import is_learned, learned_of
from convcli.nn.tape import Pass, Tape, Weights
from convcli.registry import Registry
from convcli.shapes import Pair, ReceptiveField, Window
from convcli.shapes.transposed import Transposed

Shape: TypeAlias = tuple[int, ...]

_FUNCTIONS = ("relu", "leaky_relu", "elu", "clip", "sigmoid", "tanh", "silu", "gelu")
_HINTS = {
    "softmax": "softmax belongs to the loss (cross_entropy has it): end with a dense layer. Within a network "
    "it is type = 'activation' with function = 'softmax'.",
    **dict.fromkeys(("linear", "fc", "fully_connected"), "That is called 'dense' here."),
    **dict.fromkeys(("spatial_dropout", "dropout2d"), "That is a dropout with spatial = true."),
    **dict.fromkeys(("relu6", "hardtanh"), "That is type = 'activation' with function = 'clip'."),
    "lrn": "That is called 'local_response_norm' here.",
    "instance_norm": "That is a group_norm with as many groups as there are channels.",
    **{name: f"That is type = 'activation' with function = '{name}'." for name in _FUNCTIONS},
}
MOST_LAYERS = 1000  # several times those of the deepest networks that people train
_ALIASES = {f"{kind}mean_pool": f"{kind}avg_pool" for kind in ("", "global_", "adaptive_")}
LAYERS: Registry[type[Layer]] = Registry("layer", _HINTS, aliases=_ALIASES)


Images: TypeAlias = Callable[[int], Array]
"""Returns so many of the training images, evenly spread, as a network sees them: (n, h, w, c), float32."""


@dataclass(frozen=True)
class Initial:
    """How an array of weights begins.

    Attributes
    ----------
    scheme
        "he", "glorot", "zeros", "ones" or "constant", or what a subclass has.
    fan_in, fan_out
        How many inputs and outputs a neuron has.
    kind
        Whether it is trained; what is not is kept with the weights: frozen, or a running figure.
    decays
        Whether weight decay pulls it towards zero.
    value
        What a constant is.
    source
        The layer of a run that it begins as instead, as `learned.py` names it: whose array of the same name.
    from_images
        Whether it begins as the images tell that go into the layer: one that training images go into.
    """

    from_images: ClassVar[bool] = False

    shape: Shape
    scheme: str
    fan_in: int = 0
    fan_out: int = 0
    kind: Literal["trained", "frozen", "running"] = "trained"
    decays: bool = False
    value: float = 0.0
    source: str = ""

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    def draw(self, rng: np.random.Generator, images: Images | None = None) -> Array:
        """Return the array, in float64; `images` are there where a training begins.

        He draws from a normal distribution with variance 2 / fan_in (He, Zhang, Ren and Sun, 2015,
        arXiv:1502.01852), Glorot uniformly from ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).
        """
        if self.scheme == "he":
            return rng.normal(0, math.sqrt(2 / self.fan_in), self.shape)
        if self.scheme == "glorot":
            limit = math.sqrt(6 / (self.fan_in + self.fan_out))
            return rng.uniform(-limit, limit, self.shape)
        return np.full(self.shape, {"ones": 1.0, "constant": self.value}.get(self.scheme, 0.0))


class Layer(Part):
    """Options of one layer and what it does with them.

    A layer holds no arrays: weights are handed in, what the backward pass needs is on the tape. So one
    layer can work on several pieces of a batch at the same time. Shapes are without the batch: (h, w, c)
    or (features,). A subclass registers itself by the default of its field `type`.

    A layer may hold others. Whatever a layer is asked it answers itself, and one that says nothing of its own
    answers with what its children say.

    Attributes
    ----------
    function_option
        Which of its options names the activation function that it ends with, if it has one.
    repeat
        How many of it stand there in a row, each with weights of its own: it is what the configuration says,
        and a container sees to it (`Sequence.children`). Nothing else asks for it.
    serial
        Whether all goes through its children, one after the other, and what the last gives is what comes out.
    """

    function_option: ClassVar[str | None] = None
    serial: ClassVar[bool] = False

    repeat: Annotated[int, Field(ge=1, le=MOST_LAYERS)] | None = None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" in cls.model_fields:
            LAYERS.register(cls.name())(cls)

    @property
    def children(self) -> tuple[Layer, ...]:
        """The layers in this one. In names of weights and in tables they count from 1."""
        return ()

    def inside(self, shape: Shape) -> Iterator[tuple[Layer, Shape]]:
        """Yield each child with what goes into it where `shape` goes in here, when those before it fit."""
        yield from ()

    def fields(self, field: ReceptiveField | None, shape: Shape) -> Iterator[ReceptiveField | None]:
        """Yield what a cell of each child's input sees of the image, where one of the input sees `field`."""
        yield from ()

    @property
    def ends_with(self) -> str:
        """The activation function that its output comes from."""
        return "none" if self.function_option is None else getattr(self, self.function_option).name()

    @property
    def couples_samples(self) -> bool:
        """Whether figures of the whole batch go into it while training."""
        return any(child.couples_samples for child in self.children)

    @property
    def draws(self) -> bool:
        """Whether it takes random numbers while training."""
        return any(child.draws for child in self.children)

    @property
    def grouped(self) -> int:
        """How many samples it takes as a group while training, which lie in one piece then; 0 if none."""
        return max((child.grouped for child in self.children), default=0)

    def exchanged(self, shape: Shape) -> int:
        """Return how many numbers it gives `Pass.over_batch` at a time, at most."""
        return max((child.exchanged(given) for child, given in self.inside(shape)), default=0)

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape that comes out when `shape` goes in, or raise ShapeError."""

    def for_classes(self, classes: int) -> Layer:
        """Return the layer as it stands at the end of a network for so many classes."""
        return self

    def initial_weights(self, shape: Shape) -> dict[str, Initial]:
        """Return its arrays by name for an input of `shape`; those of its first child are `1.W` and so on."""
        return {
            f"{number}.{name}": initial
            for number, (child, given) in enumerate(self.inside(shape), 1)
            for name, initial in child.initial_weights(given).items()
        }

    def tape(self, current: Pass) -> Tape:
        """Return a fresh tape for it and all that is in it."""
        return Tape(current, inner=tuple(child.tape(current) for child in self.children))

    @abstractmethod
    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        """Return the output for `x` (n, *shape). `x` stays as it is."""

    @abstractmethod
    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        """Return dL/dx and add the weights' gradients to the tape's. `dy` may be overwritten."""

    def multiply_adds(self, shape: Shape) -> int:
        """Return the multiplications of the forward pass of one sample."""
        return sum(child.multiply_adds(given) for child, given in self.inside(shape))

    def activations(self, shape: Shape) -> Iterator[int]:
        """Yield how many numbers come out of each layer in it, and of itself, for one sample."""
        for child, given in self.inside(shape):
            yield from child.activations(given)
        yield math.prod(self.output_shape(shape))

    def column_bytes(self, shape: Shape) -> int:
        """Return the memory of a convolution's windows side by side, in float32; of several the largest."""
        return max((child.column_bytes(given) for child, given in self.inside(shape)), default=0)

    def window(self, shape: Shape) -> Window | None:
        """Return the window that the layer slides over its input, if it does."""
        return None

    def transposed(self, shape: Shape) -> Transposed | None:
        """Return the window that each cell of its input lays down, if one does."""
        return None

    def sees(self, field: ReceptiveField | None, shape: Shape) -> ReceptiveField | None:
        """Return what a cell of the output sees of the image, where one of the input sees `field`.

        None where that differs from cell to cell.
        """
        window = self.window(shape)
        return field if window is None or field is None else field.through(window)

    def summary(self) -> str:
        """Return the options in a few words."""
        return ""

    def remark(self, shape: Shape) -> str:
        """Return what they come to for an input of `shape`, in a few words, where they leave it open."""
        return ""


def begun(arrays: Mapping[str, Initial], init: str | None, *, frozen: bool) -> dict[str, Initial]:
    """Return a layer's arrays as its options say: as those of a layer of a run, and not trained."""
    made = dict(arrays)
    if init is not None and is_learned(init):
        made = {name: replace(initial, source=learned_of(init, name)) for name, initial in made.items()}
    if frozen:
        trained = [name for name, initial in made.items() if initial.kind == "trained"]
        made |= {name: replace(made[name], kind="frozen") for name in trained}
    return made


HOLDING = ("layers", "branches")
"""The options that hold layers, of any that has them."""


def few_enough(value: object) -> object:
    """Return layers as a tuple; too many, with those in them, are refused before the first is looked at."""
    if (count := _count(value)) > MOST_LAYERS:
        raise ValueError(f"expected at most {MOST_LAYERS:,} layers, found {count:,}")
    return tuples(value)


def _count(layers: object) -> int:
    """Return how many there are, as a document has them or as they are, with those in them and repeated."""
    if not isinstance(layers, list | tuple):
        return 0
    count = 0
    for layer in layers:
        options = layer if isinstance(layer, dict) else vars(layer) if isinstance(layer, Layer) else {}
        repeat = options.get("repeat")
        times = repeat if type(repeat) is int else 1
        count += max(times, 1) * (1 + sum(_count(options.get(name)) for name in HOLDING))
    return count


Layers: TypeAlias = Annotated[
    tuple[Annotated[Layer, OneOf("layer", LAYERS)], ...], BeforeValidator(few_enough), Field(min_length=1)
]
"""Layers one after the other, as a field of options: of a whole network, or of a layer that holds others."""


def plane_of(shape: Shape, layer: str) -> tuple[Pair, int]:
    """Return ((h, w), c) of a volume's shape, or raise ShapeError."""
    if len(shape) != 3:
        raise ShapeError(f"{layer} needs a volume (h, w, c), not {shape}: put it before flatten.")
    return (shape[0], shape[1]), shape[2]
