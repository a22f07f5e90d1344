"""Normalisation of each sample by itself: over groups of channels, the channels of a cell, or all of it."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from functools import partial
from typing import Literal

import numpy as np
from pydantic import PositiveInt

from convcli.config import Epsilon
from convcli.engine.sums import column_products, column_sums
from convcli.engine.volumes import batch, cells, laid_out, lines
from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn.layer import Initial, Layer, Shape, begun
from convcli.nn.learned import Learned, words
from convcli.nn.tape import Tape, Weights

BLOCK = 1 << 17  # numbers that all is done with while a cache has them
FEW = 1024  # numbers that are added fast by a product, and right in whatever order


class _SampleNorm(Layer):
    """(x − mean) / √(variance + epsilon) · γ + β, with mean and biased variance of parts of one sample."""

    epsilon: Epsilon = 1e-5
    frozen: bool = False
    init: Learned = None

    @abstractmethod
    def parameters(self, shape: Shape) -> Shape:
        """Return the shape of γ and of β."""

    @abstractmethod
    def part(self, shape: Shape) -> int:
        """Return how many numbers are normalised together."""

    def output_shape(self, shape: Shape) -> Shape:
        if self.part(shape) < 2:
            raise ShapeError("It would normalise each number by itself, which makes all of them 0.")
        return shape

    def initial_weights(self, shape: Shape) -> dict[str, Initial]:
        size = self.parameters(shape)
        arrays = {"gamma": Initial(size, "ones"), "beta": Initial(size, "zeros")}
        return begun(arrays, self.init, frozen=self.frozen)

    def _words(self, *own: str) -> str:
        return ", ".join([*own, *words(self.init), *(["frozen"] if self.frozen else [])])


class GroupNorm(_SampleNorm):
    """Normalise groups of channels of each sample over all cells, then scale each channel by γ and add β.

    With as many groups as channels it is instance normalisation.
    Sources: Wu and He, 2018, arXiv:1803.08494; Ulyanov, Vedaldi and Lempitsky, 2016, arXiv:1607.08022.
    """

    type: Literal["group_norm"] = "group_norm"
    groups: PositiveInt

    def parameters(self, shape: Shape) -> Shape:
        return shape[-1:]

    def part(self, shape: Shape) -> int:
        return math.prod(shape) // self.groups

    def output_shape(self, shape: Shape) -> Shape:
        if shape[-1] % self.groups:
            raise ShapeError(f"groups = {self.groups} does not divide the input's {shape[-1]} channels.")
        return super().output_shape(shape)

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        x = laid_out(x)
        n, c = len(x), x.shape[-1]
        y, about = (tape.workspace.batch(name, x.shape, x.dtype) for name in ("y", "about"))
        left, inverse = tape.workspace.array("figures", (2, n, c), np.float64)
        for block in _blocks(x):
            given, result, deviation = (_lines_of(array, block) for array in (x, y, about))
            np.subtract(given, self._means(_sums(given, c), x).ravel().astype(x.dtype), out=deviation)
            # What rounding the mean has left: much, where deviations are small beside it.
            left[block] = self._means(_sums(deviation, c), x)
            np.multiply(deviation, deviation, out=result)
            variance = self._means(_sums(result, c), x) - left[block] ** 2
            inverse[block] = 1 / np.sqrt(np.maximum(variance, 0) + self.epsilon)
            scale = weights["gamma"] * inverse[block]
            np.multiply(deviation, scale.ravel().astype(x.dtype), out=result)
            result += (weights["beta"] - scale * left[block]).ravel().astype(x.dtype)
        tape.saved.update(about=about, left=left, inverse=inverse)
        return y

    def _means(self, sums: Array, x: Array) -> Array:
        """Return the mean of each channel's group from the sums of channels (k, c)."""
        count, channels = self.part(x.shape[1:]), x.shape[-1] // self.groups
        means = sums.reshape(len(sums), self.groups, channels).sum(2) / count
        return np.repeat(means, channels, axis=1)

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        about, left, inverse = (tape.saved[name] for name in ("about", "left", "inverse"))
        dy, gamma, c = laid_out(dy), weights["gamma"], dy.shape[-1]
        sums = np.empty((2, len(dy), c))  # of dy, and of dy · x̂
        for block in _blocks(dy):
            gradient, deviation = _lines_of(dy, block), _lines_of(about, block)
            product = tape.current.scratch.array("product", gradient.shape, dy.dtype)
            np.multiply(gradient, deviation, out=product)
            sums[0, block] = _sums(gradient, c)
            sums[1, block] = (_sums(product, c) - left[block] * sums[0, block]) * inverse[block]
            plain, weighted = (self._means(gamma * part, dy) for part in sums[:, block])
            # dx = (γ dy − mean(γ dy) − x̂ mean(γ dy x̂)) / √(variance + ε)
            slope = -weighted * inverse[block] ** 2
            np.multiply(deviation, slope.ravel().astype(dy.dtype), out=product)
            gradient *= (gamma * inverse[block]).ravel().astype(dy.dtype)
            gradient += product
            gradient += (-plain * inverse[block] - slope * left[block]).ravel().astype(dy.dtype)
        if "gamma" in tape.gradients:
            tape.add("gamma", sums[1].sum(0))
            tape.add("beta", sums[0].sum(0))
        return dy

    def summary(self) -> str:
        return self._words(f"groups={self.groups}")


