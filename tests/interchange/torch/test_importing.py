"""Weights become a run: by shape and order, by a map, in our own names; and what does not fit."""

from __future__ import annotations

import io
import json
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import convcli
import stripes
from convcli.config_file import dump
from convcli.formats.safetensors import tensor_file
from convcli.interchange.torch.export import Torch
from convcli.interchange.torch.matching import matched
from convcli.interchange.torch.tensors import tensors_in
from convcli.nn.network import Network
from interchange.networks import drawn_model, images_for

NETWORK = """
[data]
source = "digits"
size = [8, 8]

[[layers]]
type = "conv"
filters = 4
activation = "relu"

[[layers]]
type = "batch_norm"

[[layers]]
type = "flatten"

[[layers]]
type = "dense"
"""


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(NETWORK)
    return path


def tensors(seed=0, channels=1, classes=3, **changed):
    """Return what a state_dict of PyTorch's has for it; those that are None are left out."""
    rng = np.random.default_rng(seed)
    shapes = {
        "features.0.weight": (4, channels, 3, 3),
        "features.0.bias": (4,),
        "features.2.weight": (4,),
        "features.2.bias": (4,),
        "features.2.running_mean": (4,),
        "features.2.running_var": (4,),
        "classifier.weight": (classes, 144),
        "classifier.bias": (classes,),
    }
    found = {name: rng.uniform(0.5, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: array for name, array in {**found, **changed}.items() if array is not None}


def saved(path, arrays):
    path.write_bytes(b"".join(tensor_file(arrays, {"format": "pt"})))
    return path


def same_weights(run, model):
    found = convcli.load_run(run).weights
    assert set(found) == set(model.weights)
    for name, array in model.weights.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("seed", range(12))
def test_what_was_exported_comes_back_to_the_last_bit(seed, call, tmp_path):
    model = drawn_model(seed)
    h, w, _ = model.preprocessing.shape
    (tmp_path / "net.toml").write_text(dump(model.config))
    (tmp_path / "w.safetensors").write_bytes(Torch().of(model, lambda part: None).files["model.safetensors"])
    result = call("import", "w.safetensors", "--config", "net.toml", "--size", f"{h}x{w}", "--run-dir", "run")
    assert result.code == 0, result
    same_weights(tmp_path / "run", model)


def test_a_state_dict_of_pytorch_gives_its_outputs(call, network, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    save_file = pytest.importorskip("safetensors.torch").save_file

    nn = torch.nn
    features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4))
    net = nn.Sequential(OrderedDict(features=features, flatten=nn.Flatten(), classifier=nn.Linear(144, 5)))
    x = torch.rand(50, 3, 8, 8)
    net(x)
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    result = call(
        "import", "w.safetensors", "--config", network, "--classes", "a,b,c,d,e", "--run-dir", "run"
    )
    assert result.code == 0, result
    assert "pixels are taken to go in from 0 to 1" in result.stderr
    model = convcli.load_run(tmp_path / "run")
    images = images_for(model, 10)
    theirs = net.eval()(torch.from_numpy(images).permute(0, 3, 1, 2) / 255).softmax(1).detach().numpy()
    np.testing.assert_allclose(model.predict(images), theirs, atol=1e-6)


