"""3×3 convolution at stride 1 with 4 times fewer multiplications: Winograd's F(4×4, 3×3).

Four rows and columns of output come from six of input: Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A. The products over
channels become 36 smaller matrix products. All three transforms are linear, so the gradient of the weights
goes back the same way: dw = Gᵀ [ Σ (Bᵀ d B) ⊙ (A dY Aᵀ) ] G.

A transform is two products by a small matrix, one down the rows of a plane and one along its columns, whose
other operand is read where it lies: tiles overlap, and rows and columns are long runs. BLAS does these as
fast as NumPy adds whole arrays, whatever numbers the matrix holds; so the points may be those that round
least. Of zeros above and below the plane the matrix leaves columns out, beside it they are written. In
float32 the error is some three times that of columns: up to 512 channels, for numbers of one sign, as in
networks, below 3e-6 of the largest result; of both signs it may be three times that.

Sources: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, arXiv:1509.09308; points
as in Alam, Anderson, Barabasz and Gregg, "Winograd convolution for deep neural networks: efficient point
selection", 2022, arXiv:2201.10369.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from convcli.engine.batch.strategy import Strategy, Task
from convcli.engine.batch.windows import bands, strided
from convcli.engine.costs import costs
from convcli.engine.products import multiply
from convcli.engine.volumes import add_bias, batch
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Window

OUT, SEEN = 4, 6  # rows and columns that a tile gives, and that it sees

# The transformed input of a band of tiles and what its products give. In a small band the stages find in the
# second-level cache what the one before has left; a large one needs fewer calls.
BAND_BYTES = 1 << 21

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
    return Winograd(window) if plain and many else None


class Winograd(Strategy):
    """F(4×4, 3×3). In a batch there are T rows of A tiles."""

    unit = OUT

    def __init__(self, window: Window) -> None:
        self.window = window

    def prepared(self, w: Array, scratch: Workspace) -> Array:
        """Return G w Gᵀ: (36, c_in, c_out)."""
        kernels = scratch.array("winograd kernels", (len(_FROM_KERNEL), *w.shape[2:]), w.dtype)
        multiply(_FROM_KERNEL.astype(w.dtype), w.reshape(9, -1), kernels.reshape(len(kernels), -1))
        return kernels

    def forward(
        self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace, first: int = 0
    ) -> None:
        """Write Z = W * A_prev + b to `z`; `w` as `prepared` returns it."""
        _, c_in, c_out = w.shape
        for rows in _bands(z, c_in, c_out):
            part = z[rows]
            v = self._transformed_input(x, part, rows.start + first, scratch)
            m = scratch.array("winograd 2", (*v.shape[:2], c_out), z.dtype)
            multiply(v, w, m)
            _write_output(m, part, scratch)
            if b is not None:
                add_bias(b, batch(part))

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        c_in, c_out = dw.shape[2:]
        total, product = scratch.array("winograd dw", (2, len(_FROM_KERNEL), c_in, c_out), dw.dtype)
        for number, rows in enumerate(_bands(dz, c_in, c_out)):
            part = dz[rows]
            v = self._transformed_input(x, part, rows.start, scratch)
            dm = _both_ways(_TO_OUTPUT.T, part, (0, 0), part, "winograd 2", scratch)
            multiply(v.swapaxes(1, 2), dm, product if number else total)
            if number:
                total += product
        dw += (_FROM_KERNEL.T.astype(dw.dtype) @ total.reshape(len(total), -1)).reshape(dw.shape)

    def _transformed_input(self, x: Array, z: Array, row: int, scratch: Workspace) -> Array:
        """Return Bᵀ d B of every 4×4 outputs in `z`, which begin at a row: (36, T·A·n, c)."""
        (top, _), (left, _) = self.window.padding
        return _both_ways(_FROM_INPUT, x, (row - top, -left), z, "winograd 1", scratch)


def _bands(z: Array, c_in: int, c_out: int) -> tuple[slice, ...]:
    """Return rows that cover `z`, in bands of `BAND_BYTES`, or of what the kernels have, which each reads."""
    rows, columns, n, _ = z.shape
    position = SEEN**2 * z.itemsize
    row_bytes = -(-columns // OUT) * n * position * (c_in + c_out) // OUT
    return bands(rows, row_bytes, max(BAND_BYTES, position * c_in * c_out), OUT)


def _both_ways(
    matrix: Array, x: Array, first: tuple[int, int], z: Array, name: str, scratch: Workspace
) -> Array:
    """Return M d Mᵀ for the cells d that each tile of `z` sees of `x`: (36, T·A·n, c).

    The first tile's begin at row and column `first`, 0 or less; beyond the plane are zeros.
    """
    matrix = matrix.astype(x.dtype)
    height, width, n, c = x.shape
    down, across = -(-len(z) // OUT), -(-z.shape[1] // OUT)
    left, seen = -first[1], OUT * across + matrix.shape[1] - OUT
    of_rows = scratch.array("winograd 0", (SEEN, down, seen, n * c), x.dtype)
    of_rows[:, :, :left], of_rows[:, :, left + width :] = 0, 0
    inside = of_rows[:, :, left : left + width].reshape(SEEN, down, -1).swapaxes(0, 1)
    _transform(matrix, x.reshape(height, -1), first[0], inside)
    v = scratch.array(name, (SEEN, SEEN, down, across, n * c), x.dtype)
    (*strides, step, item), shape = of_rows.strides, (SEEN, down, across, matrix.shape[1], n * c)
    tiles = np.ndarray(shape, x.dtype, of_rows, 0, (*strides, OUT * step, step, item))
    multiply(matrix, tiles, v.transpose(0, 2, 3, 1, 4))
    return v.reshape(SEEN**2, -1, c)


def _transform(matrix: Array, x: Array, first: int, out: Array) -> None:
    """Write M d for the rows d of `x` (n, run) that each tile sees to `out` (tiles, 6, run)."""
    run, (step, item) = x.shape[1], x.strides
    for tiles, start, seen in _alike(len(out), first, len(x), matrix.shape[1]):
        shape = (tiles.stop - tiles.start, seen.stop - seen.start, run)
        d = strided(x[start:], shape, (OUT * step, step, item))
        multiply(matrix[:, seen], d, out[tiles])


@lru_cache(maxsize=1024)  # training asks for the same few, many times a step
def _alike(tiles: int, first: int, n: int, sees: int) -> tuple[tuple[slice, int, slice], ...]:
    """Return tiles that have the same of the cells they see among the n of an axis, where the first begins.

    With them come the first one's first cell on the axis, and which of those that a tile sees lie there.

    >>> _alike(3, -1, 9, 6)  # of the last tile's six cells, from 7 on, there are two
    ((slice(0, 1, None), 0, slice(1, 6, None)), (slice(1, 2, None), 3, slice(0, 6, None)), \
(slice(2, 3, None), 7, slice(0, 2, None)))
    """
    tile, alike = 0, []
    while tile < tiles:
        at = first + OUT * tile
        seen = slice(min(max(0, -at), sees), max(0, min(sees, n - at)))
        end = tile + 1
        if seen == slice(0, sees):
            end = min(tiles, (n - sees - first) // OUT + 1)
        if seen.start < seen.stop:
            alike.append((slice(tile, end), at + seen.start, seen))
        else:
            alike.append((slice(tile, end), 0, slice(0, 0)))
        tile = end
    return tuple(alike)


def _write_output(m: Array, z: Array, scratch: Workspace) -> None:
    """Write Y = Aᵀ m A to `z`, along the columns, then down the rows."""
    matrix = _TO_OUTPUT.astype(m.dtype)
    height, width, n, c = z.shape
    down, across = -(-height // OUT), -(-width // OUT)
    of_rows = scratch.array("winograd 0", (SEEN, down, across * OUT, n * c), z.dtype)
    tiles = m.reshape(SEEN, SEEN, down, across, n * c).transpose(0, 2, 3, 1, 4)
    multiply(matrix, tiles, of_rows.reshape(SEEN, down, across, OUT, n * c))
    inside = of_rows[:, :, :width].reshape(SEEN, down, -1).swapaxes(0, 1)
    whole, rest = divmod(height, OUT)
    rows = z.reshape(height, -1)
    if whole:
        multiply(matrix, inside[:whole], rows[: whole * OUT].reshape(whole, OUT, -1))
    if rest:
        multiply(matrix[:rest], inside[whole], rows[whole * OUT :])
