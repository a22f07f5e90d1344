"""`convcli import`, as its users call it."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

import convcli
from convcli.cli.app import COMMANDS, function

onnx = pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")

RNG = np.random.default_rng(0)


def constant(name, *shape):
    return onnx.numpy_helper.from_array(RNG.standard_normal(shape, np.float32) / 4, name)


def save(path, nodes, constants, given=(1, 1, 8, 8), made=(1, 3), opset=13):
    """Write a model of float32 images."""
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "g", [info("x", 1, given)], [info("y", 1, made)], initializer=constants
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)]), path)


def small(path, given=("n", 1, 8, 8), channels=1):
    """Write a convolution, a pool, a dense layer and a softmax."""
    node = onnx.helper.make_node
    save(
        path,
        [
            node("Conv", ["x", "W", "b"], ["c"], name="conv", pads=[1, 1, 1, 1]),
            node("Relu", ["c"], ["r"]),
            node("GlobalAveragePool", ["r"], ["p"]),
            node("Flatten", ["p"], ["f"]),
            node("Gemm", ["f", "V"], ["g"]),
            node("Softmax", ["g"], ["y"], name="softmax"),
        ],
        [constant("W", 4, channels, 3, 3), constant("b", 4), constant("V", 4, 3)],
        given,
        ("n", 3),
    )


@pytest.fixture
def net(tmp_path):
    small(tmp_path / "net.onnx")
    return "net.onnx"


def test_a_run_is_made_for_every_command(call, net, tmp_path):
    result = call("import", net, "--classes", "cat,dog,emu", "--mean", "0.5", "--deviation", "1/4")
    assert result.code == 0, result.stderr
    assert result.stdout.splitlines() == ["8 × 8 × 1 → 3 classes, 52 weights", "runs/net-001"]
    assert result.stderr.splitlines() == [
        "note: Softmax 'softmax': the softmax at its end belongs to the loss, cross_entropy",
        "note: no data is named, which evaluate and train need; --data SOURCE writes it down",
    ]
    model = convcli.load_run(tmp_path / "runs" / "net-001")
    assert model.classes == ("cat", "dog", "emu")
    assert (model.preprocessing.mean, model.preprocessing.deviation) == ((0.5,), (0.25,))
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "black.png")
    assert call("predict", "latest", "black.png").code == 0


def test_what_is_assumed_is_said(call, net):
    told = call("import", net).stderr
    assert "note: pixels are taken to go in from 0 to 1; --mean and --deviation say otherwise" in told
    assert "note: its 3 classes are called 0 … 2; --classes names them" in told


def test_classes_may_stand_in_a_file(call, net, tmp_path):
    (tmp_path / "names.txt").write_text("cat\ndog\n\nemu\n")
    assert json.loads(call("import", net, "--classes", "names.txt", "--json").stdout)["classes"] == [
        "cat",
        "dog",
        "emu",
    ]


def test_data_is_written_down_and_evaluated(call, net, tmp_path):
    images = RNG.integers(0, 256, (30, 8, 8), np.uint8)
    np.savez(tmp_path / "set.npz", images=images, labels=np.arange(30) % 3)
    assert call("import", net, "--data", "set.npz", "--run-dir", "mine").code == 0
    result = call("evaluate", "mine", "--json")
    assert result.code == 0, result.stderr
    assert json.loads(result.stdout)["samples"] == 3  # a tenth of them, as [data] has it
    assert call("train", "mine/config.toml", "--set", "training.epochs=1").code == 0
    tuned = call("train", "mine/config.toml", "--init-from", "mine", "--set", "training.epochs=1")
    assert tuned.code == 0, tuned.stderr
    assert "note: from mine: layers 1, 3, 52 numbers" in tuned.stderr
    refused = call("train", "--resume", "mine")
    assert "convcli train mine/config.toml --init-from mine" in refused.stderr


def test_without_data_evaluate_says_what_to_do(call, net):
    call("import", net)
    result = call("evaluate", "latest")
    assert result.code == 1
    assert "the run names no data. Say where labelled images are: --data SOURCE." in result.stderr


def test_an_open_size_has_to_be_told(call, tmp_path):
    small(tmp_path / "open.onnx", ("n", 1, "h", "w"))
    refused = call("import", "open.onnx")
    assert refused.code == 2
    assert "takes images of any size; say which with --size RxC" in refused.stderr
    assert call("import", "open.onnx", "--size", "6x9").stdout.startswith("6 × 9 × 1 →")


def test_another_size_than_the_files_is_refused(call, net):
    result = call("import", net, "--size", "9")
    assert result.code == 2
    assert "takes images of 8 × 8, not 9 × 9" in result.stderr


def test_all_nodes_that_cannot_be_said_are_named_at_once(call, tmp_path):
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["x", "W"], ["c"], name="first"),
        node("Hardmax", ["c"], ["h"], name="odd"),
        node("Conv", ["h", "V"], ["d"], name="second"),
        node("Det", ["d"], ["y"], name="odder"),
    ]
    save(tmp_path / "odd.onnx", nodes, [constant("W", 4, 1, 3, 3), constant("V", 4, 4, 3, 3)], made=(1, 4))
    result = call("import", "odd.onnx")
    assert result.code == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "error: odd.onnx: 2 node(s) that no layer here can express:"
    assert lines[1] == "  Hardmax 'odd' (1 × 4 × 6 × 6 → 1 × 4 × 6 × 6): no layer does this."
    assert lines[2] == "  Det 'odder' (1 × 4 × 4 × 4 → 1 × 4): no layer does this."


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--classes", "cat,dog"], "--classes: 2 names for 3 outputs"),
        (["--classes", "a,a,b"], "a name twice"),
        (["--classes", "cats.txt"], "expected names such as cat,dog or a file; there is none"),
        (["--data", "nowhere"], "--data nowhere: neither a built-in set nor a file or folder"),
        (["--mean", "1,2"], "--mean: 2 numbers for 1 channel"),
        (["--deviation", "0"], "--deviation: expected numbers above 0"),
        (["--deviation", "1/0"], "--deviation: expected numbers such as 0.485,0.456,0.406 or 1/255"),
    ],
)
def test_options_that_do_not_fit_are_refused(call, net, options, told):
    result = call("import", net, *options)
    assert result.code in (1, 2)
    assert told in result.stderr


def test_other_files_are_refused(call, tmp_path):
    (tmp_path / "net.h5").write_bytes(b"")
    (tmp_path / "text.onnx").write_text("hello")
    (tmp_path / "empty.onnx").write_bytes(b"")
    assert "expected a name that ends in" in call("import", "net.h5").stderr
    assert "not an ONNX model" in call("import", "text.onnx").stderr
    assert "not an ONNX model" in call("import", "empty.onnx").stderr
    assert "No such file" in call("import", "missing.onnx").stderr


def test_onnx_is_asked_for_by_name(call, net, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = call("import", net)
    assert result.code == 1
    assert "pip install 'convcli[onnx]'" in result.stderr


def test_an_export_comes_back(call, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "own")
    assert call("export", "own", "--to", "onnx").code == 0
    assert call("import", "own/model.onnx", "--run-dir", "back").code == 0
    images = RNG.integers(0, 256, (20, 8, 8), np.uint8)
    there, back = (convcli.load_run(tmp_path / name) for name in ("own", "back"))
    np.testing.assert_allclose(back.predict(images), there.predict(images), atol=1e-6)
    assert back.classes == there.classes


def test_a_word_of_python_is_a_command():
    assert "import" in COMMANDS
    assert function("import").__name__ == "import_"
