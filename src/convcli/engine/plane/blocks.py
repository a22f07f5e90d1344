"""The run of a plan: the output in blocks, which threads share.

A block's padded cells are gathered from the plane when they are needed, so that they stay in the cache, and
neither a padded nor a converted copy of the whole plane exists. Where blocks are cut does not depend on how
many threads there are, so neither does the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from mmap import mmap
from typing import TypeVar

import numpy as np

from convcli.engine.blas import one_thread_each
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.planes import Block, Patch, Plane
from convcli.engine.plane.strategy import Strategy
from convcli.engine.threads import available_cores, spread
from convcli.engine.workspace import Array, FreeList, Workspace
from convcli.shapes import Pair

Result = TypeVar("Result")

SCRATCH_BYTES = 1 << 29  # of all threads
WORTH_A_THREAD = 5e5  # nanoseconds of work, some times what starting a thread takes
THREAD_BYTES = 128 << 20  # of addresses, most of them never used: OpenBLAS's buffer, a heap, a stack

# Kept from call to call: to get their pages anew from the system takes longer than to filter a small plane.
# Those of large Fourier tiles are given back.
KEPT_BYTES = 1 << 24
WORKSPACES = FreeList(Workspace, lambda workspace: workspace.nbytes <= KEPT_BYTES)


def each_block(
    plan: Plan,
    task: Callable[[Block, Workspace], Result],
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Result]:
    """Return what `task` makes of every block of a plan's output, in order; the rest is `over_blocks`'."""
    blocks = blocks_of(plan.output_shape, plan.block)
    return over_blocks(blocks, task, Effort.of(plan), threads, progress)


def blocks_of(shape: Pair, size: Pair) -> list[Block]:
    """Return the blocks of `size` that cover `shape`, row by row; the last ones are smaller."""
    (rows, columns), (height, width) = shape, size
    return [
        Block(slice(row, min(row + height, rows)), slice(column, min(column + width, columns)))
        for row in range(0, rows, height)
        for column in range(0, columns, width)
    ]


@dataclass(frozen=True)
class Effort:
    """What it takes to compute all blocks: from it follows how many threads are worth their start."""

    cost: float = 0.0  # nanoseconds on one thread, roughly
    scratch_bytes: int = 0  # of a thread, besides blocks, where that is much
    large_products: bool = False  # BLAS would spread its products over threads of its own

    @classmethod
    def of(cls, plan: Plan) -> Effort:
        """Return a plan's."""
        return cls(
            plan.cost,
            max(strategy.scratch_bytes for strategy in plan.strategies),
            any(strategy.large_products for strategy in plan.strategies),
        )

    def __add__(self, other: Effort) -> Effort:
        """Return what it takes where one is computed within the other."""
        return Effort(
            self.cost + other.cost,
            self.scratch_bytes + other.scratch_bytes,
            self.large_products or other.large_products,
        )


def over_blocks(
    blocks: Sequence[Block],
    task: Callable[[Block, Workspace], Result],
    effort: Effort,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Result]:
    """Return what `task` makes of every block, in order.

    `threads` (all cores that the process may use, if not given) share the blocks; each has its own workspace.
    `progress` is called by whichever thread has done a block, with the share that it is of all.
    """
    allowed = available_cores() if threads is None else threads

    def run(block: Block) -> Result:
        # Floats near their limits may become infinite.
        with WORKSPACES.lent() as workspace, np.errstate(all="ignore"):
            result = task(block, workspace)
        if progress is not None:
            progress(1 / len(blocks))
        return result

    fitting = SCRATCH_BYTES // max(1, effort.scratch_bytes)
    sharing = min(allowed, max(1, int(effort.cost / WORTH_A_THREAD)), max(fitting, 1))
    if sharing > 1:
        _check_room(sharing)
    with one_thread_each() if effort.large_products else nullcontext():
        return spread(run, blocks, sharing)


def _check_room(threads: int) -> None:
    """Raise MemoryError if threads could not have their memory: without it OpenBLAS ends the process."""
    try:
        room = [mmap(-1, THREAD_BYTES) for _ in range(threads)]
    except OSError as error:
        raise MemoryError(error.strerror) from error
    del room


def responses(plan: Plan, plane: Plane, block: Block, outs: Sequence[Array], workspace: Workspace) -> None:
    """Put each kernel's responses at the positions of `block` into its array of `outs`.

    Where a cell is NaN or infinite, so is what its window gives, and nothing else.
    """
    patch = Patch(plane, plan.frame, plan.window, block, plan.dtype, workspace)
    for strategy, out in zip(plan.strategies, outs, strict=True):
        strategy.respond(patch, out)
        if strategy.spreads and plane.dtype.kind == "f" and not is_finite(out):
            _respond_apart(strategy, patch, out)


def _respond_apart(strategy: Strategy, patch: Patch, out: Array) -> None:
    """Put the responses into `out`, whose strategy spreads what is not finite beyond the windows.

    Those cells count as 0, and then it is counted how many of which kind each window holds. Weights of 0 see
    nothing. What overflowed on the way, as products and transforms may, is done again scaled down.
    """
    strategy.respond(patch.mapped(finite_part), out)
    if not is_finite(out):
        scale = 2.0 ** (np.finfo(out.dtype).minexp + 2 * np.finfo(out.dtype).nmant)
        strategy.respond(patch.mapped(lambda cells: finite_part(cells) * cells.dtype.type(scale)), out)
        out /= out.dtype.type(scale)
    signs, any_sign = strategy.mapped(np.sign), strategy.mapped(lambda line: np.abs(np.sign(line)))
    nan, infinite, balance = (np.zeros(out.shape) for _ in range(3))
    any_sign.respond(patch.mapped(lambda cells: np.isnan(cells).astype(np.float64)), nan)
    any_sign.respond(patch.mapped(lambda cells: np.isinf(cells).astype(np.float64)), infinite)
    if infinite.max() > 0.5:
        signs.respond(patch.mapped(lambda cells: np.where(np.isinf(cells), np.sign(cells), 0.0)), balance)
        above, below = infinite + balance > 1, infinite - balance > 1  # twice how many of each
        out[above], out[below] = np.inf, -np.inf
        nan[above & below] = 1
    out[nan > 0.5] = np.nan


def finite_part(cells: Array) -> Array:
    """Return the cells with 0 for what is not finite."""
    return np.where(np.isfinite(cells), cells, cells.dtype.type(0))


def is_finite(block: Array) -> bool:
    """Whether every value is finite: one that is not shows in its row's product with itself, a fast sum."""
    return bool(np.isfinite(np.vecdot(block, block)).all())
