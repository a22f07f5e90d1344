"""All of a picture computed, block by block."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import blocks_of, over_blocks
from convcli.engine.plane.planes import Block
from convcli.engine.workspace import Workspace
from convcli.filtering.picture import Picture
from convcli.filtering.shares import Progress
from convcli.shapes import Pair

Pixels: TypeAlias = NDArray[Any]
Result = TypeVar("Result")

CELLS = 2**19  # that are computed at a time, of all channels: a third-level cache holds them
BLOCK_CELLS = 2**21  # of a channel, at most, where windows reach far beyond a block
AGAIN = 0.25  # share of a block that may be computed for its neighbours, too
LEAST_COLUMNS = 512


def blocks(picture: Picture) -> list[Block]:
    """Return the blocks in which all of a picture is computed.

    So large that what is computed for two of them, as windows reach beyond a block, stays a small part.
    They do not depend on the number of threads, and so neither does the result.
    """
    if picture.block is not None:
        return blocks_of(picture.shape, picture.block)
    return blocks_of(picture.shape, _block(picture))


def _block(picture: Picture) -> Pair:
    """Return the widest block that is computed at little more than its own cost, or else the smallest.

    Where all that are would be too large, the one of that size that is computed at the least cost.
    """
    (rows, columns), (above, beside) = picture.shape, picture.halo
    usual = max(CELLS // picture.channels, 1)
    found: list[tuple[float, Pair]] = []
    for parts in range(1, max(columns // LEAST_COLUMNS, 1) + 1):
        width = math.ceil(columns / parts)
        across = 1 + min(beside, columns - width) / width  # what lies beyond the picture is not computed
        room = (1 + AGAIN) / across - 1  # left for the rows beyond
        needed = min(math.ceil(above / room), rows) if room > 0 else rows
        height = min(max(needed, usual // width, 1), rows)
        if height * width <= usual:
            return height, width
        most = min(height, max(BLOCK_CELLS // width, 1))
        found.append(((1 + min(above, rows - most) / most) * across, (most, width)))
    enough = [block for cost, block in found if cost <= 1 + AGAIN]
    return min(enough, key=math.prod) if enough else min(found)[1]


def measured(
    picture: Picture,
    task: Callable[[Pixels, Pixels | None], Result],
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """Return what `task` makes of every block of a picture, in order, for whoever combines them.

    One pass over all that it is made of: computing that twice costs time, keeping it would cost memory.
    `task` is called with cells (c, h, w) and where anything stands behind them, (h, w) of bool, or None for
    everywhere.
    """

    def measure(block: Block, workspace: Workspace) -> Result:
        cells = workspace.array("measured", (picture.channels, *block.shape), picture.dtype)
        if picture.veil is None or not picture.veil.limits:
            picture.read(block.rows, block.columns, cells)
            return task(cells, None)
        sees = np.empty(block.shape, bool)
        picture.read_seen(block.rows, block.columns, cells, sees)
        return task(cells, sees)

    return over_blocks(blocks(picture), measure, picture.effort, threads, progress)
