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
from convcli.engine.volumes import add_bias, cells
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
    if isinstance(layer, BatchNorm):
        return NormActivation(layer, following) if isinstance(following, ActivationLayer) else None
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
        shape = (len(x), *self.pool.output_shape(self.conv.output_shape(x.shape[1:])))
        a, saved = tape.workspace.batch("a", shape, x.dtype), tape.saved
        saved["x"], saved["winners"] = x, self._winners(shape, tape) if tape.current.training else None
        self._pool(x, weights, tape, a, saved["winners"])
        if self.conv.bias:
            add_bias(weights["b"], a)
        self.conv.activation.apply(a, a, tape)
        return a

    def _winners(self, shape: tuple[int, ...], tape: Tape) -> Array:
        """Return room for which windows each cell of the pool wins: (cells, rows, columns, n, c)."""
        n, rows, columns, c = shape
        return tape.workspace.array("winners", (math.prod(self.pool.size), rows, columns, n, c), np.bool_)

    def _cells(self, z: Array) -> list[Array]:
        """Return each cell of all windows on (rows, columns, n, c), as views."""
        (f_h, f_w), (height, width) = self.pool.size, z.shape[:2]
        covered = z[: height - height % f_h, : width - width % f_w]
        return [covered[i::f_h, j::f_w] for i in range(f_h) for j in range(f_w)]

    def _pool(self, x: Array, weights: Weights, tape: Tape, a: Array, winners: Array | None) -> None:
        """Write max(W * A_prev) to `a`, and if asked for each cell of the pool which windows it wins."""
        convolution, scratch = self.conv.convolution(x.shape[1:]), tape.current.scratch
        f_h = self.pool.size[0]
        for rows, z in convolution.bands(x, weights["W"], scratch, f_h):
            pooled = slice(rows.start // f_h, rows.stop // f_h)
            seen, top = self._cells(z), cells(a)[pooled]
            pooling.maximum(seen, top, None if winners is None else winners[:, pooled])

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, won = tape.saved["x"], tape.saved["winners"]
        self.conv.activation.derive(dy, tape)
        if won is None:  # in a pass that no training is
            won = self._winners(dy.shape, tape)
            self._pool(x, weights, tape, tape.workspace.batch("top", dy.shape, x.dtype), won)
        if "b" in tape.gradients:
            tape.add("b", column_sums(dy))
        dz = tape.workspace.batch("dz", (len(x), *self.conv.output_shape(x.shape[1:])), dy.dtype)
        (f_h, f_w), (height, width) = self.pool.size, dz.shape[1:3]
        # What no window covers.
        dz[:, height - height % f_h :], dz[:, :, width - width % f_w :] = 0, 0
        for part, chosen in zip(self._cells(cells(dz)), won, strict=True):
            masked(cells(dy), chosen, part)
        convolution = self.conv.convolution(x.shape[1:])
        if "W" in tape.gradients:
            convolution.weight_gradient(dz, x, tape.gradient("W"), tape.current.scratch)
        if not tape.input_gradient:
            return dy
        dx = tape.workspace.batch("dx", x.shape, x.dtype)
        convolution.input_gradient(dz, weights["W"], dx, tape.current.scratch)
        return dx


@dataclass(frozen=True)
class NormActivation:
    """Batch normalisation and the activation behind it, which takes the place of its input: A = g(Z) in Z."""

    norm: BatchNorm
    activation: ActivationLayer

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        z = self.norm.forward(x, weights, tape)
        self.activation.function.apply(z, z, tape)
        return z

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        self.activation.function.derive(dy, tape)
        return self.norm.backward(dy, weights, tape)
