"""Measures what filters' strategies cost on this machine: prints a row of `convcli/engine/costs.py`.

    python -m benchmarks.filter_costs

Without AVX-512, where a machine has it, as NPY_DISABLE_CPU_FEATURES and OPENBLAS_CORETYPE=Haswell hide it.

Nanoseconds of one thread's processor time for a float32 cell: the least of several runs, so that what else
the machine does shows little. Each measurement runs the very function that the strategies use, on blocks of
the size that they have.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from convcli.engine.blas import one_thread_each
from convcli.engine.costs import Costs, ProductCost
from convcli.engine.costs import costs as row_in_force
from convcli.engine.plane.planes import ArrayPlane, Block, Frame, Patch
from convcli.engine.plane.strategies.bands import ACROSS, DOWN, product_across, product_down
from convcli.engine.plane.strategies.lines import Transformed
from convcli.engine.plane.strategies.running import RunningSum
from convcli.engine.plane.strategies.shifts import grouped, passes, shifted_sum
from convcli.engine.plane.strategies.spectral import Spectral, fast_length
from convcli.engine.plane.strategies.stacked import Stacked
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


def line_through(cells: list[int], costs: list[float]) -> ProductCost:
    """Return the cost of a result and of each cell of its band, by a straight line through measurements."""
    slope, start = np.polyfit(cells, costs, 1)
    return ProductCost(rounded(start), rounded(slope))


def rounded(cost: float) -> float:
    """Return a cost to three digits."""
    return float(f"{cost:.3g}")


def moving() -> float:
    """Copy columns of a block to where a product finds them."""
    cells, sums = noise(ROWS, COLUMNS), np.empty((ROWS, 3, COLUMNS // 2), np.float32)
    return least(lambda: np.copyto(sums[:, 1], cells[:, 5 : 5 + COLUMNS // 2]), sums.size // 3)


def stacked() -> ProductCost:
    """Multiply what square kernels of 3 to 9 cells a side make of the columns."""
    sides, cells, costs = [3, 5, 7, 9], [], []
    for side in sides:
        strategy = Stacked(noise(side, side), Window.of(side), FLOAT)
        columns = strategy.columns(ROWS + side - 1)
        sums, out = noise((ROWS + side - 1) * side, columns), np.empty((ROWS, columns), np.float32)
        costs.append(least(partial(strategy._multiply, sums, out), out.size))
        cells.append(strategy.product // strategy.down)
    return line_through(cells, costs)


def separate() -> tuple[ProductCost, ProductCost]:
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
    """Return the cost of a Fourier tile's way there and back, per cell, by the tile's side.

    Tiles of a plane that no cache holds, as they come: the same one again and again is a third cheaper.
    What gathering costs is in it.
    """
    costs = {}
    for side in row_in_force().tile:
        many, step, window = max(2048 // side, 1), side - 30, Window.of(31)
        plane, results = ArrayPlane(noise(many * side, many * side)), noise(many * side, many * side)
        frame = Frame.of(plane.shape, window.padding, "zero", 0)
        spans = [slice(n * step, n * step + step) for n in range(many)]
        blocks = [Block(rows, columns) for rows in spans for columns in spans]
        strategy, workspace = Spectral(np.ones((31, 31)), window, (side, side), FLOAT), Workspace()
        patches = [Patch(plane, frame, window, block, FLOAT, workspace) for block in blocks]
        costs[side] = round(least(partial(tiles, strategy, patches, results), results.size, runs=3), 1)
    return costs


def tiles(strategy: Spectral, patches: list[Patch], results: np.ndarray) -> None:
    """Filter patch after patch, each gathered anew."""
    for patch in patches:
        vars(patch).pop("cells", None)
        strategy.respond(patch, results[patch.block.rows, patch.block.columns])


def dense() -> float:
    """Multiply two large matrices."""
    left, right, out = noise(512, 1024), noise(1024, 2048), np.empty((512, 2048), np.float32)
    return least(lambda: np.matmul(left, right, out=out), out.size * len(right))


def running() -> tuple[float, float]:
    """Add up windows of two lengths, as columns that become rows; return what a result and a cell cost."""
    results, width, costs = 800, 496, []
    for length in (101, 1601):
        cells, out, workspace = (
            noise(results + length - 1, width),
            np.empty((width, results), np.float32),
            Workspace(),
        )
        costs.append(least(partial(RunningSum(length, FLOAT), cells, out.T, workspace), out.size))
    shared = max(costs[1] - costs[0], 0) / (1500 / results)
    return costs[0] - shared * (1 + 100 / results), shared


def line() -> float:
    """Transform columns there and back."""
    cells, out = noise(2000, 496), np.empty((496, 1200), np.float32)
    task = partial(Transformed(np.ones(801), 1, 1, FLOAT), cells, out, Workspace())
    return least(task, 496 * fast_length(2000))


def main() -> None:
    """Print a row."""
    with one_thread_each():
        (down, across), (sums, shared) = separate(), running()
        row = Costs(
            kernels=row_in_force().kernels,
            gather=rounded(gathering()),
            move=rounded(moving()),
            add=rounded(one_pass(1)),
            add_apart=rounded(one_pass(2)),
            stacked=stacked(),
            downward=down,
            acrossward=across,
            dense=rounded(dense()),
            running=rounded(sums),
            shared=rounded(shared),
            line=rounded(line()),
            tile=transforms(),
            winograd_channels=row_in_force().winograd_channels,
        )
    sys.stdout.write(f"{row}\n".replace(", ", ",\n    "))


if __name__ == "__main__":
    main()
