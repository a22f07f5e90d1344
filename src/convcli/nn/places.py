"""Where each layer of a network stands: what goes in and comes out, and what a cell sees of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass

from convcli.errors import ConfigError, ShapeError
from convcli.nn.layer import Layer, Shape
from convcli.nn.tape import LayerNumber
from convcli.shapes import ReceptiveField
from convcli.wording import by

MOST_NUMBERS = 1 << 30  # of all weights, or in one array: 4 GiB of float32


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
    def within(self) -> LayerNumber | None:
        """The number of the layer that it stands in, if it does."""
        outer = str(self.number).rpartition(".")[0]
        return _number(outer) if outer else None

    @property
    def inner(self) -> bool:
        """Whether it stands in another layer."""
        return self.within is not None

    @property
    def title(self) -> str:
        """Its type and options in a few words."""
        return f"{self.layer.name()} {self.options}".strip()

    @property
    def options(self) -> str:
        """Its options in a few words, and what they come to for its input."""
        return ", ".join(filter(None, (self.layer.summary(), self.layer.remark(self.input))))

    @property
    def trained(self) -> int:
        return self._count("trained")

    @property
    def frozen(self) -> int:
        return self._count("frozen")

    def _count(self, kind: str) -> int:
        arrays = self.layer.initial_weights(self.input).values()
        return sum(initial.size for initial in arrays if initial.kind == kind)


def places_in(layer: Layer, shape: Shape, field: ReceptiveField | None, number: str = "") -> list[Place]:
    """Return where the layers in a layer stand, which takes an input of `shape` that sees `field`.

    Each is followed by those in it. `number` is that of the layer, if it has one.

    Raises
    ------
    ConfigError
        If a layer cannot take what goes into it, or no memory would hold its weights or what comes out.
    """
    given = zip(layer.inside(shape), layer.fields(field, shape), strict=True)
    return [
        place
        for position, ((child, inner), seen) in enumerate(given, 1)
        for place in _placed(child, f"{number}.{position}".lstrip("."), inner, seen)
    ]


def _placed(layer: Layer, number: str, shape: Shape, field: ReceptiveField | None) -> list[Place]:
    """Return where a layer and all in it stand; those first, so that the innermost that errs is named."""
    inner = places_in(layer, shape, field, number)
    try:
        output = _affordable(layer, shape)
    except ShapeError as error:
        told = f"{_name(number, layer)} cannot take its input of {by(shape)}."
        raise ConfigError(f"{told} {error}") from None
    place = Place(_number(number), layer, shape, output, layer.sees(field, shape))
    return [place, *inner]


def _affordable(layer: Layer, shape: Shape) -> Shape:
    """Return the layer's output shape, or raise ShapeError where no memory would hold it or its weights."""
    output = layer.output_shape(shape)
    weights = sum(initial.size for initial in layer.initial_weights(shape).values())
    for count, what in ((weights, "weights"), (math.prod(output), "outputs for each image")):
        if count > MOST_NUMBERS:
            raise ShapeError(f"It would have {count:,} {what}; at most {MOST_NUMBERS:,} are possible.")
    return output


def _number(text: str) -> LayerNumber:
    return text if "." in text else int(text)


def _name(number: LayerNumber, layer: Layer) -> str:
    return f"[[layers]] {str(number).replace('.', ' → inside ')} ({layer.name()})"
