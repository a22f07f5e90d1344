"""Layers that are faster together: which neighbours are computed in one go. The results stay the same.

While predicting, a batch_norm is a factor and a term for each channel: the convolution or dense layer before
it takes them into its weights, and applies the activation behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np

from convcli.engine.batch import pooling
from convcli.engine.batch.pooling import masked
from convcli.engine.sums import column_sums
from convcli.engine.workspace import Array
from convcli.nn.layer import Layer
from convcli.nn.layers.activation import ActivationLayer, Affine
from convcli.nn.layers.conv import Conv
from convcli.nn.layers.dense import Dense
from convcli.nn.layers.pooling import MaxPool
from convcli.nn.layers.regularisation import BatchNorm
from convcli.nn.layers.separable_conv import SeparableConv
from convcli.nn.tape import Computation, Tape, Weights

Placed: TypeAlias = tuple[int, Layer]
"""A layer and its position among those of its container."""


def plan(layers: Iterable[Placed]) -> list[tuple[int, Computation]]:
    """Return what to call, in order, each with the position of the layer whose weights and tape it uses."""
    steps: list[tuple[int, Computation]] = []
    left = list(layers)
    while left:
        position, layer = left.pop(0)
        together = as_one(layer, left[0][1]) if left else None
        steps.append((position, together or layer))
        left = left[1:] if together else left
    return steps


def as_one(layer: Layer, following: Layer) -> Computation | None:
    """Return what computes two neighbours with the weights and tape of the first one, if anything does.

    Of a row of layers it is the same row, which ends with both; what follows has no weights and no tape.
    """
    if isinstance(layer, Conv):
        return ConvMaxPool(layer, following) if ConvMaxPool.suits(layer, following) else None  # type: ignore[arg-type]
    if layer.serial and as_one(layer.children[-1], following):
        return layer.model_validate({**dict(layer), "layers": (*layer.children, following)})
    return None


def fold(layers: Sequence[Layer]) -> tuple[list[Placed], list[Placed]]:
    """Return the layers that are left of `layers` while predicting, and each batch_norm that is in another.

    Those stand behind the layers that take them in, whose weights are then those of `folded`.
    """
    left: list[Placed] = []
    norms: list[Placed] = []
    for position, layer in enumerate(layers):
        before = left[-1][1] if left else None
        if (
            type(before) in (Conv, Dense, SeparableConv)
            and isinstance(before, Affine)
            and not before.activation.words
        ):
            if isinstance(layer, BatchNorm) and left[-1][0] == position - 1:
                norms.append((position, layer))
                left[-1] = (position - 1, before.model_copy(update={"bias": True}))
                continue
            if isinstance(layer, ActivationLayer):
                left[-1] = (left[-1][0], before.model_copy(update={"activation": layer.function}))
                continue
        left.append((position, layer))
    return left, norms


def folded(norms: Iterable[Placed], weights: Weights) -> Weights:
    """Return a container's weights where each layer before one of `norms` has taken it in."""
    inner = list(weights.inner)
    for position, norm in norms:
        scale, shift = cast(BatchNorm, norm).predicting(inner[position])
        before = inner[position - 1]
        last = "P" if "P" in before else "W"  # of a separable convolution the 1×1
        bias = before["b"] * scale + shift if "b" in before else shift
        inner[position - 1] = Weights({**before, last: before[last] * scale, "b": bias})
    return Weights(weights, inner)


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
        if "b" in tape.gradients:
            tape.add("b", column_sums(dy))
        shares = tape.workspace.array("shares", (len(cells), *dy.shape), dy.dtype)
        for share, chosen in zip(shares, pooling.winners(top, cells, tape.workspace), strict=True):
            masked(dy, chosen, share)
        dcells = shares.reshape(*self.pool.size, *dy.shape)
        convolution = self.conv.convolution(x.shape[1:], self.pool.size)
        if "W" in tape.gradients:
            convolution.weight_gradient(dcells, x, tape.gradient("W"), tape.current.scratch)
        if not tape.input_gradient:
            return dy
        dx = tape.workspace.array("dx", x.shape, x.dtype)
        convolution.input_gradient(dcells, weights["W"], dx, tape.current.scratch)
        return dx
