"""Convolution for a max pool that follows: the cells of the pool's windows lie apart from the start.

A pool whose windows touch looks at each output of the convolution once, and wants cell (i, j) of all windows
side by side. The convolution can write them so at no cost, for the order of a matrix's rows is free; put
together first, they would have to be copied apart again, forward and backward.

Throughout, `cells` is (f_h, f_w, n, rows, columns, c) for a pool of f_h×f_w.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from convcli.engine import conv, winograd
from convcli.engine.windows import columns, padded_tile, tiles
from convcli.engine.winograd import Phases
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window


def forward(x: Array, w: Array, window: Window, groups: int, cells: Array, scratch: Workspace) -> None:
    """Write W * A_prev to `cells`."""
    pool, c_out = (cells.shape[0], cells.shape[1]), w.shape[3]
    if pool == (2, 2) and winograd.suits(w, window, groups):
        winograd.forward(Phases.of(x), w, None, window, _phases(cells), scratch)
        return
    matrix = w.reshape(-1, groups, c_out // groups).transpose(1, 0, 2)
    for i, j, part, seen in _tiles(x, cells, w.shape, window, groups, scratch):
        np.matmul(seen, matrix, out=conv.by_group(cells[i, j][part], groups))


def weight_gradient(
    dcells: Array, x: Array, dw: Array, window: Window, groups: int, scratch: Workspace
) -> None:
    """Add to `dw` the correlation of the padded A_prev with dZ."""
    pool, c_out = (dcells.shape[0], dcells.shape[1]), dw.shape[3]
    if pool == (2, 2) and winograd.suits(dw, window, groups):
        winograd.weight_gradient(_phases(dcells), Phases.of(x), dw, window, scratch)
        return
    total = dw.reshape(-1, groups, c_out // groups).transpose(1, 0, 2)
    summed = scratch.array("dw", total.shape, dw.dtype)
    for i, j, part, seen in _tiles(x, dcells, dw.shape, window, groups, scratch):
        total += np.matmul(seen.transpose(0, 2, 1), conv.by_group(dcells[i, j][part], groups), out=summed)


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


def _phases(cells: Array) -> Phases:
    """Return the cells of a 2×2 pool as what they are: even and odd rows and columns."""
    return Phases(((cells[0, 0], cells[0, 1]), (cells[1, 0], cells[1, 1])))


def _tiles(
    x: Array, cells: Array, w: tuple[int, ...], window: Window, groups: int, scratch: Workspace
) -> Iterator[tuple[int, int, tuple[slice, slice], Array]]:
    """Yield, tile by tile, (i, j, images and rows of cells[i, j], the windows that give them as columns)."""
    (f_h, f_w), output = cells.shape[:2], (cells.shape[3], cells.shape[4])
    s_h, s_w = window.stride
    apart = Window(window.size, (s_h * f_h, s_w * f_w), window.padding, window.dilation)
    cell_bytes = (w[0] * w[1] * w[2] * groups + w[3]) * x.itemsize
    for images, rows in tiles(cells.shape[2], output, cell_bytes):
        padded = padded_tile(x, window, (images, slice(rows.start * f_h, rows.stop * f_h)), scratch)
        part: Pair = (rows.stop - rows.start, output[1])
        for i, j in product(range(f_h), range(f_w)):
            seen = columns(padded, apart, part, groups, scratch, (i * s_h, j * s_w))
            yield i, j, (images, rows), seen
