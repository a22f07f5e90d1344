"""`convcli export --to onnx`, as its users call it."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest

import convcli
from interchange.networks import images_for
from interchange.onnx.runtime import asked

onnx = pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")


@pytest.fixture
def own(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "own")


def test_the_file_does_what_predict_does(call, own):
    result = call("export", own, "--to", "onnx")
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1:] == [
        "in: images, uint8 (n, 8, 8, 1), pixels of 0 … 255, channels last",
        "out: probabilities and logits, float32 (n, 10)",
        "opset 9, IR version 4",
    ]
    model = convcli.load_run(own)
    images = images_for(model, 64)
    probabilities, _ = asked(onnx.load(own / "model.onnx"), images)
    np.testing.assert_allclose(probabilities, model.predict(images), atol=1e-5)


def test_floats_may_go_in(call, own):
    result = call("export", own, "--to", "onnx", "--input", "float", "-o", "floats.onnx", "--json")
    told = json.loads(result.stdout)
    assert told["said"][0] == "in: images, float32 (n, 1, 8, 8), pixels / 255, channels first"
    model = convcli.load_run(own)
    images = images_for(model, 64)
    probabilities, _ = asked(onnx.load("floats.onnx"), images, "float")
    np.testing.assert_allclose(probabilities, model.predict(images), atol=1e-5)


def test_other_formats_have_no_such_options(call, own):
    for options in (["--input", "float"], ["--quantize", "int8"]):
        result = call("export", own, "--to", "npz", *options)
        assert result.code == 2
        assert f"{options[0]}: --to npz has no such option" in result.stderr


@pytest.mark.parametrize(
    ("missing", "options", "what"),
    [
        ("onnx", [], "export --to onnx"),
        ("onnxruntime", ["--quantize", "int8"], "export --to onnx --quantize int8"),
    ],
)
def test_a_missing_package_is_said_in_one_line(call, own, monkeypatch, missing, options, what):
    for name in list(sys.modules):
        if name.partition(".")[0] == missing:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    result = call("export", own, "--to", "onnx", *options)
    assert result.code == 1
    needs = f"error: {what} needs the package {missing}, which is not installed"
    assert result.stderr == f"{needs}: pip install 'convcli[onnx]'\n"


def test_onnxruntime_is_not_needed_for_a_whole_network(call, own, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert call("export", own, "--to", "onnx").code == 0
