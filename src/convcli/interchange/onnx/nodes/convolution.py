"""Convolutions, whose kernels are (c_out, c_in / groups, f_h, f_w) in ONNX."""

from __future__ import annotations

from typing import Any, NamedTuple

from convcli.engine.workspace import Array
from convcli.interchange.onnx.graph import Graph, Value
from convcli.interchange.onnx.nodes.registered import LAYER_NODES, activated
from convcli.nn.layers import Conv, SeparableConv, TransposedConv
from convcli.nn.layers.separable_conv import POINT
from convcli.nn.tape import Weights
from convcli.shapes import Window


@LAYER_NODES.register("conv")
def conv(graph: Graph, layer: Conv, x: Value, weights: Weights) -> str:
    inputs = (x.name, kernels(graph, "W", weights["W"]), *_bias(graph, weights))
    z = graph.node("Conv", *inputs, **sliding(layer.window(x.shape), layer.groups))
    return activated(graph, layer.activation, Value(z, layer.output_shape(x.shape)))


@LAYER_NODES.register("separable_conv")
def separable_conv(graph: Graph, layer: SeparableConv, x: Value, weights: Weights) -> str:
    depthwise, mixing = (kernels(graph, name, weights[name]) for name in ("W", "P"))
    mid = graph.node("Conv", x.name, depthwise, **sliding(layer.window(x.shape), x.shape[2]))
    z = graph.node("Conv", mid, mixing, *_bias(graph, weights), **sliding(POINT))
    return activated(graph, layer.activation, Value(z, layer.output_shape(x.shape)))


@LAYER_NODES.register("transposed_conv")
def transposed_conv(graph: Graph, layer: TransposedConv, x: Value, weights: Weights) -> str:
    """Its output padding has to be below the stride there: a larger one is zeros behind the input."""
    window, extra = layer.transposed(x.shape).window, layer.output_padding
    (top, bottom), (left, right) = window.padding
    ends = [_end(*axis) for axis in zip((bottom, right), extra, window.stride, strict=True)]
    (rows, columns), name = (end.zeros for end in ends), x.name
    if rows or columns:
        pads = graph.integers("pads", [0, 0, 0, 0, 0, 0, rows, columns])
        name = graph.node("Pad", name, pads, since=11)
    options = {
        **sliding(window, layer.groups),
        "pads": (top, left, *(end.cropped for end in ends)),
        "output_padding": [end.output_padding for end in ends],
    }
    inputs = (name, kernels(graph, "W", weights["W"]), *_bias(graph, weights))
    z = graph.node("ConvTranspose", *inputs, **options)
    return activated(graph, layer.activation, Value(z, layer.output_shape(x.shape)))


class _End(NamedTuple):
    """How an axis of a transposed convolution ends: what is cropped and added, and zeros behind the input."""

    cropped: int
    output_padding: int
    zeros: int


def _end(cropped: int, output_padding: int, stride: int) -> _End:
    if output_padding < stride:
        return _End(cropped, output_padding, 0)
    zeros = max(0, -((cropped - output_padding) // stride))
    return _End(cropped - output_padding + zeros * stride, 0, zeros)


def kernels(graph: Graph, name: str, array: Array) -> str:
    """Add kernels (f_h, f_w, c_in / groups, c_out) as ONNX has them; those of a transposed one likewise."""
    return graph.floats(name, array.transpose(3, 2, 0, 1))


def placed(window: Window) -> dict[str, Any]:
    """Return the attributes that say where a window without dilation is laid."""
    (top, bottom), (left, right) = window.padding
    return {"kernel_shape": window.size, "strides": window.stride, "pads": (top, left, bottom, right)}


def sliding(window: Window, groups: int = 1) -> dict[str, Any]:
    """Return the attributes of a convolution that slides a window."""
    return {**placed(window), "dilations": window.dilation, "group": groups}


def _bias(graph: Graph, weights: Weights) -> tuple[str, ...]:
    return (graph.floats("b", weights["b"]),) if "b" in weights else ()
