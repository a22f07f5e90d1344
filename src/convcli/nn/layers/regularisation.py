"""Layers that act differently while training: dropout and batch normalisation."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from convcli.config import Epsilon
from convcli.engine.workspace import Array
from convcli.nn.layer import Initial, Layer, Shape, Tape, Weights

LEVELS = 1 << 16


class Dropout(Layer):
    """Set a random share of the inputs to zero while training, and scale the rest up to keep the mean.

    The share is the multiple of 1/65536 nearest to `rate`, and below 1.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, JMLR 15, 2014.
    """

    type: Literal["dropout"] = "dropout"
    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5

    draws: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["scale"] = None
        # 16 random bits a number are enough, and four times as fast as a float. One in LEVELS is always kept.
        dropped = min(round(self.rate * LEVELS), LEVELS - 1)
        if not tape.training or not dropped or tape.rng is None:
            return x
        random = np.frombuffer(tape.rng.bytes(2 * x.size), np.uint16).reshape(x.shape)
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

    couples_samples: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def parameters(self, shape: Shape) -> dict[str, Initial]:
        return {"gamma": Initial(shape[-1:], "ones"), "beta": Initial(shape[-1:], "zeros")}

    def state(self, shape: Shape) -> dict[str, Initial]:
        return {"mean": Initial(shape[-1:], "zeros"), "variance": Initial(shape[-1:], "ones")}

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        rows = x.reshape(-1, x.shape[-1])
        if tape.training:
            mean, variance = rows.mean(0), rows.var(0)
            unbiased = variance * (len(rows) / max(len(rows) - 1, 1))
            for name, batch in (("mean", mean), ("variance", unbiased)):
                weights[name][...] = self.momentum * weights[name] + (1 - self.momentum) * batch
        else:
            mean, variance = weights["mean"], weights["variance"]
        inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        normal = tape.workspace.array("normal", rows.shape, x.dtype)
        np.subtract(rows, mean, out=normal)
        normal *= inverse
        tape.saved["normal"], tape.saved["inverse"] = normal, inverse
        y = np.multiply(normal, weights["gamma"], out=tape.workspace.array("y", rows.shape, x.dtype))
        y += weights["beta"]
        return y.reshape(x.shape)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        normal, inverse = tape.saved["normal"], tape.saved["inverse"]
        rows = dy.reshape(normal.shape)
        dgamma, dbeta = np.einsum("ij,ij->j", rows, normal), rows.sum(0)
        tape.add("gamma", dgamma)
        tape.add("beta", dbeta)
        dx = tape.workspace.array("dx", rows.shape, dy.dtype)
        if tape.training:  # the batch's own mean and variance depend on x too
            np.multiply(normal, dgamma / len(rows), out=dx)
            dx += dbeta / len(rows)
            np.subtract(rows, dx, out=dx)
            dx *= weights["gamma"] * inverse
        else:
            np.multiply(rows, weights["gamma"] * inverse, out=dx)
        return dx.reshape(dy.shape)

    def summary(self) -> str:
        return f"momentum={self.momentum:g}"
