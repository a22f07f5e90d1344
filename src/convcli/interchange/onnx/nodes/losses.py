"""The probabilities that a loss gives: the last nodes of a classifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from convcli.errors import UsageError
from convcli.interchange.onnx.graph import Graph, Value
from convcli.nn.losses import Loss
from convcli.registry import Registry

LossNodes: TypeAlias = Callable[[Graph, Value], str]
"""Adds the nodes from outputs (n, classes) to probabilities, and returns the name of those."""

LOSS_NODES: Registry[LossNodes] = Registry("loss")


def probabilities(graph: Graph, loss: Loss, outputs: Value) -> str:
    """Add the nodes that make probabilities of outputs, and return their name."""
    if loss.name() not in LOSS_NODES:
        raise UsageError(f"--to onnx: the loss {loss.name()!r} is unknown there.")
    return LOSS_NODES[loss.name()](graph, outputs)


@LOSS_NODES.register("cross_entropy")
@LOSS_NODES.register("focal")
def softmax(graph: Graph, outputs: Value) -> str:
    return graph.node("Softmax", outputs.name, axis=1)


@LOSS_NODES.register("mean_squared_error")
def nearest(graph: Graph, outputs: Value) -> str:
    """max(outputs − t, 0), with t the largest of (u₁ + … + u_k − 1) / k, for outputs u in falling order.

    Of these it is the one that the loss takes: they rise as long as u_k is above the one before, and then
    fall. See `MeanSquaredError` for the source.
    """
    classes = outputs.shape[0]
    largest = graph.node("ReduceMax", outputs.name, axes=(1,), keepdims=1)
    shifted = graph.node("Sub", outputs.name, largest)
    falling = graph.node("TopK", shifted, graph.integers("classes", [classes]), since=10, unused=1)
    sums = graph.node("CumSum", falling, graph.integers("axis", np.array(1)), since=11)
    excess = graph.node("Sub", sums, graph.floats("one", 1))
    means = graph.node("Div", excess, graph.floats("counts", np.arange(1, classes + 1)))
    threshold = graph.node("ReduceMax", means, axes=(1,), keepdims=1)
    return graph.node("Relu", graph.node("Sub", shifted, threshold))
