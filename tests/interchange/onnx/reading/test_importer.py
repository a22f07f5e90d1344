"""Classifiers of others as models: what they begin and end with, against onnxruntime on the same pixels."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.errors import InputError, UsageError
from convcli.interchange.onnx.reading.importer import Onnx
from interchange.onnx.runtime import session_of

onnx = pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")
node = onnx.helper.make_node
RNG = np.random.default_rng(0)


def tensor(name, array):
    return onnx.numpy_helper.from_array(np.asarray(array), name)


def drawn(name, *shape):
    return tensor(name, RNG.standard_normal(shape, np.float32) / 3)


def model(nodes, constants=(), given=("n", 3, 6, 6), bytes_go_in=False, opset=13):
    info = onnx.helper.make_tensor_value_info
    inputs, outputs = [info("x", 2 if bytes_go_in else 1, given)], [info("y", 1, None)]
    graph = onnx.helper.make_graph(nodes, "g", inputs, outputs, initializer=list(constants))
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)


def imported(proto, tmp_path, **told):
    onnx.save(proto, tmp_path / "net.onnx")
    return Onnx(**told).of(tmp_path / "net.onnx")


ENDING = [node("ReduceMean", ["c"], ["m"], axes=[2, 3], keepdims=0), node("Softmax", ["m"], ["y"])]
WEIGHTS = [drawn("W", 4, 3, 3, 3)]
IMAGES = RNG.integers(0, 256, (5, 6, 6, 3), np.uint8)

PER_CHANNEL = np.array([0.2, 0.3, 0.4], np.float32).reshape(3, 1, 1)
BEGINNINGS = {
    "pixels of 0 to 1": ([node("Conv", ["x", "W"], ["c"])], "first", 1 / 255, "from 0 to 1"),
    "divided by 255": (
        [node("Div", ["x", "k"], ["a"]), node("Conv", ["a", "W"], ["c"])],
        "first",
        1,
        "from 0 to 255",
    ),
    "mean and deviation": (
        [
            node("Sub", ["x", "d"], ["a"]),
            node("Div", ["a", "d"], ["b"]),
            node("Conv", ["b", "W"], ["c"], pads=[1, 1, 1, 1]),
        ],
        "first",
        1 / 255,
        "from 0 to 1",
    ),
    "channels last": (
        [
            node("Mul", ["x", "l"], ["a"]),
            node("Transpose", ["a"], ["b"], perm=[0, 3, 1, 2]),
            node("Conv", ["b", "W"], ["c"]),
        ],
        "last",
        1 / 255,
        "from 0 to 1",
    ),
    "bytes": (
        [
            node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]),
            node("Cast", ["a"], ["b"], to=1),
            node("Sub", ["b", "k"], ["d1"]),
            node("Conv", ["d1", "W"], ["c"]),
        ],
        "bytes",
        1,
        "",
    ),
}
CONSTANTS = [
    *WEIGHTS,
    tensor("k", np.float32(255)),
    tensor("d", PER_CHANNEL),
    tensor("l", PER_CHANNEL.ravel()),
]


@pytest.mark.parametrize("name", BEGINNINGS)
def test_what_a_graph_begins_with_is_its_preprocessing(name, tmp_path):
    nodes, layout, factor, told = BEGINNINGS[name]
    given = ("n", 3, 6, 6) if layout == "first" else ("n", 6, 6, 3)
    proto = model([*nodes, *ENDING], CONSTANTS, given, bytes_go_in=layout == "bytes")
    found = imported(proto, tmp_path)
    assert [layer.name() for layer in found.model.network.layers] == ["conv", "global_avg_pool"]
    assert any(f"taken to go in {told};" in note for note in found.notes) == bool(told)
    x = IMAGES if layout == "bytes" else IMAGES.astype(np.float32) * np.float32(factor)
    x = np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if layout == "first" else x
    (expected,) = session_of(proto).run(None, {"x": x})
    np.testing.assert_allclose(found.model.predict(IMAGES), expected, atol=2e-6)


def test_channels_last_all_the_way_as_tensorflow_is_exported(tmp_path):
    nodes = [
        node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]),
        node("Pad", ["a", "p"], ["b"]),
        node("Conv", ["b", "W"], ["c"], strides=[2, 2]),
        node("Mul", ["c", "g"], ["d"]),
        node("Add", ["d", "g"], ["e"]),
        node("Clip", ["e", "low", "high"], ["f"]),
        node("Transpose", ["f"], ["h"], perm=[0, 2, 3, 1]),
        node("Concat", ["h", "h"], ["i"], axis=3),
        node("Reshape", ["i", "s"], ["j"]),
        node("MatMul", ["j", "V"], ["k"]),
        node("Add", ["k", "b1"], ["l"]),
        node("Softmax", ["l"], ["y"]),
    ]
    constants = [
        *WEIGHTS,
        tensor("p", np.array([0, 0, 0, 0, 0, 0, 1, 1])),
        drawn("g", 1, 4, 1, 1),
        tensor("low", np.float32(0)),
        tensor("high", np.float32(6)),
        tensor("s", np.array([-1, 72])),
        drawn("V", 72, 5),
        drawn("b1", 5),
    ]
    proto = model(nodes, constants, ("n", 6, 6, 3))
    found = imported(proto, tmp_path)
    assert [layer.name() for layer in found.model.network.layers] == ["conv", "parallel", "flatten", "dense"]
    (expected,) = session_of(proto).run(None, {"x": IMAGES.astype(np.float32) / 255})
    np.testing.assert_allclose(found.model.predict(IMAGES), expected, atol=2e-6)


def test_mean_and_deviation_are_told(tmp_path):
    proto = model([node("Conv", ["x", "W"], ["c"]), *ENDING], WEIGHTS)
    found = imported(proto, tmp_path, mean=(0.485, 0.456, 0.406), deviation=(0.25,))
    x = (IMAGES / np.float32(255) - np.array([0.485, 0.456, 0.406], np.float32)) / np.float32(0.25)
    (expected,) = session_of(proto).run(None, {"x": np.ascontiguousarray(x.transpose(0, 3, 1, 2))})
    np.testing.assert_allclose(found.model.predict(IMAGES), expected, atol=2e-6)
    assert found.document["data"]["preprocessing"] == {"mean": [0.485, 0.456, 0.406], "deviation": [0.25]}


def test_one_sigmoid_is_two_classes(tmp_path):
    nodes = [
        node("Flatten", ["x"], ["f"]),
        node("Gemm", ["f", "V", "b"], ["g"]),
        node("Sigmoid", ["g"], ["y"]),
    ]
    proto = model(nodes, [drawn("V", 108, 1), drawn("b", 1)])
    found = imported(proto, tmp_path, classes=("no", "yes"))
    x = np.ascontiguousarray(IMAGES.transpose(0, 3, 1, 2), np.float32) / 255
    (expected,) = session_of(proto).run(None, {"x": x})
    np.testing.assert_allclose(found.model.predict(IMAGES)[:, 1], expected[:, 0], atol=1e-6)


def test_rows_of_numbers_are_images_once_their_size_is_told(tmp_path):
    proto = model([node("MatMul", ["x", "V"], ["y"])], [drawn("V", 108, 4)], ("n", 108))
    with pytest.raises(InputError, match="Say how they lie with --size RxC"):
        imported(proto, tmp_path)
    found = imported(proto, tmp_path, size=(6, 6))
    x = np.ascontiguousarray(IMAGES.transpose(0, 3, 1, 2), np.float32).reshape(5, 108) / 255
    (expected,) = session_of(proto).run(None, {"x": x})
    np.testing.assert_allclose(found.model.outputs(IMAGES), expected, atol=1e-5)
    with pytest.raises(UsageError, match="which are no images of 7 × 6"):
        imported(proto, tmp_path, size=(7, 6))


def test_a_graph_for_one_image_is_one_for_many(tmp_path):
    nodes = [
        node("Conv", ["x", "W"], ["c"]),
        node("Reshape", ["c", "s"], ["r"]),
        node("MatMul", ["r", "V"], ["y"]),
    ]
    constants = [*WEIGHTS, tensor("s", np.array([1, 64])), drawn("V", 64, 4)]
    found = imported(model(nodes, constants, (1, 3, 6, 6)), tmp_path)
    assert found.model.outputs(IMAGES).shape == (5, 4)


def test_what_no_class_is_for_is_refused(tmp_path):
    with pytest.raises(InputError, match="What comes out is 4 × 4 × 4, not a number for each class"):
        imported(model([node("Conv", ["x", "W"], ["y"])], WEIGHTS), tmp_path)


def test_functions_that_no_activation_is_are_named(tmp_path):
    nodes = [node("Conv", ["x", "W"], ["a"]), node("Softplus", ["a"], ["c"], name="soft"), *ENDING]
    with pytest.raises(InputError, match="Softplus 'soft': no activation here is this function"):
        imported(model(nodes, WEIGHTS), tmp_path)


def test_a_function_that_levels_out_at_nothing_is_no_activation(tmp_path):
    nodes = [
        node("Conv", ["x", "W"], ["a"]),
        node("Exp", ["a"], ["e"]),
        node("Mul", ["e", "tiny"], ["c"]),
        *ENDING,
    ]
    with pytest.raises(InputError, match="no activation here is this function"):
        imported(model(nodes, [*WEIGHTS, tensor("tiny", np.float32(-1e-30))]), tmp_path)


def test_products_of_branches_are_named(tmp_path):
    nodes = [
        node("Conv", ["x", "W"], ["a"]),
        node("GlobalAveragePool", ["a"], ["p"]),
        node("Sigmoid", ["p"], ["s"]),
        node("Mul", ["a", "s"], ["c"], name="excite"),
        *ENDING,
    ]
    with pytest.raises(InputError, match=r"Mul 'excite' .* have not the same shape"):
        imported(model(nodes, WEIGHTS), tmp_path)


def test_numbers_that_are_none_are_refused(tmp_path):
    weights = [tensor("W", np.full((4, 3, 3, 3), np.nan, np.float32))]
    with pytest.raises(InputError, match="weights that are no numbers"):
        imported(model([node("Conv", ["x", "W"], ["c"]), *ENDING], weights), tmp_path)


def test_half_precision_is_widened_and_said(tmp_path):
    info = onnx.helper.make_tensor_value_info
    nodes = [
        node("Cast", ["x"], ["h"], to=10),
        node("Conv", ["h", "W"], ["g"]),
        node("Cast", ["g"], ["c"], to=1),
        *ENDING,
    ]
    weights = [tensor("W", RNG.standard_normal((4, 3, 3, 3)).astype(np.float16))]
    graph = onnx.helper.make_graph(
        nodes, "g", [info("x", 1, ("n", 3, 6, 6))], [info("y", 1, None)], initializer=weights
    )
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    notes = imported(proto, tmp_path).notes
    assert any("1 tensor(s) of float16 became float32" in note for note in notes)
    assert any("its float16 is float32 here" in note for note in notes)
