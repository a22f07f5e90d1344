"""Layers in which channels see their neighbours: each divided by how strong those are, or put elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveInt

from convcli.engine.volumes import cells, laid_out
from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn.layer import Layer, Shape
from convcli.nn.tape import Tape, Weights


class LocalResponseNorm(Layer):
    """x / (k + alpha/size · s)^beta, where s is the sum of squares over `size` neighbouring channels.

    Of an even number the larger half is behind the channel, as ONNX has it; beyond the first and last channel
    there are zeros. Alpha is divided by the size, as in PyTorch and ONNX, not as in the paper.
    Source: Krizhevsky, Sutskever and Hinton, 2012, "ImageNet classification with deep convolutional neural
    networks", section 3.3.
    """

    type: Literal["local_response_norm"] = "local_response_norm"
    size: PositiveInt = 5
    alpha: Annotated[float, Field(ge=0, le=1e6)] = 1e-4
    beta: Annotated[float, Field(ge=0, le=1e3)] = 0.75
    k: Annotated[float, Field(ge=1e-6, le=1e6)] = 1.0

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        x = laid_out(x)
        y, base, squares = (tape.workspace.batch(name, x.shape, x.dtype) for name in ("y", "base", "squares"))
        np.multiply(x, x, out=squares)
        self._add_neighbours(squares, base, (self.size - 1) // 2, self.size // 2)
        base *= x.dtype.type(self.alpha / self.size)
        base += x.dtype.type(self.k)
        np.power(base, x.dtype.type(-self.beta), out=y)
        y *= x
        tape.saved.update(x=x, y=y, base=base)
        return y

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, y, base = (tape.saved[name] for name in ("x", "y", "base"))
        dy = laid_out(dy)
        dx, shares = (tape.workspace.batch(name, x.shape, x.dtype) for name in ("dx", "shares"))
        # dx = dy / base^beta − 2 alpha/size beta x Σ (dy y / base), over the channels that see this one
        np.multiply(dy, y, out=shares)
        shares /= base
        self._add_neighbours(shares, dx, self.size // 2, (self.size - 1) // 2)
        dx *= x
        dx *= x.dtype.type(-2 * self.alpha * self.beta / self.size)
        np.power(base, x.dtype.type(-self.beta), out=shares)
        shares *= dy
        dx += shares
        return dx

    @staticmethod
    def _add_neighbours(x: Array, sums: Array, before: int, behind: int) -> None:
        """Write to `sums`, for each channel, the sum of so many before it, itself, and so many behind it."""
        given, result, last = cells(x), cells(sums), x.shape[-1] - 1
        np.copyto(result, given)
        for step in range(1, min(before, last) + 1):
            result[..., step:] += given[..., :-step]
        for step in range(1, min(behind, last) + 1):
            result[..., :-step] += given[..., step:]

    def summary(self) -> str:
        return f"{self.size} channels, alpha={self.alpha:g}, beta={self.beta:g}, k={self.k:g}"


class ChannelShuffle(Layer):
    """Channels of all groups in turn: the first of each, then the second of each, and so on.

    So what grouped convolutions make of their own channels reaches all groups of the next one.
    Source: Zhang, Zhou, Lin and Sun, "ShuffleNet", 2018, arXiv:1707.01083.
    """

    type: Literal["channel_shuffle"] = "channel_shuffle"
    groups: PositiveInt

    def output_shape(self, shape: Shape) -> Shape:
        if shape[-1] % self.groups:
            raise ShapeError(f"groups = {self.groups} does not divide the input's {shape[-1]} channels.")
        return shape

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        return _dealt(x, self.groups, tape.workspace.batch("y", x.shape, x.dtype))

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        return _dealt(dy, dy.shape[-1] // self.groups, tape.workspace.batch("dx", dy.shape, dy.dtype))

    def summary(self) -> str:
        return f"groups={self.groups}"


def _dealt(x: Array, groups: int, y: Array) -> Array:
    """Write to `y`, and return, the channels of `groups` in turn."""
    given, result = cells(laid_out(x)), cells(y)
    split = (*given.shape[:-1], groups, given.shape[-1] // groups)
    turned = given.reshape(split).swapaxes(-1, -2)
    result.reshape(turned.shape)[...] = turned
    return y
