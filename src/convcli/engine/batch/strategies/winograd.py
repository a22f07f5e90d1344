"""3×3 convolution at stride 1 with 2.25 times fewer multiplications: Winograd's F(2×2, 3×3).

Two rows and columns of output come from four of input: Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A. The products over
channels become 16 smaller matrix products; the rest is additions. All three are linear, so the gradient of
the weights goes back the same way: dw = Gᵀ [ Σ (Bᵀ d B) ⊙ (A dY Aᵀ) ] G.

Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, arXiv:1509.09308.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from convcli.engine.batch.strategy import Strategy, Task
from convcli.engine.batch.windows import Tile, tiles
from convcli.engine.products import multiply
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window

# Even and odd rows and columns of a batch: [p][q] has rows p, p + 2, … and columns q, q + 2, …. They may be
# views of one array in which they alternate, or lie apart in memory, as a pool likes them.
Phases: TypeAlias = tuple[tuple[Array, Array], tuple[Array, Array]]

LEAST_CHANNELS = 32  # with fewer the additions cost more than the products save

# The transformed input of a tile and what its products give. Small tiles stay in the second-level cache,
# large ones need fewer calls. For the sake of the cache the stages share four arrays, each overwriting one
# that is no longer needed: 0 phases and outputs, 1 and 2 in turn, 3 the gradient.
TILE_BYTES = 1 << 21
LAYOUTS = ((1, 1), (2, 2))  # inputs and outputs that lie together, or as the cells of a 2×2 pool

# G w Gᵀ as one product: (16, 9), from the cells of a kernel to the positions of a tile.
_G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
_FROM_KERNEL = np.kron(_G, _G)

# A ends in −1. The transformed gradient leaves those signs out, and they come back here.
_SIGNS = np.outer([1, 1, 1, -1], [1, 1, 1, -1]).ravel()
_TO_KERNEL = (_FROM_KERNEL * _SIGNS[:, None]).T


def offer(task: Task) -> Strategy | None:
    """Offer it for 3×3 kernels with channels enough."""
    window = task.window
    plain = window.size == (3, 3) and window.stride == window.dilation == (1, 1) and task.groups == 1
    many = min(task.depth, task.filters) >= LEAST_CHANNELS
    return Winograd(window) if plain and many and {task.pool, task.source} <= {*LAYOUTS} else None


class Winograd(Strategy):
    """F(2×2, 3×3)."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def forward(self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace) -> None:
        """Write Z = W * A_prev + b to `z`."""
        c_in, c_out = w.shape[2:]
        kernels = (_FROM_KERNEL.astype(w.dtype) @ w.reshape(9, -1)).reshape(16, c_in, c_out)
        inputs, outputs = _phases(x), _phases(z)
        for images, rows in _tiles(outputs, c_in + c_out):
            v = _transformed_input(inputs, self.window, images, rows, outputs[0][0].shape[2], scratch)
            m = scratch.array("winograd 1", (4, 4, *v.shape[2:5], c_out), x.dtype)
            multiply(v.reshape(16, -1, c_in), kernels, m.reshape(16, -1, c_out))
            if b is not None:
                m[1, 1] += b  # this position reaches all four outputs with weight 1
            _write_output(m, outputs, images, rows, scratch)

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        c_in, c_out = dw.shape[2:]
        total = np.zeros((16, c_in, c_out), dw.dtype)
        product = scratch.array("winograd dw", total.shape, dw.dtype)
        inputs, gradients = _phases(x), _phases(dz)
        for images, rows in _tiles(gradients, c_in + c_out):
            v = _transformed_input(inputs, self.window, images, rows, gradients[0][0].shape[2], scratch)
            dm = _transformed_gradient(gradients, images, rows, scratch)
            v, dm = v.reshape(16, -1, c_in), dm.reshape(16, -1, c_out)
            total += multiply(v.swapaxes(1, 2), dm, product)
        dw += (_TO_KERNEL.astype(dw.dtype) @ total.reshape(16, -1)).reshape(dw.shape)


def _phases(x: Array) -> Phases:
    """Return the phases of `x`, together or as the cells of a 2×2 pool, as views."""
    if x.shape[:2] == (2, 2):
        return (x[0, 0], x[0, 1]), (x[1, 0], x[1, 1])
    x = x[0, 0]
    return (x[:, ::2, ::2], x[:, ::2, 1::2]), (x[:, 1::2, ::2], x[:, 1::2, 1::2])


def _tiles(z: Phases, channels: int) -> Iterator[Tile]:
    """Yield (images, rows of 2×2 outputs): several images at once, or a band of one."""
    n, rows, columns, _ = z[0][0].shape
    return tiles(n, (rows, columns), 16 * channels * z[0][0].itemsize, TILE_BYTES)


