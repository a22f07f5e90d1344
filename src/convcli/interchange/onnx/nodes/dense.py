"""Dense layers, and the flattening before them, whose order is (h, w, c)."""

from __future__ import annotations

from convcli.interchange.onnx.graph import Graph, Value
from convcli.interchange.onnx.nodes.registered import LAYER_NODES, activated
from convcli.nn.layers import Dense, Flatten
from convcli.nn.tape import Weights


@LAYER_NODES.register("flatten")
def flatten(graph: Graph, layer: Flatten, x: Value, weights: Weights) -> str:
    if not x.is_volume:
        return x.name
    one_cell = x.shape[:2] == (1, 1)
    rows = x.name if one_cell else graph.node("Transpose", x.name, perm=(0, 2, 3, 1))
    return graph.node("Flatten", rows, axis=1)


@LAYER_NODES.register("dense")
def dense(graph: Graph, layer: Dense, x: Value, weights: Weights) -> str:
    w = graph.floats("W", weights["W"])
    if "b" in weights:
        z = graph.node("Gemm", x.name, w, graph.floats("b", weights["b"]))
    else:
        z = graph.node("MatMul", x.name, w)
    return activated(graph, layer.activation, Value(z, layer.output_shape(x.shape)))
