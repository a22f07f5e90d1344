"""Picks the strategy for a kernel: a model of what each would cost, and the cheapest wins.

Nothing is timed here, so the same call is always done in the same way. The constants are nanoseconds per
float32 cell on one thread, as `python -m benchmarks.filter_costs` measured and printed them (NumPy 2.4,
OpenBLAS 0.3.31, AMD Zen 4). Only their ratios matter, and a choice that is wrong by a little costs little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convcli.engine.plane.borders import Frame, Plane
from convcli.engine.plane.folding import Folded
from convcli.engine.plane.strategies import (
    ACROSS,
    DOWN,
    Direct,
    Separable,
    Spectral,
    Stacked,
    Strategy,
    Taps,
    distinct_columns,
    grouped,
    nonzero,
    outer_factors,
    passes,
)
from convcli.shapes import Pair, Window

GATHER = 0.10  # copying a cell of the plane into its block
PASS = 0.087  # one ufunc over a block
STRIDED_PASS = 0.24  # the same over every other cell of a row, for each result
TRANSFORM = {
    128: 5.9,
    256: 4.9,
    512: 5.1,
    1024: 7.2,
    2048: 11.5,
    4096: 18.0,
}  # tile's side: there and back, per cell


@dataclass(frozen=True)
class ProductCost:
    """What a result of a banded matrix product costs, and each cell of its band."""

    result: float
    cell: float

    def of(self, cells: int) -> float:
        """Return the cost of a result whose band has that many cells."""
        return self.result + self.cell * cells


STACKED = ProductCost(0.13, 0.012)
DOWNWARD = ProductCost(0.137, 0.022)
ACROSSWARD = ProductCost(0.13, 0.018)

# Results in a block, if nothing larger lies between cells and results. A block's arrays stay in the
# third-level cache. Smaller ones would fit the second, but with less to do in a call, threads wait for each
# other's turn in the interpreter: at 2¹⁴ cells a second thread gains a fifth, at 2¹⁶ two thirds.
BLOCK_CELLS = 2**19
BLOCK_ROWS = (32, 256)
LEAST_COLUMNS = 256
DENSE = 0.02  # a multiply-add of a large matrix product
FOLDING = 5.0  # adding a weight into a matrix
LEAST_FOLDED = 100  # cells from the first to the last; below, two passes are as fast
FOLDED_ROWS = (64, 512)
FOLDED_COLUMNS = 2048
MOST_TAPS = 2**12  # of shifted sums; from some hundred on they are the slowest
PRODUCT_SIZE = 2**18  # multiply-adds from which OpenBLAS would spread one product over its own threads


@dataclass(frozen=True)
class Candidate:
    """A strategy that could be used: what it costs for each result, and the block it works on best."""

    name: str
    cost: float
    block: Pair
    make: Callable[[], Strategy]


@dataclass(frozen=True)
class Task:
    """A kernel, how its window moves, and the planes: what a strategy is picked for."""

    kernel: Plane
    window: Window
    padded: Pair
    output: Pair
    dtype: np.dtype[Any]
    frame: Frame | None = None


def choose(task: Task) -> Candidate:
    """Return the candidate that should be the fastest."""
    offers = (offer(task) for offer in CANDIDATES.values())
    return min((candidate for candidate in offers if candidate is not None), key=lambda c: c.cost)


def direct(task: Task) -> Candidate | None:
    """Offer shifted sums, unless there are very many."""
    if np.count_nonzero(task.kernel) > MOST_TAPS:
        return None
    taps = grouped(nonzero(task.kernel))
    block = block_of(task)
    cost = gathering(task, block) + passes(taps) * _pass(task)
    return Candidate("direct", cost, block, lambda: Direct(task.kernel, task.window))


def separable(task: Task) -> Candidate | None:
    """Offer two passes if the kernel is an outer product, each by the way that costs less."""
    factors = outer_factors(task.kernel)
    if factors is None:
        return None
    column, row = factors
    window, (s_h, s_w) = task.window, task.window.stride
    columns = ACROSS * math.ceil(task.output[1] / ACROSS)
    rows, width = block_of(task, lines=1, columns=columns)
    band = ACROSS * ((ACROSS - 1) * s_w + window.span[1])
    block = max(min(rows, PRODUCT_SIZE // band), 1), width
    # Between the passes there are results for every cell across, not only for those that are kept.
    widening = s_w * (1 + (window.span[1] - 1) / (s_w * block[1]))
    down_taps = grouped(((i, 0), weight) for i, weight in enumerate(column))
    across_taps = grouped(((0, j), weight) for j, weight in enumerate(row))
    down = {False: passes(down_taps) * PASS, True: DOWNWARD.of((DOWN - 1) * s_h + window.span[0])}
    across = {
        False: passes(across_taps) * _pass(task),
        True: ACROSSWARD.of((ACROSS - 1) * s_w + window.span[1]),
    }
    down_product, across_product = down[True] < down[False], across[True] < across[False]
    return Candidate(
        "separable",
        gathering(task, block) + down[down_product] * widening + across[across_product],
        block,
        lambda: Separable(
            column, row, window, task.dtype, down_product=down_product, across_product=across_product
        ),
    )


def folded(task: Task) -> Candidate | None:
    """Offer a matrix for each axis if the kernel is an outer product."""
    if task.frame is None or max(task.window.span) < LEAST_FOLDED:
        return None
    factors = outer_factors(task.kernel)
    if factors is None:
        return None
    column, row = factors
    window, frame = task.window, task.frame
    block = (
        min(max(math.ceil(task.output[0] / 4), FOLDED_ROWS[0]), FOLDED_ROWS[1], task.output[0]),
        min(FOLDED_COLUMNS, task.output[1]),
    )
    height, width = (
        min(n, (size - 1) * s + span)
        for n, size, s, span in zip(frame.shape, block, window.stride, window.span, strict=True)
    )
    cost = (
        DENSE * (height * width / block[1] + width)
        + GATHER * height * width / math.prod(block)
        + FOLDING * (len(column) / block[1] + len(row) / block[0])
    )
    return Candidate("folded", cost, block, lambda: Folded(column, row, window, frame, task.dtype))


def stacked(task: Task) -> Candidate | None:
    """Offer one product for all distinct columns and shifted sums of its results."""
    if task.kernel.shape[1] > max(BLOCK_ROWS):
        return None  # far beyond its place, and finding equal columns takes the square of their number
    window = task.window
    lines, factors = distinct_columns(task.kernel)
    taps: Taps = grouped(((line, j), factor) for j, (line, factor) in enumerate(factors))
    block = block_of(task, lines=len(lines))
    widening = window.stride[1] * (1 + (window.span[1] - 1) / (window.stride[1] * block[1]))
    down = len(lines) * STACKED.of(window.size[0]) * widening
    cost = gathering(task, block) + down + passes(taps) * _pass(task)
    return Candidate("stacked", cost, block, lambda: Stacked(task.kernel, window, task.dtype))


def spectral(task: Task) -> Candidate | None:
    """Offer Fourier tiles, of the size that wastes the least."""
    best: tuple[float, Pair, Pair] | None = None
    for side, transform in TRANSFORM.items():
        sides = [fast_length(min(side, n)) for n in task.padded]
        if any(length < span for length, span in zip(sides, task.window.span, strict=True)):
            continue
        rows, columns = (
            (length - span) // s + 1
            for length, span, s in zip(sides, task.window.span, task.window.stride, strict=True)
        )
        cost = (transform + GATHER) * math.prod(sides) / (rows * columns)
        if best is None or cost < best[0]:
            best = cost, (rows, columns), (sides[0], sides[1])
    if best is None:
        sides = [fast_length(n + span) for n, span in zip(task.output, task.window.span, strict=True)]
        tile = sides[0], sides[1]
        best = max(TRANSFORM.values()) * math.prod(tile) / math.prod(task.output), task.output, tile
    cost, block, tile = best
    return Candidate("spectral", cost, block, lambda: Spectral(task.kernel, task.window, tile, task.dtype))


CANDIDATES: dict[str, Callable[[Task], Candidate | None]] = {
    "direct": direct,
    "separable": separable,
    "folded": folded,
    "stacked": stacked,
    "spectral": spectral,
}


def gathering(task: Task, block: Pair) -> float:
    """Return the cost of getting a block's cells, for each of its results."""
    cells = (
        (n - 1) * s + span for n, s, span in zip(block, task.window.stride, task.window.span, strict=True)
    )
    return GATHER * math.prod(cells) / math.prod(block)


