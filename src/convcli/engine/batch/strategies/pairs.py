"""Two neighbours of Z at once, as if they were twice as many kernels, one column wider.

Some more multiplications, a third for 3×3 kernels, but less to copy, and a product twice as wide: where few
kernels see many channels, copying columns takes longer than multiplying them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convcli.engine.batch.strategies.columns import Columns
from convcli.engine.batch.strategy import Strategy, Task
from convcli.engine.batch.windows import SHORT_RUN
from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Window

FEW_KERNELS = 16  # with fewer a product is so thin that copying its columns takes longer


def offer(task: Task) -> Strategy | None:
    """Offer pairs for few kernels that see many channels, where rows of outputs lie together and are even."""
    window = task.window
    plain = task.groups == window.stride[1] == window.dilation[1] == 1
    thin = task.filters < FEW_KERNELS and window.size[1] * task.depth >= SHORT_RUN
    together = task.pool == task.source == (1, 1) and task.output[1] % 2 == 0
    return Pairs(task) if plain and thin and together and window.size[1] > 1 else None


class Pairs(Strategy):
    """Pairs of outputs by columns; the gradient of the weights, which gains nothing by them, one by one."""

    def __init__(self, task: Task) -> None:
        self.columns = Columns(task)
        (f_h, f_w), (s_h, _) = task.window.size, task.window.stride
        wider = Window((f_h, f_w + 1), (s_h, 2), task.window.padding, task.window.dilation)
        self.wider = Columns(replace(task, window=wider, filters=2 * task.filters))

    def forward(self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace) -> None:
        """Write Z = W * A_prev + b to `z`."""
        f_h, f_w, c_in, c_out = w.shape
        both = np.zeros((f_h, f_w + 1, c_in, 2, c_out), w.dtype)
        both[:, :-1, :, 0] = both[:, 1:, :, 1] = w
        paired = z.reshape(*z.shape[:4], z.shape[4] // 2, 2 * c_out)
        bias = None if b is None else np.tile(b, 2)
        self.wider.forward(x, both.reshape(f_h, f_w + 1, c_in, 2 * c_out), bias, paired, scratch)

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
        self.columns.weight_gradient(dz, x, dw, scratch)
