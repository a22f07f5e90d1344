"""3×3 convolution at stride 1 with 4 times fewer multiplications: Winograd's F(4×4, 3×3).

Four rows and columns of output come from six of input: Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A. The products over
channels become 36 smaller matrix products. All three transforms are linear, so the gradient of the weights
goes back the same way: dw = Gᵀ [ Σ (Bᵀ d B) ⊙ (A dY Aᵀ) ] G.

A transform is two products by a small matrix, one along the rows of all tiles and one along their columns,
whose other operand is as wide as everything else. BLAS does these faster than NumPy adds whole arrays, and
whatever numbers the matrix holds; so the points may be those that round least. In float32 the error is some
three times that of columns: up to 512 channels below 3e-6 of the largest result.

Sources: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, arXiv:1509.09308; points
as in Alam, Anderson, Barabasz and Gregg, "Winograd convolution for deep neural networks: efficient point
selection", 2022, arXiv:2201.10369.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from convcli.engine.batch.strategy import Strategy, Task
from convcli.engine.batch.windows import add_bias, tiles
from convcli.engine.costs import costs
from convcli.engine.products import multiply
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window

OUT, SEEN = 4, 6  # rows and columns that a tile gives, and that it sees

# The transformed input of a tile and what its products give. Small tiles stay in the second-level cache,
# large ones need fewer calls. For the sake of the cache the stages overwrite what is no longer needed.
TILE_BYTES = 1 << 21
LAYOUTS = ((1, 1), (2, 2))  # inputs and outputs that lie together, or as the cells of a 2×2 pool

POINTS = (0, 5 / 8, -5 / 8, 3 / 2, -3 / 2)  # and infinity; of such symmetric ones these round least


def _transforms(points: tuple[float, ...], size: int) -> tuple[Array, Array, Array]:
    """Return Aᵀ (size, p + 1), G (p + 1, p + 2 − size) and Bᵀ (p + 1, p + 1) of p points and infinity.

    Kernels and outputs are polynomials, multiplied by their values at the points; Bᵀ interpolates, transposed
    (Toom and Cook). Each row of Bᵀ has the coefficients of Π (x − pⱼ) over the other points.
    """
    others = [[p for p in points if p != point] for point in points]
    scale = [np.prod(np.subtract(point, rest)) for point, rest in zip(points, others, strict=True)]
    last = len(points)
    a, g = (np.vander(points, count, increasing=True) for count in (size, last + 2 - size))
    at_infinity_a, at_infinity_g = (np.eye(matrix.shape[1])[-1] for matrix in (a, g))
    b = [[*np.poly(rest)[::-1], 0] for rest in others]
    return (
        np.vstack([a, at_infinity_a]).T,
        np.vstack([g / np.array(scale)[:, None], at_infinity_g]),
        np.array([*b, np.poly(points)[::-1]]),
    )


_TO_OUTPUT, _G, _FROM_INPUT = _transforms(POINTS, OUT)
_FROM_KERNEL = np.kron(_G, _G)  # G w Gᵀ as one product: (36, 9), from a kernel's cells to a tile's positions


def offer(task: Task) -> Strategy | None:
    """Offer it for 3×3 kernels with channels enough."""
    window = task.window
    plain = window.size == (3, 3) and window.stride == window.dilation == (1, 1) and task.groups == 1
    many = min(task.depth, task.filters) >= costs().winograd_channels
    return Winograd(window) if plain and many and {task.pool, task.source} <= {*LAYOUTS} else None


class _Block(NamedTuple):
    """Tiles that are computed at once: several images, or a band of one."""

    images: slice
    rows: slice  # of tiles
    across: int  # tiles beside each other


class Winograd(Strategy):
    """F(4×4, 3×3)."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def prepared(self, w: Array, scratch: Workspace) -> Array:
        """Return G w Gᵀ: (36, c_in, c_out)."""
        kernels = scratch.array("winograd kernels", (len(_FROM_KERNEL), *w.shape[2:]), w.dtype)
        multiply(_FROM_KERNEL.astype(w.dtype), w.reshape(9, -1), kernels.reshape(len(kernels), -1))
        return kernels

    def forward(self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace) -> None:
        """Write Z = W * A_prev + b to `z`; `w` as `prepared` returns it."""
        _, c_in, c_out = w.shape
        for block in _blocks(z, c_in, c_out):
            v = self._transformed_input(x, block, scratch)
            m = scratch.array("winograd 1", (*v.shape[:-1], c_out), z.dtype)
            multiply(v.reshape(len(w), -1, c_in), w, m.reshape(len(w), -1, c_out))
            _write_output(m, b, z, block, scratch)

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        c_in, c_out = dw.shape[2:]
        if not dz.size:
            return
        total, product = scratch.array("winograd dw", (2, len(_FROM_KERNEL), c_in, c_out), dw.dtype)
        for number, block in enumerate(_blocks(dz, c_in, c_out)):
            v = self._transformed_input(x, block, scratch).reshape(len(total), -1, c_in)
            dm = _transformed_gradient(dz, block, scratch).reshape(len(total), -1, c_out)
            multiply(v.swapaxes(1, 2), dm, product if number else total)
            if number:
                total += product
        dw += (_FROM_KERNEL.T.astype(dw.dtype) @ total.reshape(len(total), -1)).reshape(dw.shape)

    def _transformed_input(self, x: Array, block: _Block, scratch: Workspace) -> Array:
        """Return Bᵀ d B for the 6×6 inputs of every 4×4 outputs: (6, 6, across, n, down, c)."""
        (top, _), (left, _) = self.window.padding
        first = OUT * block.rows.start - top, -left
        d = _cut(x, block, first, (SEEN, OUT * block.across + SEEN - OUT), "winograd 0", scratch)
        return _both_ways(_FROM_INPUT, d, block, ("winograd 1", "winograd 0"), scratch)


