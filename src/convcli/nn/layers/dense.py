"""Fully connected layers, and the flattening before them."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import PositiveInt

from convcli.engine.products import multiply
from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn.layer import Initial, Layer, Shape
from convcli.nn.layers.activation import Affine
from convcli.nn.learned import Drawn, words
from convcli.nn.tape import Tape, Weights


class Flatten(Layer):
    """A volume as one row of numbers."""

    type: Literal["flatten"] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["shape"] = x.shape
        y = tape.workspace.array("y", (len(x), math.prod(x.shape[1:])), x.dtype)
        y.reshape(x.shape)[...] = x
        return y

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        shape = tape.saved["shape"]
        dx = tape.workspace.batch("dx", shape, dy.dtype)
        dx[...] = dy.reshape(shape)
        return dx


class Dense(Affine):
    """Every output sees every input. Without `units` it gets one for each class."""

    type: Literal["dense"] = "dense"
    units: PositiveInt | None = None
    init: Drawn = None

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(f"dense needs a flat input, not {shape}: put a flatten layer before it.")
        if self.units is None:
            raise ShapeError("dense needs `units`; only the last layer's default to the number of classes.")
        return (self.units,)

    def for_classes(self, classes: int) -> Dense:
        return self if self.units is not None else self.model_copy(update={"units": classes})

    def initial_kernel(self, shape: Shape) -> Initial:
        units = self.output_shape(shape)[0]
        return Initial((shape[0], units), self.scheme, shape[0], units)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["x"] = x
        w = weights["W"]
        z = tape.workspace.batch("z", (len(x), w.shape[1]), x.dtype)
        multiply(x, w, z)
        if self.bias:
            z += weights["b"]
        return self.activate(z, tape)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, w = tape.saved["x"], weights["W"]
        dz = self.deactivate(dy, tape)
        if "W" in tape.gradients and tape.current.fresh:
            multiply(x.T, dz, tape.gradients["W"])
        elif "W" in tape.gradients:
            product = tape.current.scratch.array("dw", w.shape, w.dtype)
            tape.add("W", multiply(x.T, dz, product))
        if not tape.input_gradient:
            return dz
        dx = tape.workspace.batch("dx", x.shape, x.dtype)
        # With dZ copied to lie as W does, transposed, BLAS need not copy the blocks.
        return multiply(np.asfortranarray(dz), w.T, dx)

    def multiply_adds(self, shape: Shape) -> int:
        return shape[0] * self.output_shape(shape)[0]

    def summary(self) -> str:
        told = [str(self.units)] if self.units else []
        told += self.activation.words
        return ", ".join([*told, *words(self.init), *(["frozen"] if self.frozen else [])])
