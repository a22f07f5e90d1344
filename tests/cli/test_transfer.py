"""`train --init-from RUN`, and layers that begin as one of a run: what is said, kept, and resumed."""

from __future__ import annotations

import json
import shutil
import tomllib

import numpy as np
import pytest

import convcli
from conftest import QUICK
from convcli.runs.folder import ENVIRONMENT, RESOLVED, RESULTS


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    """Leave out the picture of each run, which takes longer than these trainings."""
    monkeypatch.setattr("convcli.render.curves.curves_png", lambda _: b"drawn")


@pytest.fixture
def origin(trained, tmp_path):
    """A run in the usual place."""
    return shutil.copytree(trained, tmp_path / "runs" / "origin")


@pytest.fixture
def pale(tmp_path):
    """A configuration like that of the run, for pale images of two classes."""
    rng = np.random.default_rng(0)
    images = rng.integers(100, 200, (60, 8, 8), dtype=np.uint8)
    images[:30, :4] += 50
    np.savez(tmp_path / "pale.npz", images=images, labels=np.arange(60) // 30)
    path = tmp_path / "pale.toml"
    path.write_text(QUICK.replace('"digits"', '"pale.npz"'))
    return path


def arrays_of(folder):
    return {name: array.copy() for name, array in convcli.load_run(folder).weights.items()}


def test_what_fits_is_taken_over_and_all_is_said(call, origin, pale, tmp_path):
    freeze = ["--set", "layers.1.frozen=true", "--run-dir", "new"]
    result = call("train", pale, "--init-from", "origin", *freeze)
    assert result.code == 0, result
    assert "note: from origin: layer 1, 40 numbers\n" in result.stderr
    assert "note: [[layers]] 5 (dense) begins anew: W is 36 × 2, there 36 × 10\n" in result.stderr
    assert "note: not taken over: layer 5 of origin\n" in result.stderr
    assert "note: pixels are scaled as for origin: mean 0.30" in result.stderr
    before, after = arrays_of(origin), arrays_of(tmp_path / "new")
    np.testing.assert_array_equal(after["1.W"], before["1.W"])
    scaling = [convcli.load_run(folder).preprocessing.mean for folder in (origin, tmp_path / "new")]
    assert scaling[0] == scaling[1]


def test_the_new_run_keeps_where_its_weights_came_from(call, origin, pale, tmp_path):
    call("train", pale, "--init-from", "origin", "--run-dir", "new")
    (entry,) = json.loads((tmp_path / "new" / ENVIRONMENT).read_text())["weights_from"]
    assert (entry["run"], entry["layers"], entry["epoch"]) == (str(origin), ["1"], 2)
    assert len(entry["sha256"]) == 64
    assert json.loads((tmp_path / "new" / RESULTS).read_text())["weights_from"] == [entry]
    told = tomllib.loads((tmp_path / "new" / RESOLVED).read_text())["data"]["preprocessing"]
    assert told["mean"] == list(convcli.load_run(origin).preprocessing.mean)


@pytest.mark.parametrize("how", ["--init-from", "init"])
def test_it_is_resumed_exactly_without_the_other_run(how, call, origin, pale, tmp_path):
    began = ["--init-from", "origin"]
    if how == "init":
        began = []
        pale.write_text(pale.read_text().replace("filters = 4", 'filters = 4\ninit = "run:runs/origin#1"'))
    whole = call("train", pale, *began, "--set", "training.epochs=3", "--run-dir", "whole")
    assert whole.code == 0, whole
    assert call("train", pale, *began, "--set", "training.epochs=1", "--run-dir", "half").code == 0
    shutil.rmtree(origin)
    for again in ([], [pale]):
        folder = shutil.copytree(tmp_path / "half", tmp_path / f"half{len(again)}")
        result = call("train", *again, "--resume", folder, "--set", "training.epochs=3")
        assert result.code == 0, result
        for name, array in arrays_of(tmp_path / "whole").items():
            np.testing.assert_array_equal(arrays_of(folder)[name], array)
        assert "weights_from" in json.loads((folder / RESULTS).read_text())
    assert call("evaluate", "half").code == 0


def test_a_layer_begins_as_one_of_a_run(call, origin, pale, tmp_path):
    text = pale.read_text().replace("filters = 4", 'filters = 4\nfrozen = true\ninit = "run:runs/origin#1"')
    pale.write_text(text)
    for command in ("check", "shape", "gradcheck"):
        result = call(command, pale)
        assert result.code == 0, result
    assert "as origin#1, frozen" in call("shape", pale, env={"COLUMNS": "200"}).stdout
    assert call("train", pale, "--run-dir", "new").code == 0
    np.testing.assert_array_equal(arrays_of(tmp_path / "new")["1.W"], arrays_of(origin)["1.W"])
    (entry,) = json.loads((tmp_path / "new" / ENVIRONMENT).read_text())["weights_from"]
    assert entry["layers"] == ["1"]
    shutil.rmtree(origin)
    assert call("shape", pale).code == 0
    for command in ("check", "train"):
        result = call(command, pale)
        assert result.code in (1, 2)
        assert "origin" in result.stderr


def test_where_nothing_fits_nothing_begins(call, origin, pale, tmp_path):
    result = call("train", pale, "--init-from", "origin", "--set", "layers.1.filters=5", "--run-dir", "new")
    assert result.code == 2
    assert "nothing of its weights fits" in result.stderr
    assert "[[layers]] 1 (conv): W is 3 × 3 × 1 × 5, there 3 × 3 × 1 × 4" in result.stderr
    assert not (tmp_path / "new").exists()


def test_options_that_exclude_each_other_and_runs_that_are_not_there_are_refused(call, origin, pale):
    assert call("train", "--resume", "origin", "--init-from", "origin").code == 2
    missing = call("train", pale, "--init-from", "orgin")
    assert missing.code == 1
    assert "not a run" in missing.stderr


def test_scaling_that_the_configuration_says_is_followed_and_said(call, origin, pale):
    result = call("train", pale, "--init-from", "origin", "--set", "data.preprocessing=rescale")
    told = "note: pixels are scaled as [data] says: mean 0.000, deviation 1.000; for origin it was mean 0.30"
    assert told in result.stderr
