"""Layers that are faster together: which neighbours are computed in one go. The results stay the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convcli.engine.batch import pooling
from convcli.engine.batch.pooling import masked
from convcli.engine.sums import column_sums
from convcli.engine.workspace import Array
from convcli.nn.layer import Layer
from convcli.nn.layers.conv import Conv
from convcli.nn.layers.pooling import MaxPool
from convcli.nn.tape import Computation, Tape, Weights


def plan(layers: Sequence[Layer]) -> list[tuple[int, Computation]]:
    """Return what to call, in order, each with the position of the layer whose weights and tape it uses."""
    steps: list[tuple[int, Computation]] = []
    position = 0
    while position < len(layers):
        layer, following = layers[position], layers[position + 1 : position + 2]
        if isinstance(layer, Conv) and following and ConvMaxPool.suits(layer, following[0]):
            steps.append((position, ConvMaxPool(layer, following[0])))  # type: ignore[arg-type]
            position += 2
        else:
            steps.append((position, layer))
            position += 1
    return steps


@dataclass(frozen=True)
class ConvMaxPool:
    """A convolution and the max pool after it: A = g(max(W * A_prev) + b).

    The bias and an increasing activation commute with the maximum, so both see only what the pool leaves.
    """

    conv: Conv
    pool: MaxPool

    @staticmethod
    def suits(conv: Conv, following: Layer) -> bool:
        """Whether a layer is a max pool that leaves no gaps and overlaps nothing, after an increasing g."""
        touching = isinstance(following, MaxPool) and following.touching
        return touching and conv.activation.increasing

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        rows, columns, c_out = self.pool.output_shape(self.conv.output_shape(x.shape[1:]))
        cells = tape.workspace.array("cells", (*self.pool.size, len(x), rows, columns, c_out), x.dtype)
        convolution = self.conv.convolution(x.shape[1:], self.pool.size)
        convolution.forward(x, weights["W"], None, cells, tape.current.scratch)
        flat = list(cells.reshape(math.prod(self.pool.size), *cells.shape[2:]))
        top = pooling.maximum(flat, tape.workspace.array("top", flat[0].shape, x.dtype))
        a = tape.workspace.array("a", top.shape, x.dtype)
        bias = weights["b"] if self.conv.bias else np.zeros(c_out, x.dtype)
        np.add(top.reshape(-1, columns * c_out), np.tile(bias, columns), out=a.reshape(-1, columns * c_out))
        self.conv.activation.apply(a, a, tape)
        tape.saved.update(x=x, cells=flat, top=top)
        return a

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, cells, top = (tape.saved[name] for name in ("x", "cells", "top"))
        self.conv.activation.derive(dy, tape)
        if self.conv.bias and not self.conv.frozen:
            tape.add("b", column_sums(dy))
        shares = tape.workspace.array("shares", (len(cells), *dy.shape), dy.dtype)
        for share, chosen in zip(shares, pooling.winners(top, cells, tape.workspace), strict=True):
            masked(dy, chosen, share)
        dcells = shares.reshape(*self.pool.size, *dy.shape)
        convolution = self.conv.convolution(x.shape[1:], self.pool.size)
        if not self.conv.frozen:
            convolution.weight_gradient(dcells, x, tape.gradient("W"), tape.current.scratch)
        if not tape.input_gradient:
            return dy
        dx = tape.workspace.array("dx", x.shape, x.dtype)
        convolution.input_gradient(dcells, weights["W"], dx, tape.current.scratch)
        return dx
