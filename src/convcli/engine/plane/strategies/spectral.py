"""Multiply in the Fourier domain, one tile a block (overlap-save): the kernel's size hardly matters.

Correlation is the product with the conjugate spectrum. A tile's first tile − span + 1 results are those that
the transform's wrap-around has not touched. `norm="ortho"` not only shares the scaling out: with the default
NumPy passes the transform the integer 1 for a factor, and computes in extended precision for it, far more
slowly (NumPy 2.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convcli.engine.costs import costs
from convcli.engine.plane.planes import Patch
from convcli.engine.plane.strategy import Offer, Strategy, Task
from convcli.engine.workspace import Array
from convcli.shapes import Pair, Window


def offer(task: Task) -> Offer:
    """Offer Fourier tiles, of the size that wastes the least."""
    best: tuple[float, Pair, Pair] | None = None
    window = task.window
    for side, transform in costs().tile.items():
        sides = [fast_length(min(side, n)) for n in task.frame.padded]
        if any(length < span for length, span in zip(sides, window.span, strict=True)):
            continue
        rows, columns = (
            (length - span) // s + 1
            for length, span, s in zip(sides, window.span, window.stride, strict=True)
        )
        cost = transform * math.prod(sides) / (rows * columns)
        if best is None or cost < best[0]:
            best = cost, (rows, columns), (sides[0], sides[1])
    if best is None:
        sides = [fast_length(n + span) for n, span in zip(task.output, window.span, strict=True)]
        tile = sides[0], sides[1]
        best = max(costs().tile.values()) * math.prod(tile) / math.prod(task.output), task.output, tile
    cost, block, tile = best
    return Offer(cost, block, lambda: Spectral(task.kernel, window, tile, task.dtype), sized="exactly")


class Spectral(Strategy):
    """Products of spectra."""

    rounds = True

    def __init__(self, kernel: Array, window: Window, tile: Pair, dtype: np.dtype[Any]) -> None:
        self.kernel, self.window, self.tile = kernel, window, tile
        wide = kernel
        if window.dilation != (1, 1):
            wide = np.zeros(window.span)
            wide[:: window.dilation[0], :: window.dilation[1]] = kernel
        self.scratch_bytes = math.prod(tile) * 6 * dtype.itemsize  # four copies and more
        self.spectrum = np.fft.rfft2(wide, tile).conj().astype(np.result_type(dtype, np.complex64))

    def mapped(self, function: Callable[[Array], Array]) -> Spectral:
        """Return the same for other weights."""
        return Spectral(function(self.kernel), self.window, self.tile, np.dtype(np.float64))

    def respond(self, patch: Patch, out: Array) -> None:
        """Transform the cells, multiply, and transform back."""
        cells, workspace = patch.cells, patch.workspace
        width, (s_h, s_w), (rows, columns) = self.tile[1], self.window.stride, out.shape
        spectrum = workspace.array("spectrum", self.spectrum.shape, self.spectrum.dtype)
        other = workspace.array("other", self.spectrum.shape, self.spectrum.dtype)
        np.fft.rfft(cells, width, axis=1, norm="ortho", out=spectrum[: len(cells)])
        spectrum[len(cells) :] = 0
        np.fft.fft(spectrum, axis=0, norm="ortho", out=other)
        np.multiply(other, self.spectrum, out=other)
        np.fft.ifft(other, axis=0, norm="ortho", out=spectrum)
        results = workspace.array("results", (rows, width), cells.dtype)
        np.fft.irfft(spectrum[: (rows - 1) * s_h + 1 : s_h], width, axis=1, norm="ortho", out=results)
        np.copyto(out, results[:, : (columns - 1) * s_w + 1 : s_w])


def fast_length(n: int) -> int:
    """Return the smallest length from `n` on that transforms fast: a product of twos, threes and fives.

    >>> fast_length(257), fast_length(1021)
    (270, 1024)
    """
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1
