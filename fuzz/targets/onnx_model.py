"""An .onnx file, read as `convcli import` reads it; weights are made where they are few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np

from convcli.errors import ConvcliError, MissingExtraError
from convcli.extras import extra
from convcli.interchange.onnx.reading import folding, translation
from convcli.interchange.onnx.reading.file import parse
from convcli.interchange.onnx.reading.foreign import filled, flat_end, foreign, layers_of, network_of

# A small file may ask for as many numbers as a network has: here for few, so that memory tells what is wrong.
MOST = 1 << 20
SIDE = (8, 8)


def test_one_input(data: bytes) -> None:
    with (
        patch.object(folding, "MOST_FOLDED", MOST),
        patch.multiple(translation, MOST_WEIGHTS=MOST, MOST_OUTPUTS=MOST),
    ):
        read(data)


def read(data: bytes) -> None:
    """Read a file, and take zeros through its network if that is small."""
    try:
        onnx = extra("onnx", "onnx", "fuzzing")
        found = flat_end(foreign(onnx, parse(onnx, data, Path("fuzz/nowhere/net.onnx")), SIDE))
        layers, _ = layers_of("net.onnx", found.steps)
        network, arrays = network_of(layers, found.image.own_shape)
    except ConvcliError:
        return
    if sum(network.activations) <= 1 << 16:
        x = np.zeros((1, *found.image.own_shape), np.float32)
        with np.errstate(all="ignore"):
            network.forward(x, filled(network, arrays), network.tape())


def mutate(data: bytes, rng: Random, change: Callable[[bytes], bytes]) -> bytes:
    """Change a field of the message: which node takes what, an operator, an attribute, a size, a number."""
    try:
        onnx = extra("onnx", "onnx", "fuzzing")
    except MissingExtraError:
        return change(data)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
        _change(onnx, model.graph, rng)
        changed: bytes = model.SerializeToString()
    except Exception:
        return change(data)
    return changed


OPS = (
    *(
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "Gemm",
        "MatMul",
        "BatchNormalization",
        "Relu",
        "Clip",
    ),
    *("Add", "Mul", "Concat", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Shape", "Gather"),
    *("ConstantOfShape", "Expand", "Softmax", "ReduceMean", "Resize", "Pad", "LRN", "InstanceNormalization"),
    *("LayerNormalization", "PRelu", "Dropout", "Slice", "Identity", "Erf", "Pow", "Constant", "Cast", "Div"),
)
NUMBERS = (0, 1, -1, 2, 3, 4, 8, 64, 2**31 - 1, -(2**31), 2**40, 2**62)


def _change(onnx: Any, graph: Any, rng: Random) -> None:
    node = rng.choice(graph.node)
    names = [name for one in graph.node for name in (*one.input, *one.output)]
    what = rng.choice(["op", "input", "attribute", "tensor", "size", "drop", "copy"])
    if what == "op":
        node.op_type = rng.choice(OPS)
    elif what == "input" and node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice([*names, ""])
    elif what == "attribute" and node.attribute:
        attribute = rng.choice(node.attribute)
        attribute.i = rng.choice(NUMBERS)
        if attribute.ints:
            attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(NUMBERS)
    elif what == "tensor" and graph.initializer:
        tensor = rng.choice(graph.initializer)
        if tensor.dims:
            tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(NUMBERS)
        if tensor.data_type == onnx.TensorProto.INT64:
            array = np.array([rng.choice(NUMBERS) for _ in range(rng.randrange(6))], np.int64)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    elif what == "size":
        dims = rng.choice(graph.input).type.tensor_type.shape.dim
        if dims:
            dims[rng.randrange(len(dims))].dim_value = rng.choice(NUMBERS)
    elif what == "drop":
        graph.node.remove(node)
    else:
        copy = graph.node.add()
        copy.CopyFrom(node)
        for position, name in enumerate(copy.output):
            copy.output[position] = f"{name}'"
