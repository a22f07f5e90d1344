"""What PyTorch makes of model.py and its weights is what `predict` says."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import convcli
from convcli.interchange.torch.export import Torch
from convcli.interchange.torch.forms import ACTIVATION_FORMS, FORMS
from convcli.interchange.torch.source import PROBABILITIES
from convcli.nn.activations import ACTIVATIONS
from convcli.nn.layer import LAYERS
from convcli.nn.losses import LOSSES
from interchange.networks import ON_FEATURES, ON_VOLUMES, case_models, drawn_model, images_for, model_of

torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
CLOSE = 1e-5


def imported(folder):
    """Return model.py in a folder as a module; one of the same second and size is another all the same."""
    path = folder / "model.py"
    module = ModuleType("model")
    module.__file__ = str(path)
    exec(compile(path.read_text("utf-8"), path, "exec"), vars(module))
    return module


def exported(model, folder):
    for name, content in Torch().of(model, lambda part: None).files.items():
        (folder / name).write_bytes(content)
    return imported(folder)


def difference(model, folder):
    """Return how far apart probabilities are, at most, of a few images."""
    images = images_for(model, 3)
    network = exported(model, folder).load()
    theirs = network.probabilities(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    return np.abs(theirs - model.predict(images)).max()


def test_every_layer_function_and_loss_has_a_form():
    assert set(FORMS) == set(LAYERS)
    assert set(ACTIVATION_FORMS) == set(ACTIVATIONS)
    assert set(PROBABILITIES) == set(LOSSES)
    assert set(ON_VOLUMES) | set(ON_FEATURES) == set(LAYERS)


@pytest.mark.long
def test_every_case_of_every_layer_says_the_same(tmp_path):
    found = {name: difference(model, tmp_path) for name, model in case_models()}
    assert {name: far for name, far in found.items() if far > CLOSE} == {}


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_random_networks_say_the_same(part, tmp_path):
    for seed in range(part * 20, part * 20 + 20):
        model = drawn_model(seed)
        assert difference(model, tmp_path) <= CLOSE, (seed, model.config.layers)


@pytest.mark.long
def test_model_py_is_as_formatters_and_linters_have_it(tmp_path):
    """So it is for networks of everything, with long lists and short."""
    models = [drawn_model(seed) for seed in range(30)]
    conv = {"type": "conv", "padding": "same", "filters": 3}
    repeats = [{**conv, "repeat": 3}, {**conv, "dilation": [1, 2], "groups": 3, "bias": False, "repeat": 2}]
    block = {"type": "residual", "layers": [{**conv, "frozen": True}], "repeat": 2}
    models.append(model_of([*repeats, block, {"type": "flatten"}, {"type": "dense"}], (8, 8, 3), classes=12))
    for number, model in enumerate(models):
        content = Torch().of(model, lambda part: None).files["model.py"]
        (tmp_path / f"model{number}.py").write_bytes(content)
    ruff = [sys.executable, "-m", "ruff"]
    formatted = subprocess.run(
        [*ruff, "format", "--isolated", "--diff", tmp_path], capture_output=True, text=True, check=False
    )
    assert formatted.stdout == ""
    linted = subprocess.run(
        [*ruff, "check", "--isolated", "--select", "A,B,C4,E,F,I,N,PIE,PTH,RET,SIM,UP,W", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


def test_a_run_becomes_a_folder_that_pytorch_loads(call, trained, tmp_path):
    result = call("export", trained, "--to", "torch", "-o", "theirs")
    assert (result.code, result.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "theirs").iterdir()) == ["model.py", "model.safetensors"]
    module, model = imported(tmp_path / "theirs"), convcli.load_run(trained)
    assert model.classes == module.CLASSES
    assert list(module.load().state_dict()) == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.5.weight",
        "layers.5.bias",
    ]
    images = images_for(model, 20)
    theirs = module.load().probabilities(torch.from_numpy(images).permute(0, 3, 1, 2))
    np.testing.assert_allclose(theirs.numpy(), model.predict(images), atol=1e-6)


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("channels", [1, 3])
def test_image_files_are_read_as_predict_reads_them(fit, channels, tmp_path):
    model = model_of([{"type": "flatten"}, {"type": "dense"}], (9, 14, channels))
    model.preprocessing.presentation.__dict__.update(fit=fit, background=(200, 40, 90))
    module = exported(model, tmp_path)
    rng = np.random.default_rng(3)
    pictures = {"wide": (10, 31, 3), "tall": (40, 13, 3), "grey": (20, 20), "as it is": (9, 14, 3)}
    for name, shape in pictures.items():
        path = tmp_path / f"{name}.png"
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)
        expected, _ = model.preprocessing.presentation.read(path, channels, (9, 14))
        np.testing.assert_array_equal(module.read(path)[0].permute(1, 2, 0).numpy(), expected)
    pixels = rng.integers(0, 256, (12, 12, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    expected, _ = model.preprocessing.presentation.read(path, channels, (9, 14))
    np.testing.assert_allclose(module.read(path)[0].permute(1, 2, 0).numpy(), expected, atol=2)
    Image.fromarray(pixels[..., 0].astype(np.uint16)).save(path)
    with pytest.raises(ValueError, match="more than 8 bits"):
        module.read(path)


def test_classes_may_have_any_name(tmp_path):
    names = ("a \"b\" 'c'", "d\n\\e", '"""', "{f}", "\udcff", "è")
    model = model_of([{"type": "flatten"}, {"type": "dense"}], (2, 2, 1), classes=len(names))
    object.__setattr__(model, "classes", names)
    assert names == exported(model, tmp_path).CLASSES


def test_what_training_kept_is_not_trained_and_what_it_drew_is_drawn(tmp_path):
    conv = {"type": "conv", "padding": "same", "filters": 2}
    layers = [
        {"type": "conv", "kernel": 1, "filters": 2, "init": "whiten"},
        {**conv, "frozen": True},
        {"type": "residual", "drop": 0.5, "layers": [conv]},
        {"type": "flatten"},
        {"type": "dense"},
    ]
    network = exported(model_of(layers, (4, 4, 2)), tmp_path).load()
    kept = {name for name, parameter in network.named_parameters() if not parameter.requires_grad}
    assert kept == {"layers.0.weight", "layers.1.weight", "layers.1.bias"}
    x = torch.ones(200, 2, 4, 4)
    torch.manual_seed(0)
    assert len({tuple(row) for row in network.train()(x).tolist()}) == 2


def test_what_pytorch_does_otherwise_is_said():
    model = model_of([{"type": "batch_norm", "group": 8}, {"type": "flatten"}, {"type": "dense"}], (2, 2, 1))
    model.preprocessing.presentation.__dict__.update(range=(10.0, 200.0), said=True)
    group, limits = Torch().of(model, lambda part: None).notes
    assert "batch_norm's group" in group
    assert "10 … 200" in limits


def test_it_takes_no_pytorch_to_write_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert Torch().of(model_of([{"type": "flatten"}, {"type": "dense"}], (2, 2, 1)), lambda part: None).files


@pytest.mark.long
def test_model_py_answers_on_the_command_line(call, trained, tmp_path):
    call("export", trained, "--to", "torch", "-o", "theirs")
    image = tmp_path / "some.png"
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(image)
    command = [sys.executable, tmp_path / "theirs" / "model.py"]
    told = subprocess.run([*command, image], capture_output=True, text=True, check=True).stdout
    best = call("predict", trained, image, "--top", "1").stdout.split(": ")[1].split()
    assert told.startswith(f"{image}: {best[0]} ".replace('"', ""))
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 1
