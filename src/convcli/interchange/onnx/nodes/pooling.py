"""Pools. Where windows hang over the end, and what a mean counts, is said by padding and by factors.

The operators have options for it, `ceil_mode` and, since opset 19, `dilations` of means; but runtimes have
not agreed on what a last window counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from convcli.engine.batch.taps import axis_of
from convcli.engine.workspace import Array
from convcli.interchange.onnx.graph import Graph, Value
from convcli.interchange.onnx.nodes.convolution import placed, sliding
from convcli.interchange.onnx.nodes.registered import LAYER_NODES
from convcli.nn.layer import Shape
from convcli.nn.layers import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
)
from convcli.nn.tape import Weights
from convcli.shapes import Pair
from convcli.shapes.pooling import AdaptiveWindow, PoolWindow


@LAYER_NODES.register("max_pool")
@LAYER_NODES.register("adaptive_max_pool")
def max_pool(graph: Graph, layer: MaxPool | AdaptiveMaxPool, x: Value, weights: Weights) -> str:
    window = layer.windows(x.shape)
    if isinstance(window, PoolWindow):
        return _maxima(graph, x, window)
    apart, size = _apart(graph, x, window)
    return graph.node("MaxPool", apart, kernel_shape=size, strides=size)


@LAYER_NODES.register("avg_pool")
@LAYER_NODES.register("adaptive_avg_pool")
def avg_pool(graph: Graph, layer: AvgPool | AdaptiveAvgPool, x: Value, weights: Weights) -> str:
    window = layer.windows(x.shape)
    if isinstance(window, PoolWindow):
        return _means(graph, x, window, counts_padding=layer.counts_padding)
    apart, size = _apart(graph, x, window, for_means=True)
    return graph.node("AveragePool", apart, kernel_shape=size, strides=size)


@LAYER_NODES.register("global_avg_pool")
def global_avg_pool(graph: Graph, layer: GlobalAvgPool, x: Value, weights: Weights) -> str:
    return graph.node("Flatten", graph.node("GlobalAveragePool", x.name), axis=1)


@LAYER_NODES.register("global_max_pool")
def global_max_pool(graph: Graph, layer: GlobalMaxPool, x: Value, weights: Weights) -> str:
    return graph.node("Flatten", graph.node("GlobalMaxPool", x.name), axis=1)


def _maxima(graph: Graph, x: Value, window: PoolWindow) -> str:
    window, name = _explicit(window, x.shape), x.name
    options = placed(window)
    top, left, bottom, right = options["pads"]
    if max(top, bottom) >= window.size[0] or max(left, right) >= window.size[1]:
        # More than the operator takes, as a dilation allows it.
        pads = graph.integers("pads", [0, 0, top, left, 0, 0, bottom, right])
        name = graph.node("Pad", name, pads, graph.floats("least", -np.inf), since=11)
        options["pads"] = (0, 0, 0, 0)
    if window.dilation == (1, 1):
        return graph.node("MaxPool", name, **options)
    return graph.node("MaxPool", name, since=10, **options, dilations=window.dilation)


def _means(graph: Graph, x: Value, window: PoolWindow, *, counts_padding: bool) -> str:
    """Add means over all cells of each window, and make them means over those that count."""
    held, padded = _counts(window, x.shape)
    counted = padded if counts_padding else held
    window, channels, cells = _explicit(window, x.shape), x.shape[2], math.prod(window.size)
    if window.dilation != (1, 1):
        kernel = graph.floats("shares", np.full((channels, 1, *window.size), 1 / cells))
        means = graph.node("Conv", x.name, kernel, **sliding(window, channels))
    elif np.array_equal(counted, held):
        return graph.node("AveragePool", x.name, **placed(window), count_include_pad=0)
    else:
        means = graph.node("AveragePool", x.name, **placed(window), count_include_pad=1)
    if (counted == cells).all():
        return means
    return graph.node("Mul", means, graph.floats("factors", cells / counted))


def _counts(window: PoolWindow, shape: Shape) -> tuple[Array, Array]:
    """Return how many cells of a plane each window holds, and how many with the padding."""
    plane = shape[0], shape[1]
    output = window.output_shape(plane)
    rows, columns = (axis_of(window, axis, plane[axis], output[axis]) for axis in (0, 1))
    return np.outer(rows.counts, columns.counts), np.outer(rows.padded_counts, columns.padded_counts)


def _explicit(window: PoolWindow, shape: Shape) -> PoolWindow:
    """Return the window with as much padding at the end as its last place reaches into."""
    plane = shape[0], shape[1]
    ends = zip(window.padding, window.remainder(plane), strict=True)
    rows, columns = ((before, max(0, after - left)) for (before, after), left in ends)
    return replace(window, padding=(rows, columns), ceil_mode=False)


def _apart(graph: Graph, x: Value, window: AdaptiveWindow, *, for_means: bool = False) -> tuple[str, Pair]:
    """Add what copies the cells of each window side by side, and return their name and the windows' size.

    All are as long as the longest, by their last cell once more. It counts once in means.
    """
    name, sizes = x.name, []
    for axis, n in enumerate(x.shape[:2]):
        spans = window.spans(axis, n)
        longest = max(stop - start for start, stop in spans)
        cells = np.array([[min(start + cell, stop - 1) for cell in range(longest)] for start, stop in spans])
        sizes.append(longest)
        if not np.array_equal(cells.ravel(), np.arange(n)):
            name = graph.node("Gather", name, graph.integers("cells", cells.ravel()), axis=2 + axis)
        if for_means and any(stop - start < longest for start, stop in spans):
            shares = np.concatenate(list(_shares(spans, longest)))
            name = graph.node("Mul", name, graph.floats("shares", shares.reshape(-1, *[1] * (1 - axis))))
    return name, (sizes[0], sizes[1])


def _shares(spans: list[Pair], longest: int) -> Iterator[Array]:
    """Yield what the cells of each window are multiplied by, so that the mean of all is that of its own."""
    for start, stop in spans:
        count, more = stop - start, longest - (stop - start)
        shares = np.full(longest, longest / count)
        shares[count - 1 :] /= more + 1
        yield shares
