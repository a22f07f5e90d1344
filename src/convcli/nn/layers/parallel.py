"""Branches beside each other, which all take the same input."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field

from convcli.config import OneOf
from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn.layer import LAYERS, Initial, Layer, Shape, begun, few_enough
from convcli.nn.layers.sequence import expanded
from convcli.nn.learned import Learned, words
from convcli.nn.tape import Tape, Weights
from convcli.shapes import ReceptiveField, joined
from convcli.wording import by, first_of


def _in_a_row(value: object) -> object:
    """Return a table of nothing but layers as the sequence that it is."""
    return {"type": "sequence", **value} if isinstance(value, dict) and "layers" in value else value


Branches: TypeAlias = Annotated[
    tuple[Annotated[Layer, OneOf("layer", LAYERS), BeforeValidator(_in_a_row)], ...],
    BeforeValidator(few_enough),
    Field(min_length=1),
]


class Parallel(Layer):
    """Branches that all take the input; what they make of it is concatenated on channels, or added.

    A branch is a layer, or a table of `layers` in a row. Frozen, all in it are.
    Source: Szegedy and others, "Going deeper with convolutions", 2015, arXiv:1409.4842.
    """

    type: Literal["parallel"] = "parallel"
    branches: Branches
    combine: Literal["concatenate", "add"] = "concatenate"
    frozen: bool = False
    init: Learned = None

    @property
    def children(self) -> tuple[Layer, ...]:
        return self._expanded

    @cached_property
    def _expanded(self) -> tuple[Layer, ...]:
        return expanded(self.branches, frozen=self.frozen)

    def initial_weights(self, shape: Shape) -> dict[str, Initial]:
        return begun(super().initial_weights(shape), self.init, frozen=False)

    def inside(self, shape: Shape) -> Iterator[tuple[Layer, Shape]]:
        return ((branch, shape) for branch in self.children)

    def fields(self, field: ReceptiveField | None, shape: Shape) -> Iterator[ReceptiveField | None]:
        return (field for _ in self.children)

    def sees(self, field: ReceptiveField | None, shape: Shape) -> ReceptiveField | None:
        return joined([branch.sees(field, shape) for branch in self.children])

    def output_shape(self, shape: Shape) -> Shape:
        outputs = [branch.output_shape(shape) for branch in self.children]
        alike = outputs if self.combine == "add" else [output[:-1] for output in outputs]
        if len(set(alike)) > 1:
            made = first_of([f"branch {number} {by(output)}" for number, output in enumerate(outputs, 1)])
            added = self.combine == "add"
            what = "all sizes of what is added" if added else "rows and columns of what is concatenated"
            raise ShapeError(
                f"Of {by(shape)} its branches make different sizes ({made}), and {what} have to agree: give "
                'them the same strides, and padding = "same".'
            )
        if self.combine == "add":
            return outputs[0]
        return (*outputs[0][:-1], sum(output[-1] for output in outputs))

    def for_classes(self, classes: int) -> Layer:
        if self.combine != "add":
            return self
        branches = tuple(branch.for_classes(classes) for branch in self.branches)
        return self.model_validate({**dict(self), "branches": branches})

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        outputs = [tape.through(n, branch, x, weights) for n, branch in enumerate(self.children)]
        channels = tape.saved["channels"] = [output.shape[-1] for output in outputs]
        if self.combine == "add":
            y = tape.workspace.batch("y", outputs[0].shape, x.dtype)
            np.copyto(y, outputs[0])
            for output in outputs[1:]:
                y += output
            return y
        y = tape.workspace.batch("y", (*outputs[0].shape[:-1], sum(channels)), x.dtype)
        return np.concatenate(outputs, axis=-1, out=y)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        dx: Array | None = None
        ends = list(accumulate(tape.saved["channels"], initial=0))
        for n, branch in enumerate(self.children):
            if not tape.input_gradient and not tape.gradients.inner[n].some:
                continue  # nobody asks
            share = dy if self.combine == "add" else dy[..., ends[n] : ends[n + 1]]
            own = tape.workspace.batch(f"dy{n}", share.shape, dy.dtype)  # which a branch may overwrite
            np.copyto(own, share)
            back = tape.back(n, branch, own, weights, input_gradient=tape.input_gradient)
            dx = back if dx is None or not tape.input_gradient else np.add(dx, back, out=dx)
        return dy if dx is None else dx

    def summary(self) -> str:
        told = [f"{len(self.children)} branch{'es' * (len(self.children) > 1)}"]
        told += ["added"] if self.combine == "add" else []
        return ", ".join([*told, *words(self.init), *(["frozen"] if self.frozen else [])])
