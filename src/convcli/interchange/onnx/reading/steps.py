"""What an ONNX graph becomes at first: steps from array to array of ours, each of one node.

A step takes the outputs of others, by their numbers; 0 is the image. Some are layers as they stand; others
become one only with their neighbours: a factor and a term for each channel go into the convolution before
them, zeros at the borders into the one behind, and two branches that meet make a layer that holds layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from convcli.engine.workspace import Array
from convcli.interchange.onnx.reading.graph import Node
from convcli.nn.layer import Shape
from convcli.shapes import Sides


@dataclass(frozen=True, eq=False)
class Ours:
    """A layer: its table in a configuration, and its weights by name, of it and those in it (`2.1.W`)."""

    table: dict[str, Any]
    weights: Mapping[str, Array] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return str(self.table["type"])


@dataclass(frozen=True, eq=False)
class Affine:
    """A factor and a term for each channel, (c,), or for all of them, ()."""

    scale: Array
    shift: Array


@dataclass(frozen=True)
class Border:
    """So many cells of a value around a plane."""

    sides: Sides
    value: float


@dataclass(frozen=True, eq=False)
class Formula:
    """A function of each number that is no activation of ours, but may be a part of one."""

    of: Callable[[Array], Array]


@dataclass(frozen=True)
class Meeting:
    """Branches that meet."""

    how: Literal["add", "concatenate", "multiply"]


@dataclass(frozen=True)
class LogSoftmax:
    """The logarithm of a softmax, which only the end of a network has: its loss."""


Does: TypeAlias = Ours | Affine | Border | Formula | Meeting | LogSoftmax


@dataclass(frozen=True, eq=False)
class Step:
    """What a node does to the outputs of the steps of these numbers; their shapes and its own are of ours."""

    node: Node
    does: Does
    inputs: tuple[int, ...]
    shape: Shape
    output: Shape
