"""A convolution of one shape: what computes it, and its gradients, is chosen once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property, lru_cache

import numpy as np

from convcli.engine.batch.strategies import choose
from convcli.engine.batch.strategy import Shape, Strategy, Task
from convcli.engine.batch.windows import by_group, tiles, window_cell
from convcli.engine.products import multiply
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window

# Outputs that a second-level cache holds beside what computes them.
PART_BYTES = 1 << 19


@lru_cache(maxsize=1024)  # training asks for the same few, many times a step
def convolution(
    shape: Shape, filters: int, window: Window, groups: int = 1, pool: Pair = (1, 1)
) -> Convolution:
    """Return the convolution of volumes (h, w, c_in); with a pool its outputs lie apart, as `Task` says."""
    return Convolution(Task(shape, filters, window, groups, pool))


class Convolution:
    """Kernels (f_h, f_w, c_in / groups, c_out) laid on volumes `x` (n, h, w, c_in).

    Outputs `z` are (n, out_h, out_w, c_out); with a pool (p_h, p_w, n, rows, columns, c_out), apart. They and
    their gradients are C-contiguous.
    """

    def __init__(self, task: Task) -> None:
        strategy = choose(task)
        assert strategy is not None  # as the inputs lie together
        self.task, self._strategy = task, strategy

    def forward(self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace) -> None:
        """Write Z = W * A_prev + b to `z`."""
        strategy = self._strategy
        strategy.forward(_apart(x), strategy.prepared(w, scratch), b, _apart(z), scratch)

    def parts(self, x: Array, w: Array, scratch: Workspace) -> Iterator[tuple[slice, Array]]:
        """Yield Z = W * A_prev, apart, of some images at a time, where the next ones overwrite it.

        So whoever reduces it finds it in a cache.
        """
        task, kernels = self.task, self._strategy.prepared(w, scratch)
        (p_h, p_w), (rows, columns) = task.pool, task.output
        shape = rows // p_h, columns // p_w, task.filters
        for images, _ in tiles(len(x), (1, 1), math.prod(shape) * p_h * p_w * x.itemsize, PART_BYTES):
            z = scratch.array("part", (p_h, p_w, images.stop - images.start, *shape), x.dtype)
            self._strategy.forward(_apart(x[images]), kernels, None, z, scratch)
            yield images, z

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        self._strategy.weight_gradient(_apart(dz), _apart(x), dw, scratch)

    def input_gradient(self, dz: Array, w: Array, dx: Array, scratch: Workspace) -> None:
        """Write dA_prev to `dx`."""
        task = self.task
        if self._full is not None:
            strategy, (rows, columns) = self._full
            seen = _apart(dz)[:, :, :, :rows, :columns]
            kernels = strategy.prepared(rotated(w, task.groups), scratch)
            strategy.forward(seen, kernels, None, _apart(dx), scratch)
        elif task.pool != (1, 1):
            together = scratch.array("dz", (len(dx), *task.output, task.filters), dz.dtype)
            _put_together(dz, together)
            plain = convolution(task.shape, task.filters, task.window, task.groups)
            plain.input_gradient(together, w, dx, scratch)
        else:
            scatter(dz, w, dx, task, scratch)

    @cached_property
    def _full(self) -> tuple[Strategy, Pair] | None:
        """What convolves dZ, as it lies, fully with the rotated kernels, and how much of each part it sees.

        At stride 1, where it is faster than scattering. It pads fully, less what the forward pass padded;
        where that leaves less than nothing behind, it crops dZ, and before, it cannot.
        """
        task, window = self.task, self.task.window
        before = [span - 1 - pad for span, (pad, _) in zip(window.span, window.padding, strict=True)]
        covered = [n - n % p for n, p in zip(task.output, task.pool, strict=True)]
        behind = [
            n - dn + span - 1 - pad
            for n, dn, span, pad in zip(task.shape, covered, window.span, before, strict=False)
        ]
        if window.stride != (1, 1) or min(before) < 0 or (min(behind) < 0 and task.pool != (1, 1)):
            return None
        rows, columns = (n + min(pad, 0) for n, pad in zip(covered, behind, strict=True))
        padding = ((before[0], max(behind[0], 0)), (before[1], max(behind[1], 0)))
        full = Window(window.size, (1, 1), padding, window.dilation)
        shape = (rows, columns, task.filters)
        strategy = choose(Task(shape, task.shape[2], full, task.groups, source=task.pool))
        return None if strategy is None else (strategy, (rows // task.pool[0], columns // task.pool[1]))


def _apart(z: Array) -> Array:
    """Return an array that lies together as the one part that it is."""
    return z if z.ndim == 6 else z[None, None]


def _put_together(cells: Array, z: Array) -> None:
    """Write what lies apart to `z` (n, rows, columns, c), and zeros to what no window of the pool covers."""
    f_h, f_w, n, rows, columns, c = cells.shape
    z[:, rows * f_h :], z[:, :, columns * f_w :] = 0, 0
    blocks = z[:, : rows * f_h, : columns * f_w].reshape(n, rows, f_h, columns, f_w, c)
    np.copyto(blocks, cells.transpose(2, 3, 0, 4, 1, 5))


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
    n, height, width, c_in = dx.shape
    (top, bottom), (left, right) = window.padding
    padded = scratch.array("padded", (n, top + height + bottom, left + width + right, c_in), dx.dtype)
    padded[:] = 0
    kernels = w.reshape(f_h, f_w, depth, groups, c_out // groups).transpose(0, 1, 3, 4, 2)
    shares = scratch.array("shares", (*dz.shape[:3], c_in), dx.dtype)
    for i in range(f_h):
        for j in range(f_w):
            if depth == c_out // groups == 1:
                np.multiply(dz, w[i, j, 0], out=shares)
            else:
                multiply(by_group(dz, groups), kernels[i, j], by_group(shares, groups))
            window_cell(padded, window, dz.shape[1:3], i, j)[...] += shares
    np.copyto(dx, padded[:, top : top + height, left : left + width])
