"""A network in 8 bits, by onnxruntime's tools: what stays as it is, and what it costs."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

import convcli
from convcli.data import load_data
from convcli.interchange.onnx.export import Onnx
from convcli.runs.measuring import measured
from interchange.onnx.runtime import asked

onnx = pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")
pytest.importorskip("onnxruntime", reason="onnxruntime is in the extras `onnx` and `bench`")


@pytest.fixture(scope="module")
def small(trained, tmp_path_factory):
    """The file of a run in 8 bits, and what was said."""
    model = convcli.load_run(trained)
    made = Onnx(quantize="int8").of(model, lambda part: measured(trained, model, None, part).images)
    return onnx.load_from_string(made.files["model.int8.onnx"]), made.lines


def test_weights_have_8_bits_and_preprocessing_keeps_its_32(small):
    proto, _ = small
    kinds = {array.name: array.data_type for array in proto.graph.initializer}
    weights = {name for name, kind in kinds.items() if kind == onnx.TensorProto.INT8 and "W" in name}
    assert any("1.W" in name for name in weights)
    assert any("5.W" in name for name in weights)
    assert kinds["preprocessing.scale"] == onnx.TensorProto.FLOAT
    assert {"preprocessing/Cast", "preprocessing/Mul"} <= {node.name for node in proto.graph.node}
    assert proto.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8


def test_it_is_a_file_as_others_are(small):
    proto, _ = small
    onnx.checker.check_model(proto, full_check=True)
    assert [(each.domain, each.version >= 13) for each in proto.opset_import] == [("", True)]
    assert proto.producer_name == "convcli"
    told = {each.key: each.value for each in proto.metadata_props}
    assert json.loads(told["classes"]) == [str(digit) for digit in range(10)]


def test_accuracy_before_and_after_is_that_of_the_images_that_evaluate_measures(small, trained):
    proto, lines = small
    before, after, count = re.search(r"accuracy (.+)% → (.+)% on (\d+) images", "\n".join(lines)).groups()
    model = convcli.load_run(trained)
    data = load_data(model.config.data, trained, model.config.training.seed)
    assert int(count) == len(data.test)
    evaluated = model.evaluate(data.test.images, data.test.labels)
    assert float(before) == pytest.approx(100 * evaluated.accuracy, abs=0.005)
    _, logits = asked(proto, data.test.images)
    assert float(after) == pytest.approx(100 * (logits.argmax(1) == data.test.labels).mean(), abs=0.005)
    assert abs(float(after) - float(before)) < 3


def test_probabilities_stay_near(small, trained):
    model = convcli.load_run(trained)
    data = load_data(model.config.data, trained, model.config.training.seed)
    probabilities, _ = asked(small[0], data.test.images)
    difference = np.abs(probabilities - model.predict(data.test.images))
    assert 0 < difference.mean() < 0.01


def test_without_images_to_judge_by_accuracy_is_not_told(trained):
    model = convcli.load_run(trained)
    data = load_data(model.config.data, trained, model.config.training.seed)
    made = Onnx(quantize="int8", input="float").of(model, {"train": data.train, None: None}.get)
    assert not any("accuracy" in line for line in made.lines)
    assert "not measured: there are no images to judge by" in made.notes[-1]


@pytest.fixture
def own(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "own")


@pytest.mark.long
def test_it_stands_beside_the_whole_one(call, own):
    for options, name in (([], "model.onnx"), (["--quantize", "int8"], "model.int8.onnx")):
        result = call("export", own, "--to", "onnx", *options)
        assert result.code == 0, result
        assert result.stdout.startswith(f"{own / name}  ")
        assert ("note: so few weights take no less room" in result.stderr) == bool(options)
    assert re.search(r"^\S+ bytes → \S+ bytes$", result.stdout, re.MULTILINE)


def test_without_training_images_it_is_refused(call, own):
    resolved = own / "resolved.toml"
    resolved.write_text(resolved.read_text().replace('"digits"', '"nowhere"'))
    result = call("export", own, "--to", "onnx", "--quantize", "int8")
    assert result.code == 2
    assert "--data SOURCE" in result.stderr
    assert not (own / "model.int8.onnx").exists()
