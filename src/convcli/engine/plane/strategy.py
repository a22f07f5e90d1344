"""What a strategy is: a way to turn what a block's windows see into responses, and an offer to do so.

Each strategy is a file in `strategies/` that holds when it applies, what it costs, and its arithmetic. What
costs are made of depends on the processor, and stands in `engine/costs.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np

from convcli.engine.costs import costs
from convcli.engine.plane.planes import Frame, Patch
from convcli.engine.workspace import Array
from convcli.shapes import Pair, Window

# Results in a block, if nothing larger lies between cells and results. A block's arrays stay in the
# third-level cache. Smaller ones would fit the second, but with less to do in a call, threads wait for each
# other's turn in the interpreter.
BLOCK_CELLS = 2**19
BLOCK_ROWS = (32, 256)
LEAST_COLUMNS = 256
PRODUCT_SIZE = 2**18  # multiply-adds from which OpenBLAS would spread one product over its own threads

COMPARED = 2**18  # cells of a kernel
RANK_ONE = 1e-12  # largest deviation from an outer product, relative to the largest weight


class Strategy(Protocol):
    """A kernel, prepared to be laid on block after block, by several threads at once."""

    spreads: bool = True  # one NaN or infinity among the cells may reach results whose window lacks it
    rounds: bool = False  # cells beyond a window may leave traces of their rounding in its result
    large_products: bool = False  # BLAS would spread its products over threads of its own
    scratch_bytes: int = 0  # what a thread needs besides blocks, where that is much

    def respond(self, patch: Patch, out: Array) -> None:
        """Put the responses to what the windows of a block see into `out` (rows, columns)."""

    def mapped(self, function: Callable[[Array], Array]) -> Strategy:
        """Return the same for other weights, in float64: `function` of these, which keeps products."""


@dataclass(frozen=True, eq=False)
class Task:
    """A kernel, how its window moves, the planes with their border, and the dtype computed in."""

    kernel: Array
    window: Window
    frame: Frame
    dtype: np.dtype[Any]

    @cached_property
    def output(self) -> Pair:
        """Rows and columns of results."""
        return self.window.output_shape(self.frame.shape)

    @cached_property
    def factors(self) -> tuple[Array, Array] | None:
        """The column and the row whose outer product the kernel is, if it is one."""
        return outer_factors(self.kernel)

    def gathering(self, block: Pair) -> float:
        """Return the cost of getting a block's cells, for each of its results."""
        cells = (
            (n - 1) * s + span for n, s, span in zip(block, self.window.stride, self.window.span, strict=True)
        )
        return costs().gather * math.prod(cells) / math.prod(block)

    def widening(self, columns: int) -> float:
        """Return how many columns of cells lie over each of `columns` results."""
        stride, span = self.window.stride[1], self.window.span[1]
        return stride * (1 + (span - 1) / (stride * columns))

    def block(self, *, between: int = 1, product: int = 0, multiple: int = 1) -> Pair:
        """Return the rows and columns of results that a block should have.

        So many arrays of its size lie `between` cells and results; a `product` takes so many multiply-adds
        for each column of cells, which must stay few; the columns are a `multiple`, if the output has more.
        """
        (s_h, s_w), (span_h, span_w) = self.window.stride, self.window.span
        cells = max(2 * BLOCK_CELLS // (between + 1) // (s_h * s_w), 1)
        rows = min(max(2 * span_h, BLOCK_ROWS[0]), BLOCK_ROWS[1]) // s_h
        most = cells // max(rows, 1)
        if product:
            most = min(most, (PRODUCT_SIZE // product - span_w) // s_w + 1)
        total = multiple * math.ceil(self.output[1] / multiple)
        width = math.ceil(total / math.ceil(total / max(most, LEAST_COLUMNS)))
        width = min(multiple * math.ceil(width / multiple), self.output[1])
        return max(min(cells // width, self.output[0]), 1), width


@dataclass(frozen=True)
class Offer:
    """What a strategy would cost for each result, the block it works on best, and how to prepare it.

    `sized` says whether blocks have to be of that size exactly, may be smaller, or may have any.
    """

    cost: float
    block: Pair
    make: Callable[[], Strategy]
    sized: Literal["exactly", "at most", "any"] = "at most"


def outer_factors(kernel: Array) -> tuple[Array, Array] | None:
    """Return a column and a row whose outer product is `kernel`, or None if there are none.

    Through the largest weight, so that whole weights keep exact factors, which singular vectors would not be.

    >>> column, row = outer_factors(np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]))
    >>> column.tolist(), row.tolist()
    ([0.5, 1.0, 0.5], [-2.0, 0.0, 2.0])
    """
    row_sizes = np.maximum(kernel.max(1), -kernel.min(1))  # no copy: one of 4096 × 4096 is much
    i = row_sizes.argmax()
    j = np.abs(kernel[i]).argmax()
    largest = kernel[i, j]
    if largest == 0:
        return None
    column, row = kernel[:, j] / largest, kernel[i]
    if kernel.min() == kernel.max():
        return column, row
    least = RANK_ONE * abs(largest)
    step = max(COMPARED // len(row), 1)
    for start in range(0, len(column), step):
        some = slice(start, start + step)
        if np.abs(kernel[some] - np.outer(column[some], row)).max() > least:
            return None
    return column, row
