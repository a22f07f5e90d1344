"""Layers that act differently while training: dropout and batch normalisation."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from convcli.config import Epsilon
from convcli.engine.batch import norm
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
    running ← momentum · running + (1 − momentum) · batch, with the unbiased variance. A batch
    that goes through in pieces is normalised as a whole.
    Source: Ioffe and Szegedy, 2015, arXiv:1502.03167.
    """

    type: Literal["batch_norm"] = "batch_norm"
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.9
    epsilon: Epsilon = 1e-5

    @property
    def couples_samples(self) -> bool:
        return True

    def exchanged(self, shape: Shape) -> int:
        return 3 * shape[-1]

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
        current, count = tape.current, x.size // x.shape[-1]
        if current.training:
            counts = np.full(x.shape[-1], float(count))
            parts = current.over_batch(np.stack([counts, *norm.squares(x, current.scratch)]))
            mean, squared = norm.pooled(*parts.swapaxes(0, 1))
            count = int(parts[:, 0, 0].sum())
            variance = squared / max(count, 1)
            if count and current.first:
                self._remember(weights, mean, squared / max(count - 1, 1))
        else:
            mean, variance = (weights[name].astype(np.float64) for name in ("mean", "variance"))
        inverse = 1 / np.sqrt(variance + self.epsilon)
        centre, scale = norm.centre_of(mean, 1 / inverse, x), weights["gamma"] * inverse
        # What there is of the mean in x − centre, in deviations: if nothing else, what its rounding left.
        left = (mean - centre) * inverse
        tape.saved.update(x=x, centre=centre, inverse=inverse, left=left, count=count)
        shift = weights["beta"] - weights["gamma"] * left
        y = tape.workspace.array("y", x.shape, x.dtype)
        return norm.normalise(x, centre, scale.astype(x.dtype), shift.astype(x.dtype), y)

    def predicting(self, weights: Weights) -> tuple[Array, Array]:
        """Return the factor and the term for each channel that it is while predicting."""
        scale = weights["gamma"] / np.sqrt(weights["variance"].astype(np.float64) + self.epsilon)
        shift = weights["beta"] - weights["mean"] * scale
        return scale.astype(weights["gamma"].dtype), shift.astype(weights["gamma"].dtype)

    def _remember(self, weights: Weights, mean: Array, variance: Array) -> None:
        for name, batch in (("mean", mean), ("variance", variance)):
            weights[name][...] = self.momentum * weights[name] + (1 - self.momentum) * batch

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, centre, inverse, left = (tape.saved[name] for name in ("x", "centre", "inverse", "left"))
        current, dy = tape.current, np.ascontiguousarray(dy)
        dbeta, weighted = norm.products(x, dy, centre, current.scratch)
        dgamma = inverse * weighted - left * dbeta
        tape.add("gamma", dgamma)
        tape.add("beta", dbeta)
        scale = weights["gamma"] * inverse
        a, b, c = scale, np.zeros_like(scale), np.zeros_like(scale)
        if current.training:
            # The batch's own mean and variance depend on x too.
            dgamma, dbeta = current.over_batch(np.stack([dgamma, dbeta])).sum(0) / max(tape.saved["count"], 1)
            b, c = -scale * dgamma * inverse, scale * (left * dgamma - dbeta)
        factors = (a.astype(x.dtype), b.astype(x.dtype), c.astype(x.dtype))
        return norm.input_gradient(dy, x, centre, factors, current.scratch)

    def summary(self) -> str:
        return f"momentum={self.momentum:g}"
