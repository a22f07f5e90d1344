"""What the folders of runs tell: of whole ones, of those that are under way, and of damaged ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from convcli.cli.runs import Order
from convcli.errors import ConfigError, InputError
from convcli.runs.comparing import compare
from convcli.runs.folder import BEST, CONFIG, CURVES, ENVIRONMENT, LAST, METRICS, RESOLVED, RESULTS, Run
from convcli.runs.history import (
    Outcome,
    State,
    Summary,
    list_runs,
    ordered,
    summarize,
)
from convcli.runs.metrics import write_history
from histories import history

EPOCHS = history([0.9, 0.5, 0.3], [0.8, 0.25, 0.3])


@pytest.fixture
def run(trained, tmp_path):
    """Return the folder of a finished run of two epochs, of one's own."""
    return shutil.copytree(trained, tmp_path / "run")


def rewrite(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_a_finished_run_is_told_with_its_figures(run):
    summary = summarize(run)
    assert (summary.state, summary.reason) == (State.FINISHED, "")
    assert [row.epoch for row in summary.history] == [1, 2]
    results = json.loads((run / RESULTS).read_text())
    assert summary.best is not None
    assert asdict(summary.best) == results["best"]
    assert summary.test == Outcome(**results["test"])
    assert summary.images_per_second == sum(row.images_per_second for row in summary.history) / 2
    assert abs((datetime.now(UTC) - summary.began).total_seconds()) < 86400


def test_a_run_with_epochs_left_is_interrupted_unless_patience_has_run_out(run):
    rewrite(run / RESOLVED, "epochs = 2", "epochs = 9")
    assert summarize(run).state is State.INTERRUPTED
    worse = history([0.5, 0.4, 0.3, 0.3], [0.5, 0.4, 0.5, 0.5])
    write_history(Run(run), worse)
    assert summarize(run).state is State.INTERRUPTED
    rewrite(run / RESOLVED, "epochs = 9", "epochs = 9\npatience = 2")
    assert summarize(run).state is State.FINISHED


def test_the_test_figures_are_those_of_the_best_epoch_or_none(run):
    assert summarize(run).test is not None
    write_history(Run(run), EPOCHS)  # it went on, and became better
    assert summarize(run).test is None
    Run(run).write_document(RESULTS, {"best": asdict(EPOCHS[1])})  # there were no test images
    assert summarize(run).test is None


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        (RESOLVED, b"[", ConfigError, "not valid TOML"),
        (METRICS, b"a\n1\n", InputError, "damaged in row 1"),
        (LAST, b"", InputError, "damaged checkpoint"),
        (BEST, b"12345678", InputError, "damaged checkpoint"),
        (RESULTS, b"{", InputError, "damaged"),
        (RESULTS, b'{"test": 1}', InputError, "not the figures that a training ends with"),
        (RESULTS, b"[]", InputError, "expected a JSON object"),
    ],
)
def test_a_damaged_file_is_named_and_stops_no_list(run, name, content, error, message):
    shutil.copytree(run, run.parent / "whole")
    (run / name).write_bytes(content)
    with pytest.raises(error, match=message) as raised:
        summarize(run)
    (damaged, whole), others = list_runs(run.parent)
    assert (damaged.folder, damaged.state, damaged.reason) == (run, State.DAMAGED, str(raised.value))
    assert str(run / name) in damaged.reason
    assert (whole.state, others) == (State.FINISHED, 0)


@pytest.mark.parametrize("name", [LAST, BEST])
def test_a_missing_file_is_damage(run, name):
    (run / name).unlink()
    ((summary,), _) = list_runs(run.parent)
    assert summary.state is State.DAMAGED
    assert name in summary.reason


@pytest.mark.parametrize("name", [ENVIRONMENT, CURVES, RESULTS])
def test_what_no_figure_needs_may_be_missing(run, name):
    (run / name).unlink()
    assert summarize(run).state is State.FINISHED


def test_without_an_environment_a_run_began_when_its_configuration_was_written(run):
    (run / ENVIRONMENT).unlink()
    os.utime(run / CONFIG, (1e9, 1e9))
    assert summarize(run).began == datetime.fromtimestamp(1e9, UTC)


