"""A residual block: layers in a row, and a shortcut around them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn.activations import ACTIVATIONS
from convcli.nn.layer import Shape
from convcli.nn.layers.activation import ActivationName
from convcli.nn.layers.sequence import Sequence
from convcli.nn.tape import Tape, Weights


class Residual(Sequence):
    """A = g(A_prev + F(A_prev)), where F is layers in a row that keep the shape.

    Source: He, Zhang, Ren and Sun, 2016, arXiv:1512.03385, with the identity for a shortcut.
    """

    function_option: ClassVar[str] = "activation"
    serial: ClassVar[bool] = False

    type: Literal["residual"] = "residual"  # type: ignore[assignment]
    activation: ActivationName = "none"

    def output_shape(self, shape: Shape) -> Shape:
        output = super().output_shape(shape)
        if output != shape:
            raise ShapeError(
                f"Its layers make {output} of {shape}, and both are added: let them keep the shape, with "
                'padding = "same", stride 1, and as many filters as channels come in.'
            )
        return output

    def activations(self, shape: Shape) -> Iterator[int]:
        yield from super().activations(shape)
        yield math.prod(shape)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        a = tape.saved["a"] = tape.workspace.array("a", x.shape, x.dtype)
        np.add(x, super().forward(x, weights, tape), out=a)
        ACTIVATIONS[self.activation].apply(a)
        return a

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        ACTIVATIONS[self.activation].derive(dy, tape.saved["a"])
        dx = tape.workspace.array("dx", dy.shape, dy.dtype)
        np.copyto(dx, dy)  # the layers may overwrite dZ
        through = super().backward(dy, weights, tape)
        return np.add(dx, through, out=dx) if tape.input_gradient else through

    def summary(self) -> str:
        words = super().summary()
        return words if self.activation == "none" else f"{words}, {self.activation}"
