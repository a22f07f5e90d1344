"""Layers that hold layers: in a row, with a shortcut around them, beside each other."""

from __future__ import annotations

from convcli.interchange.onnx.graph import Graph, Value
from convcli.interchange.onnx.nodes.convolution import kernels, sliding
from convcli.interchange.onnx.nodes.registered import LAYER_NODES, activated, layer_nodes
from convcli.nn.layers import Parallel, Residual, Sequence
from convcli.nn.tape import Weights


@LAYER_NODES.register("sequence")
def sequence(graph: Graph, layer: Sequence, x: Value, weights: Weights) -> str:
    for number, (child, own) in enumerate(zip(layer.children, weights.inner, strict=True), 1):
        with graph.within(str(number)):
            x = layer_nodes(graph, child, x, own)
    return x.name


@LAYER_NODES.register("residual")
def residual(graph: Graph, layer: Residual, x: Value, weights: Weights) -> str:
    added, conv, shortcut = sequence(graph, layer, x, weights), layer.shortcut_conv(x.shape), x.name
    if conv is not None:
        kernel = kernels(graph, "W", weights["W"])
        shortcut = graph.node("Conv", x.name, kernel, **sliding(conv.window(x.shape)))
    z = Value(graph.node("Add", shortcut, added), layer.output_shape(x.shape))
    return activated(graph, layer.activation, z)


@LAYER_NODES.register("parallel")
def parallel(graph: Graph, layer: Parallel, x: Value, weights: Weights) -> str:
    made = []
    for number, (branch, own) in enumerate(zip(layer.children, weights.inner, strict=True), 1):
        with graph.within(str(number)):
            made.append(layer_nodes(graph, branch, x, own).name)
    if len(made) == 1:
        return made[0]
    return graph.node("Sum", *made) if layer.combine == "add" else graph.node("Concat", *made, axis=1)
