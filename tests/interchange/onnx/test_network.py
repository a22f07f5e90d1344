"""The whole file: what goes in, what comes out, what it says of itself, and which opset it takes."""

from __future__ import annotations

import json

import numpy as np
import pytest

import convcli
from convcli.errors import UsageError
from convcli.interchange.onnx import network
from convcli.interchange.onnx.network import onnx_of
from interchange.networks import images_for, model_of
from interchange.onnx.runtime import apart, asked, session_of, taken

onnx = pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")

LAYERS = [
    {"type": "conv", "filters": 3, "padding": "same", "activation": "relu"},
    {"type": "max_pool"},
    {"type": "flatten"},
    {"type": "dense"},
]
SHAPE = (6, 7, 3)


def sizes(values):
    """Return name, type and sizes of inputs or outputs."""
    return [
        (
            value.name,
            onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type),
            [each.dim_param or each.dim_value for each in value.type.tensor_type.shape.dim],
        )
        for value in values
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("uint8", ("images", "UINT8", ["n", 6, 7, 3])), ("float", ("images", "FLOAT", ["n", 3, 6, 7]))],
)
def test_images_go_in_as_pixels_or_as_floats_with_channels_first(given, expected):
    proto, _ = onnx_of(model_of(LAYERS, SHAPE), given)
    assert sizes(proto.graph.input) == [expected]
    assert sizes(proto.graph.output) == [
        ("probabilities", "FLOAT", ["n", 4]),
        ("logits", "FLOAT", ["n", 4]),
    ]


def test_pixels_are_scaled_to_the_last_bit_as_the_engine_does():
    model = model_of([{"type": "flatten"}, {"type": "dense", "bias": False}], (1, 1, 4))
    model.weights["2.W"][...] = np.eye(4)
    images = np.arange(256, dtype=np.uint8).repeat(4).reshape(256, 1, 1, 4)
    _, logits = asked(onnx_of(model).proto, images)
    np.testing.assert_array_equal(logits, model.outputs(images))


def test_flips_are_in_the_graph():
    flipping, plain = (model_of(LAYERS, SHAPE, evaluation={"flips": flips}) for flips in (True, False))
    plain.weights.copy_from(flipping.weights)
    images = images_for(flipping, 9)
    assert apart(flipping)[0] <= 1e-6
    _, logits = asked(onnx_of(flipping).proto, images)
    _, straight = asked(onnx_of(plain).proto, images)
    _, mirrored = asked(onnx_of(plain).proto, np.ascontiguousarray(images[:, :, ::-1]))
    np.testing.assert_allclose(logits, (straight + mirrored) / 2, atol=1e-5)
    assert np.abs(logits - straight).max() > 0.01
    assert len(onnx_of(flipping).proto.graph.initializer) == len(onnx_of(plain).proto.graph.initializer) + 2


def test_the_file_says_what_it_is():
    model = model_of(LAYERS, SHAPE)
    proto, _ = onnx_of(model)
    assert (proto.producer_name, proto.producer_version) == ("convcli", convcli.__version__)
    told = {each.key: each.value for each in proto.metadata_props}
    assert json.loads(told["classes"]) == list(model.classes)
    assert json.loads(told["image_shape"]) == [6, 7, 3]
    assert json.loads(told["preprocessing"])["mean"] == list(model.preprocessing.mean)
    assert told["input"] == "uint8 (n, 6, 7, 3), pixels of 0 … 255, channels last"
    assert session_of(proto).get_modelmeta().custom_metadata_map == told


def test_weights_have_the_names_that_they_have_here():
    model = model_of(LAYERS, SHAPE)
    names = {array.name for array in onnx_of(model).proto.graph.initializer}
    assert set(model.weights) <= names


@pytest.mark.parametrize(
    ("layers", "opset"),
    [
        ([], 9),
        (
            [
                {"type": "activation", "function": "gelu"},
                {"type": "layer_norm"},
                {"type": "group_norm", "groups": 1},
            ],
            9,
        ),
        ([{"type": "max_pool", "size": 2, "dilation": 2}], 10),
        ([{"type": "upsample"}], 11),
        ([{"type": "activation", "function": "softmax"}], 13),
    ],
)
def test_the_opset_is_the_oldest_that_has_the_operators(layers, opset):
    proto, because_of = onnx_of(model_of([*layers, *LAYERS], SHAPE))
    (found,) = proto.opset_import
    assert (found.domain, found.version) == ("", opset)
    assert bool(because_of) == (opset > 9)
    assert proto.ir_version == onnx.helper.find_min_ir_version_for(proto.opset_import)
    if 9 < opset < 13:  # Softmax of volumes was there before 13, and meant another thing
        proto.opset_import[0].version -= 1
        with pytest.raises(onnx.checker.ValidationError):
            onnx.checker.check_model(proto, full_check=True)


@pytest.mark.parametrize("opset", [10, 11, 12, 13, 14, 15, 16, 17])
def test_nodes_mean_the_same_in_newer_opsets(opset):
    layers = [
        {"type": "batch_norm"},
        {"type": "activation", "function": "gelu"},
        {"type": "layer_norm"},
        {"type": "group_norm", "groups": 1},
        {"type": "prelu"},
        {"type": "avg_pool", "size": 3, "padding": 1, "stride": 1},
        {"type": "adaptive_avg_pool", "output_size": 4},
        *LAYERS,
    ]
    model = model_of(layers, SHAPE, evaluation={"flips": True})
    images = images_for(model, 3)
    probabilities, _ = asked(onnx_of(model, least=opset).proto, images)
    np.testing.assert_allclose(probabilities, model.predict(images), atol=1e-6)


def test_another_implementation_says_the_same():
    """The `onnx` package's own, in NumPy; before opset 14 it takes every batch_norm for one that learns."""
    from onnx.reference import ReferenceEvaluator

    for given in ("uint8", "float"):
        model = model_of([{"type": "batch_norm"}, *LAYERS], SHAPE, evaluation={"flips": True})
        images = images_for(model, 3)
        evaluator = ReferenceEvaluator(onnx_of(model, given, least=14).proto)
        probabilities, _ = evaluator.run(None, {"images": taken(images, given)})
        np.testing.assert_allclose(probabilities, model.predict(images), atol=1e-6)


def test_opencv_says_the_same():
    cv2 = pytest.importorskip("cv2", reason="OpenCV is in the `bench` extra")
    layers = [
        {"type": "residual", "layers": [LAYERS[0], {"type": "conv", "filters": 3, "padding": "same"}]},
        {"type": "batch_norm"},
        *LAYERS,
    ]
    model = model_of(layers, SHAPE)
    images = images_for(model, 5)
    for given in ("float",) if cv2.__version__.startswith("4") else ("uint8", "float"):
        network = cv2.dnn.readNetFromONNX(
            np.frombuffer(onnx_of(model, given).proto.SerializeToString(), np.uint8)
        )
        network.setInput(taken(images, given))
        probabilities = network.forward("probabilities")
        np.testing.assert_allclose(probabilities, model.predict(images), atol=2e-6)


def test_every_value_in_the_file_has_a_shape():
    graph = onnx_of(model_of(LAYERS, SHAPE)).proto.graph
    known = {value.name for value in (*graph.value_info, *graph.output)}
    assert {name for node in graph.node for name in node.output} <= known


def test_more_weights_than_such_a_file_holds_are_refused(monkeypatch):
    monkeypatch.setattr(network, "MOST_BYTES", 100)
    with pytest.raises(UsageError, match="holds 2 GB"):
        onnx_of(model_of(LAYERS, SHAPE))
