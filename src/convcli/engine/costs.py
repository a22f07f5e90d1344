"""What the engine's parts cost on which processors: a row for each set of vector instructions.

Nanoseconds of one thread for each float32 result, and from how many channels Winograd is the faster way:
`python -m benchmarks.filter_costs` and `python -m benchmarks.convolution_costs` measure and print them. Only
the ratios of times matter, and a choice that is wrong by a little costs little. Winograd stands with somewhat
more channels than the script says of one layer by itself: a small network as a whole trains faster so.

How a batch is cut into pieces is no matter of costs: random numbers depend on it, so that it has to be the
same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from convcli.engine.products import has_avx512_kernels


@dataclass(frozen=True)
class ProductCost:
    """What a result of a banded matrix product costs, and each cell of its band."""

    result: float
    cell: float

    def of(self, cells: int) -> float:
        """Return the cost of a result whose band has that many cells."""
        return self.result + self.cell * cells


@dataclass(frozen=True)
class Costs:
    """A row."""

    kernels: str  # what BLAS multiplies with
    gather: float  # copying a cell of the plane into its block
    move: float  # copying a cell within a cache
    add: float  # one ufunc over rows end to end
    add_apart: float  # the same over rows that do not follow each other, or every other cell of them
    stacked: ProductCost
    downward: ProductCost
    acrossward: ProductCost
    dense: float  # a multiply-add of a large matrix product
    running: float  # a running sum
    shared: float  # a cell that running sums share
    line: float  # a cell of an axis' Fourier transform there and back
    tile: Mapping[int, float]  # a cell of a Fourier tile, from plane to result, by the tile's side
    winograd_channels: int  # the fewest, in and out, for which transforms cost less than products save


ROWS = [
    Costs(
        kernels="AVX-512",
        gather=0.3,
        move=0.2,
        add=0.1,
        add_apart=0.4,
        stacked=ProductCost(0.0, 0.0193),
        downward=ProductCost(0.31, 0.0114),
        acrossward=ProductCost(0.46, 0.0069),
        dense=0.0132,
        running=1.7,
        shared=0.12,
        line=4.2,
        tile={128: 7.3, 256: 6.7, 512: 7.5, 1024: 9.3, 2048: 12.8, 4096: 14.6},
        winograd_channels=8,
    ),
    Costs(
        kernels="AVX2",
        gather=0.3,
        move=0.25,
        add=0.09,
        add_apart=0.42,
        stacked=ProductCost(0.0, 0.0477),
        downward=ProductCost(0.2, 0.043),
        acrossward=ProductCost(1.1, 0.0227),
        dense=0.019,
        running=2.0,
        shared=0.2,
        line=4.2,
        tile={128: 7.3, 256: 6.9, 512: 7.5, 1024: 9.3, 2048: 12.8, 4096: 14.6},
        winograd_channels=12,
    ),
]
"""For processors with AVX-512, and for all others."""


@cache
def costs() -> Costs:
    """Return the row in force: that of the kernels that BLAS multiplies with.

    Where BLAS does not say (Accelerate, MKL) it is that of AVX2, which nobody has measured there: right
    results, perhaps not by the fastest way.
    """
    return ROWS[0] if has_avx512_kernels() else ROWS[1]