def test_a_run_without_an_epoch_is_empty(run):
    (run / METRICS).unlink()
    (run / RESULTS).unlink()
    (run / BEST).unlink()
    summary = summarize(run)
    assert (summary.state, summary.best, summary.images_per_second) == (State.EMPTY, None, None)


def test_folders_that_are_no_runs_are_counted(tmp_path):
    for name in ("empty", "begun", ".hidden", "photos"):
        (tmp_path / name).mkdir()
    (tmp_path / "begun" / LAST).touch()
    (tmp_path / "photos" / "cat.png").touch()
    (tmp_path / "notes.txt").touch()
    found, others = list_runs(tmp_path)
    assert [(run.folder.name, run.state) for run in found] == [("begun", "empty"), ("empty", "empty")]
    assert others == 1


def test_of_a_run_there_is_only_itself(run):
    (run / "figures").mkdir()
    assert list_runs(run) == ([summarize(run)], 0)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: cannot be read \(No such file or directory\)"):
        list_runs(tmp_path / "nowhere")


HOLD = """
import sys
from pathlib import Path
from typing import get_args
from convcli.runs.folder import Run

with Run(Path(sys.argv[1])).hold():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="there are no such locks on Windows")
def test_a_run_is_running_while_a_process_holds_it(run):
    rewrite(run / RESOLVED, "epochs = 2", "epochs = 9")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        assert summarize(run).state is State.RUNNING
        process.kill()
    assert summarize(run).state is State.INTERRUPTED


def test_where_nobody_can_tell_a_run_is_unfinished(run, monkeypatch):
    rewrite(run / RESOLVED, "epochs = 2", "epochs = 9")
    monkeypatch.setattr(Run, "held", None)
    assert summarize(run).state is State.UNFINISHED


def summary(name, losses=(), *, began=0, tested=None):
    return Summary(
        Path(name),
        State.FINISHED,
        began=datetime.fromtimestamp(began, UTC) if began else None,
        history=tuple(history(list(losses), list(losses))),
        test=Outcome(10, tested, 0.1) if tested is not None else None,
    )


LISTED = [
    summary("b", [0.5], began=3, tested=0.9),
    summary("c", [0.9, 0.2], began=1),
    summary("a", [0.4, 0.3, 0.6], began=2, tested=0.95),
    summary("d"),
]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", "abcd"),
        ("began", "bacd"),
        ("epochs", "acbd"),
        ("accuracy", "cabd"),
        ("loss", "cabd"),
        ("test", "abcd"),
        ("speed", "acbd"),
    ],
)
def test_runs_have_orders_in_which_those_without_a_figure_come_last(order, names):
    assert [run.folder.name for run in ordered(LISTED, order)] == list(names)


def test_every_order_is_tested():
    (mark,) = test_runs_have_orders_in_which_those_without_a_figure_come_last.pytestmark
    assert {order for order, _ in mark.args[1]} == set(get_args(Order))


def test_two_runs_differ_in_what_was_set_and_what_came_out(run):
    other = shutil.copytree(run, run.parent / "other")
    rewrite(other / RESOLVED, "filters = 4", "filters = 8")
    rewrite(other / RESOLVED, "learning_rate = 0.01", "learning_rate = 0.02")
    environment = json.loads((other / ENVIRONMENT).read_text())
    environment["versions"]["numpy"], environment["began"] = "3.0", "2001-01-01T00:00:00+00:00"
    (other / ENVIRONMENT).write_text(json.dumps(environment))
    write_history(Run(other), EPOCHS)
    found = compare(run, other)
    assert found.config == {"layers.1.filters": (4, 8), "training.optimizer.learning_rate": (0.01, 0.02)}
    assert list(found.environment) == ["versions.numpy"]
    best = summarize(run).best
    assert found.figures["epochs"] == (2, 3)
    assert found.figures["best epoch"] == (best.epoch, 2)
    assert found.figures["validation loss"] == (best.validation_loss, 0.25)
    assert found.figures["test accuracy"] == (summarize(run).test.accuracy, None)


def test_a_run_does_not_differ_from_itself(run):
    found = compare(run, run)
    assert (found.config, found.environment) == ({}, {})
    assert all(one == other for one, other in found.figures.values())
