"""Transposed convolution: the input gradient of a convolution as a layer, which makes planes larger."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal

from pydantic import PositiveInt, model_validator

from convcli.config import sizes
from convcli.engine.batch.convolution import Convolution, convolution
from convcli.engine.volumes import add_bias, laid_out
from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn.layer import Initial, Shape, plane_of
from convcli.nn.layers.conv import Sliding, short
from convcli.nn.learned import Drawn, words
from convcli.nn.tape import Tape, Weights
from convcli.shapes import Pair, ReceptiveField, Window
from convcli.shapes.transposed import Transposed
from convcli.shapes.volume import Cost, transposed_cost


class TransposedConv(Sliding):
    """Each cell of the input lays down n_f windows, `stride` apart; what overlaps is added.

    It is the input gradient of the convolution with the same numbers, whose kernels `W` (f_h, f_w,
    n_f / groups, c_in) are laid down unflipped, and whose `padding` is cropped. Sizes are those of `convcli
    shape --transpose`: with padding "same" and `output_padding` s − 1 a stride s makes n·s.
    Source: Dumoulin and Visin, 2016, arXiv:1603.07285, chapter 4.
    """

    type: Literal["transposed_conv"] = "transposed_conv"
    output_padding: Annotated[Pair, sizes("output_padding", least=0)] = (0, 0)
    groups: PositiveInt = 1
    init: Drawn = None

    @model_validator(mode="after")
    def _check(self) -> TransposedConv:
        _ = self._transposed
        if self.filters % self.groups:
            raise ShapeError(f"groups = {self.groups} does not divide filters = {self.filters}.")
        return self

    @cached_property
    def _transposed(self) -> Transposed:
        return Transposed(self._window, self.output_padding)

    def transposed(self, shape: Shape) -> Transposed:
        return self._transposed

    def output_shape(self, shape: Shape) -> Shape:
        plane, channels = plane_of(shape, "transposed_conv")
        if channels % self.groups:
            raise ShapeError(f"groups = {self.groups} does not divide the input's {channels} channels.")
        return (*self._transposed.output_shape(plane), self.filters)

    def sees(self, field: ReceptiveField | None, shape: Shape) -> ReceptiveField | None:
        """Return what a window sees that pads what the crop leaves; None where the stride is above 1."""
        window = self._window
        if field is None or window.stride != (1, 1):
            return None
        top, left = (span - 1 - before for span, (before, _) in zip(window.span, window.padding, strict=True))
        return field.through(Window(window.size, (1, 1), ((top, 0), (left, 0)), window.dilation))

    def initial_kernel(self, shape: Shape) -> Initial:
        area, depth = math.prod(self.kernel), shape[2] // self.groups
        # At a stride only so many cells of a kernel meet in a number of the output.
        fan_in = max(1, round(area * depth / math.prod(self.stride)))
        size = (*self.kernel, self.filters // self.groups, shape[2])
        return Initial(size, self.scheme, fan_in, area * self.filters // self.groups)

    def _convolution(self, shape: Shape) -> Convolution:
        """Return the convolution that goes from what comes out to what goes in."""
        return convolution(self.output_shape(shape), shape[2], self._window, self.groups)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["x"], back = x, self._convolution(x.shape[1:])
        z = tape.workspace.batch("z", (len(x), *back.task.shape), x.dtype)
        back.input_gradient(_grown(x, back, tape), weights["W"], z, tape.current.scratch)
        if self.bias:
            add_bias(weights["b"], z)
        return self.activate(z, tape)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, scratch = tape.saved["x"], tape.current.scratch
        back = self._convolution(x.shape[1:])
        dz = self.deactivate(dy, tape)
        if "W" in tape.gradients:
            back.weight_gradient(_grown(x, back, tape), dz, tape.gradient("W"), scratch)
        if not tape.input_gradient:
            return dz
        dx = tape.workspace.batch("dx", (len(x), *back.task.output, x.shape[3]), x.dtype)
        back.forward(dz, weights["W"], None, dx, scratch)
        return laid_out(dx[:, : x.shape[1], : x.shape[2]])

    def multiply_adds(self, shape: Shape) -> int:
        return self._cost(shape).multiply_adds

    def column_bytes(self, shape: Shape) -> int:
        return self._cost(shape).column_bytes

    def _cost(self, shape: Shape) -> Cost:
        plane, channels = plane_of(shape, "transposed_conv")
        depths = {"channels": channels, "filters": self.filters, "groups": self.groups}
        return transposed_cost(plane, self._transposed.output_shape(plane), self.kernel, **depths)

    def summary(self) -> str:
        more = [f"output p={short(self.output_padding)}"] if self.output_padding != (0, 0) else []
        more += [f"groups={self.groups}"] if self.groups != 1 else []
        return ", ".join([self._words(*more), *words(self.init), *(["frozen"] if self.frozen else [])])


def _grown(x: Array, back: Convolution, tape: Tape) -> Array:
    """Return x, with zeros behind it where output padding that reaches the stride has room for more cells."""
    rows, columns = back.task.output
    if (rows, columns) == x.shape[1:3]:
        return x
    grown = tape.workspace.batch("grown", (len(x), rows, columns, x.shape[3]), x.dtype)
    grown[:] = 0
    grown[:, : x.shape[1], : x.shape[2]] = x
    return grown
