"""`convcli train`: what it writes, that it repeats itself, and how it is interrupted and goes on."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter

import numpy as np
import pytest

from conftest import Result
from convcli import load_run
from convcli.data import splits
from convcli.nn.config import Config
from convcli.runs.folder import BEST, CONFIG, CURVES, ENVIRONMENT, LAST, LOCK, METRICS, RESOLVED, RESULTS, Run

EVERYTHING = {BEST, LAST, CONFIG, CURVES, ENVIRONMENT, METRICS, RESOLVED, LOCK}


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    """Leave out the picture of each run within this process, which takes longer than these trainings."""
    monkeypatch.setattr("convcli.render.curves.curves_png", lambda _: b"drawn")


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
def test_a_run_is_written_and_told(call, tmp_path):
    result = call("train", "quick.toml")
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
    assert names(tmp_path / "runs" / "quick-001") == EVERYTHING | {RESULTS}


@pytest.fixture
def counted(call, monkeypatch):
    """Return a function that calls the command line, and how often it validated and hashed."""
    calls = Counter()

    def count(owner, name):
        original = getattr(owner, name)

        def counting(*args):
            calls[name] += 1
            return original(*args)

        monkeypatch.setattr(owner, name, counting)

    count(Config, "model_validate"), count(splits, "fingerprint")

    def run(*args):
        calls.clear()
        assert call(*args).code == 0
        return calls["model_validate"], calls["fingerprint"]

    return run


@pytest.mark.usefixtures("quick")
def test_a_configuration_is_validated_and_a_part_is_hashed_once(counted):
    parts = 2  # the training and the validation part
    assert counted("train", "quick.toml", "--set", "training.epochs=1", "--run-dir", "run") == (1, parts)
    in_force = 2  # what resolved.toml says, and what the checkpoint was made with
    assert counted("train", "--resume", "run") == (in_force, parts)
    assert counted("train", "--resume", "run", "--set", "training.epochs=2") == (in_force + 1, parts)
    assert counted("evaluate", "run") == (2, parts)
    assert counted("runs", "diff", "run", "run") == (2, 0)


@pytest.mark.usefixtures("quick")
def test_json_is_one_document_and_all_there_is(call, tmp_path):
    result = call("train", "quick.toml", "--json", "--run-dir", "here")
    document = json.loads(result.stdout)
    assert document["run"] == "here"
    assert document["test"]["samples"] == 359
    assert document == {"run": "here", **json.loads((tmp_path / "here" / RESULTS).read_text())}
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
def test_the_same_seed_gives_the_same_bytes_whatever_the_process_and_the_threads(run, call, tmp_path):
    for name, threads, begin in (("one", 1, run), ("two", 1, call), ("three", 3, call)):
        assert begin("train", "quick.toml", "--run-dir", name, "--threads", threads).code == 0
    first = (tmp_path / "one" / BEST).read_bytes()
    assert (tmp_path / "two" / BEST).read_bytes() == first
    assert (tmp_path / "three" / BEST).read_bytes() == first
    assert rows(tmp_path / "one") == rows(tmp_path / "three")
    assert json.loads((tmp_path / "three" / ENVIRONMENT).read_text())["threads"] == 3


unix = pytest.mark.skipif(os.name != "posix", reason="signals are sent as on Unix")


@pytest.fixture
def training(tmp_path):
    """Return a function that starts a training in a process of its own."""
    processes = []

    def start(*args, **options):
        process = subprocess.Popen(
            [sys.executable, "-m", "convcli", "train", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            text=True,
            **options,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


ENDLESS = ["--set", "training.epochs=1000000"]


@pytest.fixture
def stopped(training, tmp_path):
    """Return a function that begins a long training and stops it after an epoch, and its result."""

    def stop(number):
        process = training("quick.toml", *ENDLESS, "--run-dir", "stop ped", "--json")
        process.stderr.readline()  # the first epoch has ended
        process.send_signal(number)
        stdout, stderr = process.communicate()
        assert names(tmp_path / "stop ped") == EVERYTHING
        return Result(process.returncode, stdout, stderr)

    return stop


@unix
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "name", ["SIGINT", *(pytest.param(name, marks=pytest.mark.long) for name in ("SIGTERM", "SIGHUP"))]
)
def test_a_signal_ends_a_training_after_the_batch(stopped, name):
    number = getattr(signal, name)
    result = stopped(number)
    assert (result.code, result.stdout) == (128 + number, "")
    assert result.stderr.endswith("Interrupted. Go on with: convcli train --resume 'stop ped'\n")


@unix
@pytest.mark.usefixtures("quick")
def test_a_stopped_training_ends_as_if_nothing_had_been(call, stopped, tmp_path):
    stopped(signal.SIGTERM)
    epochs = f"training.epochs={len(rows(tmp_path / 'stop ped')) + 2}"
    resumed = call("train", "--resume", "stop ped", "--set", epochs, "--json")
    whole = call("train", "quick.toml", "--set", epochs, "--run-dir", "whole", "--json")
    assert (resumed.code, whole.code) == (0, 0)
    assert (tmp_path / "stop ped" / BEST).read_bytes() == (tmp_path / "whole" / BEST).read_bytes()
    assert rows(tmp_path / "stop ped") == rows(tmp_path / "whole")
    assert json.loads(resumed.stdout)["test"] == json.loads(whole.stdout)["test"]


@unix
@pytest.mark.usefixtures("quick")
def test_a_run_is_one_trainings_at_a_time(call, training, tmp_path):
    process = training("quick.toml", *ENDLESS, "--run-dir", "mine")
    process.stderr.readline()
    second = call("train", "--resume", "mine")
    assert second.code == 1
    assert second.stderr == (
        f"error: mine: process {process.pid} is training there now. Stop it or wait for its end.\n"
    )
    process.kill()
    process.communicate()
    with Run.open(tmp_path / "mine").hold():
        pass


@unix
@pytest.mark.usefixtures("quick")
def test_whoever_reads_a_run_while_it_trains_finds_it_whole(training, tmp_path):
    process = training("quick.toml", *ENDLESS, "--run-dir", "mine", "--set", "training.checkpoint_every=1")
    process.stderr.readline()
    epochs, images = set(), np.zeros((1, 8, 8, 1), np.uint8)
    while len(epochs) < 5:
        assert process.poll() is None
        assert np.isfinite(load_run(tmp_path / "mine").predict(images)).all()
        epochs.add(Run.open(tmp_path / "mine").read_checkpoint(LAST).document["epoch"])
        for number, row in enumerate(rows(tmp_path / "mine"), 1):
            assert row["epoch"] == str(number)


@pytest.mark.long
@pytest.mark.usefixtures("quick")
def test_trainings_that_start_at_once_get_folders_of_their_own(training, tmp_path):
    processes = [training("quick.toml", "--set", "training.epochs=1", "--threads", "1") for _ in range(8)]
    printed = {process.communicate()[0].splitlines()[-1] for process in processes}
    assert printed == {f"run written to runs/quick-{number:03}" for number in range(1, 9)}
    assert len({(folder / BEST).read_bytes() for folder in (tmp_path / "runs").iterdir()}) == 1


def test_a_finished_run_that_is_resumed_tells_its_figures_again(call, trained):
    result = call("train", "--resume", trained, "--json")
    assert result.code == 0
    assert json.loads(result.stdout)["best"]["epoch"] == 2


@pytest.mark.usefixtures("quick")
def test_resume_takes_the_configuration_it_began_with(call):
    call("train", "quick.toml", "--set", "training.epochs=1", "--run-dir", "mine")
    same = call("train", "quick.toml", "--set", "training.epochs=1", "--resume", "mine")
    assert same.code == 0
    assert same.stderr == (
        "This run has come to its end. Go on with: convcli train --resume mine --set training.epochs=2\n"
    )
    other = call("train", "quick.toml", "--resume", "mine", "--set", "training.batch_size=8")
    assert other.code == 2
    assert other.stderr == (
        "error: mine: not what it was when the run was stopped:\n"
        "  training.batch_size: 64 → 8\n"
        "Go on with --allow-changes, or start a new run.\n"
    )


@pytest.mark.usefixtures("quick")
def test_one_epoch_and_one_more_are_two(call, tmp_path):
    call("train", "quick.toml", "--set", "training.epochs=1", "--run-dir", "mine")
    longer = call("train", "--resume", "mine", "--set", "training.epochs=2")
    assert longer.code == 0
    assert longer.stderr.startswith("note: training.epochs: 1 → 2\nepoch 2/2 ")
    call("train", "quick.toml", "--run-dir", "whole")
    assert (tmp_path / "mine" / BEST).read_bytes() == (tmp_path / "whole" / BEST).read_bytes()
    assert rows(tmp_path / "mine") == rows(tmp_path / "whole")


@pytest.mark.usefixtures("quick")
def test_an_allowed_change_is_told(call, tmp_path):
    call("train", "quick.toml", "--set", "training.epochs=1", "--run-dir", "mine")
    changed = ["--set", "training.epochs=2", "--set", "training.seed=3"]
    result = call("train", "--resume", "mine", *changed, "--allow-changes")
    assert result.code == 0
    told = re.fullmatch(
        r"note: training\.epochs: 1 → 2\n"
        r"note: training\.seed: 0 → 3\n"
        r"note: training images: 1,294 of 8×8×1, SHA-256 \w+… → 1,294 of 8×8×1, SHA-256 \w+…\n"
        r"note: validation images: .*\n"
        r"note: the changes hold from epoch 2 on, which begins at its first batch\n"
        r"epoch 2/2 .*\n",
        result.stderr,
    )
    assert told
    assert (
        (tmp_path / "mine" / RESOLVED).read_text().startswith("# From epoch 2 on: training.epochs: 1 → 2\n")
    )


def test_values_edited_in_the_runs_own_file_change_nothing_and_a_note_says_so(call, trained, tmp_path):
    mine = shutil.copytree(trained, tmp_path / "mine")
    text = (mine / RESOLVED).read_text()
    (mine / RESOLVED).write_text(text.replace("epochs = 2", "epochs = 3"))
    result = call("train", "--resume", "mine", "--set", "training.epochs=2")
    assert result.code == 0
    assert result.stderr.startswith(
        "note: resolved.toml is not what the run was under, and is written anew; change values with --set\n"
    )
    assert (mine / RESOLVED).read_text() == text


@pytest.mark.usefixtures("quick")
def test_another_environment_is_noted(call, tmp_path):
    call("train", "quick.toml", "--set", "training.epochs=1", "--run-dir", "mine", "--threads", "1")
    path = tmp_path / "mine" / ENVIRONMENT
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "cpu": "another"}))
    result = call("train", "--resume", "mine", "--set", "training.epochs=2", "--threads", "2")
    assert "note: versions, processor or BLAS are others now: figures may differ in their" in result.stderr
    resumed = json.loads(path.read_text())["resumed"]
    assert [(entry["epoch"], entry["threads"], entry["cpu"]) for entry in resumed] == [
        (2, 2, document["cpu"])
    ]
    again = call("train", "--resume", "mine", "--threads", "1")
    assert "note" not in again.stderr
    assert len(json.loads(path.read_text())["resumed"]) == 2


@pytest.mark.usefixtures("quick")
def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_checkpoint(call, tmp_path):
    diverging = ["--set", "training.schedule={ type = 'step', every = 1, gamma = 1e30 }"]
    result = call("train", "quick.toml", *diverging, "--run-dir", "lost")
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
    assert call("evaluate", "lost", "--json").code == 0


@pytest.mark.usefixtures("quick")
def test_a_loss_that_is_no_number_at_once_says_that_the_start_was_kept(call):
    result = call("train", "quick.toml", "--set", "training.optimizer.learning_rate=1e30")
    assert result.code == 1
    assert result.stderr.endswith(
        "The last good checkpoint: runs/quick-001/last.safetensors holds the start.\n"
    )


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "overrides",
    [
        ["training.epochs=1"],
        ["training.epochs=1", "training.schedule=one_cycle"],  # then all rates depend on the epochs
        ["training.epochs=9", "training.patience=1"],
        ["training.epochs=2", "training.patience=1"],
        ["training.epochs=2", "training.patience=1", "training.schedule=cosine"],
    ],
)
def test_the_command_that_makes_a_run_longer_does(call, tmp_path, overrides):
    still = ["training.optimizer={ type = 'sgd', learning_rate = 1e-30 }", "data.test=digits"]
    call(
        "train",
        "quick.toml",
        "--run-dir",
        "a b",
        *(w for text in (*overrides, *still) for w in ("--set", text)),
    )
    before = len((tmp_path / "a b" / METRICS).read_text().splitlines())
    told = call("train", "--resume", "a b")
    (line,) = (line for line in told.stderr.splitlines() if "Go on with: convcli " in line)
    assert ("training.patience" in line.partition("Go on")[2]) == ("training.patience=1" in overrides)
    longer = call(*shlex.split(line.partition("convcli ")[2]))
    assert longer.code == 0, longer.stderr
    assert "has come to its end" not in longer.stderr
    assert len((tmp_path / "a b" / METRICS).read_text().splitlines()) > before


@pytest.mark.usefixtures("quick")
def test_data_that_has_moved_is_found_again_by_resume(call, tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (40, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "here", images=pictures, labels=np.arange(40) % 2)
    call(
        "train",
        "quick.toml",
        "--set",
        "data.source=here.npz",
        "--set",
        "training.epochs=1",
        "--run-dir",
        "mine",
    )
    (tmp_path / "here.npz").rename(tmp_path / "there.npz")
    lost = call("train", "--resume", "mine")
    assert lost.code == 1
    assert lost.stderr.endswith("If the run's data has moved, say where with --set data.source=PATH.\n")
    found = call(
        "train", "--resume", "mine", "--set", "data.source=there.npz", "--set", "training.epochs=2", "--json"
    )
    assert found.code == 0
    assert json.loads(found.stdout)["best"]


@pytest.mark.usefixtures("quick")
def test_patience_is_told(call):
    overrides = [
        "training.patience=1",
        "training.epochs=9",
        "training.optimizer={ type = 'sgd', learning_rate = 1e-30 }",
    ]
    result = call("train", "quick.toml", *(text for override in overrides for text in ("--set", override)))
    assert result.code == 0
    assert "No improvement for 1 epoch (training.patience): stopped after epoch 2." in result.stderr
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
        (["quick.toml", "--allow-changes"], 2, "--allow-changes goes with --resume RUN."),
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


def test_the_claim_that_it_never_saw_the_test_images_is_made_only_where_it_holds(call, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8)
    labels = np.arange(12) % 2
    np.savez(
        tmp_path / "set.npz", images=images, labels=labels, test_images=images[:5], test_labels=labels[:5]
    )
    (tmp_path / "c.toml").write_text(
        'data.source = "set.npz"\ntraining.epochs = 1\nlayers = [{type = "flatten"}, {type = "dense"}]\n'
    )
    result = call("train", "c.toml", "--run-dir", "here")
    assert "on 5 images, 5 of which it saw in training or validation" in result.stdout
    assert "never saw" not in result.stdout
    assert "test images stand in the training part, too: " in result.stderr
