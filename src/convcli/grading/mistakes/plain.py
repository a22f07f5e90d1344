"""The operations in a few lines of NumPy, with every part that learners get wrong to be given in its place.

Arrays are as the engine has them: x (n, h, w, c), w (f_h, f_w, c, k), dz (n, out_h, out_w, k).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.shapes import Pair, Sides, Window

if TYPE_CHECKING:
    from convcli.grading.cases import Case

NONE: Sides = ((0, 0), (0, 0))


@dataclass(frozen=True, slots=True)
class Slid:
    """What a case slides over its input.

    Attributes
    ----------
    x
        The input.
    window
        Size, stride and padding.
    """

    x: Array
    window: Window

    @property
    def output(self) -> Pair:
        """(rows, columns) that come out where the size is right."""
        return self.window.output_shape((self.x.shape[1], self.x.shape[2]))

    @property
    def plane(self) -> Pair:
        """Rows and columns of the padded input."""
        (top, bottom), (left, right) = self.window.padding
        return self.x.shape[1] + top + bottom, self.x.shape[2] + left + right

    @property
    def strides_past(self) -> Pair:
        """(rows, columns) that come out at stride 1."""
        (height, width), (f_h, f_w) = self.plane, self.window.size
        return height - f_h + 1, width - f_w + 1


def slid(case: Case) -> Slid:
    """Return what slides over the input of a case."""
    x = case.arrays["x"]
    size = case.options["size"] if "size" in case.options else case.arrays["w"].shape[:2]
    stride, padding = case.options.get("stride", 1), case.options.get("padding", 0)
    return Slid(x, Window.of(size, stride=stride, padding=padding))


def padded(x: Array, sides: Sides) -> Array:
    """Return a batch with zeros around its planes."""
    return np.pad(x, ((0, 0), *sides, (0, 0)))


def windows(x: Array, size: Pair, stride: Pair, output: Pair, fill: float = 0.0) -> Array:
    """Return (n, *output, c, f_h, f_w): windows of a padded batch; what lies beyond its end is `fill`."""
    needed = [(count - 1) * s + f for count, s, f in zip(output, stride, size, strict=True)]
    beyond = [max(0, need - have) for need, have in zip(needed, x.shape[1:3], strict=True)]
    x = np.pad(x, ((0, 0), (0, beyond[0]), (0, beyond[1]), (0, 0)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(x, size, axis=(1, 2))
    return view[:, :: stride[0], :: stride[1]][:, : output[0], : output[1]]


def correlate(seen: Array, w: Array) -> Array:
    """Return Σ window · kernel: (n, out_h, out_w, k)."""
    made: Array = np.einsum("nhwcij,ijck->nhwk", seen, w)
    return made


def kernel_gradient(seen: Array, dz: Array) -> Array:
    """Return dW: Σ window · dZ."""
    made: Array = np.einsum("nhwcij,nhwk->ijck", seen, dz)
    return made


def scattered(pieces: Array, stride: Pair, plane: Pair, *, adds: bool = True) -> Array:
    """Return (n, *plane, c), each piece of (n, out_h, out_w, c, f_h, f_w) where its window lies.

    They add up there, or each cell of the window, one after another, takes the place of earlier ones.
    """
    n, rows, columns, c, f_h, f_w = pieces.shape
    (s_h, s_w), (height, width) = stride, plane
    needed = max(height, (rows - 1) * s_h + f_h), max(width, (columns - 1) * s_w + f_w)
    dx = np.zeros((n, *needed, c))
    for i in range(f_h):
        for j in range(f_w):
            under = dx[:, i : i + rows * s_h : s_h, j : j + columns * s_w : s_w]
            under[...] = pieces[..., i, j] + (under if adds else 0)
    return dx[:, :height, :width]


written_by_cell = partial(scattered, adds=False)


def overwritten(pieces: Array, stride: Pair, plane: Pair) -> Array:
    """Return the same where each window's piece takes the place of what earlier ones left there."""
    n, rows, columns, c, f_h, f_w = pieces.shape
    dx = np.zeros((n, *plane, c))
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride[0], column * stride[1]
            dx[:, top : top + f_h, left : left + f_w] = np.moveaxis(pieces[:, row, column], 1, -1)
    return dx


def cropped(dx: Array, sides: Sides, plane: Pair) -> Array:
    """Return what lies under the image itself."""
    (top, _), (left, _) = sides
    return dx[:, top : top + plane[0], left : left + plane[1]]


Pool = Callable[[Array], Array]
"""Windows (…, f_h, f_w) to a value each."""


def share(seen: Array, first: bool = True) -> Array:
    """Return for windows (…, f_h, f_w) where the maximum lies: 1 at the first, or the last, of equal ones."""
    flat = seen.reshape(*seen.shape[:-2], -1)
    index = flat.argmax(-1) if first else flat.shape[-1] - 1 - flat[..., ::-1].argmax(-1)
    mask = np.zeros(flat.shape)
    np.put_along_axis(mask, index[..., None], 1.0, axis=-1)
    return mask.reshape(seen.shape)


def every_tie(seen: Array) -> Array:
    """Return 1 wherever a window has its maximum."""
    made: Array = (seen == seen.max((-2, -1), keepdims=True)).astype(float)
    return made
