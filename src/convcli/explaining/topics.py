"""The registry of topics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from convcli.engine.plane.plan import OPERATIONS
from convcli.errors import UnknownNameError, UsageError
from convcli.explaining.bringing import bring
from convcli.explaining.convolving import told_as_convolution
from convcli.explaining.elements import Explanation
from convcli.explaining.request import RUN, Request, option_of
from convcli.registry import Registry


@dataclass(frozen=True)
class Topic:
    """A topic: what it shows, which fields of a request it takes, and what makes it."""

    name: str
    summary: str
    takes: tuple[str, ...]
    build: Callable[[Request], Explanation]


NAMES = (
    *("pixels", "convolution", "flip", "padding", "stride", "dilation", "transposed"),
    *("volume", "groups", "sharing"),
    *("dense", "activation", "softmax"),
    *("layer", "backward"),
    *("pooling", "pooling-backward"),
    "receptive-field",
    *("edges", "network"),
    *("batch-norm", "dropout"),
    *("optimizer", "step"),
)
"""The topics in the order in which they are listed; each has a file of its name."""

TOPICS: Registry[Topic] = Registry(
    "topic", homes={name: f"{__package__}.{name.replace('-', '_')}" for name in NAMES}
)


def topic(
    name: str, summary: str, *takes: str
) -> Callable[[Callable[[Request], Explanation]], Callable[[Request], Explanation]]:
    """Return a decorator that registers a topic."""

    def register(build: Callable[[Request], Explanation]) -> Callable[[Request], Explanation]:
        TOPICS.register(name)(Topic(name, summary, takes, build))
        return build

    return register


def explain(name: str, request: Request | None = None) -> Explanation:
    """Return the explanation of a topic.

    Raises
    ------
    UsageError
        If there is no such topic, it does not take something it was given, or sizes do not fit.
    InputError
        If a file cannot be read.

    Examples
    --------
    >>> from convcli.explaining import Request, explain
    >>> shown = explain("convolution", Request(input="1 2; 3 4", kernels=("1 0; 0 1",)))
    >>> shown.document()["output"]
    [[5]]
    """
    chosen, request = TOPICS[name], request or Request()
    for field in fields(Request):
        value: Any = getattr(request, field.name)
        given = value is not None and not (isinstance(value, tuple) and not value)
        if given and field.name not in (*chosen.takes, "layout", "max_pixels"):
            known = ", ".join(option_of(name) for name in chosen.takes)
            raise UsageError(f"{name} takes no {option_of(field.name)}; it takes {known}.")
    if request.model is None and (wanting := [n for n in RUN[1:] if getattr(request, n) is not None]):
        raise UsageError(f"{option_of(wanting[0])} belongs to a trained network: name it with --run RUN.")
    if request.op is not None and request.op not in OPERATIONS:
        raise UnknownNameError("op", request.op, OPERATIONS)
    if request.model is not None and request.op == "convolve":
        raise UsageError("--op convolve and --run: a trained network correlates; leave --op out.")
    if request.model is not None and request.image is None and "image" in chosen.takes:
        raise UsageError("--run needs --image FILE, the image that goes through the network.")
    if request.model is not None and request.input is not None:
        raise UsageError("--input and --run both say where the numbers come from; give one of them.")
    request, said = bring(request)
    shown = chosen.build(request)
    if request.op == "convolve" and "kernel" in shown.data:
        shown = told_as_convolution(shown)
    return replace(shown, notes=(*said, *shown.notes))