def test_halves_and_doubles_become_floats_and_it_is_said(call, network, tmp_path):
    whole = tensors()
    header, parts, end = {}, [], 0
    for name, array in whole.items():
        if name.endswith("running_mean"):
            code, data = "F64", array.astype(np.float64).tobytes()
        elif name.endswith("weight"):
            code, data = "BF16", (array.view(np.uint32) >> 16).astype(np.uint16).tobytes()
        else:
            code, data = "F16", array.astype(np.float16).tobytes()
        header[name] = {"dtype": code, "shape": array.shape, "data_offsets": [end, end + len(data)]}
        parts, end = [*parts, data], end + len(data)
    text = json.dumps(header).encode()
    (tmp_path / "w.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))
    result = call("import", "w.safetensors", "--config", network, "--run-dir", "run")
    assert result.code == 0, result
    for told in (
        "3 tensors of bfloat16",
        "4 tensors of float16",
        "1 tensor of float64 became float32, rounded",
    ):
        assert told in result.stderr
    weights = convcli.load_run(tmp_path / "run").weights
    np.testing.assert_allclose(weights["1.W"], whole["features.0.weight"].transpose(2, 3, 1, 0), rtol=2**-7)
    np.testing.assert_array_equal(weights["2.mean"], whole["features.2.running_mean"])


def test_all_that_does_not_fit_is_said_at_once_with_shapes(call, network, tmp_path):
    wrong = tensors(**{"features.0.weight": np.zeros((4, 1, 5, 5), np.float32), "classifier.bias": None})
    saved(tmp_path / "w.safetensors", wrong)
    result = call("import", "w.safetensors", "--config", network, "--classes", "a,b,c")
    assert result.code == 1
    for told in (
        "no weights for 1.W (4 × 1 × 3 × 3 in PyTorch), 1.b (4 in PyTorch)",
        "no weights for 4.W (3 × 144 in PyTorch), 4.b (3 in PyTorch)",
        "no place for features.0.bias (4), features.0.weight (4 × 1 × 5 × 5)",
        "no place for classifier.weight (3 × 144)",
    ):
        assert told in result.stderr
    assert not (tmp_path / "runs").exists()


def test_a_map_says_what_names_and_shapes_do_not(call, tmp_path):
    layer = '[[layers]]\ntype = "conv"\nfilters = 4\npadding = "same"\nbias = false\n'
    text = NETWORK.split("[[layers]]")[0] + layer * 2 + '[[layers]]\ntype = "flatten"\n'
    text += '[[layers]]\ntype = "dense"\nbias = false\n'
    (tmp_path / "net.toml").write_text(text.replace("size", "channels = 3\nsize"))
    rng = np.random.default_rng(1)
    shapes = {"up.weight": (4, 4, 3, 3), "stem.weight": (4, 3, 3, 3), "head.weight": (2, 256)}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    twin = {**arrays, "before.weight": arrays["up.weight"] + 1}
    saved(tmp_path / "w.safetensors", twin)
    guessed = call("import", "w.safetensors", "--config", "net.toml", "--run-dir", "guessed")
    assert guessed.code == 0
    assert "of the same shape, in the order of their names: before.weight = 2.W" in guessed.stderr
    assert "no place for up.weight (4 × 4 × 3 × 3)" in guessed.stderr
    for number, line in enumerate(('"up.weight" = "2.W"', "up = 2  # all of it")):
        (tmp_path / "map.toml").write_text(f"# theirs = ours\n{line}\nstem.weight = 1.W\n")
        run = f"run{number}"
        result = call(
            "import", "w.safetensors", "--config", "net.toml", "--map", "map.toml", "--run-dir", run
        )
        assert result.code == 0, result
        found = convcli.load_run(tmp_path / run).weights["2.W"]
        np.testing.assert_array_equal(found, arrays["up.weight"].transpose(2, 3, 1, 0))
    (tmp_path / "map.toml").write_text("nope.weight = 1.W\nup.weight = 1.W2\nstem.weight = 2.W\n")
    refused = call("import", "w.safetensors", "--config", "net.toml", "--map", "map.toml")
    assert refused.code == 2
    assert len(refused.stderr.strip().splitlines()) == 4
    (tmp_path / "map.toml").write_text("stem.weight\n")
    assert (
        "line 1: expected"
        in call("import", "w.safetensors", "--config", "net.toml", "--map", "map.toml").stderr
    )


def test_an_npz_has_our_names_or_pytorchs(call, network, trained, tmp_path):
    call("export", trained, "--to", "npz", "-o", "ours.npz")
    model = convcli.load_run(trained)
    (tmp_path / "own.toml").write_text(dump(model.config))
    assert call("import", "ours.npz", "--config", "own.toml", "--size", "8x8", "--run-dir", "ours").code == 0
    same_weights(tmp_path / "ours", model)
    np.savez(tmp_path / "theirs.npz", **tensors())
    result = call("import", "theirs.npz", "--config", network, "--run-dir", "theirs")
    assert result.code == 0, result
    expected = tensors()["classifier.weight"].reshape(3, 4, 6, 6).transpose(2, 3, 1, 0).reshape(144, 3)
    np.testing.assert_array_equal(convcli.load_run(tmp_path / "theirs").weights["4.W"], expected)


def test_what_came_in_is_trained_on(call, network, tmp_path):
    saved(tmp_path / "w.safetensors", tensors())
    call(
        "import",
        "w.safetensors",
        "--config",
        network,
        "--mean",
        "0.3",
        "--deviation",
        "1/4",
        "--run-dir",
        "in",
    )
    result = call("train", network, "--init-from", "in", "--set", "training.epochs=1", "--run-dir", "new")
    assert result.code == 0, result
    assert "from in: layers 1, 2, " in result.stderr
    assert "[[layers]] 4 (dense) begins anew: W is 144 × 10, there 144 × 3" in result.stderr
    assert "pixels are scaled as for in: mean 0.300, deviation 0.250" in result.stderr


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.bin", "w.ckpt"])
def test_pickles_are_refused_with_what_to_do(name, call, network, tmp_path):
    (tmp_path / name).write_bytes(b"\x80\x02.")
    result = call("import", name, "--config", network)
    assert result.code == 2
    assert "save_file(model.state_dict()" in result.stderr


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.safetensors", b""),
        ("w.safetensors", b"\xff" * 20),
        ("w.npz", b"no archive"),
        ("w.npz", zipped(a=b"no array")),
        ("w.npz", zipped(a=npy(np.array([{}])))),
        ("w.npz", zipped(a=npy(np.array(["text"])))),
        ("w.npz", zipped(a=npy(np.arange(3)))),
        ("w.npz", zipped()),
    ],
)
def test_what_holds_no_weights_ends_in_a_line(name, content, call, network, tmp_path):
    (tmp_path / name).write_bytes(content)
    result = call("import", name, "--config", network)
    assert result.code == 1, result
    assert len(result.stderr.splitlines()) <= 2


