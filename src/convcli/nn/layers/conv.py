"""Convolution as a layer: Z = W * A_prev + b, A = g(Z)."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, PositiveInt, model_validator

from convcli.config import any_padding, sizes
from convcli.engine.batch.convolution import Convolution, convolution
from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn import learned
from convcli.nn.filter_bank import Dirac, FilterBank, Init, Planned, bank_of, checked_init
from convcli.nn.layer import Initial, Shape, plane_of
from convcli.nn.layers.activation import Affine
from convcli.nn.tape import Tape, Weights
from convcli.nn.whitening import Whitened
from convcli.shapes import Pair, Sides, Window
from convcli.shapes.volume import volume_bytes


class Sliding(Affine):
    """Filters that a layer lays on its input, or on its output, at each place of a window."""

    filters: PositiveInt
    kernel: Annotated[Pair, sizes("kernel")] = (3, 3)
    stride: Annotated[Pair, sizes("stride")] = (1, 1)
    padding: Annotated[str | int | Pair | Sides, BeforeValidator(any_padding)] = "valid"
    dilation: Annotated[Pair, sizes("dilation")] = (1, 1)

    @cached_property
    def _window(self) -> Window:
        return Window.of(self.kernel, stride=self.stride, padding=self.padding, dilation=self.dilation)

    def _words(self, *more: str) -> str:
        """Return the options in a few words, and `more` before the activation."""
        words = [f"{self.filters} × {self.kernel[0]}×{self.kernel[1]}", f"p={short(self.padding)}"]
        words += [f"s={short(self.stride)}"] if self.stride != (1, 1) else []
        words += [f"d={short(self.dilation)}"] if self.dilation != (1, 1) else []
        words += [*more, *self.activation.words]
        return ", ".join(words)


class Conv(Sliding):
    """n_f filters of size f_h×f_w×n_c, with stride, padding, dilation and groups."""

    type: Literal["conv"] = "conv"
    groups: PositiveInt = 1
    init: Annotated[Init | None, BeforeValidator(checked_init)] = None

    @model_validator(mode="after")
    def _check(self) -> Conv:
        _ = self._window, self._bank
        if self.filters % self.groups:
            raise ShapeError(f"groups = {self.groups} does not divide filters = {self.filters}.")
        if self.init == "whiten" and self.groups != 1:
            raise ShapeError(
                f'init = "whiten" takes patches of all channels, so groups = 1, not {self.groups}.'
            )
        return self

    @cached_property
    def _bank(self) -> tuple[Planned, ...]:
        """The kernels that W begins with; none if it is drawn."""
        return bank_of(self.init, self.kernel, self.filters)

    def window(self, shape: Shape) -> Window:
        return self._window

    def convolution(self, shape: Shape) -> Convolution:
        """Return what computes the layer for an input of `shape`."""
        return convolution(shape, self.filters, self._window, self.groups)

    def output_shape(self, shape: Shape) -> Shape:
        plane, channels = plane_of(shape, "conv")
        if channels % self.groups:
            raise ShapeError(f"groups = {self.groups} does not divide the input's {channels} channels.")
        return (*self._window.output_shape(plane), self.filters)

    def initial_kernel(self, shape: Shape) -> Initial:
        area, depth = self.kernel[0] * self.kernel[1], shape[2] // self.groups
        size = (*self.kernel, depth, self.filters)
        if self.init == "whiten":
            return Whitened.of(size, shape, self.dilation)
        if self._bank:
            return FilterBank(size, "kernels", kernels=self._bank)
        fan_out = area * self.filters // self.groups
        if self.init == "dirac":
            return Dirac(size, self.usual_scheme, area * depth, fan_out, groups=self.groups)
        return Initial(size, self.scheme, area * depth, fan_out)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["x"] = x
        z = tape.workspace.batch("z", (len(x), *self.output_shape(x.shape[1:])), x.dtype)
        self.convolution(x.shape[1:]).forward(x, weights["W"], weights.get("b"), z, tape.current.scratch)
        return self.activate(z, tape)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x = tape.saved["x"]
        dz = self.deactivate(dy, tape)
        if "W" in tape.gradients:
            self.convolution(x.shape[1:]).weight_gradient(dz, x, tape.gradient("W"), tape.current.scratch)
        if not tape.input_gradient:
            return dz
        dx = tape.workspace.batch("dx", x.shape, x.dtype)
        self.convolution(x.shape[1:]).input_gradient(dz, weights["W"], dx, tape.current.scratch)
        return dx

    def multiply_adds(self, shape: Shape) -> int:
        rows, columns, filters = self.output_shape(shape)
        return rows * columns * filters * self.kernel[0] * self.kernel[1] * shape[2] // self.groups

    def column_bytes(self, shape: Shape) -> int:
        return volume_bytes(*self.output_shape(shape)[:2], *self.kernel, shape[2])

    def summary(self) -> str:
        words = [self._words(*([f"groups={self.groups}"] if self.groups != 1 else []))]
        words += [" + ".join(kernel.name for kernel in self._bank)] if self._bank else []
        words += [self.init] if self.init in ("dirac", "whiten") else learned.words(self.init)
        words += ["frozen"] if self.frozen else []
        return ", ".join(words)


def short(value: object) -> str:
    """Return a size or padding in short: once where it is the same for rows and columns."""
    if isinstance(value, tuple) and value[0] == value[1] and not isinstance(value[0], tuple):
        return str(value[0])
    return str(value).replace(" ", "")
