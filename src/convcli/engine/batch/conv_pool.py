"""Convolution for a max pool that follows: the cells of the pool's windows lie apart from the start.

A pool whose windows touch looks at each output of the convolution once, and wants cell (i, j) of all windows
side by side. The convolution can write them so at no cost, for the order of a matrix's rows is free; put
together first, they would have to be copied apart again, forward and backward.

Throughout, `cells` is (f_h, f_w, n, rows, columns, c) for a pool of f_h×f_w.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from convcli.engine.batch import conv, winograd
from convcli.engine.batch.windows import SHORT_RUN, Tile, columns, padded_tile, tiles
from convcli.engine.batch.winograd import Phases
from convcli.engine.products import multiply
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window


def forward(x: Array, w: Array, window: Window, groups: int, cells: Array, scratch: Workspace) -> None:
    """Write W * A_prev to `cells`."""
    pool, c_out = (cells.shape[0], cells.shape[1]), w.shape[3]
    if pool == (2, 2) and winograd.suits(w, window, groups):
        winograd.forward(Phases.of(x), w, None, window, _phases(cells), scratch)
        return
    for seen in _tiles(x, cells, w, window, groups, scratch):
        kernels = np.zeros((*seen.size, *w.shape[2:]), w.dtype)
        kernels[seen.under] = w
        matrix = kernels.reshape(-1, groups, c_out // groups).transpose(1, 0, 2)
        multiply(seen.columns, matrix, conv.by_group(cells[seen.cell][seen.tile], groups))


def weight_gradient(
    dcells: Array, x: Array, dw: Array, window: Window, groups: int, scratch: Workspace
) -> None:
    """Add to `dw` the correlation of the padded A_prev with dZ."""
    pool = (dcells.shape[0], dcells.shape[1])
    if pool == (2, 2) and winograd.suits(dw, window, groups):
        winograd.weight_gradient(_phases(dcells), Phases.of(x), dw, window, scratch)
        return
    for seen in _tiles(x, dcells, dw, window, groups, scratch):
        gradients = conv.by_group(dcells[seen.cell][seen.tile], groups)
        sums = scratch.array("dw", (groups, seen.columns.shape[2], gradients.shape[2]), dw.dtype)
        multiply(seen.columns.transpose(0, 2, 1), gradients, sums)
        dw += sums.transpose(1, 0, 2).reshape(*seen.size, *dw.shape[2:])[seen.under]


def input_gradient(
    dcells: Array, w: Array, dx: Array, window: Window, groups: int, scratch: Workspace
) -> None:
    """Write dA_prev to `dx`."""
    f_h, f_w, n, rows, cols, c_out = dcells.shape
    turned = conv.rotated(w, groups)
    if (f_h, f_w) == (2, 2) and winograd.suits(turned, window, groups):
        full, crop = conv.full_convolution((n, 2 * rows, 2 * cols), dx.shape, window)
        if crop == (0, 0) and min(full.padding[0][0], full.padding[1][0]) >= 0:
            winograd.forward(_phases(dcells), turned, None, full, Phases.of(dx), scratch)
            return
    height, width = window.output_shape((dx.shape[1], dx.shape[2]))
    dz = scratch.array("dz", (n, height, width, c_out), dcells.dtype)
    dz[:, rows * f_h :], dz[:, :, cols * f_w :] = 0, 0
    blocks = dz[:, : rows * f_h, : cols * f_w].reshape(n, rows, f_h, cols, f_w, c_out)
    np.copyto(blocks, dcells.transpose(2, 3, 0, 4, 1, 5))
    conv.input_gradient(dz, w, dx, window, groups, scratch)


class _Seen(NamedTuple):
    """What cell (i, j) of the pool's windows sees on a tile.

    Attributes
    ----------
    cell, tile
        (i, j); images and rows of cells[i, j].
    columns : (groups, n·rows·columns, size[0]·size[1]·c / groups)
    under
        Which rows and columns of that size lie under the kernels of this cell.
    """

    cell: Pair
    tile: Tile
    columns: Array
    size: Pair
    under: Tile


def _tiles(
    x: Array, cells: Array, w: Array, window: Window, groups: int, scratch: Workspace
) -> Iterator[_Seen]:
    """Yield, tile by tile, what each cell of the pool's windows sees, as columns."""
    pool, output = (cells.shape[0], cells.shape[1]), (cells.shape[3], cells.shape[4])
    (f_h, f_w), (s_h, s_w) = window.size, window.stride
    stride = (s_h * pool[0], s_w * pool[1])
    apart = Window(window.size, stride, window.padding, window.dilation)
    size = (f_h + (pool[0] - 1) * s_h, f_w + (pool[1] - 1) * s_w)
    together = Window(size, stride, window.padding, window.dilation)
    shared = groups == 1 and window.dilation == (1, 1) and _share_columns(f_h * f_w, size, f_w * w.shape[2])
    seen = together if shared else apart
    cell_bytes = (math.prod(seen.size) * w.shape[2] * groups + w.shape[3]) * x.itemsize
    for images, rows in tiles(cells.shape[2], output, cell_bytes):
        padded = padded_tile(x, window, (images, slice(rows.start * pool[0], rows.stop * pool[0])), scratch)
        part = (rows.stop - rows.start, output[1])
        if shared:
            whole = columns(padded, together, part, 1, scratch)
        for i, j in product(range(pool[0]), range(pool[1])):
            top, left = i * s_h, j * s_w
            if shared:
                under = (slice(top, top + f_h), slice(left, left + f_w))
                yield _Seen((i, j), (images, rows), whole, size, under)
            else:
                own = columns(padded, apart, part, groups, scratch, (top, left))
                yield _Seen((i, j), (images, rows), own, window.size, (slice(f_h), slice(f_w)))


def _share_columns(cells: int, together: Pair, run: int) -> bool:
    """Whether the pool's cells had better share columns of all that they see together.

    Where few channels come in, as in a first layer, copying costs more than multiplying: a 2×2 pool after
    3×3 kernels takes four times 9 columns apart, 16 together. On 32 images of 28×28 with 8 kernels this saved
    an eighth, forward and backward.
    """
    return run < SHORT_RUN and math.prod(together) <= 2 * cells


def _phases(cells: Array) -> Phases:
    """Return the cells of a 2×2 pool as what they are: even and odd rows and columns."""
    return Phases(((cells[0, 0], cells[0, 1]), (cells[1, 0], cells[1, 1])))
