"""Commands show layers in layers by numbers such as 2.1, and take them."""

from __future__ import annotations

import json

import numpy as np
import PIL.Image
import pytest

import stripes
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, RESOLVED, Run

CONFIG = """
[data]
source = "digits"

[[layers]]
type = "batch_norm"

[[layers]]
type = "sequence"

    [[layers.layers]]
    type = "conv"
    filters = 4
    padding = "same"
    activation = "relu"

    [[layers.layers]]
    type = "max_pool"

[[layers]]
type = "flatten"

[[layers]]
type = "dense"
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "nested.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def run(tmp_path):
    inner = [{"type": "conv", "filters": 4, "padding": "same", "activation": "relu"}, {"type": "max_pool"}]
    layers = [
        {"type": "batch_norm"},
        {"type": "sequence", "layers": inner},
        {"type": "flatten"},
        {"type": "dense"},
    ]
    training = stripes.training(layers, epochs=1)
    for _ in training.run():
        pass
    run = Run.create("stripes", tmp_path / "run")
    run.write(RESOLVED, b"")
    run.write_checkpoint(BEST, checkpoints.best_checkpoint(training))
    PIL.Image.fromarray(stripes.dataset(1).images[0, :, :, 0]).save(tmp_path / "stripes.png")
    return training.best_model()


def test_shape_lists_inner_layers_and_counts_them_once(call, config):
    options = (config, "--input", "8x8x1", "--classes", 10)
    network = json.loads(call("shape", *options, "--json").stdout)
    outer = network["layers"]
    assert [row["layer"] for row in outer] == [1, 2, 3, 4]
    assert [(row["layer"], row["type"]) for row in outer[1]["layers"]] == [
        ("2.1", "conv"),
        ("2.2", "max_pool"),
    ]
    assert outer[1]["options"] == {"frozen": False, "init": None}
    assert outer[1]["parameters"] == outer[1]["layers"][0]["parameters"] == 40
    assert outer[1]["receptive_field"] == outer[1]["layers"][1]["receptive_field"] == [4, 4]
    assert network["parameters"] == 2 + 40 + (4 * 4 * 4 * 10 + 10)
    table = call("shape", *options).stdout
    assert [line.split()[0] for line in table.splitlines() if line[:4].strip()] >= ["1", "2", "2.1", "2.2"]
    assert f"{network['parameters']:,}" in table


def test_an_option_of_an_inner_layer_can_be_set(call, config):
    network = json.loads(call("check", config, "--set", "layers.2.layers.1.filters=6", "--json").stdout)
    assert network["layers"][1]["output"] == [4, 4, 6]
    wrong = call("check", config, "--set", "layers.2.layers.1.filters=x")
    assert wrong.code == 2
    assert "[[layers]] 2 → inside 1 (conv): filters: should be a valid integer, not 'x'" in wrong.stderr


def test_gradcheck_checks_a_container_with_all_its_weights(call, config):
    result = call("gradcheck", config, "--input", "8x8x1", "--classes", 3, "--json")
    assert result.code == 0
    checks = json.loads(result.stdout)["checks"]
    assert set(checks[1]["errors"]) == {"x", "1.W", "1.b"}
    assert {"2.1.W", "2.1.b"} < set(checks[-1]["errors"])


def test_explain_and_kernels_find_inner_layers(call, run):
    own = ("--run", "run", "--image", "stripes.png", "--json", "-")
    found = json.loads(call("explain", "network", *own).stdout)
    assert [step.get("layer") for step in found["steps"][1:-1]] == [1, 2, "2.1", "2.2", 3, 4]
    conv = json.loads(call("explain", "layer", "--layer", "2.1", *own).stdout)
    w = run.weights.arrays.at("2.1")["W"]
    np.testing.assert_allclose(conv["kernel"], np.transpose(w, (3, 2, 0, 1)), rtol=1e-6)
    kernels = json.loads(call("kernels", "--run", "run", "--json").stdout)
    assert kernels["layer"] == "2.1"
    one = json.loads(call("kernels", "run:run#2.1/3", "--json").stdout)
    np.testing.assert_allclose(one["weights"], w[:, :, 0, 2], rtol=1e-6)
    wrong = call("kernels", "--run", "run", "--layer", "2.3")
    assert (wrong.code, wrong.stderr) == (2, "error: --layer 2.3: the network has layers 2.1 to 2.2.\n")


def test_the_backward_pass_of_an_inner_layer_is_explained_with_its_own_gradient(call, run):
    own = ("--run", "run", "--image", "stripes.png", "--json", "-")
    result = call("explain", "backward", "--layer", "2.1", "--filter", 1, *own)
    assert result.code == 0, result.stderr
    assert json.loads(result.stdout)["layer"] == "2.1"
