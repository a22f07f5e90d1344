"""Nodes in which branches meet: sums, products, and channels side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from convcli.errors import InputError
from convcli.interchange.onnx.reading.graph import Inexpressible, Node
from convcli.interchange.onnx.reading.steps import Affine, Meeting
from convcli.interchange.onnx.reading.translation import Translation, Value, translates
from convcli.interchange.onnx.reading.views import Axis, View, axis
from convcli.wording import by


def meet(graph: Translation, node: Node, values: Sequence[Value]) -> Value:
    """Return what becomes of two values or more of the same shape."""
    if node.op not in ("Add", "Sub", "Sum", "Mul"):
        raise Inexpressible("of two values that both depend on the image")
    values = [graph.ordered(node, value) for value in values]
    if not all(value.view.lies_as(values[0].view) for value in values):
        values = [_as_flat(graph, node, value) for value in values]
    if not all(value.view.lies_as(values[0].view) for value in values):
        shapes = ", ".join(by(value.view.shape) for value in values)
        raise Inexpressible(f"its values of {shapes} have not the same shape, or lie differently")
    if node.op == "Sub":
        minus = Affine(np.full((), -1.0), np.zeros(()))
        values = [values[0], graph.same(node, values[1], minus)]
    how: Literal["multiply", "add"] = "multiply" if node.op == "Mul" else "add"
    step = graph.step(node, Meeting(how), *values, output=graph.shapes[values[0].step])
    return Value(step, values[0].view)


def _as_flat(graph: Translation, node: Node, value: Value) -> Value:
    """Return a row of numbers for each sample, in the order of ours, if a value is one."""
    return graph.ordered(node, graph.as_flat(node, value)) if value.view.is_flat else value


@translates("Concat")
def concatenate(graph: Translation, node: Node) -> None:
    if len(node.inputs) == 1:
        return graph.name(node, graph.value(node))
    values = [graph.ordered(node, graph.value(node, position)) for position in range(len(node.inputs))]
    rank = len(values[0].view.axes)
    at = node.integer("axis", 1)
    if not -rank <= at < rank or any(len(value.view.axes) != rank for value in values):
        raise InputError(f"{node}: damaged: there is no axis {at} of {by(values[0].view.shape)}.")
    at %= rank
    ranks = {len(value.view.own) for value in values}
    if len(ranks) > 1 or not all(_channels_at(value.view, at) for value in values):
        values = [_as_flat(graph, node, value) for value in values]
    if not all(_channels_at(value.view, at) for value in values):
        shapes = ", ".join(by(value.view.shape) for value in values)
        raise Inexpressible(f"of {shapes} it puts others side by side than channels, or in another order")
    total = axis(sum(value.view.own_shape[-1] for value in values))
    joined = [_with_channels(value.view, at, total) for value in values]
    if not all(view.lies_as(joined[0]) for view in joined):
        raise Inexpressible("what it puts side by side lies differently")
    shape = graph.shapes[values[0].step]
    output = (*shape[:-1], sum(value.view.own_shape[-1] for value in values))
    step = graph.step(node, Meeting("concatenate"), *values, output=output)
    return graph.name(node, Value(step, joined[0]))


def _channels_at(view: View, at: int) -> bool:
    """Whether an axis of ONNX is that of our channels."""
    if view.channels:
        return view.axes[at] == view.channels
    if len(view.own) == 1:
        return at == len(view.axes) - 1
    return (view.is_volume and at == 1) or (view.axes == (view.batch, *view.own) and at == 3)


def _with_channels(view: View, at: int, channels: Axis) -> View:
    axes = tuple(channels if number == at else one for number, one in enumerate(view.axes))
    return View((*view.own[:-1], channels), axes, view.batch)
