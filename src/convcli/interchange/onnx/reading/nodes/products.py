"""Nodes that multiply by a matrix: dense layers, and convolutions of 1×1 where they are written so."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import InputError
from convcli.interchange.onnx.reading.graph import Inexpressible, Node
from convcli.interchange.onnx.reading.steps import Ours
from convcli.interchange.onnx.reading.translation import Translation, Value, translates
from convcli.interchange.onnx.reading.views import axis, row
from convcli.wording import by


@translates("Gemm")
def gemm(graph: Translation, node: Node) -> None:
    if node.integer("transA", 0):
        raise Inexpressible("it multiplies the transposed batch")
    matrix = _matrix(graph, node)
    if node.integer("transB", 0):
        matrix = matrix.T
    bias = graph.optional(node, 2, "bias")
    value = graph.flat(node)
    if value.view.shape[-1] != len(matrix):
        raise InputError(
            f"{node}: damaged: {by(value.view.shape)} cannot be multiplied by {by(matrix.shape)}."
        )
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    units = matrix.shape[1]
    if bias is not None and (bias.size not in (1, units) or (bias.ndim > 1 and bias.shape[-1] != bias.size)):
        raise Inexpressible(f"its bias of {by(bias.shape)} is not one for each of {units} outputs")
    added = None if bias is None else np.broadcast_to(np.ravel(bias) * np.float32(beta), (units,))
    graph.name(node, _dense(graph, node, value, matrix if alpha == 1 else matrix * np.float32(alpha), added))


@translates("MatMul")
def matmul(graph: Translation, node: Node) -> None:
    if node.input(0) in graph.constants:
        raise Inexpressible("it multiplies from the left")
    matrix, value = _matrix(graph, node), graph.value(node)
    view = value.view
    if not view.axes or view.shape[-1] != len(matrix):
        raise InputError(f"{node}: damaged: {by(view.shape)} cannot be multiplied by {by(matrix.shape)}.")
    if view.is_flat and len([one for one in view.axes[1:-1] if one]) == 0:
        dense = _dense(graph, node, graph.as_flat(node, value), matrix, None)
        numbers = dense.view.channels
        shape = view.with_last(numbers, (numbers,))
        return graph.name(node, Value(dense.step, shape))
    if len(view.own) == 3 and view.axes[-1] == view.channels:
        table = {"type": "conv", "filters": matrix.shape[1], "kernel": 1, "bias": False}
        step = graph.step(node, Ours(table, {"W": matrix[None, None]}), value)
        filters = axis(matrix.shape[1])
        return graph.name(node, Value(step, view.with_last(filters, (*view.own[:2], filters))))
    raise Inexpressible(f"its input of {by(view.shape)} is neither rows of numbers nor a volume's channels")


def _matrix(graph: Translation, node: Node) -> Array:
    matrix = graph.constant(node, 1, "matrix")
    if matrix.ndim > 2 and matrix.size == np.prod(matrix.shape[-2:]):
        matrix = matrix.reshape(matrix.shape[-2:])
    if matrix.ndim != 2 or not matrix.size:
        raise Inexpressible(f"it multiplies by {by(matrix.shape)}, which is no matrix")
    return matrix


def _dense(graph: Translation, node: Node, value: Value, matrix: Array, bias: Array | None) -> Value:
    """Add a dense layer, whose rows come in the order in which ours has its inputs."""
    order = value.view.order()
    if matrix.strides[0] and not np.array_equal(order, np.arange(order.size)):  # rows that differ
        rows = np.empty_like(order)
        rows[order] = np.arange(order.size)
        matrix = matrix[rows]
    units = matrix.shape[1]
    table = {"type": "dense", "units": units, **({"bias": False} if bias is None else {})}
    weights = {"W": matrix, **({} if bias is None else {"b": bias})}
    step = graph.step(node, Ours(table, weights), value)
    return Value(step, row(units, graph.batch))