def _transformed_input(
    x: Phases, window: Window, images: slice, rows: slice, wide: int, scratch: Workspace
) -> Array:
    """Return Bᵀ d B for the 4×4 inputs of every 2×2 outputs: (4, 4, n, rows, columns, c)."""
    tall = rows.stop - rows.start
    (top, _), (left, _) = window.padding
    d = _cut(x, images, (2 * rows.start - top, -left), (tall + 1, wide + 1), scratch)
    n, c = d.shape[2], d.shape[5]
    even, odd = d[:, 0], d[:, 1]
    across = scratch.array("winograd 1", (4, 2, n, tall + 1, wide, c), d.dtype)
    _combine(even[..., :-1, :], odd[..., :-1, :], even[..., 1:, :], odd[..., 1:, :], across)
    even, odd = across[:, 0], across[:, 1]
    v = scratch.array("winograd 2", (4, 4, n, tall, wide, c), d.dtype)
    _combine(even[:, :, :-1], odd[:, :, :-1], even[:, :, 1:], odd[:, :, 1:], v)
    return v


def _combine(d0: Array, d1: Array, d2: Array, d3: Array, out: Array) -> None:
    """Write Bᵀ d."""
    np.subtract(d0, d2, out=out[0])
    np.add(d1, d2, out=out[1])
    np.subtract(d2, d1, out=out[2])
    np.subtract(d1, d3, out=out[3])


def _write_output(m: Array, z: Phases, images: slice, rows: slice, scratch: Workspace) -> None:
    """Write Y = Aᵀ m A to `z`, down the rows, then along the columns."""
    down = scratch.array("winograd 2", (2, *m.shape[1:]), m.dtype)
    _reduce(m, down)
    y = scratch.array("winograd 0", (2, 2, *m.shape[2:]), m.dtype)
    _reduce(down.swapaxes(0, 1), y)
    for p in range(2):
        for q in range(2):
            target = z[p][q][images, rows]
            np.copyto(target, y[q, p, :, : target.shape[1], : target.shape[2]])


def _reduce(m: Array, out: Array) -> None:
    """Write Aᵀ m."""
    np.add(m[0], m[1], out=out[0])
    out[0] += m[2]
    np.subtract(m[1], m[2], out=out[1])
    out[1] -= m[3]


def _transformed_gradient(dz: Phases, images: slice, rows: slice, scratch: Workspace) -> Array:
    """Return A dY Aᵀ but for `_SIGNS`: (4, 4, n, rows, columns, c)."""
    tall, wide = rows.stop - rows.start, dz[0][0].shape[2]
    y = _cut(dz, images, (2 * rows.start, 0), (tall, wide), scratch)
    across = scratch.array("winograd 1", (4, *y.shape[1:]), y.dtype)
    _spread(y[:, 0], y[:, 1], across)
    dm = scratch.array("winograd 3", (4, 4, *y.shape[2:]), y.dtype)
    _spread(across[:, 0], across[:, 1], dm)
    return dm


def _spread(y0: Array, y1: Array, out: Array) -> None:
    """Write A y, the last with its sign turned."""
    np.copyto(out[0], y0)
    np.add(y0, y1, out=out[1])
    np.subtract(y0, y1, out=out[2])
    np.copyto(out[3], y1)


def _cut(x: Phases, images: slice, first: Pair, size: Pair, scratch: Workspace) -> Array:
    """Return the phases of the rows and columns of `x` from `first` on, apart in memory: (2, 2, n, *size, c).

    What lies outside the plane is zero. Apart, all that follows adds long contiguous runs; NumPy copies short
    strided runs faster than it adds them.
    """
    n, c = images.stop - images.start, x[0][0].shape[3]
    d = scratch.array("winograd 0", (2, 2, n, *size, c), x[0][0].dtype)
    for p in range(2):
        for q in range(2):
            target, part = d[p, q], x[(first[0] + p) % 2][(first[1] + q) % 2]
            to_rows, of_rows = _inside((first[0] + p) // 2, size[0], part.shape[1])
            to_columns, of_columns = _inside((first[1] + q) // 2, size[1], part.shape[2])
            target[:, : to_rows.start], target[:, to_rows.stop :] = 0, 0
            target[:, :, : to_columns.start], target[:, :, to_columns.stop :] = 0, 0
            np.copyto(target[:, to_rows, to_columns], part[images, of_rows, of_columns])
    return d


def _inside(first: int, count: int, n: int) -> tuple[slice, slice]:
    """Return which of the `count` cells from `first` on lie within 0 … n − 1, and where.

    >>> _inside(-1, 4, 2)
    (slice(1, 3, None), slice(0, 2, None))
    """
    low = min(max(0, -first), count)
    high = max(low, min(count, n - first))
    return slice(low, high), slice(first + low, first + high)
