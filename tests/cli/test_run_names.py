"""`runs/NAME`, `NAME` and `latest` name a run, for every command that takes one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convcli.runs.folder import ENVIRONMENT
from convcli.runs.history import find

COMMANDS = {
    "evaluate": ["evaluate", "RUN"],
    "predict": ["predict", "RUN", "digit.png"],
    "report": ["report", "RUN"],
    "runs diff": ["runs", "diff", "RUN", "RUN"],
    "runs plot": ["runs", "plot", "RUN"],
    "train --resume": ["train", "--resume", "RUN"],
    "kernels --run": ["kernels", "--run", "RUN"],
    "kernels run:": ["kernels", "run:RUN#1/2"],
    "filter -k run:": ["filter", "digit.png", "-k", "run:RUN#1/2", "-o", "out.png", "--force"],
    "explain --kernel run:": ["explain", "convolution", "--kernel", "run:RUN#1/2"],
    "explain network": ["explain", "network", "--run", "RUN", "--image", "digit.png"],
}


@pytest.fixture
def began(tmp_path, monkeypatch):
    """Return a function that makes a folder that looks like a run, begun at a time of some day."""
    monkeypatch.chdir(tmp_path)

    def make(folder, time="12:00:00"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "resolved.toml").write_text("")
        (tmp_path / folder / ENVIRONMENT).write_text(json.dumps({"began": f"2026-01-01T{time}+00:00"}))

    return make


def named(name):
    folder, choice = find(Path(name))
    return str(folder), choice


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_a_path_a_name_and_latest(call, trained, tmp_path, command, monkeypatch):
    monkeypatch.setattr("convcli.render.report.figures", lambda _: {})  # which take a second
    shutil.copytree(trained, tmp_path / "runs" / "quick-001")
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "digit.png")
    told = []
    for name in ("runs/quick-001", "quick-001", "latest"):
        result = call(*(word.replace("RUN", name) for word in COMMANDS[command]))
        assert result.code == 0, result.stderr
        assert ("note: latest is runs/quick-001\n" in result.stderr) == (name == "latest")
        told.append(result.stdout.replace(f"run:{name}#", "run:RUN#"))
    assert told[0] == told[1] == told[2]


def test_latest_is_the_run_that_began_last_whatever_it_is_called(began):
    began("runs/b-001", "12:00:00")
    began("runs/a-001", "13:00:00")
    began("runs/c-001", "11:00:00")
    assert named("latest") == ("runs/a-001", "latest is runs/a-001")


def test_of_runs_that_began_together_the_latest_has_the_highest_number(began):
    for number in ("a-999", "a-1000", "a-002"):
        began(f"runs/{number}")
    assert named("latest")[0] == "runs/a-1000"


@pytest.mark.parametrize("place", ["latest", "runs/latest"])
def test_a_folder_of_that_name_wins(began, place):
    began("runs/a-001", "13:00:00")
    began(place, "12:00:00")
    assert named("latest") == (place, "")


def test_two_runs_of_one_name_are_said(began):
    began("runs/a-001")
    began("a-001")
    folder, choice = named("a-001")
    assert (folder, choice) == ("a-001", "a-001 and runs/a-001 are both runs: a-001 here is meant")


def test_a_folder_that_is_no_run_does_not_hide_one(began, tmp_path):
    began("runs/digits")
    (tmp_path / "digits").mkdir()
    assert named("digits") == ("runs/digits", "digits here is no run: runs/digits is meant")


def test_a_path_is_taken_as_it_is(began, tmp_path):
    began("runs/runs/a")
    for path in ("runs/a", "./../runs", "..", str(tmp_path / "x"), "."):
        assert named(path) == (str(Path(path)), "")


def test_no_run_yet_is_one_error_whose_advice_works(call, quick, tmp_path):
    result = call("evaluate", "latest")
    assert result.code == 1
    assert result.stderr == (
        "error: latest: there is no run in runs. `convcli train CONFIG` makes one; else name its folder.\n"
    )
    call("train", quick, "--set", "training.epochs=1")
    assert call("evaluate", "latest").code == 0


def test_a_misspelt_name_is_answered_with_the_nearest_run(call, began):
    began("runs/digits-001")
    result = call("evaluate", "digits-01")
    assert result.code == 1
    assert result.stderr.endswith("Did you mean 'digits-001'?\n")


def test_a_run_whose_environment_is_lost_is_found(began, tmp_path):
    began("runs/a-001")
    (tmp_path / "runs" / "a-001" / ENVIRONMENT).unlink()
    assert named("latest")[0] == "runs/a-001"
