"""A separable convolution: each channel by itself in the plane, then all channels at each place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveInt, model_validator

from convcli.engine.batch.convolution import Convolution, convolution
from convcli.engine.workspace import Array
from convcli.nn.layer import Initial, Shape, plane_of
from convcli.nn.layers.conv import Sliding
from convcli.nn.learned import Drawn, words
from convcli.nn.tape import Tape, Weights
from convcli.shapes import Window
from convcli.shapes.volume import volume_bytes

POINT = Window.of(1)


class SeparableConv(Sliding):
    """A depthwise convolution, `depth_multiplier` kernels a channel, then n_f filters of 1×1 on the result.

    `W` (f_h, f_w, 1, c·m) are the kernels, those of a channel side by side; `P` (1, 1, c·m, n_f) mixes the
    channels. Neither bias nor activation stands between the two.
    Source: Chollet, "Xception", 2017, arXiv:1610.02357.
    """

    type: Literal["separable_conv"] = "separable_conv"
    depth_multiplier: PositiveInt = 1
    init: Drawn = None

    @model_validator(mode="after")
    def _check(self) -> SeparableConv:
        _ = self._window
        return self

    def window(self, shape: Shape) -> Window:
        return self._window

    def output_shape(self, shape: Shape) -> Shape:
        plane, _ = plane_of(shape, "separable_conv")
        return (*self._window.output_shape(plane), self.filters)

    def initial_kernel(self, shape: Shape) -> Initial:
        area, count = self.kernel[0] * self.kernel[1], shape[2] * self.depth_multiplier
        scheme = "he" if self.init == "he" else "glorot"
        return Initial((*self.kernel, 1, count), scheme, area, area * self.depth_multiplier)

    def initial_kernels(self, shape: Shape) -> dict[str, Initial]:
        kernels = self.initial_kernel(shape)
        count = kernels.shape[3]
        mixing = Initial((1, 1, count, self.filters), self.scheme, count, self.filters)
        return {"W": kernels, "P": mixing}

    def _depthwise(self, shape: Shape) -> Convolution:
        return convolution(shape, shape[2] * self.depth_multiplier, self._window, shape[2])

    def _pointwise(self, shape: Shape) -> Convolution:
        return convolution(shape, self.filters, POINT)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        depthwise, scratch = self._depthwise(x.shape[1:]), tape.current.scratch
        between = (len(x), *depthwise.task.output, depthwise.task.filters)
        mid = tape.workspace.batch("mid", between, x.dtype)
        depthwise.forward(x, weights["W"], None, mid, scratch)
        z = tape.workspace.batch("z", (*mid.shape[:3], self.filters), x.dtype)
        self._pointwise(mid.shape[1:]).forward(mid, weights["P"], weights.get("b"), z, scratch)
        tape.saved.update(x=x, mid=mid)
        return self.activate(z, tape)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, mid, scratch = tape.saved["x"], tape.saved["mid"], tape.current.scratch
        depthwise, pointwise = self._depthwise(x.shape[1:]), self._pointwise(mid.shape[1:])
        dz = self.deactivate(dy, tape)
        if "P" in tape.gradients:
            pointwise.weight_gradient(dz, mid, tape.gradient("P"), scratch)
        if not (tape.gradients or tape.input_gradient):
            return dz
        dmid = tape.workspace.batch("dmid", mid.shape, mid.dtype)
        pointwise.input_gradient(dz, weights["P"], dmid, scratch)
        if "W" in tape.gradients:
            depthwise.weight_gradient(dmid, x, tape.gradient("W"), scratch)
        if not tape.input_gradient:
            return dmid
        dx = tape.workspace.batch("dx", x.shape, x.dtype)
        depthwise.input_gradient(dmid, weights["W"], dx, scratch)
        return dx

    def multiply_adds(self, shape: Shape) -> int:
        rows, columns, filters = self.output_shape(shape)
        area = self.kernel[0] * self.kernel[1]
        return rows * columns * shape[2] * self.depth_multiplier * (area + filters)

    def activations(self, shape: Shape) -> Iterator[int]:
        rows, columns, filters = self.output_shape(shape)
        yield from (rows * columns * shape[2] * self.depth_multiplier, rows * columns * filters)

    def column_bytes(self, shape: Shape) -> int:
        """Return 0 where each channel has one kernel: no windows are copied then."""
        whole = volume_bytes(*self.output_shape(shape)[:2], *self.kernel, shape[2])
        return whole if self.depth_multiplier > 1 else 0

    def summary(self) -> str:
        more = [f"m={self.depth_multiplier}"] if self.depth_multiplier > 1 else []
        return ", ".join([self._words(*more), *words(self.init), *(["frozen"] if self.frozen else [])])
