"""Activation functions. What was not an operator from early on is put together from those that were."""

from __future__ import annotations

import math

from convcli.interchange.onnx.graph import LEAST, Graph, Value
from convcli.interchange.onnx.nodes.registered import ACTIVATION_NODES
from convcli.nn.activations import Activation, Clip, Elu, Gelu, LeakyRelu


@ACTIVATION_NODES.register("none")
def none(graph: Graph, g: Activation, z: Value) -> str:
    return z.name


@ACTIVATION_NODES.register("relu")
def relu(graph: Graph, g: Activation, z: Value) -> str:
    return graph.node("Relu", z.name)


@ACTIVATION_NODES.register("leaky_relu")
def leaky_relu(graph: Graph, g: LeakyRelu, z: Value) -> str:
    return graph.node("LeakyRelu", z.name, alpha=g.slope)


@ACTIVATION_NODES.register("elu")
def elu(graph: Graph, g: Elu, z: Value) -> str:
    return graph.node("Elu", z.name, alpha=g.alpha)


@ACTIVATION_NODES.register("clip")
def clip(graph: Graph, g: Clip, z: Value) -> str:
    limits = (graph.floats("low", g.low), graph.floats("high", g.high))
    return graph.node("Clip", z.name, *limits, since=11)


@ACTIVATION_NODES.register("sigmoid")
def sigmoid(graph: Graph, g: Activation, z: Value) -> str:
    return graph.node("Sigmoid", z.name)


@ACTIVATION_NODES.register("tanh")
def tanh(graph: Graph, g: Activation, z: Value) -> str:
    return graph.node("Tanh", z.name)


@ACTIVATION_NODES.register("softmax")
def softmax(graph: Graph, g: Activation, z: Value) -> str:
    """Over axis 1, which before opset 13 meant all axes from there on."""
    return graph.node("Softmax", z.name, since=13 if z.is_volume else LEAST, axis=1)


@ACTIVATION_NODES.register("silu")
def silu(graph: Graph, g: Activation, z: Value) -> str:
    return graph.node("Mul", z.name, graph.node("Sigmoid", z.name))


@ACTIVATION_NODES.register("gelu")
def gelu(graph: Graph, g: Gelu, z: Value) -> str:
    """½ z (1 + erf(z / √2)), or ½ z (1 + tanh(√(2/π) (z + 0.044715 z³)))."""
    if g.approximate == "tanh":
        cube = graph.node("Mul", graph.node("Mul", z.name, z.name), z.name)
        bent = graph.node("Add", z.name, graph.node("Mul", cube, graph.floats("bend", 0.044715)))
        gate = graph.node("Tanh", graph.node("Mul", bent, graph.floats("steepness", math.sqrt(2 / math.pi))))
    else:
        gate = graph.node("Erf", graph.node("Div", z.name, graph.floats("width", math.sqrt(2))))
    twice = graph.node("Mul", z.name, graph.node("Add", gate, graph.floats("one", 1)))
    return graph.node("Mul", twice, graph.floats("half", 0.5))
