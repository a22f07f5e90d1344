"""Nodes that move no number here: they turn axes, cut them, put them together, or ask how long they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convcli.errors import InputError
from convcli.interchange.onnx.reading.graph import Inexpressible, Node
from convcli.interchange.onnx.reading.translation import Translation, Value, translates
from convcli.interchange.onnx.reading.views import row
from convcli.wording import by


@translates("Identity")
def identity(graph: Translation, node: Node) -> None:
    graph.name(node, graph.value(node))


@translates("Transpose")
def transpose(graph: Translation, node: Node) -> None:
    value = graph.value(node)
    rank = len(value.view.axes)
    order = node.integers("perm") or tuple(reversed(range(rank)))
    if sorted(order) != list(range(rank)):
        raise InputError(f"{node}: damaged: {order} is no order of {rank} axes.")
    graph.name(node, Value(value.step, value.view.transposed(order)))


@translates("Reshape")
def reshape(graph: Translation, node: Node) -> None:
    value, told = graph.value(node), node.integers("shape")
    if told is None:
        told = tuple(int(size) for size in graph.constant(node, 1, "shape").ravel()[:16])
    shape, kept = value.view.shape, not node.integer("allowzero", 0)
    sizes = [shape[k] if size == 0 and kept and k < len(shape) else size for k, size in enumerate(told)]
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or min(sizes, default=0) < -1 or known < 1:
        raise InputError(f"{node}: damaged: {told} is no shape.")
    _see(graph, node, value, [math.prod(shape) // known if size == -1 else size for size in sizes])


@translates("Flatten")
def flatten(graph: Translation, node: Node) -> None:
    value = graph.value(node)
    shape, rank = value.view.shape, len(value.view.axes)
    first = node.integer("axis", 1)
    if not -rank <= first <= rank:
        raise InputError(f"{node}: damaged: there is no axis {first} of {by(shape)}.")
    first = first + rank if first < 0 else first
    _see(graph, node, value, [math.prod(shape[:first]), math.prod(shape[first:])])


@translates("Squeeze")
def squeeze(graph: Translation, node: Node) -> None:
    value = graph.value(node)
    shape = value.view.shape
    told = _axes(graph, node, len(shape))
    gone = {number for number, size in enumerate(shape) if size == 1} if told is None else set(told)
    if any(shape[number] != 1 for number in gone):
        raise InputError(f"{node}: damaged: of {by(shape)} it leaves out an axis that is longer than 1.")
    _see(graph, node, value, [size for number, size in enumerate(shape) if number not in gone])


@translates("Unsqueeze")
def unsqueeze(graph: Translation, node: Node) -> None:
    value = graph.value(node)
    left = list(value.view.shape)
    length = len(node.integers("axes") or ()) or graph.constant(node, 1, "axes").size
    new = _axes(graph, node, len(left) + length) or ()
    sizes = [1 if number in new else left.pop(0) if left else 1 for number in range(len(left) + len(new))]
    _see(graph, node, value, sizes)


def _axes(graph: Translation, node: Node, rank: int) -> Sequence[int] | None:
    told = node.integers("axes")
    if told is None and (given := graph.optional(node, 1, "axes")) is not None:
        told = tuple(int(number) for number in given.ravel()[:16])
    if told is not None and any(not -rank <= number < rank for number in told):
        raise InputError(f"{node}: damaged: there are no axes {told} of {rank}.")
    return None if told is None else [number % rank for number in told]


def _see(graph: Translation, node: Node, value: Value, shape: Sequence[int]) -> None:
    """Name a value in another shape."""
    fits = math.prod(shape) == math.prod(value.view.shape)
    view = value.view.reshaped(shape) if fits else None
    if view is None and fits and value.view.is_flat and value.view.in_order:
        value = graph.as_flat(node, value)  # one axis, wherever it is cut
        view = row(math.prod(value.view.own_shape), graph.batch).reshaped(shape)
    if view is None:
        raise Inexpressible(f"{by(value.view.shape)} as {by(shape)} cuts across its axes")
    graph.name(node, Value(value.step, view))


@translates("Shape", "Size")
def shape_of(graph: Translation, node: Node) -> None:
    sizes = np.array(graph.value(node).view.shape, np.int64)
    if node.op == "Size":
        graph.constants[node.outputs[0]] = np.asarray(sizes.prod())
        return
    end = node.integer("end", len(sizes))
    graph.constants[node.outputs[0]] = sizes[node.integer("start", 0) : end]


@translates("Expand")
def expand(graph: Translation, node: Node) -> None:
    value = graph.value(node)
    wanted = tuple(int(size) for size in graph.constant(node, 1, "shape").ravel()[:16])
    try:
        made = np.broadcast_shapes(value.view.shape, wanted)
    except ValueError:
        made = ()
    if made != value.view.shape:
        raise Inexpressible(f"it makes {by(value.view.shape)} larger")
    graph.name(node, value)


@translates("Slice")
def whole(graph: Translation, node: Node) -> None:
    """A slice of all that there is, as some exporters leave it."""
    value = graph.value(node)
    shape = value.view.shape
    starts, ends = node.integers("starts"), node.integers("ends")
    if starts is None or ends is None:
        starts, ends = (
            tuple(int(number) for number in graph.constant(node, k, what).ravel()[:16])
            for k, what in ((1, "starts"), (2, "ends"))
        )
    axes, steps = node.integers("axes"), graph.optional(node, 4, "steps")
    if axes is None:
        given = graph.optional(node, 3, "axes")
        axes = tuple(range(len(starts))) if given is None else tuple(int(k) for k in given.ravel()[:16])
    for start, end, at in zip(starts, ends, axes, strict=False):
        size = shape[at % len(shape)]
        all_of_it = start in (0, -size) and end >= size
        if not all_of_it or (steps is not None and (steps != 1).any()):
            raise Inexpressible("it takes a part of its input")
    graph.name(node, value)
