"""Batch normalisation's arithmetic: few passes over memory, each in blocks that stay in a cache meanwhile.

Numbers are taken about a `centre`, one for each channel: 0 where means are small beside deviations, which
saves a subtraction for every number, and else the mean, for rounding would drown the deviations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from convcli.engine.sums import DEPTH
from convcli.engine.volumes import cells, flat, lies_so
from convcli.engine.workspace import Array, Workspace

LINE = 8192  # numbers side by side, of as many rows as make so many
LOST = 8  # times as large squares about 0 may be as those about the mean, for three bits that are lost


def squares(x: Array, scratch: Workspace) -> tuple[Array, Array]:
    """Return each channel's mean in a floating `x` (..., c), and its sum of squares about that, as float64.

    Where there are no rows both are 0.
    """
    count, centre = max(x.size // x.shape[-1], 1), np.zeros(x.shape[-1], x.dtype)
    sums, squared = products(x, None, centre, scratch)
    mean = sums / count
    about = squared - count * mean**2
    if not (about * LOST >= squared).all():  # nor where some are no numbers
        centre = mean.astype(x.dtype)
        sums, squared = products(x, None, centre, scratch)
        about = np.maximum(squared - sums**2 / count, 0)
        mean = centre + sums / count
    return mean, about


def pooled(counts: Array, means: Array, squared: Array) -> tuple[Array, Array]:
    """Return the mean, and the sum of squares about it, of what lies in parts, from those of each (parts, c).

    Source: Chan, Golub and LeVeque, 1979, "Updating formulae and a pairwise algorithm for computing sample
    variances"; here for all parts at once.
    """
    if len(counts) == 1:
        return means[0], squared[0]
    mean = (counts * means).sum(0) / np.maximum(counts.sum(0), 1)
    return mean, squared.sum(0) + (counts * (means - mean) ** 2).sum(0)


def centre_of(mean: Array, deviation: Array, x: Array) -> Array:
    """Return the centre to take `x` about, of its dtype: 0 for all channels, or the mean for all."""
    return (mean * (mean**2 > (LOST - 1) * deviation**2).any()).astype(x.dtype)


def products(x: Array, dy: Array | None, centre: Array, scratch: Workspace) -> tuple[Array, Array]:
    """Return for each channel, as float64, the sums of dy, and of dy · (x − centre).

    Without `dy` it is x − centre itself. All have one dtype.
    """
    lines, ones = _Lines(x), np.ones(DEPTH, x.dtype)
    plain, weighted = lines.sums(), lines.sums()
    about = lines.about(centre, scratch)
    for rows, gradient in zip(lines.blocks(x), lines.blocks(x if dy is None else dy), strict=True):
        width, deviation = rows.shape[1], about(rows)
        factor = deviation if dy is None else gradient
        plain[:width] += ones[: len(rows)] @ factor
        weighted[:width] += np.einsum("ij,ij->j", deviation, factor)
    return lines.total(plain), lines.total(weighted)


def normalise(x: Array, centre: Array, scale: Array, shift: Array, out: Array) -> Array:
    """Write (x − centre) · scale + shift to `out`, channel by channel; all have one dtype."""
    lines, centred = _Lines(x), centre.any()
    centres, scales, shifts = (lines.row(numbers) for numbers in (centre, scale, shift))
    for rows, result in zip(lines.blocks(x), lines.blocks(out), strict=True):
        width = rows.shape[1]
        deviation = np.subtract(rows, centres[:width], out=result) if centred else rows
        np.multiply(deviation, scales[:width], out=result)
        np.add(result, shifts[:width], out=result)
    return out


def input_gradient(
    dy: Array, x: Array, centre: Array, factors: tuple[Array, Array, Array], scratch: Workspace
) -> Array:
    """Turn `dy`, which lies as `x`, into a · dy + b · (x − centre) + c by channel, for factors a, b, c."""
    lines = _Lines(x)
    a, b, c = (lines.row(factor) for factor in factors)
    about, block = lines.about(centre, scratch), lines.block(scratch, x)
    for gradient, rows in zip(lines.blocks(dy), lines.blocks(x), strict=True):
        width = rows.shape[1]
        share = np.multiply(about(rows), b[:width], out=block[: len(rows), :width])
        np.multiply(gradient, a[:width], out=gradient)
        np.add(gradient, share, out=gradient)
        np.add(gradient, c[:width], out=gradient)
    return dy


def _lines_apart(x: Array) -> Array:
    """Return some images of a batch as (cells, n · c), a view."""
    height, width, n, c = cells(x).shape
    rows = cells(x).reshape(height * width, n * c)
    if x.size and not np.may_share_memory(rows, x):
        raise ValueError("these images are no part of a batch that lies as engine/volumes.py says")
    return rows


class _Lines:
    """Rows of `channels` numbers side by side in long lines, for processors are slow on short ones.

    Of a batch that lies as `engine/volumes.py` says lines are as long as is best. Some images of one are
    apart in memory: a cell of all of them is a line then.
    """

    def __init__(self, x: Array) -> None:
        self._channels = channels = x.shape[-1]
        best = max(1, min(LINE, x.size // DEPTH) // channels)
        self._together = best if lies_so(x) else len(x)
        self._width = self._together * channels

    def blocks(self, x: Array) -> Iterator[Array]:
        """Yield (lines, width) of `x`, whose last axis are channels; at the end what makes no whole line."""
        if not lies_so(x):
            lines, rest = _lines_apart(x), x[:0]
        else:
            numbers = flat(x)
            whole = numbers.size // self._width * self._width
            lines, rest = numbers[:whole].reshape(-1, self._width), numbers[None, whole:]
        for start in range(0, len(lines), DEPTH):
            yield lines[start : start + DEPTH]
        if rest.size:
            yield rest

    def about(self, centre: Array, scratch: Workspace) -> Callable[[Array], Array]:
        """Return what takes a block about `centre`, in an array that the next one overwrites."""
        if not centre.any():
            return lambda rows: rows
        row, block = self.row(centre), self.block(scratch, centre)
        return lambda rows: np.subtract(rows, row[: rows.shape[1]], out=block[: len(rows), : rows.shape[1]])

    def row(self, numbers: Array) -> Array:
        """Return a number for each channel as a line."""
        line = np.empty((self._together, self._channels), numbers.dtype)
        line[:] = numbers
        return line.reshape(-1)

    def sums(self) -> Array:
        """Return a line to add to."""
        return np.zeros(self._width)

    def total(self, line: Array) -> Array:
        """Return the sum of a line's rows."""
        sums: Array = line.reshape(-1, self._channels).sum(0)
        return sums

    def block(self, scratch: Workspace, x: Array) -> Array:
        """Return an array as large as the largest block, of the dtype of `x`."""
        return scratch.array("block", (DEPTH, self._width), x.dtype)
