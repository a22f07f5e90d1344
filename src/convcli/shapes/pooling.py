"""Windows of pools: none lies on padding alone; the last may hang over the end; or so many share a plane.

A pool takes a maximum or a mean of cells that are there, so its windows are counted as those of a convolution
are, and then told apart from them by what they hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

from convcli.errors import ShapeError
from convcli.shapes.window import AXES, IntOrPair, Padding, Pair, Window, pair

MOST = 1 << 16  # cells that a window, or an output, may have more than an axis: each takes a pass


@dataclass(frozen=True, slots=True)
class Series:
    """Windows along an axis, at even distances.

    Attributes
    ----------
    start
        Where the first begins; below 0 in the padding.
    stride, cells, dilation
        From one to the next, how many cells each has, and how far those lie apart.
    count
        How many windows there are.
    output, step
        Where the first one's result stands, and how far it is to the next one's.
    """

    start: int
    stride: int
    cells: int
    dilation: int
    count: int
    output: int = 0
    step: int = 1


@dataclass(frozen=True, slots=True)
class PoolWindow(Window):
    """The window of a pool."""

    @classmethod
    def of(
        cls,
        size: IntOrPair,
        *,
        stride: IntOrPair | None = None,
        padding: Padding = 0,
        dilation: IntOrPair = 1,
        ceil_mode: bool = False,
    ) -> Self:
        """Return the window that these arguments describe; forms and errors as in `Window.of`.

        A stride that is not given is the size, so that windows touch.
        """
        step = size if stride is None else stride
        return super(PoolWindow, cls).of(
            size, stride=step, padding=padding, dilation=dilation, ceil_mode=ceil_mode
        )

    @property
    def touching(self) -> bool:
        """Whether windows leave no gaps, overlap nothing, and hold cells of the plane alone."""
        plain = not any(map(any, self.padding)) and self.dilation == (1, 1) and not self.ceil_mode
        return plain and self.stride == self.size

    def checked_shape(self, plane: Pair) -> Pair:
        """Return the output's (rows, columns), or raise ShapeError where a window would hold no cell."""
        output = super(PoolWindow, self).checked_shape(plane)
        for axis, (n, out) in enumerate(zip(plane, output, strict=True)):
            self._check_cells(axis, n, out)
        return output

    def _check_cells(self, axis: int, n: int, out: int) -> None:
        if self.size[axis] > n + MOST:
            raise ShapeError(
                f"A window of {self.size[axis]:,} is too large for {n} cells: at most {n + MOST:,}."
            )
        (before, _), d = self.padding[axis], self.dilation[axis]
        last = (out - 1) * self.stride[axis] - before  # where the last window begins
        if self.span[axis] > 1 and d > n:
            raise ShapeError(f"A dilation of {d} steps over all {n} cells: use one of at most {n}.")
        if before >= self.span[axis] or last >= n:
            place = "first" if before >= self.span[axis] else "last"
            raise ShapeError(
                f"The {place} window along the {AXES[axis]} would lie on padding alone, where there is no "
                f"maximum or mean: use a padding below the window's span of {self.span[axis]}."
            )

    def series(self, axis: int, n: int, out: int) -> Iterator[Series]:
        """Yield the windows along an axis of n cells, of which there are `out`."""
        start = -self.padding[axis][0]
        yield Series(start, self.stride[axis], self.size[axis], self.dilation[axis], out)


@dataclass(frozen=True, slots=True)
class AdaptiveWindow:
    """Windows that share a plane: whatever its size, so many come out.

    The i-th of `out` reaches from cell ⌊i·n/out⌋ to before ⌈(i+1)·n/out⌉, as in PyTorch. They cover the
    plane, and where `out` does not divide n, they may overlap and differ in size.

    Attributes
    ----------
    output
        (rows, columns).

    Examples
    --------
    >>> AdaptiveWindow.of(2).on((6, 8)).size
    (3, 4)
    >>> AdaptiveWindow.of(3).spans(0, 5)
    [(0, 2), (1, 4), (3, 5)]
    """

    output: Pair

    @classmethod
    def of(cls, output: IntOrPair) -> AdaptiveWindow:
        """Return the windows of which so many rows and columns come out, or raise ShapeError."""
        return cls(pair(output, "output_size"))

    def output_shape(self, plane: Pair) -> Pair:
        """Return what comes out of any plane, or raise ShapeError where that is too large."""
        for n, out in zip(plane, self.output, strict=True):
            if out > n + MOST:
                raise ShapeError(
                    f"An output_size of {out:,} is too large for {n} cells: at most {n + MOST:,}."
                )
        return self.output

    @property
    def touching(self) -> Literal[False]:
        """They overlap, where they are not of one size."""
        return False

    def on(self, plane: Pair) -> PoolWindow | AdaptiveWindow:
        """Return the window that does the same on a plane, where all are of one size; else these."""
        if any(n % out for n, out in zip(plane, self.output, strict=True)):
            return self
        return PoolWindow.of((plane[0] // self.output[0], plane[1] // self.output[1]))

    def spans(self, axis: int, n: int) -> list[Pair]:
        """Return where each window along an axis of n cells begins, and the cell behind its last."""
        out = self.output[axis]
        return [(i * n // out, -(-(i + 1) * n // out)) for i in range(out)]

    def series(self, axis: int, n: int, out: int) -> Iterator[Series]:
        """Yield the windows along an axis of n cells: they repeat as often as n and `out` have in common."""
        times = math.gcd(n, out)
        for number, (start, stop) in enumerate(self.spans(axis, n)[: out // times]):
            yield Series(start, n // times, stop - start, 1, times, number, out // times)
