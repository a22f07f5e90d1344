"""Layers that act differently while training: dropout and batch normalisation."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from convcli.config import Epsilon
from convcli.engine.sums import column_products, column_sums
from convcli.engine.workspace import Array
from convcli.nn.layer import Initial, Layer, Shape
from convcli.nn.tape import Tape, Weights

LEVELS = 1 << 16


class Dropout(Layer):
    """Set a random share of the inputs to zero while training, and scale the rest up to keep the mean.

    The share is the multiple of 1/65536 nearest to `rate`, and below 1.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, JMLR 15, 2014.
    """

    type: Literal["dropout"] = "dropout"
    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5

    @property
    def draws(self) -> bool:
        return True

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["scale"] = None
        # 16 random bits a number are enough, and drawn faster than a float. One in LEVELS is always kept.
        dropped = min(round(self.rate * LEVELS), LEVELS - 1)
        rng = tape.current.rng
        if not tape.current.training or not dropped or rng is None:
            return x
        random = np.frombuffer(rng.bytes(2 * x.size), np.uint16).reshape(x.shape)
        scale = tape.saved["scale"] = tape.workspace.array("scale", x.shape, x.dtype)
        np.multiply(random >= dropped, scale.dtype.type(LEVELS / (LEVELS - dropped)), out=scale)
        return np.multiply(x, scale, out=tape.workspace.array("y", x.shape, x.dtype))

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        scale = tape.saved["scale"]
        if scale is not None:
            dy *= scale
        return dy

    def summary(self) -> str:
        return f"rate={self.rate:g}"


class BatchNorm(Layer):
    """Normalise each channel by the batch's mean and variance, then scale by γ and shift by β.

    While predicting, running figures stand in for the batch's:
    running ← momentum · running + (1 − momentum) · batch, with the unbiased variance.
    Source: Ioffe and Szegedy, 2015, arXiv:1502.03167.
    """

    type: Literal["batch_norm"] = "batch_norm"
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.9
    epsilon: Epsilon = 1e-5

    @property
    def couples_samples(self) -> bool:
        return True

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def initial_weights(self, shape: Shape) -> dict[str, Initial]:
        return {
            "gamma": Initial(shape[-1:], "ones"),
            "beta": Initial(shape[-1:], "zeros"),
            "mean": Initial(shape[-1:], "zeros", kind="running"),
            "variance": Initial(shape[-1:], "ones", kind="running"),
        }

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        gamma, mean = weights["gamma"], weights["mean"].astype(np.float64)
        count = max(x.size // x.shape[-1], 1)
        if tape.current.training:
            mean = column_sums(x) / count
        rounded = mean.astype(x.dtype)
        normal = _each(np.subtract, x, rounded, tape.workspace.array("normal", x.shape, x.dtype))
        if tape.current.training:
            variance = np.maximum(column_products(normal, normal) / count - (mean - rounded) ** 2, 0)
            if x.size:
                self._remember(weights, mean, variance * (count / max(count - 1, 1)))
        else:
            variance = weights["variance"].astype(np.float64)
        inverse = 1 / np.sqrt(variance + self.epsilon)
        _each(np.multiply, normal, inverse, normal)
        # What rounding the mean has left in `normal`: much, where deviations are small beside it.
        left = (mean - rounded) * inverse
        tape.saved.update(normal=normal, inverse=inverse, left=left)
        y = _each(np.multiply, normal, gamma, tape.workspace.array("y", x.shape, x.dtype))
        return _each(np.add, y, weights["beta"] - gamma * left, y)

    def _remember(self, weights: Weights, mean: Array, variance: Array) -> None:
        for name, batch in (("mean", mean), ("variance", variance)):
            weights[name][...] = self.momentum * weights[name] + (1 - self.momentum) * batch

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        normal, inverse, left = (tape.saved[name] for name in ("normal", "inverse", "left"))
        scale, dbeta = weights["gamma"] * inverse, column_sums(dy)
        dgamma = column_products(dy, normal) - left * dbeta
        tape.add("gamma", dgamma)
        tape.add("beta", dbeta)
        dx = tape.workspace.array("dx", dy.shape, dy.dtype)
        if not tape.current.training:
            return _each(np.multiply, dy, scale, dx)
        # The batch's own mean and variance depend on x too.
        count = max(dy.size // dy.shape[-1], 1)
        _each(np.multiply, normal, dgamma / count, dx)
        _each(np.add, dx, (dbeta - left * dgamma) / count, dx)
        np.subtract(dy, dx, out=dx)
        return _each(np.multiply, dx, scale, dx)

    def summary(self) -> str:
        return f"momentum={self.momentum:g}"


def _each(operation: np.ufunc, x: Array, by_channel: Array, out: Array) -> Array:
    """Write operation(x, by_channel) to `out`: whole rows at once, for a run of few channels is slow."""
    numbers = by_channel.astype(x.dtype)
    if x.ndim == 4 and x.flags.c_contiguous:
        n, h, w, c = x.shape
        operation(x.reshape(n * h, w * c), np.tile(numbers, w), out=out.reshape(n * h, w * c))
    else:
        operation(x, numbers, out=out)
    return out
