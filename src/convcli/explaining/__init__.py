"""The figures of the mathematics of CNNs on any numbers: each topic makes an `Explanation` of plain objects.

A new topic is one file here with `@topic(...)`, and its name in `topics.NAMES`. Its file is imported when it
is asked for: only some need a network, or images.
"""

from convcli.explaining.elements import Explanation, Step
from convcli.explaining.request import Request
from convcli.explaining.topics import TOPICS, Topic, explain

__all__ = ["TOPICS", "Explanation", "Request", "Step", "Topic", "explain"]
