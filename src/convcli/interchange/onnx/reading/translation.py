"""From the nodes of a graph to steps, one after the other; what cannot be said is gathered, not thrown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from pydantic import ValidationError

from convcli.engine.workspace import Array
from convcli.errors import ConvcliError, InputError
from convcli.interchange.onnx.reading.folding import folded
from convcli.interchange.onnx.reading.graph import Graph, Inexpressible, Node, neat, refusal
from convcli.interchange.onnx.reading.steps import Affine, Does, Formula, Ours, Step
from convcli.interchange.onnx.reading.views import View, axis, row, size_of, volume
from convcli.nn.layer import LAYERS, Layer, Shape
from convcli.nn.network import MOST_ACTIVATIONS
from convcli.nn.places import MOST_NUMBERS
from convcli.registry import Registry
from convcli.wording import by

Translator: TypeAlias = Callable[["Translation", Node], None]

NODES: Registry[Translator] = Registry("ONNX operator")
"""What translates the nodes of an operator. Each adds steps and names what its node makes, or raises
Inexpressible."""

# Of all weights, and of what comes out of a step for one image.
MOST_WEIGHTS, MOST_OUTPUTS = MOST_NUMBERS, MOST_ACTIVATIONS


@dataclass(frozen=True)
class Value:
    """A value of the graph that depends on the image: the output of a step, seen as ONNX has it."""

    step: int
    view: View


class Translation:
    """A graph on its way.

    Attributes
    ----------
    steps
        What has been found so far.
    values
        Values by name.
    constants
        Arrays by name.
    """

    def __init__(self, onnx: Any, graph: Graph, image: View) -> None:
        self.onnx, self.graph = onnx, graph
        self.steps: list[Step] = []
        self.shapes: list[Shape] = [image.own_shape]
        self.constants: dict[str, Array] = dict(graph.constants)
        self.values: dict[str, Value] = {graph.image.name: Value(0, image)}
        self.notes: list[str] = []
        self._problems: list[str] = []
        self._weights = 0
        self.batch = image.batch

    def run(self) -> Value:
        """Translate all nodes and return what comes out.

        Raises InputError with a line for each node that cannot be expressed.
        """
        nodes, wanted = _needed(self.graph)
        for node in nodes:
            if not self._known(node):
                continue  # what it depends on is among the problems
            made = folded(self.onnx, node, self.constants, self.graph.opset, self.graph.where)
            if made is not None:
                self.constants |= made
                continue
            try:
                self._translate(node, wanted)
            except (Inexpressible, ConvcliError) as error:
                if isinstance(error, InputError):
                    raise
                self._give_up(node, str(error))
        if self._problems:
            raise refusal(self.graph.where, self._problems)
        if self.graph.output not in self.values:
            raise InputError(f"{self.graph.where}: what comes out of it does not depend on the image.")
        return self.values[self.graph.output]

    def _known(self, node: Node) -> bool:
        return all(not name or name in self.values or name in self.constants for name in node.inputs)

    def _translate(self, node: Node, wanted: Set[str]) -> None:
        if node.op not in NODES:
            raise Inexpressible("no layer does this")
        NODES[node.op](self, node)
        if any(
            name in wanted and not (name in self.values or name in self.constants) for name in node.outputs
        ):
            raise Inexpressible("another output than its first is used")

    def _give_up(self, node: Node, why: str) -> None:
        """Remember a node that cannot be expressed, and go on behind it as far as its shape is known."""
        shapes = self.graph.inferred()
        given = [self._shape(name, shapes) for name in node.inputs if name]
        made = [self._shape(name, shapes) for name in node.outputs if name]
        places = f"{', '.join(given)} → {', '.join(made)}"
        self._problems.append(f"{node} ({places}): {why.removesuffix('.')}.")
        for name in node.outputs:
            shape = shapes.get(name, ())
            if len(shape) in (2, 4) and all(size > 0 for size in shape[1:]):
                known = (shape[2], shape[3], shape[1]) if len(shape) == 4 else shape[1:]
                view = volume(known, self.batch) if len(shape) == 4 else row(shape[1], self.batch)
                self.shapes.append(known)
                self.steps.append(Step(node, Formula(lambda x: x), (0,), known, known))
                self.values[name] = Value(len(self.steps), view)

    def _shape(self, name: str, inferred: Mapping[str, Shape]) -> str:
        if name in self.values:
            return by(self.values[name].view.shape) or "1"
        if name in self.constants:
            return by(self.constants[name].shape) or "1"
        return " × ".join(str(size or "n") for size in inferred.get(name, ())) or "?"

    # What translators ask for.

    def value(self, node: Node, position: int = 0) -> Value:
        """Return an input that depends on the image."""
        name = node.input(position)
        if not name:
            raise InputError(f"{self.graph.where}: {node}: damaged: it lacks an input.")
        if name not in self.values:
            raise Inexpressible("it takes a constant where an image's numbers are expected")
        return self.values[name]

    def constant(self, node: Node, position: int, what: str) -> Array:
        """Return an input that is a constant."""
        found = self.optional(node, position, what)
        if found is None:
            raise InputError(f"{self.graph.where}: {node}: damaged: without its {what}.")
        return found

    def optional(self, node: Node, position: int, what: str) -> Array | None:
        """Return an input that is a constant, None if it is not given."""
        name = node.input(position)
        if not name:
            return None
        if name not in self.constants:
            raise Inexpressible(f"its {what} depends on the image")
        return self.constants[name]

    def number(self, node: Node, position: int, what: str, usual: float) -> float:
        """Return an input that is a constant of one number; what is usual if it is not given."""
        found = self.optional(node, position, what)
        if found is None or not found.size:
            return usual
        if found.size != 1:
            raise InputError(f"{self.graph.where}: {node}: damaged: its {what} is {by(found.shape)}.")
        return neat(found.ravel()[0])

    def volume(self, node: Node, position: int = 0) -> Value:
        """Return an input as (n, c, h, w) that lies as ours does; channels are put in order for it."""
        value = self.value(node, position)
        view = value.view
        if len(view.axes) != 4:
            raise Inexpressible(f"images have 4 axes, it takes {len(view.axes)}")
        value = self.ordered(node, value)
        if value.view.is_volume:
            return value
        raise Inexpressible(f"its input of {by(view.shape)} is no volume of channels, rows and columns")

    def ordered(self, node: Node, value: Value) -> Value:
        """Return a value whose channels are in the order of ours, shuffled for it if ONNX has them so."""
        own, axes, channels = value.view.own, value.view.axes, value.view.channels
        turns = {channels[k:] + channels[:k]: size_of(channels[:k]) for k in range(1, len(channels))}
        found = next((one for one in axes if one in turns), None)
        if found is None:
            return value
        table = {"type": "channel_shuffle", "groups": turns[found]}
        new = axis(size_of(channels))
        turned = tuple(new if one == found else one for one in axes)
        return Value(self.step(node, Ours(table), value), View((*own[:-1], new), turned, self.batch))

    def flat(self, node: Node, position: int = 0) -> Value:
        """Return an input as a row of numbers for each sample, in whatever order."""
        value = self.value(node, position)
        return self.as_flat(node, value)

    def as_flat(self, node: Node, value: Value) -> Value:
        """Return a value as a row of numbers for each sample, in whatever order."""
        view = value.view
        if not view.is_flat:
            raise Inexpressible(f"its input of {by(view.shape)} is no row of numbers for each sample")
        if len(view.own) == 1:
            return value
        step = self.step(node, Ours({"type": "flatten"}), value)
        return Value(step, view.flattened())

    # What translators add.

    def step(self, node: Node, does: Does, *values: Value, output: Shape | None = None) -> int:
        """Add a step and return its number; a layer's output is what it says itself."""
        shape = self.shapes[values[0].step]
        if isinstance(does, Ours):
            layer = _layer(does.table)
            output = layer.output_shape(shape)
            self._check_weights(node, layer, shape, does.weights)
            self._weights += sum(array.size for array in does.weights.values())
        assert output is not None
        for count, most, what in (
            (math.prod(output), MOST_OUTPUTS, "numbers for each image"),
            (self._weights, MOST_WEIGHTS, "weights in all"),
        ):
            if count > most:
                raise Inexpressible(f"it makes {count:,} {what}; at most {most:,} are possible")
        self.steps.append(Step(node, does, tuple(value.step for value in values), shape, output))
        self.shapes.append(output)
        return len(self.steps)

    def _check_weights(self, node: Node, layer: Layer, shape: Shape, weights: Mapping[str, Array]) -> None:
        """Raise InputError unless weights have the shapes that the layer has them in."""
        for name, initial in layer.initial_weights(shape).items():
            found = weights[name].shape if name in weights else ()
            if found != initial.shape:
                raise InputError(
                    f"{self.graph.where}: {node}: damaged: weights of {by(found)} for {by(shape)}."
                )

    def layer(
        self, node: Node, value: Value, table: dict[str, Any], weights: Mapping[str, Array] | None = None
    ) -> Value:
        """Add a layer; what comes out is seen as ONNX's usual volume, or row."""
        step = self.step(node, Ours(table, weights or {}), value)
        output = self.shapes[step]
        return Value(step, volume(output, self.batch) if len(output) == 3 else row(output[0], self.batch))

    def same(self, node: Node, value: Value, does: Does) -> Value:
        """Add what changes numbers and no shape; they are seen as before."""
        return Value(self.step(node, does, value, output=self.shapes[value.step]), value.view)

    def activation(self, node: Node, value: Value, function: Any) -> Value:
        """Add an activation function."""
        return self.same(node, value, Ours({"type": "activation", "function": function}))

    def affine(self, node: Node, value: Value, scale: Array, shift: Array) -> Value:
        """Add a factor and a term, constants as ONNX would multiply and add them."""
        why = "its constant differs from place to place, or makes the shape larger"
        value, (one, other) = self.along(node, value, (scale, shift), why)
        return self.same(node, value, Affine(one.astype(np.float64), other.astype(np.float64)))

    def along(
        self, node: Node, value: Value, constants: Sequence[Array], why: str
    ) -> tuple[Value, list[Array]]:
        """Return constants, as ONNX would broadcast them, along our channels; and the value that has those.

        It is flattened for it, if need be. Raises Inexpressible, for this reason, where they differ from cell
        to cell.
        """
        vectors = [value.view.along_channels(numbers) for numbers in constants]
        lazily = value.view.is_flat and len(value.view.own) > 1 and len(value.view.axes) < 4
        if any(vector is None for vector in vectors) and lazily:
            value = self.as_flat(node, value)
            vectors = [value.view.along_channels(numbers) for numbers in constants]
        if any(vector is None for vector in vectors):
            raise Inexpressible(why)
        return value, [vector for vector in vectors if vector is not None]

    def name(self, node: Node, value: Value, output: int = 0) -> None:
        """Say what an output of the node is."""
        self.values[node.outputs[output]] = value


def translates(*ops: str) -> Callable[[Translator], Translator]:
    """Register what translates nodes of these operators."""

    def register(function: Translator) -> Translator:
        for op in ops:
            NODES.register(op)(function)
        return function

    return register


def _layer(table: Mapping[str, Any]) -> Layer:
    """Return the layer of a table, or raise Inexpressible where an option is beyond what it may be."""
    try:
        return LAYERS[str(table["type"])].model_validate(table)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        option = ".".join(map(str, fault["loc"])) or table["type"]
        raise Inexpressible(f"{table['type']}: {option}: {fault['msg']}") from None


def _needed(graph: Graph) -> tuple[Sequence[Node], Set[str]]:
    """Return the nodes that the output depends on, and the names of the values."""
    wanted, needed = {graph.output}, list[Node]()
    for node in reversed(graph.nodes):
        if not wanted.isdisjoint(node.outputs):
            wanted.update(name for name in node.inputs if name)
            needed.append(node)
    return needed[::-1], wanted
