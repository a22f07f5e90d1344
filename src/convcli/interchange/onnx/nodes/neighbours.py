"""Layers in which channels see their neighbours, of volumes and of rows."""

from __future__ import annotations

import math
from typing import Any

from convcli.interchange.onnx.graph import Graph, Value
from convcli.interchange.onnx.nodes.registered import LAYER_NODES
from convcli.nn.layers import ChannelShuffle, LocalResponseNorm
from convcli.nn.tape import Weights


@LAYER_NODES.register("local_response_norm")
def local_response_norm(graph: Graph, layer: LocalResponseNorm, x: Value, weights: Weights) -> str:
    """The operator takes volumes; and runtimes odd sizes alone, so that others are written out."""
    if layer.size % 2 == 0:
        return _written_out(graph, layer, x)
    options: dict[str, Any] = {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "bias": layer.k}
    if x.is_volume:
        return graph.node("LRN", x.name, **options)
    volumes = graph.node("Reshape", x.name, graph.integers("sizes", [0, x.shape[0], 1, 1]))
    return graph.node("Flatten", graph.node("LRN", volumes, **options), axis=1)


def _written_out(graph: Graph, layer: LocalResponseNorm, x: Value) -> str:
    """The mean of squares over channels is that of a pool along them."""
    channels, plane = x.shape[-1], math.prod(x.shape[:-1])
    rows = graph.integers("rows", [0, 1, channels, plane])
    squares = graph.node("Reshape", graph.node("Mul", x.name, x.name), rows)
    before, behind = (layer.size - 1) // 2, layer.size // 2
    means = graph.node(
        "AveragePool",
        squares,
        kernel_shape=(layer.size, 1),
        strides=(1, 1),
        pads=(before, 0, behind, 0),
        count_include_pad=1,
    )
    means = graph.node("Reshape", means, graph.integers("sizes", [0, channels, *x.shape[:-1]]))
    base = graph.node("Mul", means, graph.floats("alpha", layer.alpha))
    base = graph.node("Add", base, graph.floats("k", layer.k))
    return graph.node("Div", x.name, graph.node("Pow", base, graph.floats("beta", layer.beta)))


@LAYER_NODES.register("channel_shuffle")
def channel_shuffle(graph: Graph, layer: ChannelShuffle, x: Value, weights: Weights) -> str:
    channels, plane = x.shape[-1], x.shape[:-1]
    split = graph.integers("split", [0, layer.groups, channels // layer.groups, math.prod(plane)])
    turned = graph.node("Transpose", graph.node("Reshape", x.name, split), perm=(0, 2, 1, 3))
    return graph.node("Reshape", turned, graph.integers("sizes", [0, channels, *plane]))