def _pass(task: Task) -> float:
    return PASS if task.window.stride[1] == 1 else STRIDED_PASS


def block_of(task: Task, *, lines: int = 0, columns: int | None = None) -> Pair:
    """Return the rows and columns of results that a block should have.

    Products of `lines` lines must stay small; `columns` is what to count with instead of the output's.
    """
    (s_h, s_w), (span_h, span_w) = task.window.stride, task.window.span
    cells = max(2 * BLOCK_CELLS // (max(lines, 1) + 1) // (s_h * s_w), 1)
    rows = min(max(2 * span_h, BLOCK_ROWS[0]), BLOCK_ROWS[1]) // s_h
    most = cells // max(rows, 1)
    if lines:
        height = DOWN if lines == 1 else 1
        width = PRODUCT_SIZE // (lines * height * ((height - 1) * s_h + span_h))
        most = min(most, (width - span_w) // s_w + 1)
    total = columns or task.output[1]
    width = math.ceil(total / math.ceil(total / max(most, LEAST_COLUMNS)))
    if columns:
        width = ACROSS * math.ceil(width / ACROSS)
    width = min(width, task.output[1])
    return max(min(cells // width, task.output[0]), 1), width


def fast_length(n: int) -> int:
    """Return the smallest length from `n` on that transforms fast: a product of twos, threes and fives.

    >>> fast_length(257), fast_length(1021)
    (270, 1024)
    """
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1
