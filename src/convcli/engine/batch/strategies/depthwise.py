"""A kernel for each channel: sums of products of whole rows, without columns.

A depthwise convolution multiplies each number it reads a few times only, so that copying windows to columns
takes most of the time, and its products are too thin for BLAS. Here the cells of all windows in a row of
outputs, one after the other as they lie in memory, are multiplied by a row of kernels and added up where the
first-level cache holds both. At a stride across columns a run is a cell of all images.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convcli.engine.batch.strategy import Strategy, Task
from convcli.engine.batch.windows import bands, padded_band, strided
from convcli.engine.workspace import Array, Workspace

BAND_BYTES = 1 << 20  # of inputs, outputs and what is padded
MOST_WEIGHTS = 1 << 17  # of all rows of kernels: they stay in the second-level cache


def offer(task: Task) -> Strategy | None:
    """Offer it where each channel has one kernel."""
    return Depthwise(task) if 1 < task.groups == task.shape[2] == task.filters else None


class Depthwise(Strategy):
    """Axes: r rows of outputs, q runs in a row, (i, j) in the kernel, k numbers in a run."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def _together(self, n: int) -> int:
        """Return how many cells of a row make a run, of n images: as many as divide it."""
        columns, (f_h, f_w) = self.task.output[1], self.task.window.size
        most = MOST_WEIGHTS // (f_h * f_w * self.task.filters * max(n, 1))
        most = most if self.task.window.stride[1] == 1 else 1
        return next((count for count in range(min(columns, most), 1, -1) if columns % count == 0), 1)

    def forward(
        self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace, first: int = 0
    ) -> None:
        """Write Z = W * A_prev + b to `z`."""
        times = self._together(x.shape[2]) * x.shape[2]
        kernels = np.tile(w[:, :, 0], (1, 1, times))
        bias = None if b is None else np.tile(b, times)
        for seen, part in self._bands(x, z, scratch, first):
            np.einsum("rqijk,ijk->rqk", seen, kernels, out=part)
            if bias is not None:
                part += bias

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        for seen, part in self._bands(x, dz, scratch):
            sums = np.einsum("rqijk,rqk->ijk", seen, part)
            dw[:, :, 0] += sums.reshape(*dw.shape[:2], -1, dw.shape[3]).sum(2)

    def _bands(self, x: Array, z: Array, scratch: Workspace, first: int = 0) -> Iterator[tuple[Array, Array]]:
        """Yield the cells that the kernels lie on, as a view (r, q, i, j, k), and the outputs (r, q, k)."""
        window, (rows, columns, n, channels) = self.task.window, z.shape
        (s_h, s_w), (d_h, d_w), together = window.stride, window.dilation, self._together(n)
        run = together * n * channels
        for band in bands(rows, 3 * columns * n * channels * x.itemsize, BAND_BYTES):
            padded = padded_band(x, window, slice(band.start + first, band.stop + first), scratch)
            row, cell, _, number = padded.strides
            part = z[band].reshape(band.stop - band.start, columns // together, run)
            shape = (*part.shape[:2], *window.size, run)
            # Of what is not stepped over, the stride says nothing; it might be too large for an index.
            steps = (row * s_h, cell * s_w * together, row * d_h, cell * d_w, number)
            strides = tuple(step if count > 1 else 0 for count, step in zip(shape, steps, strict=True))
            yield strided(padded, shape, strides), part
