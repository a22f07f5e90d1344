"""What is done to planes of one shape: every argument checked, a strategy chosen for each kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcli.engine.arguments import computing_dtype, finite, real
from convcli.engine.plane.borders import border_named
from convcli.engine.plane.planes import Frame
from convcli.engine.plane.strategies import choose
from convcli.engine.plane.strategy import Offer, Strategy, Task
from convcli.engine.workspace import Array
from convcli.errors import ShapeError, UnknownNameError, UsageError
from convcli.shapes import IntOrPair, Padding, Pair, Window, pair

OPERATIONS = ("correlate", "convolve")

MOST_CELLS = 2**32  # of a padded plane: what asks for more is a slip, and would end in a killed process


@dataclass(frozen=True, eq=False)
class Plan:
    """What is done to planes of one shape and dtype; every argument checked and normalised."""

    output_shape: Pair
    dtype: np.dtype[Any]  # float32 or float64: computed in, and the responses'
    kernels: tuple[Array, ...]  # as laid on a window: float64, already turned by 180° for "convolve"
    window: Window
    centre: Pair  # the place in the window of the pixel whose response it gives
    frame: Frame
    strategies: tuple[Strategy, ...]  # one for each kernel
    block: Pair  # of output, made at a time
    cost: float  # nanoseconds that the whole should take on one thread, roughly

    def part(self, *numbers: int) -> Plan:
        """Return the same for some of the kernels alone."""
        kernels = tuple(self.kernels[number] for number in numbers)
        strategies = tuple(self.strategies[number] for number in numbers)
        return replace(self, kernels=kernels, strategies=strategies)

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        kernels: Sequence[ArrayLike],
        *,
        padding: Padding = "same",
        border: str = "reflect",
        fill: float = 0,
        stride: IntOrPair = 1,
        dilation: IntOrPair = 1,
        op: str = "correlate",
        anchor: Pair | None = None,
    ) -> Plan:
        """Return how to lay kernels of one shape on planes of one shape and dtype, as `filter2d` says."""
        if len(shape) != 2 or 0 in shape:
            raise ShapeError(f"Expected a plane of (rows, columns), found an array of shape {shape}.")
        border = border_named(border)
        if op not in OPERATIONS:
            raise UnknownNameError("op", op, OPERATIONS)
        fill = finite(fill, "fill")
        computed = computing_dtype(dtype)
        weights = [checked_kernel(kernel, computed) for kernel in kernels]
        if op == "convolve":
            weights = [kernel[::-1, ::-1] for kernel in weights]
        window = Window.of(weights[0].shape, stride=stride, padding=padding, dilation=dilation)
        window, centre = _anchored(window, anchor, padding, turned=op == "convolve")
        rows, columns = (n + before + after for n, (before, after) in zip(shape, window.padding, strict=True))
        if rows * columns > MOST_CELLS:
            raise ShapeError(f"A padded plane of {rows} × {columns} is too large; pad or dilate less.")
        frame = Frame.of((shape[0], shape[1]), window.padding, border, fill)
        output_shape = window.output_shape(frame.shape)
        offers = [choose(Task(kernel, window, frame, computed)) for kernel in weights]
        return cls(
            output_shape,
            computed,
            tuple(weights),
            window,
            centre,
            frame,
            tuple(offer.make() for offer in offers),
            _shared_block(offers),
            sum(offer.cost for offer in offers) * math.prod(output_shape) * computed.itemsize / 4,
        )


def checked_kernel(kernel: ArrayLike, computed: np.dtype[Any]) -> Array:
    """Return the kernel as float64 weights (f_h, f_w) that the dtype computed in can hold."""
    weights = real(kernel, "a kernel")
    if weights.ndim != 2 or weights.size == 0:
        raise ShapeError(f"Expected a kernel of (rows, columns), found an array of shape {weights.shape}.")
    if not np.isfinite(weights).all():
        raise UsageError("Expected a kernel of finite numbers, found NaN or infinity in it.")
    weights, most = np.asarray(weights, np.float64), float(np.finfo(computed).max)
    if (largest := max(float(weights.max()), -float(weights.min()))) > most:
        raise UsageError(f"Expected weights of at most {most:.2g} ({computed}), found {largest:.2g}.")
    return weights


def checked_anchor(anchor: Sequence[int], size: Pair) -> Pair:
    """Return `anchor` if it is a cell (row, column) of a kernel of `size`, or raise `ShapeError`."""
    row, column = pair(anchor, "anchor", least=0)
    if row >= size[0] or column >= size[1]:
        raise ShapeError(
            f"anchor: expected a cell of the kernel's {size[0]} × {size[1]}, row 0 to {size[0] - 1} and "
            f"column 0 to {size[1] - 1}, found {row},{column}."
        )
    return row, column


def _anchored(window: Window, anchor: Pair | None, padding: Padding, *, turned: bool) -> tuple[Window, Pair]:
    """Return the window padded, where that is "same", so that the kernel's cell `anchor` lies on the pixel.

    And the place of that cell in the window, from 0. Without an anchor it is the middle, where "same" has it.
    """
    if anchor is None:
        return window, ((window.span[0] - 1) // 2, (window.span[1] - 1) // 2)
    anchor = checked_anchor(anchor, window.size)
    named = padding if isinstance(padding, Sequence) and not isinstance(padding, str) else (padding, padding)
    sides, centre = [], []
    for place, f, d, given, usual in zip(
        anchor, window.size, window.dilation, named, window.padding, strict=True
    ):
        before = d * (f - 1 - place if turned else place)
        sides.append((before, d * (f - 1) - before) if given == "same" else usual)
        centre.append(before)
    return replace(window, padding=(sides[0], sides[1])), (centre[0], centre[1])


def _shared_block(offers: Sequence[Offer]) -> Pair:
    """Return one block for several strategies: the smallest of those that are the least free to choose."""
    for sized in ("exactly", "at most", "any"):
        if blocks := [offer.block for offer in offers if offer.sized == sized]:
            break
    return min(blocks, key=math.prod)
