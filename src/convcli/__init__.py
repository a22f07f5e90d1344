"""convcli: convolution as a command line and a small library, on one NumPy engine.

>>> import numpy as np, convcli
>>> convcli.output_size(6, 3, padding=1, stride=2)
3
>>> convcli.conv2d(np.ones((1, 6, 6, 1)), np.ones((3, 3, 1, 1)), padding="same").shape
(1, 6, 6, 1)

What is public is named in `__all__`; each name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from convcli.engine.batch.conv import conv2d, conv2d_backward
    from convcli.engine.batch.pool import (
        adaptive_avg_pool2d,
        adaptive_avg_pool2d_backward,
        adaptive_max_pool2d,
        adaptive_max_pool2d_backward,
        avg_pool2d,
        avg_pool2d_backward,
        max_pool2d,
        max_pool2d_backward,
    )
    from convcli.engine.plane.filter import filter2d
    from convcli.errors import ConvcliError, ConvcliWarning
    from convcli.filtering import filter_image
    from convcli.kernels import kernel, kernel_names
    from convcli.public.classifier import Classifier
    from convcli.public.explanation import Explanation, explain
    from convcli.public.lesson import lesson
    from convcli.public.model import Model, load_run
    from convcli.public.network import Network
    from convcli.shapes import output_size

_HOMES = {
    "Classifier": "convcli.public.classifier",
    "ConvcliError": "convcli.errors",
    "ConvcliWarning": "convcli.errors",
    "Explanation": "convcli.public.explanation",
    "Model": "convcli.public.model",
    "Network": "convcli.public.network",
    "adaptive_avg_pool2d": "convcli.engine.batch.pool",
    "adaptive_avg_pool2d_backward": "convcli.engine.batch.pool",
    "adaptive_max_pool2d": "convcli.engine.batch.pool",
    "adaptive_max_pool2d_backward": "convcli.engine.batch.pool",
    "avg_pool2d": "convcli.engine.batch.pool",
    "avg_pool2d_backward": "convcli.engine.batch.pool",
    "conv2d": "convcli.engine.batch.conv",
    "conv2d_backward": "convcli.engine.batch.conv",
    "explain": "convcli.public.explanation",
    "filter2d": "convcli.engine.plane.filter",
    "filter_image": "convcli.filtering",
    "kernel": "convcli.kernels",
    "kernel_names": "convcli.kernels",
    "lesson": "convcli.public.lesson",
    "load_run": "convcli.public.model",
    "max_pool2d": "convcli.engine.batch.pool",
    "max_pool2d_backward": "convcli.engine.batch.pool",
    "output_size": "convcli.shapes",
}

__all__ = [
    "Classifier",
    "ConvcliError",
    "ConvcliWarning",
    "Explanation",
    "Model",
    "Network",
    "__version__",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "conv2d",
    "conv2d_backward",
    "explain",
    "filter2d",
    "filter_image",
    "kernel",
    "kernel_names",
    "lesson",
    "load_run",
    "max_pool2d",
    "max_pool2d_backward",
    "output_size",
]

if not TYPE_CHECKING and find_spec("sklearn") is None:
    __all__.remove(
        "Classifier"
    )  # or `from convcli import *`, and whoever lists what is there, would be refused


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
