"""The gradients of one conv layer: from the engine, in the article's pieces, and by central differences.

With dZ = dA · g′(Z): db is the sum of dZ; dW the correlation of the padded A_prev with dZ; dA_prev the full
convolution of dZ, dilated by the stride, with (n + 2p − f) mod s further zeros at the bottom and right, with
the kernel rotated by 180°, cropped by p. Source: Dumoulin and Visin, 2016, arXiv:1603.07285, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convcli.engine.batch.conv import conv2d, conv2d_backward
from convcli.engine.workspace import Array
from convcli.explaining.activating import on_kinks
from convcli.explaining.checking import errors_of
from convcli.explaining.problem import Problem
from convcli.nn.tape import Tape
from convcli.proof.differences import numeric_gradient, relative_error


@dataclass(frozen=True, eq=False)
class Backward:
    """A conv layer's gradients, as the engine computes them, and which of them are shown."""

    problem: Problem
    da: Array
    filters: range
    channels: range

    @cached_property
    def dz(self) -> Array:
        """dZ = dA · g′(Z)."""
        return self._through_activation(self.da)

    @cached_property
    def slope(self) -> Array:
        """g′(Z)."""
        return self._through_activation(np.ones(self.da.shape))

    def _through_activation(self, da: Array) -> Array:
        dz, tape = da.copy(), Tape()
        self.problem.activation.apply(self.problem.z, np.empty_like(dz), tape)
        self.problem.activation.derive(dz, tape)
        return dz

    def silence(self, k: int) -> str:
        """Return why no gradient comes through g to a filter, or nothing if some does."""
        g, z = self.problem.activation, self.problem.z[:, :, k]
        if self.dz[:, :, k].any():
            return ""
        if not self.da[:, :, k].any():
            return "dA is 0 everywhere"
        if self.slope[:, :, k].any():
            return f"dA is 0 wherever {g} has a slope"
        if g.kinks and (z <= 0).all():
            return f"every Z is {'below 0' if (z < 0).all() else '0 or less'}, where {g} has slope 0"
        return f"every Z lies where {g} has levelled out"

    @cached_property
    def gradients(self) -> tuple[Array, Array, Array]:
        """dA_prev, dW and db."""
        dx, dw, db = conv2d_backward(
            self.dz[None], self.problem.x[None], self.problem.w, **self.problem.options
        )
        return dx[0], dw, db

    def dilated(self, k: int) -> Array:
        """dZ of a filter with s − 1 zeros between its cells, and the remainder's at the bottom and right."""
        window, dz = self.problem.window, self.dz[:, :, k]
        extra = window.remainder(self.problem.sliding.plane)
        shape = [(n - 1) * s + 1 + more for n, s, more in zip(dz.shape, window.stride, extra, strict=True)]
        spread = np.zeros(shape)
        spread[: shape[0] - extra[0] : window.stride[0], : shape[1] - extra[1] : window.stride[1]] = dz
        return spread

    def rotated(self, c: int, k: int) -> Array:
        """The kernel rotated by 180°."""
        return self.problem.w[::-1, ::-1, c, k]

    def full(self, c: int, k: int) -> Array:
        """One filter's dZ in full convolution with its kernel's channel; as large as the padded input."""
        spread, kernel = self.dilated(k)[None, :, :, None], self.rotated(c, k)[:, :, None, None]
        return np.asarray(
            conv2d(spread, kernel, padding="full", dilation=self.problem.window.dilation)[0, :, :, 0]
        )


def check(back: Backward) -> dict[str, float]:
    """Return the largest relative error of each gradient that is shown, against central differences.

    dZ is judged by L = Σ dA · g(Z), the others by L = Σ dZ · Z. Cells on a kink of g, such as that of relu
    at 0, have no derivative and are left out of the first.
    """
    problem = back.problem
    ks, cs = slice(back.filters.start, back.filters.stop), slice(back.channels.start, back.channels.stop)
    dx, dw, db = back.gradients
    x, w, b, z = problem.x.copy(), problem.w.copy(), problem.b.copy(), problem.z.copy()

    def after_activation() -> float:
        a = np.empty_like(z)
        problem.activation.apply(z, a, Tape())
        return float((a * back.da).sum())

    def after_convolution() -> float:
        return float((conv2d(x[None], w, b, **problem.options)[0] * back.dz).sum())

    smooth = ~on_kinks(problem.activation, problem.z[:, :, ks])
    through_g = {
        "dZ": relative_error(
            back.dz[:, :, ks] * smooth, numeric_gradient(after_activation, z[:, :, ks]) * smooth
        )
    }
    return through_g | errors_of(
        after_convolution,
        {
            "dW": (problem.as_given(w)[:, :, cs, ks], problem.as_given(dw)[:, :, cs, ks]),
            "db": (b[ks], db[ks]),
            "dA_prev": (x[:, :, cs], dx[:, :, cs]),
        },
    )