def test_without_a_configuration_or_a_size_nothing_is_known(call, network, tmp_path):
    saved(tmp_path / "w.safetensors", tensors())
    assert "--config FILE says of which network" in call("import", "w.safetensors").stderr
    network.write_text(NETWORK.replace("size = [8, 8]\n", ""))
    assert "give --size" in call("import", "w.safetensors", "--config", network).stderr


def test_options_that_are_of_other_files_are_refused(call, network, tmp_path):
    (tmp_path / "some.onnx").write_bytes(b"")
    assert (
        "--config: for .onnx files there is no such option"
        in call("import", "some.onnx", "--config", network).stderr
    )


def test_weights_that_are_no_numbers_are_refused(call, network, tmp_path):
    bad = tensors()
    bad["features.0.weight"][0] = np.nan
    saved(tmp_path / "w.safetensors", bad)
    result = call("import", "w.safetensors", "--config", network)
    assert result.code == 1
    assert "features.0.weight holds no numbers" in result.stderr


def test_names_are_in_order_though_kinds_and_ten_layers_part_them():
    rng = np.random.default_rng(0)
    arrays = {f"{n}.weight": rng.normal(size=(4, 4, 3, 3)).astype(np.float32) for n in range(12)}
    arrays = {name: array.astype("f2" if name[0] == "3" else "f4") for name, array in arrays.items()}
    conv = {"type": "conv", "filters": 4, "padding": "same", "bias": False, "repeat": 12}
    network = Network(stripes.config([conv]).layers, (4, 4, 4))
    tensors, _ = tensors_in(io.BytesIO(b"".join(tensor_file(arrays, {}))), Path("w.safetensors"))
    match = matched(network, tensors, {})
    assert match.sources == {f"1.{n + 1}.W": f"{n}.weight" for n in range(12)}
    assert not match.guessed
