"""Columns of windows and one matrix product, band by band: right for any window, whatever the cells hold."""

from __future__ import annotations

from collections.abc import Iterator

from convcli.engine.batch.strategy import Strategy, Task
from convcli.engine.batch.windows import FEW_CHANNELS, bands, by_group, columns, padded_band
from convcli.engine.products import multiply
from convcli.engine.volumes import add_bias, batch
from convcli.engine.workspace import Array, Workspace

# Columns that fit the second-level cache make the products faster.
BAND_BYTES = 1 << 20


class Columns(Strategy):
    """One product for each band of rows of outputs."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def forward(
        self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace, first: int = 0
    ) -> None:
        """Write Z = W * A_prev + b to `z`."""
        groups, c_out = self.task.groups, w.shape[3]
        kernels = w.reshape(-1, groups, c_out // groups).transpose(1, 0, 2)
        for rows, seen in self._bands(x, z, scratch, first):
            multiply(seen, kernels, by_group(z[rows], groups))
            if b is not None:
                add_bias(b, batch(z[rows]))

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        groups = self.task.groups
        for rows, seen in self._bands(x, dz, scratch):
            gradients = by_group(dz[rows], groups)
            sums = scratch.array("dw", (groups, seen.shape[2], gradients.shape[2]), dw.dtype)
            multiply(seen.transpose(0, 2, 1), gradients, sums)
            dw += sums.transpose(1, 0, 2).reshape(dw.shape)

    def _bands(self, x: Array, z: Array, scratch: Workspace, first: int = 0) -> Iterator[tuple[slice, Array]]:
        """Yield rows of `z`, whose first one is row `first` of all, and their windows as columns."""
        task, window = self.task, self.task.window
        count, across, n, c_out = z.shape
        f_h, f_w = window.size
        single = window.size == window.stride == (1, 1) and task.groups == 1  # nothing is copied
        row_bytes = across * n * (f_h * f_w * task.shape[2] + c_out) * x.itemsize
        for rows in bands(count, row_bytes, BAND_BYTES):
            under = slice(rows.start + first, rows.stop + first)
            seen = padded_band(x, window, under, scratch, apart=task.depth < FEW_CHANNELS and not single)
            yield rows, columns(seen, window, (rows.stop - rows.start, across), task.groups, scratch)
