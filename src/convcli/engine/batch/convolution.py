"""A convolution of one shape: what computes it, and its gradients, is chosen once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property, lru_cache

import numpy as np

from convcli.engine.batch.strategies import choose
from convcli.engine.batch.strategy import Shape, Task
from convcli.engine.batch.windows import bands, by_group, window_cell
from convcli.engine.products import multiply
from convcli.engine.volumes import cells, laid_out, to_write
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Window

# Outputs that a second-level cache holds beside what computes them.
BAND_BYTES = 1 << 19


@lru_cache(maxsize=1024)  # training asks for the same few, many times a step
def convolution(shape: Shape, filters: int, window: Window, groups: int = 1) -> Convolution:
    """Return the convolution of volumes (h, w, c_in)."""
    return Convolution(Task(shape, filters, window, groups))


class Convolution:
    """Kernels (f_h, f_w, c_in / groups, c_out) laid on volumes `x` (n, h, w, c_in).

    Outputs `z` are (n, out_h, out_w, c_out). What is written to lies as `engine/volumes.py` says; what is
    read is copied where it does not.
    """

    def __init__(self, task: Task) -> None:
        self.task, self._strategy = task, choose(task)

    def forward(self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace) -> None:
        """Write Z = W * A_prev + b to `z`."""
        strategy = self._strategy
        if z.size:
            strategy.forward(cells(laid_out(x)), strategy.prepared(w, scratch), b, to_write(z), scratch)

    def bands(
        self, x: Array, w: Array, scratch: Workspace, unit: int, band_bytes: int = BAND_BYTES
    ) -> Iterator[tuple[slice, Array]]:
        """Yield Z = W * A_prev, (rows, columns, n, c_out), of multiples of `unit` rows and what is left.

        The next ones overwrite it, so that whoever reduces it finds it in a cache.
        """
        strategy, (height, width) = self._strategy, self.task.output
        kernels, inputs = strategy.prepared(w, scratch), cells(laid_out(x))
        row = (width, len(x), self.task.filters)
        row_bytes = math.prod(row) * x.itemsize
        for rows in bands(height, row_bytes, band_bytes, math.lcm(unit, strategy.unit)):
            z = scratch.array("band", (rows.stop - rows.start, *row), x.dtype)
            strategy.forward(inputs, kernels, None, z, scratch, rows.start)
            yield rows, z

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        if dz.size:
            self._strategy.weight_gradient(cells(laid_out(dz)), cells(laid_out(x)), dw, scratch)

    def input_gradient(self, dz: Array, w: Array, dx: Array, scratch: Workspace) -> None:
        """Write dA_prev to `dx`."""
        if self._full is None:
            scatter(dz, w, dx, self.task, scratch)
        else:
            self._full.forward(dz, rotated(w, self.task.groups), None, dx, scratch)

    @cached_property
    def _full(self) -> Convolution | None:
        """What convolves dZ fully with the rotated kernels, at stride 1, where it is faster than scattering.

        It pads fully, less what the forward pass padded; where that leaves less than nothing, it cannot.
        """
        task, window = self.task, self.task.window
        rows, columns = (
            (span - 1 - before, span - 1 - after)
            for span, (before, after) in zip(window.span, window.padding, strict=True)
        )
        if window.stride != (1, 1) or min(*rows, *columns) < 0:
            return None
        padding = rows, columns
        full = Window(window.size, (1, 1), padding, window.dilation)
        return Convolution(Task((*task.output, task.filters), task.shape[2], full, task.groups))


def rotated(w: Array, groups: int) -> Array:
    """Return the kernels rotated by 180°, inputs and outputs changed places."""
    f_h, f_w, depth, c_out = w.shape
    turned = w[::-1, ::-1].reshape(f_h, f_w, depth, groups, c_out // groups)
    return turned.transpose(0, 1, 4, 3, 2).reshape(f_h, f_w, c_out // groups, depth * groups)


def scatter(dz: Array, w: Array, dx: Array, task: Task, scratch: Workspace) -> None:
    """Write dA_prev to `dx` at any stride: add each window's share back where it came from.

    Dilating dZ, to convolve it fully, would multiply zeros.
    """
    window, groups = task.window, task.groups
    f_h, f_w, depth, c_out = w.shape
    dz, dx = cells(laid_out(dz)), cells(dx)
    height, width, n, c_in = dx.shape
    (top, bottom), (left, right) = window.padding
    padded = scratch.array("padded", (top + height + bottom, left + width + right, n, c_in), dx.dtype)
    padded[:] = 0
    kernels = w.reshape(f_h, f_w, depth, groups, c_out // groups).transpose(0, 1, 3, 4, 2)
    shares = scratch.array("shares", (*dz.shape[:3], c_in), dx.dtype)
    for i in range(f_h):
        for j in range(f_w):
            if depth == c_out // groups == 1:
                np.multiply(dz, w[i, j, 0], out=shares)
            else:
                multiply(by_group(dz, groups), kernels[i, j], by_group(shares, groups))
            window_cell(padded, window, task.output, i, j)[...] += shares
    np.copyto(dx, padded[top : top + height, left : left + width])