def _blocks(x: Array) -> Iterator[slice]:
    """Yield slices of samples, or of rows, so few that a cache has them."""
    together = max(1, BLOCK // max(1, math.prod(x.shape[1:])))
    for start in range(0, len(x), together):
        yield slice(start, min(start + together, len(x)))


def _lines_of(x: Array, samples: slice) -> Array:
    """Return some samples of a batch as (cells, k · c), a view."""
    c = x.shape[-1]
    return lines(x)[:, samples.start * c : samples.stop * c]


def _sums(rows: Array, c: int) -> Array:
    """Return the sums of `_lines_of` samples over their cells, as float64 (k, c)."""
    return column_sums(rows).reshape(-1, c)


class LayerNorm(_SampleNorm):
    """Normalise the channels of each cell, or a whole sample, then scale each number by its γ, and add its β.

    `over` is "channels", as Keras and networks such as ConvNeXt have it, with γ and β of (c,); or "sample",
    PyTorch's LayerNorm of (c, h, w), with γ and β of that size. Source: Ba, Kiros and Hinton, 2016,
    arXiv:1607.06450.
    """

    type: Literal["layer_norm"] = "layer_norm"
    over: Literal["channels", "sample"] = "channels"

    def parameters(self, shape: Shape) -> Shape:
        return shape[-1:] if self.over == "channels" else shape

    def part(self, shape: Shape) -> int:
        return math.prod(self.parameters(shape))

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        rows, shape = self._rows(x), x.shape
        y, normal = (tape.workspace.array(name, rows.shape, x.dtype) for name in ("y", "normal"))
        inverse = tape.workspace.array("inverse", (len(rows), 1), x.dtype)
        gamma, beta = weights["gamma"].ravel(), weights["beta"].ravel()
        for block in _blocks(rows):
            result, deviation = y[block], normal[block]
            np.subtract(rows[block], _row_means(rows[block]), out=deviation)
            deviation -= _row_means(deviation)  # what rounding the mean has left
            np.multiply(deviation, deviation, out=result)
            inverse[block] = 1 / np.sqrt(_row_means(result) + self.epsilon)
            deviation *= inverse[block]
            np.multiply(deviation, gamma, out=result)
            result += beta
        tape.saved.update(normal=normal, inverse=inverse)
        return self._batch(y, shape)

    def _rows(self, x: Array) -> Array:
        """Return `x` with what is normalised together as rows; of whole samples a copy."""
        if self.over == "sample":
            return x.reshape(len(x), math.prod(x.shape[1:]))
        return cells(laid_out(x)).reshape(-1, x.shape[-1])

    def _batch(self, rows: Array, shape: Shape) -> Array:
        """Return rows as the batch of a shape that they are."""
        if self.over == "sample" or len(shape) != 4:
            return laid_out(rows.reshape(shape))
        n, height, width, c = shape
        return batch(rows.reshape(height, width, n, c))

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        normal, inverse = tape.saved["normal"], tape.saved["inverse"]
        gradient, gamma = self._rows(dy), weights["gamma"]
        if "gamma" in tape.gradients:
            # Sums over few long rows are right as they are, and faster.
            along_rows = column_products if self.over == "channels" else partial(np.einsum, "ij,ij->j")
            tape.add("gamma", along_rows(gradient, normal).reshape(gamma.shape))
            tape.add("beta", column_sums(gradient).reshape(gamma.shape))
        for block in _blocks(gradient):
            weighted, deviation = gradient[block], normal[block]
            product = tape.current.scratch.array("product", deviation.shape, dy.dtype)
            weighted *= gamma.ravel()
            np.multiply(weighted, deviation, out=product)
            plain, along = _row_means(weighted), _row_means(product)
            np.multiply(deviation, along, out=product)
            weighted -= product
            weighted -= plain
            weighted *= inverse[block]
        return self._batch(gradient, dy.shape)

    def summary(self) -> str:
        return self._words(f"over={self.over}")


def _row_means(rows: Array) -> Array:
    """Return the means of rows (m, k), as (m, 1)."""
    if rows.shape[1] <= FEW:
        means: Array = (rows @ np.full(rows.shape[1], 1 / rows.shape[1], rows.dtype))[:, None]
    else:
        means = rows.mean(1, keepdims=True)  # in pairs, so that it is right
    return means
