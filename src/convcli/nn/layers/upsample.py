"""Upsampling as a layer: planes that grow by repeating what they have."""

from __future__ import annotations

from typing import Annotated, Literal

from convcli.config import sizes
from convcli.engine.workspace import Array
from convcli.nn.layer import Layer, Shape, plane_of
from convcli.nn.tape import Tape, Weights
from convcli.shapes import Pair, ReceptiveField


class Upsample(Layer):
    """Each cell repeated `factor` times along rows and columns: its nearest neighbours in the larger plane.

    The gradient of a cell is the sum over its repetitions.
    """

    type: Literal["upsample"] = "upsample"
    factor: Annotated[Pair, sizes("factor")] = (2, 2)

    def output_shape(self, shape: Shape) -> Shape:
        (rows, columns), channels = plane_of(shape, "upsample")
        return rows * self.factor[0], columns * self.factor[1], channels

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        n, rows, columns, channels = x.shape
        blocks = (n, rows, self.factor[0], columns, self.factor[1], channels)
        y = tape.workspace.array("y", blocks, x.dtype)
        y[...] = x[:, :, None, :, None]
        return y.reshape(n, *self.output_shape(x.shape[1:]))

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        n, rows, columns, channels = dy.shape
        (times, across), blocks = self.factor, tape.workspace
        size = (n, rows // times, columns // across, channels)
        dx = blocks.array("dx", size, dy.dtype)
        return dy.reshape(n, size[1], times, size[2], across, channels).sum((2, 4), out=dx)

    def sees(self, field: ReceptiveField | None, shape: Shape) -> ReceptiveField | None:
        """Return None: neighbours may see the same, so that what windows behind it see is not even."""
        return None

    def summary(self) -> str:
        return "×".join(map(str, self.factor))
