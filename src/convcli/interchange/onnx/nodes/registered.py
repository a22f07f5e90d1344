"""The nodes of each layer and of each activation, by their names in a configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from convcli.errors import UsageError
from convcli.interchange.onnx.graph import Graph, Value
from convcli.nn.activations import Activation
from convcli.nn.layer import Layer
from convcli.nn.tape import Weights
from convcli.registry import Registry

T = TypeVar("T")

LayerNodes: TypeAlias = Callable[[Graph, Any, Value, Weights], str]
"""Adds the nodes of a layer for what goes into it and its weights; returns the name of what comes out."""

ActivationNodes: TypeAlias = Callable[[Graph, Any, Value], str]
"""Adds the nodes of g for Z; returns the name of A."""

LAYER_NODES: Registry[LayerNodes] = Registry("layer")
ACTIVATION_NODES: Registry[ActivationNodes] = Registry("activation")


def layer_nodes(graph: Graph, layer: Layer, x: Value, weights: Weights) -> Value:
    """Add the nodes of a layer, whatever it is, and return what comes out of it.

    Raises UsageError if its type is none that is known here.
    """
    nodes = _of(LAYER_NODES, layer.name(), graph)
    return Value(nodes(graph, layer, x, weights), layer.output_shape(x.shape))


def activated(graph: Graph, g: Activation, z: Value) -> str:
    """Add the nodes of an activation, and return the name of A = g(Z)."""
    nodes = _of(ACTIVATION_NODES, g.name(), graph)
    return nodes(graph, g, z)


def _of(registry: Registry[T], name: str, graph: Graph) -> T:
    if name not in registry:
        raise UsageError(f"--to onnx: layer {graph.place} has the {registry.kind} {name!r}, unknown there.")
    return registry[name]
