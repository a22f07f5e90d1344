"""An .onnx file as a graph. Whoever wrote it: nothing of it is believed that its bytes do not show."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from convcli.bounds import check_memory
from convcli.engine.workspace import Array
from convcli.errors import InputError, reason
from convcli.extras import extra
from convcli.files import open_inside
from convcli.interchange.onnx.network import LOGITS
from convcli.interchange.onnx.reading.graph import MOST_NODES, Graph, ImageInput, Node
from convcli.interchange.onnx.reading.own import PRODUCER
from convcli.nn.layer import Shape
from convcli.nn.places import MOST_NUMBERS
from convcli.wording import listed, shortened, shown

SMALL = 1 << 10  # numbers of a constant that may be a shape
_ENTRIES = 256  # of metadata, of which each is at most as long as a configuration
_STANDARD = ("", "ai.onnx")


def read_graph(path: Path) -> Graph:
    """Return the graph in the file at `path`.

    Raises MissingExtraError without the package onnx; InputError if the file cannot be read, or is no model.
    """
    onnx = extra("onnx", "onnx", "import of an .onnx file")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            check_memory(shown(path), 3 * size, advice="It is no network that fits here.")
            content = [file.read(size)]
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({reason(error)}).") from error
    return parse(onnx, content.pop(), path)  # which lets go of it, before there is as much once more


def parse(onnx: Any, data: bytes, path: Path, fixed: Mapping[str, Array] | None = None) -> Graph:
    """Return the graph that `data` hold, read as if from `path`; raises as `read_graph`.

    Inputs that are `fixed` are constants.
    """
    where, model = shown(path), onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except extra("google.protobuf.message", "onnx", "import of an .onnx file").DecodeError:
        raise InputError(f"{where}: not an ONNX model: its bytes are no such message.") from None
    del data
    if not all(isinstance(text, str) for text in _texts(model)):
        raise InputError(f"{where}: damaged: a name in it is no text.")
    if not model.graph.node:
        raise InputError(f"{where}: not an ONNX model, or one without a node.")
    if len(model.graph.node) > MOST_NODES:
        raise InputError(f"{where}: {len(model.graph.node):,} nodes; at most {MOST_NODES:,} are possible.")
    tensors = Tensors(onnx, path)
    constants: dict[str, Array] = {tensor.name: tensors.array(tensor) for tensor in model.graph.initializer}
    if model.graph.sparse_initializer:
        raise InputError(f"{where}: has sparse tensors, which are not understood.")
    constants |= fixed or {}
    image = _image(onnx, model.graph, constants, where)
    nodes = tuple(_node(onnx, node, tensors) for node in model.graph.node)
    _check_order(nodes, {*constants, image.name}, where)
    if not model.graph.output:
        raise InputError(f"{where}: damaged: nothing comes out of it.")
    opset = max((one.version for one in model.opset_import if one.domain in _STANDARD), default=1)
    outputs = [output.name for output in model.graph.output]
    notes, taken = list(tensors.notes), outputs[0]
    if model.producer_name == PRODUCER and LOGITS in outputs:
        taken = LOGITS
    elif len(outputs) > 1:
        notes.append(f"of its {len(outputs)} outputs the first is taken, {shortened(shown(taken))!r}")
    return Graph(
        where,
        nodes,
        constants,
        image,
        taken,
        opset,
        model.producer_name,
        _metadata(model.metadata_props),
        tuple(notes),
        _shapes(onnx, model),
    )


def _shapes(onnx: Any, model: Any) -> Callable[[], Mapping[str, Shape]]:
    """Return what asks ONNX for the shapes of all values, as far as it knows them."""
    light, graph = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import), model.graph
    light.graph.CopyFrom(
        onnx.GraphProto(
            name=graph.name,
            node=graph.node,
            input=graph.input,
            output=graph.output,
            value_info=graph.value_info,
        )
    )
    for tensor in graph.initializer:
        if math.prod(tensor.dims) <= SMALL:
            light.graph.initializer.append(tensor)
        else:  # its numbers are many, and say nothing of shapes
            kind, name, dims = tensor.data_type, tensor.name, list(tensor.dims)
            light.graph.input.append(onnx.helper.make_tensor_value_info(name, kind, dims))

    @cache
    def shapes() -> Mapping[str, Shape]:
        told = light
        with suppress(Exception):  # what it says of broken models is of no use here
            told = onnx.shape_inference.infer_shapes(light, data_prop=True)
        values = [*told.graph.input, *told.graph.value_info, *told.graph.output]
        return {value.name: _sizes(value) for value in values if value.type.tensor_type.HasField("shape")}

    return shapes


def _texts(model: Any) -> Iterator[object]:
    """Yield all that should be text; what is not UTF-8 the library hands over as bytes."""
    yield model.producer_name
    for entry in model.metadata_props:
        yield from (entry.key, entry.value)
    yield from (one.domain for one in model.opset_import)
    graph = model.graph
    yield graph.name
    for tensor in graph.initializer:
        yield from _texts_of(tensor)
    yield from (value.name for values in (graph.input, graph.output, graph.value_info) for value in values)
    for node in graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            yield from _texts_of(attribute.t)


def _texts_of(tensor: Any) -> Iterator[object]:
    yield tensor.name
    for entry in tensor.external_data:
        yield from (entry.key, entry.value)


def _sizes(value: Any) -> Shape:
    return tuple(max(dim.dim_value, 0) for dim in value.type.tensor_type.shape.dim)


def _metadata(entries: Iterable[Any]) -> dict[str, str]:
    return {entry.key: entry.value for entry, _ in zip(entries, range(_ENTRIES), strict=False)}


def _image(onnx: Any, graph: Any, constants: Mapping[str, Array], where: str) -> ImageInput:
    """Return what the network takes: the only input that is no constant."""
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = listed([shortened(value.name) for value in inputs])
        raise InputError(f"{where}: expected one input, the images, found {len(inputs)}: {names}.")
    kind = inputs[0].type.tensor_type
    if not kind.HasField("shape"):
        raise InputError(f"{where}: does not say how many axes its input {shortened(inputs[0].name)!r} has.")
    sizes = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in kind.shape.dim)
    if not 1 <= len(sizes) <= 8 or math.prod(size or 1 for size in sizes) > MOST_NUMBERS:
        raise InputError(f"{where}: its input has the shape {sizes}, which is no batch of images.")
    return ImageInput(inputs[0].name, sizes, kind.elem_type == onnx.TensorProto.UINT8)


def _node(onnx: Any, node: Any, tensors: Tensors) -> Node:
    op = node.op_type if node.domain in _STANDARD else f"{node.domain}::{node.op_type}"
    attributes = {one.name: _attribute(onnx, one, tensors) for one in node.attribute}
    return Node(op, node.name, tuple(node.input), tuple(node.output), attributes)


def _attribute(onnx: Any, attribute: Any, tensors: Tensors) -> Any:
    """Return an attribute as Python has it; of a graph, or what else no layer has, nothing that is used."""
    if attribute.type == onnx.AttributeProto.TENSOR:
        return tensors.array(attribute.t)
    try:
        value = onnx.helper.get_attribute_value(attribute)
    except ValueError:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return list(value) if attribute.type in (onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS) else value


def _check_order(nodes: Iterable[Node], known: set[str], where: str) -> None:
    """Raise InputError unless each value is made once, and before it is taken."""
    for node in nodes:
        for name in node.inputs:
            if name and name not in known:
                raise InputError(
                    f"{where}: damaged: {node} takes {shortened(shown(name))!r}, which is not made before."
                )
        made = [name for name in node.outputs if name]
        if not made:
            raise InputError(f"{where}: damaged: nothing comes out of {node}.")
        if len(set(made)) < len(made) or not known.isdisjoint(made):
            raise InputError(f"{where}: damaged: {node} makes a value that there is already.")
        known.update(made)


class Tensors:
    """Constants of a file as arrays: floats as float32, all others as they are.

    Their bytes may lie in other files of the same folder.
    """

    def __init__(self, onnx: Any, path: Path) -> None:
        self._onnx, self._folder, self._where = onnx, path.parent, shown(path)
        self._converted: dict[str, int] = {}

    @property
    def notes(self) -> Iterator[str]:
        """What was converted, a line for each kind."""
        for kind, count in self._converted.items():
            rounded = ", rounded" if kind == "float64" else ""
            yield f"{count} tensor(s) of {kind} became float32{rounded}"

    def array(self, tensor: Any) -> Array:
        """Return a tensor as an array, or raise InputError."""
        name, sizes = f"{self._where}: tensor {shortened(shown(tensor.name))!r}", list(tensor.dims)
        if len(sizes) > 16 or any(size < 0 for size in sizes) or math.prod(sizes) > MOST_NUMBERS:
            raise InputError(f"{name}: damaged: a shape of {shortened(str(sizes))}.")
        if tensor.data_type == self._onnx.TensorProto.STRING:
            return np.zeros(0, np.int64)  # which nothing here takes
        if tensor.data_location == self._onnx.TensorProto.EXTERNAL:
            tensor = self._brought(tensor, name)
        try:
            array = self._onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise InputError(f"{name}: damaged ({shortened(str(error))}).") from error
        return self.plain(np.asarray(array))

    def plain(self, array: Array) -> Array:
        """Return floats of any size as float32."""
        if array.dtype.kind in "iub" or array.dtype == np.float32:
            return array
        if array.dtype.kind != "f" and array.dtype.name not in ("bfloat16",):
            return np.zeros(0, np.int64)
        self._converted[array.dtype.name] = self._converted.get(array.dtype.name, 0) + 1
        with np.errstate(over="ignore"):
            return array.astype(np.float32)

    def _brought(self, tensor: Any, name: str) -> Any:
        """Return a tensor with its bytes, which lie in a file beside this one."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        if not location or location in (".", "..") or any(sign in location for sign in "/\\\0:"):
            raise InputError(
                f"{name}: its bytes are said to lie in {shortened(shown(location))!r}; only files beside it "
                "are read."
            )
        try:
            offset, length = int(entries.get("offset", "0")[:20]), int(entries.get("length", "-1")[:20])
            with open_inside(self._folder / location) as file:
                size = os.fstat(file.fileno()).st_size
                length = size - offset if length < 0 else length
                if not (0 <= offset <= size and 0 <= length <= size - offset):
                    raise InputError(f"{name}: damaged: its bytes lie beyond the end of {shown(location)}.")
                check_memory(name, length, advice="It is no network that fits here.")
                file.seek(offset)
                data = file.read(length)
        except OSError as error:
            raise InputError(
                f"{name}: its bytes should be in {shown(location)}, which cannot be read ({reason(error)})."
            ) from error
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{name}: damaged: where its bytes lie is no number.") from error
        whole = self._onnx.TensorProto()
        whole.data_type = tensor.data_type
        whole.dims.extend(tensor.dims)
        whole.raw_data = data
        return whole
