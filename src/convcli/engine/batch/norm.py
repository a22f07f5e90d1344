"""Batch normalisation's arithmetic: few passes over memory, each in blocks that stay in a cache meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convcli.engine.sums import DEPTH, column_sums
from convcli.engine.workspace import Array, Workspace

LINE = 2048  # numbers side by side, of as many rows as make so many


def squares(x: Array, scratch: Workspace) -> tuple[Array, Array]:
    """Return each channel's mean in a floating `x` (..., c), and its sum of squares about that, as float64.

    Where there are no rows both are 0.
    """
    lines, count = _Lines(x.shape[-1]), max(x.size // x.shape[-1], 1)
    mean = column_sums(x) / count
    near = mean.astype(x.dtype)
    row, sums, block = lines.row(near), lines.sums(), lines.block(scratch, x)
    for rows in lines.blocks(x):
        deviation = np.subtract(rows, row[: rows.shape[1]], out=block[: len(rows), : rows.shape[1]])
        sums[: rows.shape[1]] += np.einsum("ij,ij->j", deviation, deviation)
    return mean, np.maximum(lines.total(sums) - count * (mean - near) ** 2, 0)


def pooled(counts: Array, means: Array, squared: Array) -> tuple[Array, Array]:
    """Return the mean, and the sum of squares about it, of what lies in parts, from those of each (parts, c).

    Source: Chan, Golub and LeVeque, 1979, "Updating formulae and a pairwise algorithm for computing sample
    variances"; here for all parts at once.
    """
    mean = (counts * means).sum(0) / np.maximum(counts.sum(0), 1)
    return mean, squared.sum(0) + (counts * (means - mean) ** 2).sum(0)


def normalise(x: Array, mean: Array, scale: Array, shift: Array, out: Array) -> Array:
    """Write (x − mean) · scale + shift to `out`, channel by channel; the three are of its dtype."""
    lines = _Lines(x.shape[-1])
    means, scales, shifts = (lines.row(numbers) for numbers in (mean, scale, shift))
    for rows, result in zip(lines.blocks(x), lines.blocks(out), strict=True):
        width = rows.shape[1]
        np.subtract(rows, means[:width], out=result)
        np.multiply(result, scales[:width], out=result)
        np.add(result, shifts[:width], out=result)
    return out


def slopes(dy: Array, x: Array, mean: Array, scratch: Workspace) -> tuple[Array, Array]:
    """Return each channel's sums of dy and of dy · (x − mean), as float64; `mean` is of their dtype."""
    lines, ones = _Lines(x.shape[-1]), np.ones(DEPTH, x.dtype)
    row, plain, weighted, block = lines.row(mean), lines.sums(), lines.sums(), lines.block(scratch, x)
    for gradient, rows in zip(lines.blocks(dy), lines.blocks(x), strict=True):
        width = rows.shape[1]
        deviation = np.subtract(rows, row[:width], out=block[: len(rows), :width])
        plain[:width] += ones[: len(rows)] @ gradient
        weighted[:width] += np.einsum("ij,ij->j", deviation, gradient)
    return lines.total(plain), lines.total(weighted)


def input_gradient(
    dy: Array, x: Array, mean: Array, factors: tuple[Array, Array, Array], scratch: Workspace
) -> Array:
    """Turn a contiguous `dy` into a · dy + b · (x − mean) + c, channel by channel, for factors a, b and c."""
    lines = _Lines(x.shape[-1])
    row, block = lines.row(mean), lines.block(scratch, x)
    a, b, c = (lines.row(factor) for factor in factors)
    for gradient, rows in zip(lines.blocks(dy), lines.blocks(x), strict=True):
        width = rows.shape[1]
        deviation = np.subtract(rows, row[:width], out=block[: len(rows), :width])
        np.multiply(deviation, b[:width], out=deviation)
        np.multiply(gradient, a[:width], out=gradient)
        np.add(gradient, deviation, out=gradient)
        np.add(gradient, c[:width], out=gradient)
    return dy


class _Lines:
    """Rows of `channels` numbers side by side in long lines, for processors are slow on short ones."""

    def __init__(self, channels: int) -> None:
        self._channels, self._together = channels, max(1, LINE // channels)
        self._width = self._together * channels

    def blocks(self, x: Array) -> Iterator[Array]:
        """Yield (lines, width) of `x`, whose last axis are channels; at the end what makes no whole line."""
        flat = x.reshape(-1)
        whole = flat.size // self._width
        lines = flat[: whole * self._width].reshape(whole, self._width)
        for start in range(0, whole, DEPTH):
            yield lines[start : start + DEPTH]
        if whole * self._width < flat.size:
            yield flat[None, whole * self._width :]

    def row(self, numbers: Array) -> Array:
        """Return a number for each channel as a line."""
        return np.tile(numbers, self._together)

    def sums(self) -> Array:
        """Return a line to add to."""
        return np.zeros(self._width)

    def total(self, line: Array) -> Array:
        """Return the sum of a line's rows."""
        sums: Array = line.reshape(-1, self._channels).sum(0)
        return sums

    def block(self, scratch: Workspace, x: Array) -> Array:
        """Return an array as large as the largest block of `x`."""
        return scratch.array("block", (DEPTH, self._width), x.dtype)
