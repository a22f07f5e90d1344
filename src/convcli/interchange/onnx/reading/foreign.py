"""A graph as a network of ours: its layers, its weights, and how images and outputs lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import convcli.interchange.onnx.reading.nodes  # noqa: F401 - registers what translates nodes
from convcli.engine.workspace import Array
from convcli.errors import InputError, UsageError
from convcli.interchange.onnx.reading.graph import Graph, Node, refusal
from convcli.interchange.onnx.reading.nesting import nested
from convcli.interchange.onnx.reading.patterns import simplified
from convcli.interchange.onnx.reading.rows import Rows, numbered
from convcli.interchange.onnx.reading.steps import Ours, Step
from convcli.interchange.onnx.reading.translation import Translation
from convcli.interchange.onnx.reading.views import View, axis, row
from convcli.nn.layers.sequence import Sequence as Layers
from convcli.nn.network import Network
from convcli.nn.weights import NetworkWeights
from convcli.shapes import Pair
from convcli.wording import by

OPEN_BATCH = 7919
"""What stands for a number of samples that is left open: a prime, which no other size is likely to be."""

_MOVING_NOTHING = ("Cast", "Identity", "Add", "Sub", "Mul", "Div", "Relu", "Clip", "Dropout", "Pad")
_WITH_CHANNELS_AT_1 = (
    *("Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LRN"),
    *("BatchNormalization", "InstanceNormalization", "GroupNormalization", "Resize", "Upsample"),
)


@dataclass(frozen=True, eq=False)
class Foreign:
    """What a graph is.

    Attributes
    ----------
    steps
        What it does, in a row: layers, and what becomes one only with its neighbours.
    image, outcome
        How ONNX sees what goes in and comes out.
    """

    steps: Sequence[Step]
    image: View
    outcome: View
    notes: tuple[str, ...]


def foreign(onnx: Any, graph: Graph, size: Pair | None = None) -> Foreign:
    """Return what a graph is, for images of `size` where the graph leaves that open.

    Raises InputError if some of it cannot be expressed, with a line for each; UsageError if its size is open
    and not told, or told as another one.
    """
    graph = simplified(graph)
    batches = (
        [OPEN_BATCH, 1]
        if not graph.image.shape[:1] or graph.image.shape[0] is None
        else [graph.image.shape[0]]
    )
    try:
        return _foreign(onnx, graph, size, batches[0])
    except InputError:
        if len(batches) == 1:
            raise
    return _foreign(onnx, graph, size, 1)  # a graph for one image, which says that there may be more


def _foreign(onnx: Any, graph: Graph, size: Pair | None, batch: int) -> Foreign:
    image = _image(graph, size, batch)
    translation = Translation(onnx, graph, image)
    value = translation.run()
    rows = Rows()
    steps = rows.joined(nested(translation.steps, value.step, graph.where))
    if rows.problems:
        raise refusal(graph.where, rows.problems)
    return Foreign(steps, image, value.view, (*translation.notes, *rows.notes))


def flat_end(outcome: Foreign) -> Foreign:
    """Return the same with its outputs as a row for each sample, in ONNX's order."""
    view = outcome.outcome
    if not view.is_flat or not np.array_equal(view.order(), np.arange(len(view.order()))):
        raise InputError(f"What comes out is {by(view.own_shape)}, not a number for each class.")
    if len(view.own) == 1:
        return outcome
    steps, shape = list(outcome.steps), view.own_shape
    node = Node("Flatten", "", (), ())
    Rows().add(steps, Step(node, Ours({"type": "flatten"}), (0,), shape, (view.order().size,)))
    return replace(outcome, steps=steps, outcome=view.flattened())


def layers_of(where: str, steps: Sequence[Step]) -> tuple[list[Ours], list[str]]:
    """Return steps as layers, at least one, and what there is to say of them; InputError if some are none."""
    rows = Rows()
    layers = rows.layers(steps) or [Ours({"type": "activation", "function": "none"})]
    if rows.problems:
        raise refusal(where, rows.problems)
    return layers, rows.notes


def network_of(layers: Sequence[Ours], shape: Sequence[int]) -> tuple[Network, dict[str, Array]]:
    """Return the network of layers, and its weights by their names."""
    tables, weights = numbered(layers)
    return Network(Layers.model_validate({"layers": tables}).layers, tuple(shape)), weights


