"""The figures of the mathematics of CNNs on any numbers: each topic makes an `Explanation` of plain objects.

A new topic is one file here with `@topic(...)`, and its name in the import below.
"""

# In the order in which they are listed.
# isort: off
from convcli.explain import (  # noqa: F401  (importing them fills the registry)
    pixels,
    convolution,
    padding,
    stride,
    volume,
    layer,
    sharing,
    backward,
    pooling,
    pooling_backward,
    edges,
    network,
)

# isort: on
from convcli.explain.figure import Explanation, Step
from convcli.explain.topics import TOPICS, Request, Topic, explain

__all__ = ["TOPICS", "Explanation", "Request", "Step", "Topic", "explain"]
