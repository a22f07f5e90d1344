"""Files that want harm, or are broken: an error in a line, no memory that the file does not need."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from convcli.errors import InputError
from convcli.interchange.onnx.reading.file import parse, read_graph
from convcli.interchange.onnx.reading.foreign import foreign

onnx = pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")
helper = onnx.helper


def tensor(name, array):
    return onnx.numpy_helper.from_array(np.asarray(array), name)


def model(nodes, constants=(), given=(1, 1, 8, 8), opset=13):
    info = helper.make_tensor_value_info
    inputs, outputs = [info("x", 1, given)], [info("y", 1, None)]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializer=list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def read(proto, path="net.onnx"):
    return foreign(onnx, parse(onnx, proto.SerializeToString(), Path(path)))


def refused(proto, told):
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=told):
            read(proto)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


node = helper.make_node
HUGE = 2**40


@pytest.mark.parametrize(
    ("nodes", "constants", "told"),
    [
        pytest.param(
            [node("ConstantOfShape", ["s"], ["W"]), node("Conv", ["x", "W"], ["y"])],
            [tensor("s", [HUGE, 1, 3, 3])],
            "cannot be computed",
            id="a constant of a terabyte",
        ),
        pytest.param(
            [
                node("Expand", ["c", "s"], ["W"]),
                node("Add", ["W", "W"], ["V"]),
                node("Mul", ["x", "V"], ["y"]),
            ],
            [tensor("s", [1, 1, 2**15, 2**15 - 1]), tensor("c", np.float32(1))],
            "cannot be computed",
            id="arithmetic on what was expanded",
        ),
        pytest.param(
            [node("Add", ["a", "b"], ["c"]), node("Mul", ["x", "c"], ["y"])],
            [tensor("a", np.zeros((2**15, 1), np.float32)), tensor("b", np.zeros((1, 2**15), np.float32))],
            "cannot be computed",
            id="a square of two rows",
        ),
        pytest.param(
            [node("Resize", ["x", "", "s"], ["y"], mode="nearest")],
            [tensor("s", np.array([1, 1, 2**20, 2**20], np.float32))],
            "at most",
            id="a plane of a terabyte",
        ),
        pytest.param(
            [node("Pad", ["x", "p"], ["y"])],
            [tensor("p", [0, 0, 2**30, 2**30, 0, 0, 2**30, 2**30])],
            "at most",
            id="a border of a terabyte",
        ),
        pytest.param(
            [node("Reshape", ["x", "s"], ["y"])], [tensor("s", [-1, -1])], "is no shape", id="two open sizes"
        ),
        pytest.param(
            [node("Conv", ["x", "W"], ["y"])],
            [tensor("W", np.zeros((2, 1, 3, 0), np.float32))],
            "damaged",
            id="kernels without a cell",
        ),
        pytest.param(
            [node("MaxPool", ["x"], ["y"], kernel_shape=[0, -1])], [], "damaged", id="a window without a cell"
        ),
        pytest.param([node("Relu", ["z"], ["y"])], [], "which is not made before", id="a value from nowhere"),
        pytest.param(
            [node("Relu", ["x"], ["a"]), node("Relu", ["x"], ["a"]), node("Relu", ["a"], ["y"])],
            [],
            "makes a value that there is already",
            id="a value made twice",
        ),
        pytest.param(
            [node("Relu", ["y"], ["z"]), node("Relu", ["x"], ["y"])], [], "not made before", id="a circle"
        ),
        pytest.param(
            [node("Gather", ["c", "i"], ["s"]), node("Reshape", ["x", "s"], ["y"])],
            [tensor("c", [1, 64]), tensor("i", [7])],
            "cannot be computed",
            id="an index beyond the end",
        ),
        pytest.param([node("Relu", [], ["y"])], [], "Relu", id="nothing to take"),
        pytest.param([node("Sub", ["x"], ["y"])], [], "damaged: it takes 1", id="one value to subtract"),
    ],
)
def test_graphs_that_ask_for_too_much_or_are_broken(nodes, constants, told):
    refused(model(nodes, constants), told)


def test_an_image_of_a_terabyte_is_refused():
    refused(model([node("Relu", ["x"], ["y"])], given=(1, 1, 2**20, 2**20)), "no batch of images")


def test_more_nodes_than_any_network_has_are_refused():
    names = ["x", *(f"v{number}" for number in range(10_001)), "y"]
    chain = [node("Relu", [a], [b]) for a, b in pairwise(names)]
    refused(model(chain), "at most 10,000 are possible")


def test_a_long_chain_needs_no_recursion():
    names = ["x", *(f"v{number}" for number in range(5_000)), "y"]
    chain = [node("Relu", [a], [b]) for a, b in pairwise(names)]
    assert len(read(model(chain)).steps) == 5_001


def test_a_tensor_that_is_shorter_than_it_says_is_refused():
    short = tensor("W", np.zeros((2, 1, 3, 3), np.float32))
    short.dims[0] = 1 << 28
    refused(model([node("Conv", ["x", "W"], ["y"])], [short]), "tensor 'W': damaged")


def external(location, **entries):
    made = onnx.TensorProto(name="W", data_type=1, dims=[2, 1, 3, 3])
    made.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        made.external_data.add(key=key, value=value)
    return model([node("Conv", ["x", "W"], ["y"])], [made])


def test_weights_may_lie_in_a_file_beside(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"skip" + np.arange(18, dtype=np.float32).tobytes())
    onnx.save(external("weights.bin", offset="4", length="72"), tmp_path / "net.onnx")
    graph = read_graph(tmp_path / "net.onnx")
    np.testing.assert_array_equal(graph.constants["W"].ravel(), np.arange(18))


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/passwd", "a/b", "..", "", "a\\b", "C:secret", "link", "folder", "missing"]
)
def test_no_other_file_is_read(tmp_path, location):
    (tmp_path / "secret").write_bytes(bytes(72))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "folder").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    onnx.save(external(location), tmp_path / "in" / "net.onnx")
    with pytest.raises(InputError, match=r"only files beside it are read|cannot be read|expected a file"):
        read_graph(tmp_path / "in" / "net.onnx")


@pytest.mark.parametrize("entries", [{"offset": "80"}, {"length": "73"}, {"offset": "-1"}, {"offset": "x"}])
def test_bytes_beyond_the_end_are_refused(tmp_path, entries):
    (tmp_path / "w").write_bytes(bytes(72))
    onnx.save(external("w", **entries), tmp_path / "net.onnx")
    with pytest.raises(InputError, match="damaged"):
        read_graph(tmp_path / "net.onnx")


def test_names_cannot_forge_lines(tmp_path):
    proto = model([node("Hardmax", ["x"], ["y"], name="a\nerror: forged")])
    with pytest.raises(InputError) as error:
        read(proto)
    assert all("\n" not in line for line in error.value.lines)
