"""Named convolution kernels: what they are, where they come from, how a command line names them.

A new kernel is one function with `@define` or one `constant` in `smoothing.py` or `edges.py`, or one line of
a family in `gradients.py`; the listing, the parameters' checks and the error messages come from it.
"""

from convcli.kernels import edges, gradients, smoothing  # noqa: F401  (importing them fills the registry)
from convcli.kernels.definition import (
    KERNELS,
    Definition,
    kernel,
    kernel_names,
    named,
    takes_size,
)
from convcli.kernels.outputs import GRADIENTS, gradient
from convcli.kernels.parsing import number, parse, shape_of
from convcli.kernels.weights import Combine, Kernel, adjusted, centred, checked_weights

__all__ = [
    "GRADIENTS",
    "KERNELS",
    "Combine",
    "Definition",
    "Kernel",
    "adjusted",
    "centred",
    "checked_weights",
    "gradient",
    "kernel",
    "kernel_names",
    "named",
    "number",
    "parse",
    "shape_of",
    "takes_size",
]