def _blocks(z: Array, c_in: int, c_out: int) -> Iterator[_Block]:
    """Yield what covers `z`, each of about `TILE_BYTES`, and no less than the kernels, which each reads."""
    p_h, p_w, n, rows, columns, _ = z.shape
    down, across = -(-rows * p_h // OUT), -(-columns * p_w // OUT)
    position = SEEN**2 * z.itemsize
    most = max(TILE_BYTES, position * c_in * c_out)
    for images, band in tiles(n, (down, across), position * (c_in + c_out), most):
        yield _Block(images, band, across)


def _transformed_gradient(dz: Array, block: _Block, scratch: Workspace) -> Array:
    """Return A dY Aᵀ of every 4×4 outputs: (6, 6, across, n, down, c)."""
    first = OUT * block.rows.start, 0
    d = _cut(dz, block, first, (OUT, OUT * block.across), "winograd 1", scratch)
    return _both_ways(_TO_OUTPUT.T, d, block, ("winograd 2", "winograd 1"), scratch)


def _cut(x: Array, block: _Block, first: Pair, size: Pair, name: str, scratch: Workspace) -> Array:
    """Return rows and columns of `x` from `first` on as (rows of a tile, columns, n, down, c).

    What lies outside the plane is zero. `size` is how many rows a tile sees, and all columns.
    """
    p_h, p_w, _, height, width, c = x.shape
    n, down = block.images.stop - block.images.start, block.rows.stop - block.rows.start
    d = scratch.array(name, (*size, n, down, c), x.dtype)
    left, right = _inside(first[1], size[1], width * p_w)
    d[:, :left], d[:, right:] = 0, 0
    for i in range(size[0]):
        new = 0
        if i >= OUT:  # the rows with which the tile below begins
            new = down - 1
            d[i, :, :, :new] = d[i - OUT, :, :, 1:]
        above, below = (max(t, new) for t in _inside(first[0] + i, down, height * p_h, OUT))
        d[i, :, :, new:above], d[i, :, :, below:] = 0, 0
        row, cell = divmod(first[0] + i + OUT * above, p_h)
        for q in range(left, min(left + p_w, right)):
            column, beside = divmod(first[1] + q, p_w)
            target = d[i, q:right:p_w, :, above:below].transpose(1, 2, 0, 3)
            part = x[cell, beside, block.images, row :: OUT // p_h, column:]
            np.copyto(target, part[:, : target.shape[1], : target.shape[2]])
    return d


def _inside(first: int, count: int, n: int, step: int = 1) -> Pair:
    """Return which of `count` cells first, first + step, … lie within 0 … n − 1: from, and up to.

    >>> _inside(-1, 4, 2), _inside(-3, 3, 9, 4)
    ((1, 3), (1, 3))
    """
    low = min(max(0, -(first // step)), count)
    return low, max(low, min(count, -(-(n - first) // step)))


def _both_ways(matrix: Array, d: Array, block: _Block, names: tuple[str, str], scratch: Workspace) -> Array:
    """Return M d Mᵀ of each tile in `d` (seen, columns, n, down, c): (6, 6, across, n, down, c)."""
    matrix = matrix.astype(d.dtype)
    rows, columns, *others = d.shape
    down = scratch.array(names[0], (SEEN, columns, *others), d.dtype)
    multiply(matrix, d.reshape(rows, -1), down.reshape(SEEN, -1))
    v = scratch.array(names[1], (SEEN, SEEN, block.across, *others), d.dtype)
    # The columns that a tile sees are the rows of a matrix; those of neighbours overlap.
    lines = down.reshape(SEEN, columns, -1)
    (of_rows, step, item), run = lines.strides, lines.shape[2]
    shape = (SEEN, block.across, matrix.shape[1], run)
    seen = np.ndarray(shape, d.dtype, lines, 0, (of_rows, OUT * step, step, item))
    multiply(matrix, seen, v.reshape(SEEN, SEEN, block.across, run).swapaxes(1, 2))
    return v


def _write_output(m: Array, b: Array | None, z: Array, block: _Block, scratch: Workspace) -> None:
    """Write Y = Aᵀ m A + b to `z`, along the columns, then down the rows."""
    matrix = _TO_OUTPUT.astype(m.dtype)
    along = scratch.array("winograd 0", (SEEN, OUT, *m.shape[2:]), m.dtype)
    multiply(matrix, m.reshape(SEEN, SEEN, -1), along.reshape(SEEN, OUT, -1))
    y = scratch.array("winograd 1", (OUT, OUT, *m.shape[2:]), m.dtype)
    multiply(matrix, along.reshape(SEEN, -1), y.reshape(OUT, -1))
    if b is not None:
        add_bias(b, y)
    _put(y, z, block)


def _put(y: Array, z: Array, block: _Block) -> None:
    """Write tiles `y` (4, 4, across, n, down, c) to where they lie in `z`, which may end within the last."""
    p_h, p_w, _, _, columns, c = z.shape
    each = OUT // p_w  # columns of a tile in a part of `z`
    whole = columns // each
    for i in range(OUT):
        for beside in range(p_w):
            part = z[i % p_h, beside, block.images, OUT // p_h * block.rows.start + i // p_h :: OUT // p_h]
            part = part[:, : y.shape[4]]
            n, rows = part.shape[:2]
            tiles_of_row = y[i, beside::p_w, :, :, :rows].transpose(2, 3, 1, 0, 4)
            rest = whole * each
            np.copyto(part[:, :, :rest].reshape(n, rows, whole, each, c), tiles_of_row[:, :, :whole])
            if rest < columns:
                np.copyto(part[:, :, rest:], tiles_of_row[:, :, whole, : columns - rest])
