"""Images filtered as `convcli filter` does it: `policy` decides, `ranges` makes pixels of responses."""

from convcli.filtering.luma import luma
from convcli.filtering.policy import (
    CHANNELS,
    FilterResult,
    Options,
    Policy,
    apply,
    as_kernel,
    channels_for,
    filter_image,
)
from convcli.filtering.ranges import RANGES

__all__ = [
    "CHANNELS",
    "RANGES",
    "FilterResult",
    "Options",
    "Policy",
    "apply",
    "as_kernel",
    "channels_for",
    "filter_image",
    "luma",
]
