"""A graph of ONNX as plain objects: nodes in order, constants, what goes in and comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import InputError
from convcli.nn.layer import Shape
from convcli.wording import shortened, shown

MOST_SAID = 30  # nodes of a message
MOST_NODES = 10_000  # of a graph: several times those of the largest networks for images


class Inexpressible(Exception):  # noqa: N818 - no error until all that cannot be said is known
    """What a node does, no layer of ours does; says why, in a few words."""


def neat(number: float) -> float:
    """Return a number of float32 in its shortest digits, as a person wrote it.

    >>> neat(np.float32(0.001)), float(np.float32(0.001))
    (0.001, 0.0010000000474974513)
    """
    return float(str(np.float32(number)))


def refusal(where: str, problems: Sequence[str]) -> InputError:
    """Return the error that names all nodes that cannot be expressed, or the first of many."""
    more = len(problems) - MOST_SAID
    return InputError(
        f"{where}: {len(problems)} node(s) that no layer here can express:",
        *(f"  {line}" for line in problems[:MOST_SAID]),
        *([f"  … and {more} more."] if more > 0 else []),
    )


@dataclass(frozen=True, eq=False)
class Node:
    """A node: what it does, to what, with which attributes; names are empty where something is left out."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        called = self.name or (self.outputs[0] if self.outputs else "")
        return f"{shortened(shown(self.op))} {shortened(shown(called))!r}"

    def input(self, position: int) -> str:
        """Return the name of an input, empty if it is not given."""
        return self.inputs[position] if position < len(self.inputs) else ""

    def integer(self, name: str, usual: int) -> int:
        """Return an attribute that is an integer, below 2^31."""
        value = self.attributes.get(name, usual)
        if type(value) is not int or abs(value) >= 2**31:
            raise self._odd(name, "an integer")
        return value

    def number(self, name: str, usual: float) -> float:
        """Return an attribute that is a finite number."""
        value = self.attributes.get(name, usual)
        if type(value) not in (int, float) or not abs(value) < float("inf"):
            raise self._odd(name, "a number")
        return neat(value)

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return an attribute that is a few integers, below 2^31; None if it is not there."""
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > 64:
            raise self._odd(name, "a few integers")
        if not all(type(number) is int and abs(number) < 2**31 for number in value):
            raise self._odd(name, "a few integers")
        return tuple(value)

    def text(self, name: str, usual: str) -> str:
        """Return an attribute that is a text."""
        value = self.attributes.get(name, usual)
        if not isinstance(value, str):
            raise self._odd(name, "a text")
        return value

    def _odd(self, name: str, what: str) -> InputError:
        return InputError(f"{self}: damaged: its attribute {name} is not {what}.")


@dataclass(frozen=True)
class ImageInput:
    """What goes into a network: its sizes, None where they are open, and whether it is bytes, 0 to 255."""

    name: str
    shape: tuple[int | None, ...]
    bytes: bool = False


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph whose nodes come after those that they take something from.

    Attributes
    ----------
    where
        What messages call it: its file.
    constants
        Arrays by name; an array may be a view that takes no memory.
    output
        The name of what comes out.
    producer, metadata
        What wrote the file, and what it says of itself, in texts.
    notes
        What was converted or left out.
    inferred
        Returns the shapes of values as far as ONNX itself knows them, for messages; open sizes are 0.
    """

    where: str
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    image: ImageInput
    output: str
    opset: int
    producer: str
    metadata: Mapping[str, str]
    notes: tuple[str, ...]
    inferred: Callable[[], Mapping[str, Shape]]
