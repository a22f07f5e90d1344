"""Nodes that normalise: by kept figures, by those of groups of channels, of cells or of whole samples."""

from __future__ import annotations

from collections.abc import Set
from itertools import chain

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import InputError
from convcli.interchange.onnx.reading.graph import Inexpressible, Node
from convcli.interchange.onnx.reading.steps import Ours
from convcli.interchange.onnx.reading.translation import Translation, Value, translates
from convcli.interchange.onnx.reading.views import View
from convcli.wording import by

LEAST_EPSILON = 1e-30


def _epsilon(node: Node) -> dict[str, float]:
    epsilon = node.number("epsilon", 1e-5)
    if epsilon < LEAST_EPSILON:
        raise Inexpressible(f"an epsilon of {epsilon:g}; here it is at least {LEAST_EPSILON:g}")
    return {} if epsilon == 1e-5 else {"epsilon": epsilon}


@translates("BatchNormalization")
def batch_norm(graph: Translation, node: Node) -> None:
    if node.integer("training_mode", 0):
        raise Inexpressible("it computes with figures of the batch, as in training")
    value = graph.value(node)
    names = ("gamma", "beta", "mean", "variance")
    figures = {name: graph.constant(node, 1 + k, name) for k, name in enumerate(names)}
    if any(array.ndim != 1 for array in figures.values()) or not node.integer("spatial", 1):
        raise Inexpressible("it has figures of its own for each cell")
    value, arrays = _of_axis_1(graph, node, value, list(figures.values()))
    weights = dict(zip(figures, arrays, strict=True))
    momentum = node.number("momentum", 0.9)
    if not 0 <= momentum <= 1:
        raise Inexpressible(f"a momentum of {momentum:g}")
    table = {"type": "batch_norm", **_epsilon(node)}
    if momentum != 0.9:
        table["momentum"] = momentum
    graph.name(node, graph.same(node, value, Ours(table, weights)))


def _of_axis_1(
    graph: Translation, node: Node, value: Value, figures: list[Array]
) -> tuple[Value, list[Array]]:
    """Return a number for each channel of ours from those that ONNX has for its second axis."""
    view = value.view
    rank = len(view.axes)
    if rank < 2 or any(view.shape[1] != len(array) for array in figures):
        raise InputError(f"{node}: damaged: {len(figures[0])} figures for an input of {by(view.shape)}.")
    long = [array.reshape(-1, *[1] * (rank - 2)) for array in figures]
    why = f"the second axis of {by(view.shape)} is not that of channels"
    value, along = graph.along(node, value, long, why)
    return value, [np.broadcast_to(array, value.view.own_shape[-1:]) for array in along]


@translates("InstanceNormalization")
def instance_norm(graph: Translation, node: Node) -> None:
    """Of channels, or of groups of them where the axis of channels was cut in two before."""
    value = graph.value(node)
    scale, shift = (graph.constant(node, k, what) for k, what in ((1, "scale"), (2, "shift")))
    if not _has_groups(value.view) and len(value.view.own) > 1 and value.view.in_order:
        value = Value(graph.step(node, Ours({"type": "flatten"}), value), value.view.flattened())
    view = value.view
    if not _has_groups(view):
        raise Inexpressible(
            f"of {by(view.shape)} it does not take all cells of a channel, or of some together"
        )
    graph.name(node, _groups(graph, node, value, view.shape[1], scale, shift))


def _has_groups(view: View) -> bool:
    """Whether the second axis is one of channels, or the first part of it, and all that follows the rest."""
    if len(view.axes) < 2 or view.axes[0] != view.batch:
        return False
    leading = view.axes[1]
    rest = {*chain(*view.own[:-1]), *view.channels[len(leading) :]}
    return view.channels[: len(leading)] == leading and {*chain(*view.axes[2:])} == rest


@translates("GroupNormalization")
def group_norm(graph: Translation, node: Node) -> None:
    value = graph.volume(node)
    scale, shift = (graph.constant(node, k, what) for k, what in ((1, "scale"), (2, "shift")))
    graph.name(node, _groups(graph, node, value, node.integer("num_groups", 0), scale, shift))


def _groups(graph: Translation, node: Node, value: Value, groups: int, scale: Array, shift: Array) -> Value:
    channels = value.view.own_shape[-1]
    if groups < 1 or any(array.ndim != 1 or channels % max(array.size, 1) for array in (scale, shift)):
        raise InputError(f"{node}: damaged: {groups} groups of {channels} channels.")
    figures = {"gamma": scale, "beta": shift}
    weights = {name: np.repeat(array, channels // array.size) for name, array in figures.items()}
    table = {"type": "group_norm", "groups": groups, **_epsilon(node)}
    return graph.same(node, value, Ours(table, weights))


@translates("LayerNormalization")
def layer_norm(graph: Translation, node: Node) -> None:
    """From an axis on; or over the axes that an attribute has, where patterns.py has put it together."""
    value = graph.value(node)
    view, rank = value.view, max(len(value.view.axes), 1)
    told = node.integers("axes")
    axes = {number % rank for number in told} if told else {*range(node.integer("axis", -1) % rank, rank)}
    atoms = {*chain(*(view.axes[number] for number in axes))}
    if view.is_flat and atoms == {*chain(*view.own)} and len(view.own) > 1 and len(view.axes) == 2:
        value = graph.as_flat(node, value)
        view = value.view
    over = "channels" if atoms == {*view.channels} else "sample"
    if over == "sample" and atoms != {*chain(*view.own)}:
        raise Inexpressible(f"of {by(view.shape)} it takes neither all channels of a cell nor a whole sample")
    given = (graph.optional(node, 1, "scale"), graph.optional(node, 2, "shift"))
    scale, shift = (
        np.full((), usual) if array is None else array for array, usual in zip(given, (1, 0), strict=True)
    )
    weights = {"gamma": _arranged(view, axes, scale, over), "beta": _arranged(view, axes, shift, over)}
    table = {"type": "layer_norm", **({} if over == "channels" else {"over": over}), **_epsilon(node)}
    graph.name(node, graph.same(node, value, Ours(table, weights)))


def _arranged(view: View, axes: Set[int], numbers: Array, over: str) -> Array:
    """Return what ONNX has for some of its axes, for ours: (c,), or (h, w, c)."""
    theirs = [*chain(*(view.axes[number] for number in sorted(axes)))]
    ours = [*view.channels] if over == "channels" else [*chain(*view.own)]
    sizes = [size if number in axes else 1 for number, size in enumerate(view.shape)]
    try:
        full = np.broadcast_to(numbers, sizes).reshape([atom.size for atom in theirs])
    except ValueError:
        raise Inexpressible(f"a factor or term of {by(numbers.shape)} for {by(view.shape)}") from None
    turned = np.transpose(full, [theirs.index(atom) for atom in ours])
    return turned.reshape(view.own_shape[-1:] if over == "channels" else view.own_shape)
