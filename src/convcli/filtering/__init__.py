"""Images filtered: arrays by `arrays`, image files by `filter` and `batch`; `policy` decides.

It knows nothing of networks, nor of who calls.
"""

from convcli.filtering.arrays import as_kernel, filter_image
from convcli.filtering.chain import FilterResult, Findings, Laying, apply
from convcli.filtering.luma import luma
from convcli.filtering.policy import ALPHAS, CHANNELS, RANGES, Policy

__all__ = [
    "ALPHAS",
    "CHANNELS",
    "RANGES",
    "FilterResult",
    "Findings",
    "Laying",
    "Policy",
    "apply",
    "as_kernel",
    "filter_image",
    "luma",
]
