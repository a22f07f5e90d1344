"""Measures the constants of the filter strategies' costs and prints them as they stand in their files.

    python -m benchmarks.filter_costs

Nanoseconds of one thread's processor time for a float32 cell: the least of several runs, so that what else
the machine does shows little. Each measurement runs the very function that the strategies use, on blocks of
the size that they have.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from convcli.engine.plane.planes import ArrayPlane, Block, Frame, Patch
from convcli.engine.plane.strategies.bands import ACROSS, DOWN, product_across, product_down
from convcli.engine.plane.strategies.shifts import grouped, passes, shifted_sum
from convcli.engine.plane.strategies.spectral import TRANSFORM, Spectral
from convcli.engine.plane.strategy import BLOCK_CELLS
from convcli.engine.workspace import Workspace
from convcli.shapes import Window

COLUMNS = 2048
ROWS = BLOCK_CELLS // COLUMNS
FLOAT = np.dtype(np.float32)


def least(task: Callable[[], object], results: int, runs: int = 9) -> float:
    """Return the least nanoseconds of processor time for each of the `results` of `task`."""
    task()
    times = []
    for _ in range(runs):
        started = time.thread_time_ns()
        task()
        times.append(time.thread_time_ns() - started)
    return min(times) / results


def noise(*shape: int) -> np.ndarray:
    """Return random float32 cells."""
    return np.random.default_rng(0).random(shape, np.float32)


def gathering() -> float:
    """Copy one block of a plane, again and again, so that it lies in a cache as its neighbour's edge does."""
    plane = noise(ROWS + 10, COLUMNS + 10)
    source, frame = ArrayPlane(plane), Frame.of((ROWS + 10, COLUMNS + 10), ((0, 0), (0, 0)), "zero", 0)
    block = np.empty((ROWS, COLUMNS), np.float32)
    return least(lambda: frame.gather(source, slice(5, 5 + ROWS), slice(5, 5 + COLUMNS), block), block.size)


def one_pass(stride: int) -> float:
    """Add up shifted cells: the difference between many and few taps is the cost of a pass."""
    cells, workspace = noise(ROWS + 8, (COLUMNS + 8) * stride), Workspace()
    out = np.empty((ROWS, COLUMNS), np.float32)
    weights = np.random.default_rng(1).normal(size=(3, 3))
    times = []
    for taps in (grouped(np.ndenumerate(weights[:1])), grouped(np.ndenumerate(weights))):
        task = partial(shifted_sum, taps, (1, 1), (1, stride), cells, out, workspace)
        times.append((passes(taps), least(task, out.size)))
    (few, low), (many, high) = times
    return (high - low) / (many - few)


def line_through(cells: list[int], costs: list[float]) -> str:
    """Return the cost of a result and of each cell of its band, by a straight line through measurements."""
    slope, start = np.polyfit(cells, costs, 1)
    return f"ProductCost({start:.3g}, {slope:.3g})"


def stacked() -> str:
    """Multiply square kernels of 3 to 11 cells a side with the rows under them."""
    sides, costs = [3, 5, 7, 9, 11], []
    for side in sides:
        lines = noise(side, side)
        rows = ROWS // 2
        cells = noise(rows + side - 1, COLUMNS)
        results = np.empty((side, rows, COLUMNS), np.float32)
        pitch, item = cells.strides
        under = np.ndarray((rows, side, COLUMNS), FLOAT, cells, 0, (pitch, pitch, item))
        task = partial(np.matmul, lines, under, out=results.swapaxes(0, 1))
        costs.append(least(task, results.size))
    return line_through(sides, costs)


def separate() -> tuple[str, str]:
    """Correlate with one line of 3 to 25 cells, down and across."""
    lengths = [3, 7, 13, 25]
    down, across = [], []
    for taps in lengths:
        line, out = np.ones(taps), np.empty((ROWS, COLUMNS), np.float32)
        tall, wide = noise(ROWS + taps - 1, COLUMNS), noise(ROWS, COLUMNS + taps - 1)
        down.append(least(partial(product_down(line, 1, 1, FLOAT), tall, out, Workspace()), out.size))
        across.append(least(partial(product_across(line, 1, 1, FLOAT), wide, out, Workspace()), out.size))
    return (
        line_through([taps + DOWN - 1 for taps in lengths], down),
        line_through([taps + ACROSS - 1 for taps in lengths], across),
    )


def transforms() -> dict[int, float]:
    """Return the cost of a Fourier tile's way there and back, per cell, by the tile's side."""
    costs = {}
    for side in TRANSFORM:
        window, plane = Window.of(31), ArrayPlane(noise(side, side))
        frame = Frame.of(plane.shape, window.padding, "zero", 0)
        block = Block(slice(0, side - 30), slice(0, side - 30))
        patch = Patch(plane, frame, window, block, FLOAT, Workspace())
        strategy = Spectral(np.ones((31, 31)), window, (side, side), FLOAT)
        out = np.empty((side - 30, side - 30), np.float32)
        costs[side] = round(least(partial(strategy.respond, patch, out), side * side), 2)
    return costs


def main() -> None:
    """Print the constants."""
    down, across = separate()
    lines = {
        "GATHER": f"{gathering():.3g}",
        "PASS": f"{one_pass(1):.3g}",
        "STRIDED_PASS": f"{one_pass(2):.3g}",
        "TRANSFORM": transforms(),
        "STACKED": stacked(),
        "DOWNWARD": down,
        "ACROSSWARD": across,
    }
    for name, value in lines.items():
        print(f"{name} = {value}")  # noqa: T201


if __name__ == "__main__":
    main()
