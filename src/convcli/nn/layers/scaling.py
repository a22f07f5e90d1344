"""Layers that multiply: by a constant, or what is below 0 by a slope that is trained."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator

from convcli.engine.sums import column_products
from convcli.engine.volumes import laid_out, line, lines
from convcli.engine.workspace import Array
from convcli.nn.layer import Initial, Layer, Shape, begun
from convcli.nn.learned import Learned, words
from convcli.nn.tape import Tape, Weights

FIRST_SLOPE = 0.25
LEAST_FACTOR, LARGEST_FACTOR = 1e-6, 1e6


def _sensible(factor: float) -> float:
    if not LEAST_FACTOR <= abs(factor) <= LARGEST_FACTOR:
        sizes = f"a number, or minus a number, of {LEAST_FACTOR:g} … {LARGEST_FACTOR:,.0f}"
        raise ValueError(f"expected {sizes}, not {factor!r}")
    return factor


class Scale(Layer):
    """All numbers times a constant."""

    type: Literal["scale"] = "scale"
    factor: Annotated[float, AfterValidator(_sensible)]

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        y = tape.workspace.batch("y", x.shape, x.dtype)
        np.multiply(x, x.dtype.type(self.factor), out=y)
        return y

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        dy *= dy.dtype.type(self.factor)
        return dy

    def summary(self) -> str:
        return f"{self.factor:g}"


class Prelu(Layer):
    """max(x, 0) + slope · min(x, 0), where a slope for each channel, or one for all (`shared`), is trained.

    It begins at 0.25, and weight decay leaves it alone.
    Source: He, Zhang, Ren and Sun, 2015, arXiv:1502.01852.
    """

    type: Literal["prelu"] = "prelu"
    shared: bool = False
    frozen: bool = False
    init: Learned = None

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def initial_weights(self, shape: Shape) -> dict[str, Initial]:
        count = 1 if self.shared else shape[-1]
        slope = Initial((count,), "constant", value=FIRST_SLOPE)
        return begun({"slope": slope}, self.init, frozen=self.frozen)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        x = laid_out(x)
        y, below = (tape.workspace.batch(name, x.shape, x.dtype) for name in ("y", "below"))
        np.minimum(x, 0, out=below)
        np.multiply(lines(below), _slopes(weights["slope"], x), out=lines(y))
        y += np.maximum(x, 0)
        tape.saved["x"] = x
        return y

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, slope = tape.saved["x"], weights["slope"]
        if "slope" in tape.gradients:
            dslope = column_products(dy, tape.workspace.batch("below", x.shape, x.dtype))
            tape.add("slope", dslope.sum(keepdims=True) if self.shared else dslope)
        dx = tape.workspace.batch("dx", x.shape, x.dtype)
        slopes = lines(dx)
        np.multiply(lines(x) > 0, 1 - _slopes(slope, x), out=slopes)
        slopes += _slopes(slope, x)
        return np.multiply(dy, dx, out=dx)

    def summary(self) -> str:
        told = ["shared"] if self.shared else []
        return ", ".join([*told, *words(self.init), *(["frozen"] if self.frozen else [])])


def _slopes(slope: Array, x: Array) -> Array:
    """Return a slope for each number of a row of `lines(x)`."""
    return line(np.broadcast_to(slope, x.shape[-1:]), x)
