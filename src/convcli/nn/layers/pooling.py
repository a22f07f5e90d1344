"""Pooling as layers: maximum or mean of windows that slide, of windows that share a plane, of channels."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator

from convcli.config import Size, any_padding, sizes
from convcli.engine.batch import pooling
from convcli.engine.batch.taps import AnyWindow
from convcli.engine.workspace import Array
from convcli.nn.layer import Layer, Shape, plane_of
from convcli.nn.layers.conv import short
from convcli.nn.tape import Tape, Weights
from convcli.shapes import Pair, ReceptiveField, Sides, Window
from convcli.shapes.pooling import AdaptiveWindow, PoolWindow


class _Pooling(Layer):
    """What slides or shares windows."""

    @abstractmethod
    def windows(self, shape: Shape) -> AnyWindow:
        """Return the windows on an input of `shape`."""

    def output_shape(self, shape: Shape) -> Shape:
        plane, channels = plane_of(shape, self.name())
        return (*self.windows(shape).output_shape(plane), channels)

    def window(self, shape: Shape) -> Window | None:
        windows = self.windows(shape)
        return windows if isinstance(windows, Window) else None

    def sees(self, field: ReceptiveField | None, shape: Shape) -> ReceptiveField | None:
        window = self.window(shape)
        return None if window is None or field is None else field.through(window)


class _Max(_Pooling):
    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        y, kept = pooling.max_forward(x, self.windows(x.shape[1:]), tape.workspace)
        tape.saved.update(x=x, y=y, kept=kept)
        return y

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, y, kept = (tape.saved[name] for name in ("x", "y", "kept"))
        return pooling.max_backward(dy, x, y, kept, self.windows(x.shape[1:]), tape.workspace)


class _Avg(_Pooling):
    @property
    def counts_padding(self) -> bool:
        """Whether padding counts as zeros."""
        return True

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["shape"] = x.shape
        return pooling.avg_forward(x, self.windows(x.shape[1:]), self.counts_padding, tape.workspace)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        shape = tape.saved["shape"]
        return pooling.avg_backward(dy, shape, self.windows(shape[1:]), self.counts_padding, tape.workspace)


class _Sliding(_Pooling):
    size: Size = (2, 2)
    stride: Annotated[Pair, sizes("stride")] | None = None
    padding: Annotated[str | int | Pair | Sides, BeforeValidator(any_padding)] = "valid"
    dilation: Annotated[Pair, sizes("dilation")] = (1, 1)
    ceil_mode: bool = False

    @model_validator(mode="after")
    def _check(self) -> _Sliding:
        _ = self._window
        return self

    @cached_property
    def _window(self) -> PoolWindow:
        return PoolWindow.of(
            self.size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
        )

    def windows(self, shape: Shape) -> PoolWindow:
        return self._window

    @property
    def touching(self) -> bool:
        """Whether the windows leave no gaps, overlap nothing, and hold cells of the input alone."""
        return self._window.touching

    def summary(self) -> str:
        (s_h, s_w) = self._window.stride
        words = [f"{self.size[0]}×{self.size[1]}"]
        words += [f"s={s_h}×{s_w}"] if (s_h, s_w) != self.size else []
        words += [f"p={short(self.padding)}"] if self.padding != "valid" else []
        words += [f"d={short(self.dilation)}"] if self.dilation != (1, 1) else []
        return ", ".join([*words, *(["ceil"] if self.ceil_mode else [])])


class MaxPool(_Sliding, _Max):
    """The maximum of each window; the gradient goes to where it stood. Padding is never a maximum."""

    type: Literal["max_pool"] = "max_pool"


class AvgPool(_Sliding, _Avg):
    """The mean of each window, padding as zeros if it is to count; the gradient is spread evenly over it."""

    type: Literal["avg_pool"] = "avg_pool"
    count_include_pad: bool = True

    @property
    def counts_padding(self) -> bool:
        return self.count_include_pad

    def summary(self) -> str:
        return super().summary() + ("" if self.count_include_pad else ", without padding")


class _Sharing(_Pooling):
    output_size: Annotated[Pair, sizes("output_size")]

    def windows(self, shape: Shape) -> AnyWindow:
        return AdaptiveWindow(self.output_size).on(plane_of(shape, self.name())[0])

    def summary(self) -> str:
        return f"to {self.output_size[0]}×{self.output_size[1]}"


class AdaptiveMaxPool(_Sharing, _Max):
    """The maximum of each of so many windows as share the plane: its size comes out, whatever goes in."""

    type: Literal["adaptive_max_pool"] = "adaptive_max_pool"


class AdaptiveAvgPool(_Sharing, _Avg):
    """The mean of each of so many windows as share the plane: its size comes out, whatever goes in."""

    type: Literal["adaptive_avg_pool"] = "adaptive_avg_pool"


class _Global(_Pooling):
    def windows(self, shape: Shape) -> AnyWindow:
        return PoolWindow.of(plane_of(shape, self.name())[0])

    def output_shape(self, shape: Shape) -> Shape:
        return (plane_of(shape, self.name())[1],)


class GlobalAvgPool(_Global, _Avg):
    """The mean of each channel: (h, w, c) becomes (c,)."""

    type: Literal["global_avg_pool"] = "global_avg_pool"

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        return super().forward(x, weights, tape)[:, 0, 0]

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        return super().backward(dy[:, None, None], weights, tape)


class GlobalMaxPool(_Global, _Max):
    """The maximum of each channel: (h, w, c) becomes (c,)."""

    type: Literal["global_max_pool"] = "global_max_pool"

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        return super().forward(x, weights, tape)[:, 0, 0]

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        return super().backward(dy[:, None, None], weights, tape)
