"""What a strategy is that convolves a batch of volumes: for which shapes it is offered, and its arithmetic.

Each is a file in `strategies/`. Arrays are (h, w, n, c) in all of them, and C-contiguous.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from convcli.engine.workspace import Array, Workspace
from convcli.shapes import Pair, Window

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """A convolution's shapes."""

    shape: Shape  # (h, w, c_in) of a volume
    filters: int
    window: Window
    groups: int = 1  # of channels, which do not see each other

    @property
    def depth(self) -> int:
        """How many channels a kernel sees."""
        return self.shape[2] // self.groups

    @property
    def output(self) -> Pair:
        """Rows and columns of outputs."""
        return self.window.output_shape((self.shape[0], self.shape[1]))


class Strategy(Protocol):
    """A way to convolve. What it adds up and in which order does not depend on anything but the shapes.

    Attributes
    ----------
    unit
        Of so many rows of outputs it computes all at once.
    """

    unit: int = 1

    def prepared(self, w: Array, scratch: Workspace) -> Array:
        """Return kernels (f_h, f_w, c_in / groups, c_out) as `forward` wants them, once for many calls."""
        return w

    def forward(
        self, x: Array, w: Array, b: Array | None, z: Array, scratch: Workspace, first: int = 0
    ) -> None:
        """Write Z = W * A_prev + b to `z`, which are all rows from `first` on, a multiple of `unit`, or some.

        `w` is as `prepared` returns it.
        """

    def weight_gradient(self, dz: Array, x: Array, dw: Array, scratch: Workspace) -> None:
        """Add to `dw` the correlation of the padded A_prev with dZ."""
