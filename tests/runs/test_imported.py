"""Runs of networks that were trained elsewhere: every command says sensible things of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convcli
from convcli.errors import OutputError
from convcli.interchange.importing import Imported
from convcli.runs.folder import Run
from convcli.runs.imported import origin, write_imported


@pytest.fixture
def imported(trained, tmp_path):
    """Return the run of a trained model, written as if it had come from elsewhere."""
    model = convcli.load_run(trained)
    document = model.config.model_dump(mode="json", exclude_none=True)
    return write_imported(Imported(model, document), Path("net.onnx"), tmp_path / "runs" / "net-001").folder


def test_the_model_is_the_same(imported, trained):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8)
    ours = convcli.load_run(imported)
    np.testing.assert_array_equal(ours.predict(images), convcli.load_run(trained).predict(images))
    assert origin(Run(imported)) == "net.onnx"
    assert origin(Run(trained)) is None


def test_its_files_are_those_that_commands_read(imported):
    names = {path.name for path in imported.iterdir()} - {".lock"}
    assert names == {"config.toml", "resolved.toml", "environment.json", "best.safetensors"}


def test_a_folder_that_holds_something_is_refused(imported, trained):
    model = convcli.load_run(trained)
    document = model.config.model_dump(mode="json", exclude_none=True)
    with pytest.raises(OutputError, match="not empty"):
        write_imported(Imported(model, document), Path("net.onnx"), imported)


def test_runs_lists_it_as_imported(call, imported):
    result = call("runs", "--json")
    (run,) = json.loads(result.stdout)["runs"]
    assert (run["state"], run["best"], run["test"]) == ("imported", None, None)
    assert "imported" in call("runs").stdout


@pytest.mark.parametrize(
    "command",
    ["evaluate RUN", "predict RUN digit.png", "kernels --run RUN", "runs diff RUN RUN", "export RUN --to npz",
     "explain network --run RUN --image digit.png", "train RUN/config.toml --set training.epochs=1"],
)  # fmt: skip
def test_what_takes_a_network_takes_it(call, imported, tmp_path, command):
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "digit.png")
    result = call(*command.replace("RUN", "runs/net-001").split())
    assert result.code == 0, result.stderr


def test_evaluate_says_that_nobody_knows_what_it_learned_from(call, imported):
    result = call("evaluate", "latest", "--json")
    assert "came from net.onnx" in result.stderr
    assert json.loads(result.stdout)["own"] is False


def test_a_report_has_no_epochs(call, imported, monkeypatch):
    monkeypatch.setattr("convcli.render.report.figures", lambda _: {})  # which take a second
    result = call("report", "latest", "--json")
    assert result.code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["best"], told["epochs"], told["timing"]) == (None, [], None)
    page = (imported / "report.html").read_text("utf-8")
    assert "Imported from" in page
    assert "Curves" not in page


@pytest.mark.parametrize(
    ("command", "told"),
    [("runs plot latest", "nothing to draw: the network came from net.onnx"),
     ("train --resume latest", "no training to go on with: the network came from net.onnx")],
)  # fmt: skip
def test_what_needs_epochs_says_that_there_are_none(call, imported, command, told):
    result = call(*command.split())
    assert result.code in (1, 2)
    assert told in result.stderr
