"""Upsampling as a layer: planes that grow without weights."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np

from convcli.config import sizes
from convcli.engine.products import multiply
from convcli.engine.volumes import batch, cells, laid_out, lines
from convcli.engine.workspace import Array
from convcli.nn.layer import Layer, Shape, plane_of
from convcli.nn.tape import Tape, Weights
from convcli.shapes import Pair, ReceptiveField


class Upsample(Layer):
    """Planes `factor` times as large: each cell repeated, or straight lines from one to the next.

    In mode "bilinear" output i of an axis lies at (i + ½) / factor − ½ of the input's cells, counted from 0,
    and what lies beyond the outermost ones is as they are: PyTorch's align_corners=False, OpenCV's
    INTER_LINEAR. Backward is the transpose of either.
    """

    type: Literal["upsample"] = "upsample"
    factor: Annotated[Pair, sizes("factor")] = (2, 2)
    mode: Literal["nearest", "bilinear"] = "nearest"

    def output_shape(self, shape: Shape) -> Shape:
        (rows, columns), channels = plane_of(shape, "upsample")
        return rows * self.factor[0], columns * self.factor[1], channels

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        x = laid_out(x)
        n, rows, columns, channels = x.shape
        (times, across), arrays = self.factor, tape.workspace
        if self.mode == "nearest":
            y = arrays.array("y", (rows, times, columns, across, n, channels), x.dtype)
            y[...] = cells(x)[:, None, :, None]
        else:
            down, right = _shares(rows, times, x.dtype), _shares(columns, across, x.dtype)
            taller = arrays.array("taller", (rows * times, columns, n * channels), x.dtype)
            multiply(down, lines(x).reshape(rows, -1), taller.reshape(len(taller), -1))
            y = arrays.array("y", (rows * times, columns * across, n * channels), x.dtype)
            multiply(right, taller, y)
        return batch(y.reshape(rows * times, columns * across, n, channels))

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        n, height, width, channels = dy.shape
        (times, across), arrays = self.factor, tape.workspace
        rows, columns = height // times, width // across
        dx, dy = arrays.batch("dx", (n, rows, columns, channels), dy.dtype), laid_out(dy)
        if self.mode == "nearest":
            parts = lines(dy).reshape(rows, times, columns, across, n, channels)
            parts.sum((1, 3), out=cells(dx))
            return dx
        down, right = _shares(rows, times, dy.dtype), _shares(columns, across, dy.dtype)
        taller = arrays.array("dtaller", (height, columns, n * channels), dy.dtype)
        multiply(right.T, lines(dy).reshape(height, width, -1), taller)
        multiply(down.T, taller.reshape(height, -1), lines(dx).reshape(rows, -1))
        return dx

    def sees(self, field: ReceptiveField | None, shape: Shape) -> ReceptiveField | None:
        """Return None: neighbours may see the same, so that what windows behind it see is not even."""
        return None

    def summary(self) -> str:
        words = "×".join(map(str, self.factor))
        return words if self.mode == "nearest" else f"{words}, {self.mode}"


@lru_cache(maxsize=64)  # training asks for the same few, many times a step
def _shares(cells: int, factor: int, dtype: np.dtype[Any]) -> Array:
    """Return what each of cells · factor outputs of an axis takes of each cell: (cells · factor, cells)."""
    places = (np.arange(cells * factor) + 0.5) / factor - 0.5
    distances = np.abs(np.clip(places, 0, cells - 1)[:, None] - np.arange(cells))
    shares: Array = np.maximum(1 - distances, 0).astype(dtype)
    shares.flags.writeable = False
    return shares
