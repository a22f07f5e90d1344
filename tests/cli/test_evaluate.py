"""`convcli evaluate`: the figures that training printed, to the last digit."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

from convcli.data import load_data, open_source
from convcli.runs import checkpoints
from convcli.runs.folder import Run


def test_validation_figures_are_those_of_training_to_the_last_digit(call, trained):
    figures = json.loads(call("evaluate", trained, "--split", "validation", "--json").stdout)
    with (trained / "metrics.csv").open(newline="") as file:
        best = max(csv.DictReader(file), key=lambda row: float(row["validation_accuracy"]))
    assert repr(figures["accuracy"]) == best["validation_accuracy"]
    assert repr(figures["loss"]) == best["validation_loss"]


def test_test_figures_are_those_of_training_to_the_last_digit(call, trained):
    figures = json.loads(call("evaluate", trained, "--json").stdout)
    told = json.loads(call("train", "--resume", trained, "--json").stdout)["test"]
    assert {name: figures[name] for name in told} == told
    assert (figures["split"], figures["data"], figures["run"]) == ("test", "digits", str(trained))


def test_figures_of_the_classes_follow_from_the_confusion(call, trained):
    figures = json.loads(call("evaluate", trained, "--split", "train", "--json").stdout)
    confusion = np.array(figures["confusion"])
    assert figures["samples"] == confusion.sum() == 1294
    assert figures["accuracy"] == confusion.trace() / confusion.sum()
    assert [row["support"] for row in figures["classes"]] == confusion.sum(1).tolist()
    assert [row["recall"] for row in figures["classes"]] == pytest.approx(
        confusion.diagonal() / confusion.sum(1)
    )
    assert [row["precision"] for row in figures["classes"]] == pytest.approx(
        confusion.diagonal() / confusion.sum(0)
    )


def test_tables_for_a_person(call, trained):
    result = call("evaluate", trained)
    assert result.code == 0
    assert result.stderr == ""
    assert result.stdout.startswith("test: accuracy ")
    assert " on 359 images\n" in result.stdout
    for heading in ("precision", "recall", "F1", "support", "confusion: rows true, columns predicted"):
        assert heading in result.stdout


def test_classes_without_an_image_are_named(call, trained, tmp_path):
    """scikit-learn warns of the same: what is divided by no image is no measurement."""
    file = checkpoints.run_config(Run.open(trained))
    test = load_data(file.config.data, file.base, 0).test
    some = np.isin(test.labels, (3, 5))
    np.savez(tmp_path / "two", images=test.images[some], labels=test.labels[some])
    said = "without any image here, so that recall and F1 of 0 say nothing: class '0', '1', '2', '4', '6'"
    assert said in call("evaluate", trained, "--data", "two.npz").stderr
    assert "without any image" not in call("evaluate", trained).stderr


def test_other_data_is_judged_too(call, trained, tmp_path):
    file = checkpoints.run_config(Run.open(trained))
    test = load_data(file.config.data, file.base, 0).test
    np.savez(tmp_path / "more", images=test.images[:50], labels=test.labels[:50])
    result = call("evaluate", trained, "--data", "more.npz", "--json")
    assert json.loads(result.stdout)["samples"] == 50


def test_evaluate_and_report_call_other_images_new(call, trained, tmp_path):
    digits = open_source("digits", base=tmp_path).test
    np.savez(tmp_path / "more", images=digits.images[:50], labels=digits.labels[:50])
    for command in ("evaluate", "report"):
        arguments = ["--out-dir", "page"] if command == "report" else []
        told = json.loads(call(command, trained, "--data", "more.npz", "--json", *arguments).stdout)
        assert (told["split"], told["data"], told["own"]) == ("new", "more.npz", False)
    assert call("evaluate", trained, "--data", "more.npz").stdout.startswith("new: accuracy ")


def test_evaluate_measures_a_runs_own_split_of_data_that_is_named(call, trained):
    told = call("evaluate", trained, "--data", "digits", "--split", "validation", "--json")
    at_home = call("evaluate", trained, "--split", "validation", "--json")
    assert told.stdout == at_home.stdout
    assert json.loads(told.stdout)["own"]
    assert told.stderr == (
        "note: digits is the run's own data, by its fingerprint: measured is its validation part\n"
    )


@pytest.mark.usefixtures("quick")
def test_class_names_cannot_steer_the_terminal(call, tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (40, 8, 8)).astype(np.uint8)
    np.savez(
        tmp_path / "named",
        images=pictures,
        labels=np.arange(40) % 2,
        classes=["\x1b[31mred", "[bold]b[/bold]"],
    )
    call(
        "train",
        "quick.toml",
        "--set",
        "data.source=named.npz",
        "--set",
        "training.epochs=1",
        "--run-dir",
        "run",
    )
    result = call("evaluate", "run")
    assert result.code == 0
    assert "\x1b" not in result.stdout
    assert "\\x1b[31mred" in result.stdout
    assert "[bold]b[/bold]" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--data", "one.npz", "--split", "test"], 2, "one.npz has no test part of its own"),
        (["--data", "nowhere"], 1, "'nowhere' not found"),
    ],
)
def test_data_that_is_not_there_is_one_error(call, trained, tmp_path, arguments, code, message):
    np.savez(tmp_path / "one", images=np.zeros((3, 8, 8), np.uint8), labels=np.arange(3))
    result = call("evaluate", trained, *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


@pytest.mark.usefixtures("quick")
def test_a_split_that_is_not_there_is_one_error(call):
    call(
        "train", "quick.toml", "--set", "data.validation=0", "--set", "training.epochs=1", "--run-dir", "run"
    )
    result = call("evaluate", "run", "--split", "validation")
    assert result == (2, "", "error: The data has no validation part; it has: train, test.\n")


def test_what_is_no_run_is_one_error(call):
    for place, reason in (("nowhere", "there is no such folder"), (".", "it has no resolved.toml")):
        result = call("evaluate", place)
        assert result.code == 1
        assert result.stderr.startswith(f"error: {place}: not a run ({reason}).")


def test_a_damaged_checkpoint_is_one_error(call, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    best = tmp_path / "run" / "best.safetensors"
    best.write_bytes(best.read_bytes()[:1000])
    for command in (["evaluate", "run"], ["predict", "run", "x.png"]):
        result = call(*command)
        assert (result.code, result.stdout) == (1, "")
        assert result.stderr.startswith("error: run/best.safetensors: damaged checkpoint (")
        assert len(result.stderr.splitlines()) == 1
