"""The nine "light" networks of the onnx package, whose arrays one number fills each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convcli.interchange.onnx.reading.file import parse
from convcli.interchange.onnx.reading.foreign import filled, foreign, layers_of, network_of
from interchange.onnx.runtime import session_of

onnx = pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
CLOSE = 1e-5  # of the largest output
LARGEST = 1 << 23  # numbers of an array that is drawn; some dense layers would take gigabytes

# How many weights the networks are known to have, of a thousand classes.
WEIGHTS = {
    "bvlc_alexnet": 60_965_224,
    "densenet121": 7_978_856,
    "inception_v1": 6_998_552,
    "inception_v2": 11_194_984,
    "resnet50": 25_557_032,
    "shufflenet": 1_393_320,
    "squeezenet": 1_235_496,
    "vgg19": 143_667_240,
    "zfnet512": 87_250_536,
}


def loaded(name):
    """Return a network without its softmax, which would hide what comes before."""
    model = onnx.load(FOLDER / f"light_{name}.onnx")
    last = model.graph.node[-1]
    if last.op_type == "Softmax":
        model.graph.output[0].name = last.input[0]
        model.graph.node.remove(last)
    return model


def drawn(model, rng):
    """Return the model with weights drawn, so that outputs are told apart; the largest stay as they are."""
    takers: dict = {}
    for node in model.graph.node:
        for position, name in enumerate(node.input):
            takers.setdefault(name, []).append((node.op_type, position))
    sizes = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    left = []
    for node in model.graph.node:
        shape = tuple(sizes[node.input[0]].tolist()) if node.op_type == "ConstantOfShape" else ()
        if not shape or np.prod(shape) > LARGEST:
            left.append(node)
            continue
        taken = takers.get(node.output[0], [])
        if any(op == "BatchNormalization" and position in (1, 4) for op, position in taken):
            array = rng.uniform(0.5, 1.5, shape)
        else:
            spread = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
            array = rng.standard_normal(shape, np.float32) * np.float32(spread)
        array = array.astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(left)
    return model


def apart(model):
    """Return by how much outputs differ from onnxruntime's, as a share of the largest, and the network."""
    graph = parse(onnx, model.SerializeToString(), Path("light.onnx"))
    found = foreign(onnx, graph)
    layers, notes = layers_of(graph.where, found.steps)
    assert not notes
    network, arrays = network_of(layers, found.image.own_shape)
    weights = filled(network, arrays)
    x = np.random.default_rng(1).standard_normal(found.image.shape, np.float32)
    session = session_of(model)
    (expected,) = session.run(None, {graph.image.name: x})
    ours = found.outcome.theirs(np.asarray(network.forward(found.image.ours(x), weights, network.tape())))
    assert ours.shape == expected.shape
    assert expected.std() > 0
    return float(np.abs(ours - expected).max() / np.abs(expected).max()), network


@pytest.mark.long
@pytest.mark.parametrize("name", WEIGHTS)
def test_outputs_are_those_of_onnxruntime(name):
    difference, network = apart(drawn(loaded(name), np.random.default_rng(0)))
    assert network.trained.size == WEIGHTS[name]
    assert difference <= CLOSE


def test_constants_that_one_number_fills_take_no_memory():
    graph = parse(onnx, loaded("vgg19").SerializeToString(), Path("light.onnx"))
    layers, _ = layers_of(graph.where, foreign(onnx, graph).steps)
    arrays = [array for layer in layers for array in layer.weights.values()]
    assert sum(array.nbytes for array in arrays) > 5e8
    assert sum(array.nbytes for array in arrays if array.size > 1 and 0 not in array.strides) < 1e6
