"""Normalisation: of channels by running figures, and of each sample by its own.

From what is normalised by its own figures the mean is taken off beforehand, as it is here in the engine: what
rounding a large mean leaves is much beside small deviations, and the operators do not look at it again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convcli.interchange.onnx.graph import Graph, Value
from convcli.interchange.onnx.nodes.registered import LAYER_NODES
from convcli.nn.layers import BatchNorm, GroupNorm, LayerNorm
from convcli.nn.tape import Weights


@LAYER_NODES.register("batch_norm")
def batch_norm(graph: Graph, layer: BatchNorm, x: Value, weights: Weights) -> str:
    figures = [graph.floats(name, weights[name]) for name in ("gamma", "beta", "mean", "variance")]
    options: dict[str, Any] = {"epsilon": layer.epsilon, "momentum": layer.momentum}
    return graph.node("BatchNormalization", x.name, *figures, **options)


@LAYER_NODES.register("group_norm")
def group_norm(graph: Graph, layer: GroupNorm, x: Value, weights: Weights) -> str:
    """Groups as channels of one row each, normalised, and then scaled as the channels that they are."""
    gamma, beta = (graph.of_channels(name, weights[name], x) for name in ("gamma", "beta"))
    rows = graph.integers("rows", [0, layer.groups, math.prod(x.shape) // layer.groups])
    apart = _apart(graph, graph.node("Reshape", x.name, rows), (2,))
    plain = [graph.floats(name, np.full(layer.groups, value)) for name, value in (("ones", 1), ("zeros", 0))]
    normal = graph.node("InstanceNormalization", apart, *plain, epsilon=layer.epsilon)
    sizes = (x.shape[-1], *x.shape[:-1])
    back = graph.node("Reshape", normal, graph.integers("sizes", [0, *sizes]))
    return graph.node("Add", graph.node("Mul", back, gamma), beta)


@LAYER_NODES.register("layer_norm")
def layer_norm(graph: Graph, layer: LayerNorm, x: Value, weights: Weights) -> str:
    """Step by step: the operator of that name came with opset 17, and has channels last."""
    whole = layer.over == "sample" and x.is_volume
    axes = (1, 2, 3) if whole else (1,)
    if whole:
        gamma, beta = (graph.floats(name, weights[name].transpose(2, 0, 1)) for name in ("gamma", "beta"))
    else:
        gamma, beta = (graph.of_channels(name, weights[name], x) for name in ("gamma", "beta"))
    apart = _apart(graph, _apart(graph, x.name, axes), axes)
    variance = graph.node("ReduceMean", graph.node("Mul", apart, apart), axes=axes, keepdims=1)
    padded = graph.node("Add", variance, graph.floats("epsilon", layer.epsilon))
    normal = graph.node("Div", apart, graph.node("Sqrt", padded))
    return graph.node("Add", graph.node("Mul", normal, gamma), beta)


def _apart(graph: Graph, name: str, axes: tuple[int, ...]) -> str:
    """Add how far numbers lie from their mean over some axes."""
    return graph.node("Sub", name, graph.node("ReduceMean", name, axes=axes, keepdims=1))
