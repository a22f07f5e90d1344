"""Columns of windows and one matrix product, tile by tile: right for any window, whatever the cells hold.

A pool whose windows touch looks at each output of the convolution once, and wants cell (i, j) of all windows
side by side. The order of a matrix's rows is free, so outputs that lie apart cost nothing; put together
first, they would have to be copied apart again, forward and backward.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from convcli.engine.batch.strategy import Strategy, Task
from convcli.engine.batch.windows import SHORT_RUN, Tile, add_bias, by_group, columns, padded_tile, tiles
from convcli.engine.products import multiply
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window

# Columns that fit the second-level cache make the products faster.
TILE_BYTES = 1 << 20


def offer(task: Task) -> Strategy | None:
    """Offer columns for everything whose inputs lie together."""
    return Columns(task) if task.source == (1, 1) else None


class _Seen(NamedTuple):
    """What cell (i, j) of the pool's windows sees on a tile."""

    cell: Pair
    tile: Tile  # images and rows of the outputs of that cell
    columns: Array  # (groups, n·rows·columns, size[0]·size[1]·c / groups)
    under: Tile  # which rows and columns of that size lie under the kernels of this cell


class Columns(Strategy):
    """One product for each tile and each cell of the pool."""

    def __init__(self, task: Task) -> None:
        (f_h, f_w), (s_h, s_w), (p_h, p_w) = task.window.size, task.window.stride, task.pool
        self.task = task
        together = f_h + (p_h - 1) * s_h, f_w + (p_w - 1) * s_w
        # Where few channels come in, as in a first layer, copying costs more than multiplying: a 2×2 pool
        # after 3×3 kernels takes four times 9 columns apart, 16 of all that its cells see together.
        few = f_w * task.depth < SHORT_RUN and math.prod(together) <= 2 * f_h * f_w
        self.shared = few and task.groups == 1 and task.window.dilation == (1, 1)
        self.size: Pair = together if self.shared else task.window.size
        stride = (s_h * p_h, s_w * p_w)
        self.window = Window(self.size, stride, task.window.padding, task.window.dilation)

    def forward(self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace) -> None:
        """Write Z = W * A_prev + b to `z`."""
        groups, c_out = self.task.groups, w.shape[3]
        for seen in self._tiles(x, z, scratch):
            kernels = w
            if self.size != w.shape[:2]:
                kernels = np.zeros((*self.size, *w.shape[2:]), w.dtype)
                kernels[seen.under] = w
            part = z[seen.cell][seen.tile]
            matrix = kernels.reshape(-1, groups, c_out // groups).transpose(1, 0, 2)
            multiply(seen.columns, matrix, by_group(part, groups))
            if b is not None:
                add_bias(b, part)

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        for seen in self._tiles(x, dz, scratch):
            gradients = by_group(dz[seen.cell][seen.tile], self.task.groups)
            sums = scratch.array("dw", (len(gradients), seen.columns.shape[2], gradients.shape[2]), dw.dtype)
            multiply(seen.columns.transpose(0, 2, 1), gradients, sums)
            dw += sums.transpose(1, 0, 2).reshape(*self.size, *dw.shape[2:])[seen.under]

    def _tiles(self, x: Array, z: Array, scratch: Workspace) -> Iterator[_Seen]:
        """Yield, tile by tile, what each cell of the pool's windows sees, as columns."""
        task, x = self.task, x[0, 0]
        (f_h, f_w), (s_h, s_w), (p_h, p_w) = task.window.size, task.window.stride, task.pool
        cell_bytes = (math.prod(self.size) * task.depth * task.groups + task.filters) * x.itemsize
        for images, rows in tiles(len(x), (z.shape[3], z.shape[4]), cell_bytes, TILE_BYTES):
            under_all = images, slice(rows.start * p_h, rows.stop * p_h)
            padded = padded_tile(x, task.window, under_all, scratch)
            part = (rows.stop - rows.start, z.shape[4])
            if self.shared:
                seen = columns(padded, self.window, part, 1, scratch)
            for i, j in product(range(p_h), range(p_w)):
                top, left = i * s_h, j * s_w
                if not self.shared:
                    seen = columns(padded, self.window, part, task.groups, scratch, (top, left))
                    top = left = 0
                under = (slice(top, top + f_h), slice(left, left + f_w))
                yield _Seen((i, j), (images, rows), seen, under)
