"""A trained network as ONNX: what goes in and is done to it, layers, probabilities, what is said of it."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from convcli.errors import UsageError
from convcli.extras import extra
from convcli.interchange.onnx.graph import LEAST, Graph, Value
from convcli.interchange.onnx.nodes import layer_nodes, probabilities
from convcli.nn.model import Model

Input: TypeAlias = Literal["uint8", "float"]

IMAGES, PROBABILITIES, LOGITS = "images", "probabilities", "logits"
MOST_BYTES = (1 << 31) - (1 << 24)
"""Of weights: a message of protobuf has less than 2 GiB, and there is more in it."""


class Written(NamedTuple):
    """A network as a ModelProto, and the operators for which its opset is newer than the least."""

    proto: Any
    because_of: tuple[str, ...]


def onnx_of(model: Model, given: Input = "uint8", *, least: int = LEAST) -> Written:
    """Return a model as ONNX, checked by its own checker, in an opset of at least `least`.

    The input `images` is (n, h, w, c), uint8, as `Model.predict` takes it; or, of floats, what others call a
    tensor of an image: (n, c, h, w), float32 from 0 to 1. Outputs are `probabilities` and `logits`, both
    float32 (n, classes), the second the network's raw outputs.

    Raises
    ------
    MissingExtraError
        If `onnx` is not installed.
    UsageError
        If a layer is unknown there, or the weights are too large for a file of this format.
    """
    size = sum(array.nbytes for array in model.weights.values())
    if size > MOST_BYTES:
        raise UsageError(f"--to onnx: its weights take {size / 1e9:,.1f} GB, and such a file holds 2 GB.")
    onnx, graph = extra("onnx", "onnx", "export --to onnx"), Graph(least)
    with graph.within("preprocessing"):
        x = _seen(graph, model, given)
    outputs = _outputs(graph, model, x)
    graph.call(outputs.name, LOGITS)
    with graph.within("loss"):
        graph.call(probabilities(graph, model.loss, Value(LOGITS, outputs.shape)), PROBABILITIES)
    kinds, helper = onnx.TensorProto, onnx.helper
    sizes = model.preprocessing.shape
    kind, shape = (kinds.UINT8, sizes) if given == "uint8" else (kinds.FLOAT, (sizes[2], *sizes[:2]))
    results = [
        helper.make_tensor_value_info(name, kinds.FLOAT, ["n", len(model.classes)])
        for name in (PROBABILITIES, LOGITS)
    ]
    images = helper.make_tensor_value_info(IMAGES, kind, ["n", *shape])
    opsets = [helper.make_opsetid("", graph.opset)]
    proto = helper.make_model(
        graph.proto("convcli", [images], results),
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
    )
    return Written(described(proto, model, given), tuple(graph.because_of))


def described(proto: Any, model: Model, given: Input) -> Any:
    """Return a ModelProto of the model with all that is said of it, and the shapes within; it is checked."""
    onnx = extra("onnx", "onnx", "export --to onnx")
    proto.producer_name, proto.producer_version = "convcli", version("convcli")
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, metadata(model, given))
    onnx.checker.check_model(proto, full_check=True)
    return onnx.shape_inference.infer_shapes(proto, strict_mode=True)


def in_words(model: Model, given: Input) -> str:
    """Return what goes in, in words."""
    h, w, c = model.preprocessing.shape
    if given == "uint8":
        return f"uint8 (n, {h}, {w}, {c}), pixels of 0 … 255, channels last"
    return f"float32 (n, {c}, {h}, {w}), pixels / 255, channels first"


def metadata(model: Model, given: Input) -> dict[str, str]:
    """Return what the file says of itself: texts, in JSON where there is more than one thing to say."""
    return {
        "classes": json.dumps(model.classes),
        "image_shape": json.dumps(model.preprocessing.shape),
        "input": in_words(model, given),
        "preprocessing": json.dumps(model.preprocessing.document()),
        "probabilities": model.loss.formula,
        "flips": json.dumps(model.config.evaluation.flips),
    }


def _seen(graph: Graph, model: Model, given: Input) -> Value:
    """Add what makes of images what the network sees, in float32 as `Preprocessing` does it."""
    name, preprocessing = IMAGES, model.preprocessing
    scale, shift = preprocessing.affine
    if given == "uint8":
        channels_first = graph.node("Transpose", name, perm=(0, 3, 1, 2))
        name = graph.node("Cast", channels_first, to=graph.float_type)
    else:
        scale = (1 / np.array(preprocessing.deviation)).astype(np.float32)
    images = Value(name, preprocessing.shape)
    if (scale != 1).any():
        name = graph.node("Mul", name, graph.of_channels("scale", scale, images))
    if shift.any():
        name = graph.node("Add", name, graph.of_channels("shift", shift, images))
    return Value(name, preprocessing.shape)


def _outputs(graph: Graph, model: Model, x: Value) -> Value:
    """Add the layers; with flips for the mirror images as well, as samples of their own, and the means."""
    layers, weights = model.network.sequence, model.weights.arrays
    if not model.config.evaluation.flips:
        return layer_nodes(graph, layers, x, weights)
    with graph.within("flips"):
        columns = graph.integers("columns", np.arange(x.shape[1])[::-1])
        both = graph.node("Concat", x.name, graph.node("Gather", x.name, columns, axis=3), axis=0)
    outputs = layer_nodes(graph, layers, Value(both, x.shape), weights)
    with graph.within("flips"):
        sizes = graph.integers("sizes", [2, -1, *outputs.shape])
        pairs = graph.node("Reshape", outputs.name, sizes)
        return Value(graph.node("ReduceMean", pairs, axes=(0,), keepdims=0), outputs.shape)
