"""`convcli train`: what it writes, that it repeats itself, and how it is interrupted and goes on."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import tomllib

import pytest

from convcli.cli.train import _interruption
from convcli.runs import BEST, CONFIG, ENVIRONMENT, LAST, METRICS, RESOLVED

EVERYTHING = {BEST, LAST, CONFIG, ENVIRONMENT, METRICS, RESOLVED}


def names(folder):
    return {path.name for path in folder.iterdir()}


def rows(folder):
    """Return the metrics of a run but the times."""
    with (folder / METRICS).open(newline="") as file:
        return [
            {key: value for key, value in row.items() if key not in ("seconds", "images_per_second")}
            for row in csv.DictReader(file)
        ]


@pytest.mark.usefixtures("quick")
def test_a_run_is_written_and_told(run, tmp_path):
    result = run("train", "quick.toml")
    assert result.code == 0
    assert re.fullmatch(
        r"best epoch 2: validation accuracy [0-9.]+%, loss [0-9.]+\n"
        r"test accuracy [0-9.]+% on 359 images it never saw\n"
        r"run written to runs/quick-001\n",
        result.stdout,
    )
    assert re.fullmatch(
        r"(epoch [12]/2  loss [0-9.]+  accuracy +[0-9.]+%  \|  validation loss [0-9.]+  accuracy +[0-9.]+%"
        r"  \|  [0-9,]+ images/s  \*\n){2}",
        result.stderr,
    )
    assert names(tmp_path / "runs" / "quick-001") == EVERYTHING


@pytest.mark.usefixtures("quick")
def test_json_is_one_document_and_all_there_is(run, tmp_path):
    result = run("train", "quick.toml", "--json", "--run-dir", "here")
    document = json.loads(result.stdout)
    assert document["run"] == "here"
    assert document["test"]["samples"] == 359
    best = {name: str(value) for name, value in document["best"].items()}
    assert rows(tmp_path / "here")[document["best"]["epoch"] - 1].items() <= best.items()


def test_values_set_for_one_run_are_kept_beside_the_users_file(call, quick, tmp_path):
    result = call("train", "quick.toml", "--set", "training.epochs=1", "--set", "layers.1.filters=3")
    assert result.code == 0
    folder = tmp_path / "runs" / "quick-001"
    text = (folder / CONFIG).read_text()
    assert text.startswith(quick.read_text().rstrip())
    assert text.endswith('# --set "training.epochs=1"\n# --set "layers.1.filters=3"\n')
    resolved = tomllib.loads((folder / RESOLVED).read_text())
    assert (resolved["training"]["epochs"], resolved["layers"][0]["filters"]) == (1, 3)
    assert resolved["training"]["optimizer"]["beta1"] == 0.9


@pytest.mark.usefixtures("quick")
def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(run, tmp_path):
    for name, threads in (("one", 1), ("two", 1), ("three", 3)):
        assert run("train", "quick.toml", "--run-dir", name, "--threads", threads).code == 0
    first = (tmp_path / "one" / BEST).read_bytes()
    assert (tmp_path / "two" / BEST).read_bytes() == first
    assert (tmp_path / "three" / BEST).read_bytes() == first
    assert rows(tmp_path / "one") == rows(tmp_path / "three")
    assert json.loads((tmp_path / "three" / ENVIRONMENT).read_text())["threads"] == 3


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on Unix")
def test_ctrl_c_keeps_the_run_and_resume_ends_as_if_nothing_had_been(run, quick, tmp_path):
    epochs = 30
    quick.write_text(quick.read_text().replace("epochs = 2", f"epochs = {epochs}"))
    process = subprocess.Popen(
        [sys.executable, "-m", "convcli", "train", "quick.toml", "--run-dir", "stopped", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
    )
    process.stderr.readline()  # the first epoch has ended
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate()
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.endswith("Interrupted. Go on with: convcli train --resume stopped\n")
    assert 1 <= len(rows(tmp_path / "stopped")) < epochs
    assert names(tmp_path / "stopped") == EVERYTHING

    resumed = run("train", "--resume", "stopped", "--json")
    whole = run("train", "quick.toml", "--run-dir", "whole", "--json")
    assert (resumed.code, whole.code) == (0, 0)
    assert (tmp_path / "stopped" / BEST).read_bytes() == (tmp_path / "whole" / BEST).read_bytes()
    assert rows(tmp_path / "stopped") == rows(tmp_path / "whole")
    assert json.loads(resumed.stdout)["test"] == json.loads(whole.stdout)["test"]


def test_the_first_interruption_asks_and_the_second_insists():
    before = signal.getsignal(signal.SIGINT)
    with _interruption() as asked:
        assert asked == []
        signal.raise_signal(signal.SIGINT)
        assert asked == [True]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_finished_run_that_is_resumed_tells_its_figures_again(call, trained):
    result = call("train", "--resume", trained, "--json")
    assert result.code == 0
    assert json.loads(result.stdout)["best"]["epoch"] == 2


@pytest.mark.usefixtures("quick")
def test_resume_takes_the_configuration_it_began_with(call):
    call("train", "quick.toml", "--set", "training.epochs=1", "--run-dir", "mine")
    same = call("train", "quick.toml", "--set", "training.epochs=1", "--resume", "mine")
    assert same.code == 0
    other = call("train", "quick.toml", "--resume", "mine")
    assert other.code == 2
    assert other.stderr == (
        "error: --resume goes on as the run began, but quick.toml differs:\n  training.epochs: 1 → 2\n"
    )


@pytest.mark.usefixtures("quick")
def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_checkpoint(run, tmp_path):
    diverging = ["--set", "training.schedule={ type = 'step', every = 1, gamma = 1e30 }"]
    result = run("train", "quick.toml", *diverging, "--run-dir", "lost")
    assert result.code == 1
    assert result.stdout == ""
    message = (
        r"error: The (loss|gradient) became (nan|inf|infinite) in epoch 2, batch \d+ of 21, "
        r"at learning rate \S+ Most likely the learning rate is too high: "
        r"try training\.optimizer\.learning_rate = 0\.001 or training\.clip_norm = 1\.0\.\n"
        r"The last good checkpoint: lost/last\.safetensors holds epoch 1\.\n"
    )
    first, rest = result.stderr.split("\n", 1)
    assert first.startswith("epoch 1/2 ")
    assert re.fullmatch(message, rest)
    assert names(tmp_path / "lost") == EVERYTHING
    assert run("evaluate", "lost", "--json").code == 0


@pytest.mark.usefixtures("quick")
def test_a_loss_that_is_no_number_at_once_says_that_nothing_was_kept(call):
    result = call("train", "quick.toml", "--set", "training.optimizer.learning_rate=1e30")
    assert result.code == 1
    assert result.stderr.endswith("The last good checkpoint: no epoch was finished.\n")


@pytest.mark.usefixtures("quick")
def test_patience_is_told(call):
    overrides = [
        "training.patience=1",
        "training.epochs=9",
        "training.optimizer={ type = 'sgd', learning_rate = 1e-30 }",
    ]
    result = call("train", "quick.toml", *(text for override in overrides for text in ("--set", override)))
    assert result.code == 0
    assert "No improvement for a while (training.patience): stopped after epoch 2." in result.stderr
    assert result.stdout.startswith("best epoch 1: ")


@pytest.mark.usefixtures("quick")
def test_without_validation_the_last_epoch_is_told(call):
    result = call("train", "quick.toml", "--set", "data.validation=0", "--set", "training.epochs=1")
    assert result.code == 0
    assert result.stdout.startswith("best epoch 1: training accuracy ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Expected a CONFIG, or --resume RUN. Write a starter with `convcli init`."),
        (["--resume", "nowhere"], 1, "nowhere: not a run (there is no such folder)"),
        (["--resume", "."], 1, ".: not a run (it has no resolved.toml)"),
        (["--resume", "quick.toml"], 1, "quick.toml: not a run"),
        (
            ["--resume", "x", "--run-dir", "y"],
            2,
            "--resume goes on in the run's own folder; leave --run-dir out.",
        ),
        (
            ["quick.toml", "--run-dir", "quick.toml"],
            1,
            "quick.toml: the run's folder cannot be made (File exists).",
        ),
        (["quick.toml", "--run-dir", "quick.toml/run"], 1, "quick.toml/run: the run's folder cannot be made"),
        (["quick.toml", "--run-dir", "."], 1, ".: the folder is not empty. Name another with --run-dir"),
    ],
)
def test_a_mistake_is_one_error_and_nothing_is_written(call, quick, tmp_path, arguments, code, message):
    result = call("train", *arguments)
    assert result.code == code
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {message}")
    assert list(tmp_path.iterdir()) == [quick]


def test_resume_refuses_values_without_a_configuration(call, trained):
    result = call("train", "--resume", trained, "--set", "training.epochs=3")
    assert result.code == 2
    assert "leave --set out, or start a new run" in result.stderr
