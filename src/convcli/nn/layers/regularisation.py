"""Layers that act differently while training: dropout and batch normalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveInt

from convcli.config import Epsilon
from convcli.engine.batch import norm
from convcli.engine.volumes import cells, laid_out
from convcli.engine.workspace import Array
from convcli.nn.layer import Initial, Layer, Shape, begun, plane_of
from convcli.nn.learned import Learned, words
from convcli.nn.tape import Pass, Tape, Weights, cut

LEVELS = 1 << 16


class Dropout(Layer):
    """Set a random share of the inputs to zero while training, and scale the rest up to keep the mean.

    With `spatial` a channel is dropped as a whole, in all cells of a sample (Tompson et al., 2015,
    arXiv:1411.4280). The share is the multiple of 1/65536 nearest to `rate`, and below 1.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, JMLR 15, 2014.
    """

    type: Literal["dropout"] = "dropout"
    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5
    spatial: bool = False

    @property
    def draws(self) -> bool:
        return True

    def output_shape(self, shape: Shape) -> Shape:
        if self.spatial:
            plane_of(shape, "a dropout with spatial = true")
        return shape

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        tape.saved["scale"] = None
        # 16 random bits a number are enough, and drawn faster than a float. One in LEVELS is always kept.
        dropped = min(round(self.rate * LEVELS), LEVELS - 1)
        rng = tape.current.rng
        if not tape.current.training or not dropped or rng is None:
            return x
        shape = (len(x), 1, 1, x.shape[3]) if self.spatial else x.shape
        scale = tape.saved["scale"] = tape.workspace.batch("scale", shape, x.dtype)
        random = np.frombuffer(rng.bytes(2 * math.prod(shape)), np.uint16).reshape(cells(scale).shape)
        np.multiply(random >= dropped, scale.dtype.type(LEVELS / (LEVELS - dropped)), out=cells(scale))
        return np.multiply(x, scale, out=tape.workspace.batch("y", x.shape, x.dtype))

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        scale = tape.saved["scale"]
        if scale is not None:
            dy *= scale
        return dy

    def summary(self) -> str:
        return f"rate={self.rate:g}" + (", spatial" if self.spatial else "")


@dataclass(frozen=True)
class _Figures:
    """What one group of samples, or a whole batch, is normalised by.

    `left` is what there is of the mean in x − centre, in deviations: if nothing else, what its rounding left.
    """

    count: int
    mean: Array
    squared: Array
    centre: Array
    inverse: Array
    left: Array


class BatchNorm(Layer):
    """Normalise each channel by the batch's mean and variance, then scale by γ and shift by β.

    While predicting, running figures stand in for the batch's:
    running ← momentum · running + (1 − momentum) · batch, with the unbiased variance. A batch
    that goes through in pieces is normalised as a whole.
    Source: Ioffe and Szegedy, 2015, arXiv:1502.03167.

    With `group`, groups of so many samples are normalised by themselves, and the running figures take their
    mean. What is left of a batch is spread over its groups, and a smaller batch is one.
    Source: ghost batch normalisation, Hoffer, Hubara and Soudry, 2017, arXiv:1705.08741.

    Frozen it does while training what it does while predicting: its running figures stay, and are used.
    """

    type: Literal["batch_norm"] = "batch_norm"
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.9
    epsilon: Epsilon = 1e-5
    group: PositiveInt | None = None
    frozen: bool = False
    init: Learned = None

    @property
    def couples_samples(self) -> bool:
        return self.group is None and not self.frozen

    @property
    def grouped(self) -> int:
        return 0 if self.frozen else self.group or 0

    def exchanged(self, shape: Shape) -> int:
        return 3 * shape[-1] if self.couples_samples else 0

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def initial_weights(self, shape: Shape) -> dict[str, Initial]:
        arrays = {
            "gamma": Initial(shape[-1:], "ones"),
            "beta": Initial(shape[-1:], "zeros"),
            "mean": Initial(shape[-1:], "zeros", kind="running"),
            "variance": Initial(shape[-1:], "ones", kind="running"),
        }
        return begun(arrays, self.init, frozen=self.frozen)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        x = laid_out(x)
        current, y = tape.current, tape.workspace.batch("y", x.shape, x.dtype)
        if self._measures(current):
            groups = [(part, self._of(x[part], current)) for part in self._groups(len(x), current)]
            self._remember([(part.stop - part.start, found) for part, found in groups], weights, tape)
        else:
            mean, variance = (weights[name].astype(np.float64) for name in ("mean", "variance"))
            groups = [(slice(0, len(x)), self._figures(1, mean, variance, x))]
        tape.saved.update(x=x, groups=groups)
        for part, found in groups:
            scale = weights["gamma"] * found.inverse
            shift = weights["beta"] - weights["gamma"] * found.left
            norm.normalise(x[part], found.centre, scale.astype(x.dtype), shift.astype(x.dtype), y[part])
        return y

    def _measures(self, current: Pass) -> bool:
        """Whether it normalises by what goes in, and not by the running figures."""
        return current.training and not self.frozen

    def _groups(self, samples: int, current: Pass) -> list[slice]:
        """Return where the groups of a piece lie; the whole of it is one if the batch is."""
        if self.group is None:
            return [slice(0, samples)]
        groups, start = [], 0
        for size in current.groups or (samples,):
            groups += [slice(start + part.start, start + part.stop) for part in cut(size, size // self.group)]
            start += size
        return groups

    def _of(self, x: Array, current: Pass) -> _Figures:
        """Return the figures of a group, or of the batch that a piece is part of."""
        mine = np.stack([np.full(x.shape[-1], x.size / x.shape[-1]), *norm.squares(x, current.scratch)])
        parts = mine[None] if self.group else current.over_batch(mine)
        return self._figures(int(parts[:, 0, 0].sum()), *norm.pooled(*parts.swapaxes(0, 1)), x)

    def _figures(self, count: int, mean: Array, squared: Array, x: Array) -> _Figures:
        inverse = 1 / np.sqrt(squared / max(count, 1) + self.epsilon)
        centre = norm.centre_of(mean, 1 / inverse, x)
        return _Figures(count, mean, squared, centre, inverse, (mean - centre) * inverse)

    def predicting(self, weights: Weights) -> tuple[Array, Array]:
        """Return the factor and the term for each channel that it is while predicting."""
        scale = weights["gamma"] / np.sqrt(weights["variance"].astype(np.float64) + self.epsilon)
        shift = weights["beta"] - weights["mean"] * scale
        return scale.astype(weights["gamma"].dtype), shift.astype(weights["gamma"].dtype)

    def _remember(self, groups: list[tuple[int, _Figures]], weights: Weights, tape: Tape) -> None:
        """Let the running figures come nearer to those of groups, by their share in the batch's samples."""
        batch = tape.current.batch or sum(size for size, _ in groups)
        shares = [size / max(batch, 1) for size, _ in groups]
        for name, values in (
            ("mean", [found.mean for _, found in groups]),
            ("variance", [found.squared / max(found.count - 1, 1) for _, found in groups]),
        ):
            now, nearer = weights[name], np.zeros(len(weights[name]))
            for share, value in zip(shares, values, strict=True):
                nearer += share * (value - now)
            tape.change(name, (1 - self.momentum) * nearer, weights)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        x, current, dy = tape.saved["x"], tape.current, laid_out(dy)
        total = np.zeros((2, x.shape[-1]))
        for part, found in tape.saved["groups"]:
            dbeta, weighted = norm.products(x[part], dy[part], found.centre, current.scratch)
            own = np.stack([found.inverse * weighted - found.left * dbeta, dbeta])
            total += own
            scale = weights["gamma"] * found.inverse
            a, b, c = scale, np.zeros_like(scale), np.zeros_like(scale)
            if self._measures(current):
                # The batch's own mean and variance depend on x too.
                summed = own if self.group else current.over_batch(own).sum(0)
                dgamma, dbeta = summed / max(found.count, 1)
                b, c = -scale * dgamma * found.inverse, scale * (found.left * dgamma - dbeta)
            factors = (a.astype(x.dtype), b.astype(x.dtype), c.astype(x.dtype))
            norm.input_gradient(dy[part], x[part], found.centre, factors, current.scratch)
        if "gamma" in tape.gradients:
            tape.add("gamma", total[0])
            tape.add("beta", total[1])
        return dy

    def summary(self) -> str:
        told = [f"momentum={self.momentum:g}", *([f"group={self.group}"] if self.group else [])]
        return ", ".join([*told, *words(self.init), *(["frozen"] if self.frozen else [])])
