"""What in the choice of a strategy depends on the processor: a row for each kind of kernels that BLAS has.

`python -m benchmarks.convolution_costs` measures the row of the machine it runs on. Where BLAS does not say
what it multiplies with (Accelerate, MKL), the row is that of AVX2, which nobody has measured there: right
results, perhaps not by the fastest way. How a batch is cut into pieces is no matter of costs: random numbers
depend on it, so that it has to be the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from convcli.engine.products import has_avx512_kernels


@dataclass(frozen=True)
class Costs:
    """When one way to convolve becomes faster than another.

    Attributes
    ----------
    kernels
        What BLAS multiplies with.
    winograd_channels
        The fewest, in and out, for which Winograd's transforms cost less than its products save.
    """

    kernels: str
    winograd_channels: int


COSTS = {
    row.kernels: row for row in (Costs("AVX-512", winograd_channels=12), Costs("AVX2", winograd_channels=20))
}


@cache
def costs() -> Costs:
    """Return the row in force."""
    return COSTS["AVX-512" if has_avx512_kernels() else "AVX2"]