def filled(network: Network, weights: Mapping[str, Array], dtype: DTypeLike = np.float32) -> NetworkWeights:
    """Return the weights of a network from arrays by their names."""
    made = NetworkWeights(network, dtype)
    for name, array in made.items():
        np.copyto(array, weights[name], casting="same_kind")
    return made


def _image(graph: Graph, size: Pair | None, batch: int) -> View:
    """Return how ONNX sees the images that go in."""
    sizes = graph.image.shape
    samples = axis(batch)
    if len(sizes) == 1:
        return View(((),), (samples,), samples)
    if len(sizes) == 2:
        return _row_image(graph, size, samples)
    if len(sizes) == 3:
        h, w = map(axis, _plane(graph, sizes[1:], size))
        return View((h, w, ()), (samples, h, w), samples)
    if len(sizes) != 4:
        raise InputError(f"{graph.where}: its input has {len(sizes)} axes; a batch of images has 4.")
    at = _channel_axis(graph)
    rest = [number for number in (1, 2, 3) if number != at]
    h, w = map(axis, _plane(graph, [sizes[number] for number in rest], size))
    c = axis(sizes[at] or _channels(graph))
    axes = [samples, (), (), ()]
    axes[at], axes[rest[0]], axes[rest[1]] = c, h, w
    return View((h, w, c), tuple(axes), samples)


def _row_image(graph: Graph, size: Pair | None, samples: Any) -> View:
    features = graph.image.shape[1]
    if size is None:
        if features is None:
            raise UsageError(f"{graph.where}: leaves open how many numbers an image has. Set --size RxC.")
        return row(features, samples)
    cells = size[0] * size[1]
    if features is not None and features % cells:
        raise UsageError(f"{graph.where}: takes {features} numbers, which are no images of {by(size)}.")
    h, w, c = axis(size[0]), axis(size[1]), axis(1 if features is None else features // cells)
    return View((h, w, c), (samples, (*c, *h, *w)), samples)


def _plane(graph: Graph, sizes: Sequence[int | None], told: Pair | None) -> Pair:
    """Return rows and columns of the images."""
    if told is not None:
        for one, other in zip(sizes, told, strict=True):
            if one not in (None, other):
                raise UsageError(
                    f"{graph.where}: takes images of {by([s or 0 for s in sizes])}, not {by(told)}."
                )
        return told
    rows, columns = sizes
    if rows is None or columns is None:
        raise UsageError(f"{graph.where}: takes images of any size; say which with --size RxC.")
    return rows, columns


def _channel_axis(graph: Graph) -> int:
    """Return which of the input's four axes has the channels, as what takes it says."""
    name, order = graph.image.name, (0, 1, 2, 3)
    while True:
        node = next((node for node in graph.nodes if name in node.inputs), None)
        if node is None or not node.outputs:
            break
        if node.op in _WITH_CHANNELS_AT_1:
            return order[1] or 1
        if (found := _of_constant(graph, node)) is not None:
            return order[found] or 1
        turned = node.integers("perm") if node.op == "Transpose" else None
        if turned is not None and sorted(turned) == [0, 1, 2, 3]:
            order = tuple(order[number] for number in turned)  # type: ignore[assignment]
        elif node.op not in _MOVING_NOTHING:
            break
        name = node.outputs[0]
    if order in ((0, 3, 1, 2), (0, 2, 3, 1)):
        return 3 if order[1] == 3 else 1
    first, last = graph.image.shape[1], graph.image.shape[3]
    return 3 if last in (1, 3) and first not in (1, 3) else 1


def _of_constant(graph: Graph, node: Node) -> int | None:
    """Return the only axis of four along which a constant of the node differs; None if there is none."""
    for name in node.inputs if node.op in ("Add", "Sub", "Mul", "Div") else ():
        sizes = graph.constants[name].shape if name in graph.constants else ()
        long = [4 - len(sizes) + number for number, size in enumerate(sizes) if size > 1]
        if len(sizes) <= 4 and len(long) == 1 and long[0] > 0:
            return long[0]
    return None


def _channels(graph: Graph) -> int:
    """Return how many channels the first convolution takes."""
    for node in graph.nodes:
        kernels = graph.constants.get(node.input(1)) if node.op == "Conv" else None
        if kernels is not None and kernels.ndim == 4:
            return int(kernels.shape[1]) * max(node.integer("group", 1), 1)
    raise UsageError(f"{graph.where}: does not say how many channels its images have.")
