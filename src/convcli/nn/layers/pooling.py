"""Pooling as layers: the maximum or the mean of each window, or the mean of each whole channel."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

import numpy as np

from convcli.config import Size, sizes
from convcli.engine.batch import pool
from convcli.engine.sums import plane_sums
from convcli.engine.workspace import Array
from convcli.nn.layer import Layer, Shape, plane_of
from convcli.nn.tape import Tape, Weights
from convcli.shapes import Pair, Window


class _Pool(Layer):
    size: Size = (2, 2)
    stride: Annotated[Pair, sizes("stride")] | None = None

    @cached_property
    def _window(self) -> Window:
        return pool.pool_window(self.size, self.stride)

    def window(self, shape: Shape) -> Window:
        return self._window

    @property
    def touching(self) -> bool:
        """Whether the windows leave no gaps and do not overlap."""
        return self._window.stride == self._window.size

    def output_shape(self, shape: Shape) -> Shape:
        plane, channels = plane_of(shape, self.name())
        return (*self._window.output_shape(plane), channels)

    def summary(self) -> str:
        (rows, columns), (s_h, s_w) = self.size, self._window.stride
        return f"{rows}×{columns}" + (f", s={s_h}×{s_w}" if (s_h, s_w) != self.size else "")


class MaxPool(_Pool):
    """The maximum of each window; the gradient goes to where it stood."""

    type: Literal["max_pool"] = "max_pool"

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        y, cells = pool.max_forward(x, self._window, tape.workspace)
        tape.saved["y"], tape.saved["cells"], tape.saved["shape"] = y, cells, x.shape
        return y

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        y, cells, shape = (tape.saved[name] for name in ("y", "cells", "shape"))
        return pool.max_backward(dy, y, cells, shape, self._window, tape.workspace)


class AvgPool(_Pool):
    """The mean of each window; the gradient is spread evenly over it."""

    type: Literal["avg_pool"] = "avg_pool"

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["shape"] = x.shape
        return pool.avg_forward(x, self._window, tape.workspace)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        return pool.avg_backward(dy, tape.saved["shape"], self._window, tape.workspace)


class GlobalAvgPool(Layer):
    """The mean of each channel: (h, w, c) becomes (c,)."""

    type: Literal["global_avg_pool"] = "global_avg_pool"

    def output_shape(self, shape: Shape) -> Shape:
        return (plane_of(shape, self.name())[1],)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["shape"] = x.shape
        y = tape.workspace.array("y", (len(x), x.shape[3]), x.dtype)
        n, rows, columns, channels = x.shape
        y[:] = plane_sums(x.reshape(n, rows * columns, channels)) / (rows * columns)
        return y

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        n, rows, columns, channels = tape.saved["shape"]
        dx = tape.workspace.array("dx", (n, rows, columns, channels), dy.dtype)
        np.divide(dy[:, None, None, :], rows * columns, out=dx)
        return dx

    def window(self, shape: Shape) -> Window:
        return Window.of(plane_of(shape, self.name())[0])
