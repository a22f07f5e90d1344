"""Layers that take each number by itself, or repeat it."""

from __future__ import annotations

from typing import Any

import numpy as np

from convcli.interchange.onnx.graph import Graph, Value
from convcli.interchange.onnx.nodes.registered import LAYER_NODES, activated
from convcli.nn.layers import ActivationLayer, Dropout, Prelu, Scale, Upsample
from convcli.nn.tape import Weights


@LAYER_NODES.register("activation")
def activation(graph: Graph, layer: ActivationLayer, x: Value, weights: Weights) -> str:
    return activated(graph, layer.function, x)


@LAYER_NODES.register("dropout")
def dropout(graph: Graph, layer: Dropout, x: Value, weights: Weights) -> str:
    """Nothing is dropped while predicting."""
    return x.name


@LAYER_NODES.register("scale")
def scale(graph: Graph, layer: Scale, x: Value, weights: Weights) -> str:
    return graph.node("Mul", x.name, graph.floats("factor", layer.factor))


@LAYER_NODES.register("prelu")
def prelu(graph: Graph, layer: Prelu, x: Value, weights: Weights) -> str:
    return graph.node("PRelu", x.name, graph.of_channels("slope", weights["slope"], x))


@LAYER_NODES.register("upsample")
def upsample(graph: Graph, layer: Upsample, x: Value, weights: Weights) -> str:
    """Resize, whose input `roi` has to be there, and is not looked at."""
    bilinear = layer.mode == "bilinear"
    options: dict[str, Any] = {
        "mode": "linear" if bilinear else "nearest",
        "coordinate_transformation_mode": "half_pixel" if bilinear else "asymmetric",
        **({} if bilinear else {"nearest_mode": "floor"}),
    }
    roi = graph.floats("roi", np.zeros(0))
    scales = graph.floats("scales", np.array([1, 1, *layer.factor]))
    return graph.node("Resize", x.name, roi, scales, since=11, **options)
