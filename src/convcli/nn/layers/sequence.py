"""Layers in a row as a layer: a loop forward, and the same loop reversed. A network is one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar, Literal

from convcli.engine.workspace import Array
from convcli.nn.layer import Initial, Layer, Layers, Shape, begun
from convcli.nn.layers.fused import Placed, fold, folded, plan
from convcli.nn.learned import Learned, words
from convcli.nn.tape import Computation, Tape, Weights
from convcli.shapes import ReceptiveField
from convcli.wording import counted


class Sequence(Layer):
    """Layers one after the other, as one. Frozen, all in it are."""

    serial: ClassVar[bool] = True

    type: Literal["sequence"] = "sequence"
    layers: Layers
    frozen: bool = False
    init: Learned = None

    @property
    def children(self) -> tuple[Layer, ...]:
        return self._expanded

    @cached_property
    def _expanded(self) -> tuple[Layer, ...]:
        return expanded(self.layers, frozen=self.frozen)

    @cached_property
    def steps(self) -> list[tuple[int, Computation]]:
        """What is called, in order: layers, or neighbours as one, each with its position."""
        return plan(enumerate(self.children))

    @cached_property
    def predicting(self) -> tuple[list[tuple[int, Computation]], list[Placed]]:
        """What is called where only outputs are asked for, and which layers are in others' weights then."""
        left, norms = fold(self.children)
        return plan(left), norms

    def _steps(self, tape: Tape) -> list[tuple[int, Computation]]:
        return list(enumerate(self.children)) if tape.current.records else self.steps

    def inside(self, shape: Shape) -> Iterator[tuple[Layer, Shape]]:
        for layer in self.children:
            yield layer, shape
            shape = layer.output_shape(shape)

    def output_shape(self, shape: Shape) -> Shape:
        for layer in self.children:
            shape = layer.output_shape(shape)
        return shape

    def initial_weights(self, shape: Shape) -> dict[str, Initial]:
        return begun(super().initial_weights(shape), self.init, frozen=False)

    def activations(self, shape: Shape) -> Iterator[int]:
        for layer, given in self.inside(shape):
            yield from layer.activations(given)  # what comes out of the last one is what comes out here

    def fields(self, field: ReceptiveField | None, shape: Shape) -> Iterator[ReceptiveField | None]:
        for layer, given in self.inside(shape):
            yield field
            field = layer.sees(field, given)

    def sees(self, field: ReceptiveField | None, shape: Shape) -> ReceptiveField | None:
        for layer, given in self.inside(shape):
            field = layer.sees(field, given)
        return field

    def for_classes(self, classes: int) -> Sequence:
        *others, last = self.layers
        # Not `model_copy`, which would copy the steps with the old layer.
        return self.model_validate({**dict(self), "layers": (*others, last.for_classes(classes))})

    def summary(self) -> str:
        first, *others = self.children
        told = counted(len(others) + 1, "layer")
        if others and all(layer == first for layer in others):
            told = f"{len(others) + 1} × {first.name()} {first.summary()}".rstrip()
        return ", ".join([told, *words(self.init), *(["frozen"] if self.frozen else [])])

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        steps = self._steps(tape)
        if tape.current.folds:
            steps, norms = self.predicting
            weights = folded(norms, weights)
        for position, step in steps:
            x = tape.through(position, step, x, weights)
        return x

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        """Return dL/dx where it is asked for; else the way back ends at the first layer that is trained."""
        trained = (position for position, own in enumerate(tape.gradients.inner) if own.some)
        first = next(trained, len(self.children))
        for position, step in reversed(self._steps(tape)):
            wanted = tape.input_gradient or position > first
            dy = tape.back(position, step, dy, weights, input_gradient=wanted)
            if not wanted:
                break
        return dy


def expanded(layers: tuple[Layer, ...], *, frozen: bool = False) -> tuple[Layer, ...]:
    """Return layers as they stand in a network: one with `repeat` is a sequence of so many.

    So those behind it keep the numbers under which they were written. In a layer that is `frozen` they are.
    """
    standing = map(_frozen, layers) if frozen else layers
    return tuple(layer if layer.repeat is None else _repeated(layer, layer.repeat) for layer in standing)


def _frozen(layer: Layer) -> Layer:
    if "frozen" not in type(layer).model_fields:
        return layer
    said = {name: value for name, value in layer if value is not None}
    return layer.model_validate({**said, "frozen": True})  # a copy would have the old children


def _repeated(layer: Layer, times: int) -> Sequence:
    return Sequence(layers=(layer.model_copy(update={"repeat": None}),) * times)
