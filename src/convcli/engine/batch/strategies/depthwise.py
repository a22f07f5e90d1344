"""A kernel for each channel: sums of products of whole rows, without columns.

A depthwise convolution multiplies each number it reads a few times only, so that copying windows to columns
takes most of the time, and its products are too thin for BLAS. Here the cells of all windows in a row of
outputs, one after the other as they lie in memory, are multiplied by a row of kernels and added up where the
first-level cache holds both. At a stride across columns a run is as long as there are channels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convcli.engine.batch.strategy import Strategy, Task
from convcli.engine.batch.windows import Tile, padded_tile, tiles
from convcli.engine.workspace import Array, Workspace

TILE_BYTES = 1 << 20  # of inputs, outputs and what is padded
MOST_WEIGHTS = 1 << 17  # of all rows of kernels: they stay in the second-level cache


def offer(task: Task) -> Strategy | None:
    """Offer it where each channel has one kernel, and in- and outputs lie together."""
    depthwise = 1 < task.groups == task.shape[2] == task.filters
    return Depthwise(task) if depthwise and task.pool == task.source == (1, 1) else None


class Depthwise(Strategy):
    """Axes: n images, r rows of outputs, q runs in a row, (i, j) in the kernel, k numbers in a run."""

    def __init__(self, task: Task) -> None:
        self.task = task
        columns, (f_h, f_w) = task.output[1], task.window.size
        most = MOST_WEIGHTS // (f_h * f_w * task.filters) if task.window.stride[1] == 1 else 1
        self.together = next((n for n in range(min(columns, most), 1, -1) if columns % n == 0), 1)
        self.runs = columns // self.together

    def forward(self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace) -> None:
        """Write Z = W * A_prev + b to `z`."""
        kernels = np.tile(w[:, :, 0], (1, 1, self.together))
        bias = None if b is None else np.tile(b, self.together)
        for cells, tile in self._tiles(x[0, 0], scratch):
            part = self._in_runs(z[0, 0][tile])
            np.einsum("nrqijk,ijk->nrqk", cells, kernels, out=part)
            if bias is not None:
                part += bias

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        for cells, tile in self._tiles(x[0, 0], scratch):
            sums = np.einsum("nrqijk,nrqk->ijk", cells, self._in_runs(dz[0, 0][tile]))
            dw[:, :, 0] += sums.reshape(*dw.shape[:2], self.together, dw.shape[3]).sum(2)

    def _in_runs(self, z: Array) -> Array:
        return z.reshape(*z.shape[:2], self.runs, self.together * z.shape[3])

    def _tiles(self, x: Array, scratch: Workspace) -> Iterator[tuple[Array, Tile]]:
        """Yield the cells that the kernels lie on, as a view (n, r, q, i, j, k), and the tile of outputs."""
        window, (n, channels) = self.task.window, (len(x), self.task.filters)
        (s_h, s_w), (d_h, d_w) = window.stride, window.dilation
        for tile in tiles(n, self.task.output, 3 * channels * x.itemsize, TILE_BYTES):
            padded = padded_tile(x, window, tile, scratch)
            image, row, cell, number = padded.strides
            rows = tile[1].stop - tile[1].start
            shape = (len(padded), rows, self.runs, *window.size, self.together * channels)
            # Of what is not stepped over, the stride says nothing; it might be too large for an index.
            steps = (image, row * s_h, cell * s_w * self.together, row * d_h, cell * d_w, number)
            strides = tuple(step if count > 1 else 0 for count, step in zip(shape, steps, strict=True))
            yield as_strided(padded, shape, strides, writeable=False), tile
