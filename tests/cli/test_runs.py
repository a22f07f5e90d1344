"""`convcli runs`: the list, two runs beside each other, the curves of several."""

from __future__ import annotations

import json
import shutil

import pytest

from convcli.render.curves import curves_png, curves_svg
from convcli.runs.folder import METRICS, RESOLVED, Run
from convcli.runs.metrics import read_history


@pytest.fixture
def runs(trained, tmp_path):
    """Return a folder with two finished runs."""
    shutil.copytree(trained, tmp_path / "runs" / "one")
    shutil.copytree(trained, tmp_path / "runs" / "two")
    return tmp_path / "runs"


def change(path, before, after):
    path.write_text(path.read_text().replace(before, after))


@pytest.mark.usefixtures("runs")
def test_runs_are_listed_with_their_figures(call, trained):
    result = call("runs")
    assert (result.code, result.stderr) == (0, "")
    rows = [line.split() for line in result.stdout.splitlines()]
    best = max(read_history(Run(trained)), key=lambda row: row.validation_accuracy)
    for name in ("runs/one", "runs/two"):
        (row,) = [row for row in rows if row[:1] == [name]]
        assert "2/2" in row
        assert f"{best.validation_accuracy:.2%}" in row
        assert row[-1] == "finished"


def test_a_damaged_run_is_listed_with_its_reason_after_the_others(call, runs):
    (runs / "one" / METRICS).write_text("x\n")
    result = call("runs")
    assert result.code == 0
    assert "damaged" in result.stdout
    assert "finished" in result.stdout
    assert result.stdout.rstrip().endswith(
        "runs/one/metrics.csv: not a table of epochs as `convcli train` writes it."
    )


def test_json_is_one_document(call, runs):
    (runs / "photos").mkdir()
    (runs / "photos" / "cat.png").touch()
    result = call("runs", "--json")
    document = json.loads(result.stdout)
    assert [run["run"] for run in document["runs"]] == ["runs/one", "runs/two"]
    assert document["runs"][0]["test"]["samples"] == 359
    assert result.stderr == "note: 1 other folder(s) in runs are no runs\n"


def test_the_list_can_be_sorted_and_of_another_folder(call, runs):
    heads = (runs / "one" / METRICS).read_text().splitlines()[0]
    (runs / "two" / METRICS).write_text(f"{heads}\n1,0.1,1.0,0.001,1.0,0.1,1.0,1.0,,,,validation_accuracy\n")
    runs.rename(runs.parent / "archive")
    result = call("runs", "--in", "archive", "--sort", "loss", "--json")
    assert [run["run"] for run in json.loads(result.stdout)["runs"]] == ["archive/two", "archive/one"]


def test_where_there_are_no_runs_it_says_so(call):
    result = call("runs")
    assert (result.code, result.stdout) == (0, "")
    assert result.stderr == "No runs in runs. `convcli train CONFIG` makes one.\n"
    assert call("runs", "--json").stdout == '{"runs": []}\n'


def test_two_runs_are_put_beside_each_other(call, runs):
    change(runs / "two" / RESOLVED, "filters = 4", "filters = 8")
    result = call("runs", "diff", "runs/one", "runs/two")
    assert (result.code, result.stderr) == (0, "")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["layers.1.filters", "4", "8"] in rows
    assert ["epochs", "2", "2", "+0"] in rows
    document = json.loads(call("runs", "diff", "runs/one", "runs/two", "--json").stdout)
    assert document["config"] == {"layers.1.filters": [4, 8]}
    assert document["environment"] == {}


@pytest.mark.usefixtures("runs")
def test_curves_are_drawn_on_the_terminal(call):
    result = call("runs", "plot", "runs/one", "runs/two")
    assert (result.code, result.stderr) == (0, "")
    assert "A runs/one: best epoch 2: validation accuracy" in result.stdout
    assert "B runs/two: " in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(("name", "draw"), [("curves.png", curves_png), ("curves.SVG", curves_svg)])
def test_curves_are_written_as_a_picture(call, tmp_path, name, draw):
    result = call("runs", "plot", "runs/one", "runs/two", "--out", name)
    assert (result.code, result.stdout, result.stderr) == (0, f"{name}\n", "")
    epochs = {f"runs/{run}": read_history(Run(tmp_path / "runs" / run)) for run in ("one", "two")}
    assert (tmp_path / name).read_bytes() == draw(epochs)
    again = call("runs", "plot", "runs/one", "--out", name)
    assert (again.code, again.stderr) == (1, f"error: {name} exists already; use --force to overwrite it.\n")
    assert call("runs", "plot", "runs/one", "--out", name, "--force").code == 0


@pytest.mark.usefixtures("runs")
def test_the_epochs_are_there_as_json_too(call, tmp_path):
    document = json.loads(call("runs", "plot", "runs/one", "--json").stdout)
    assert document["output"] is None
    epochs = document["runs"]["runs/one"]
    assert [row["train_loss"] for row in epochs] == [
        row.train_loss for row in read_history(Run(tmp_path / "runs" / "one"))
    ]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["dif", "a", "b"], 2, "`runs` has no command 'dif'. Did you mean 'diff'?"),
        (["runs"], 2, "runs is a folder, no command; for the runs in it: convcli runs --in runs."),
        (["--in", "nowhere"], 1, "nowhere: cannot be read (No such file or directory)."),
        (["--in", "runs/one/config.toml"], 1, "runs/one/config.toml: cannot be read (Not a directory)."),
        (["--sort", "los"], 2, "Invalid value for '--sort': 'los' is not one of 'name', 'began'"),
        (
            ["--json", "diff", "runs/one", "runs/two"],
            2,
            "--in, --sort and --json before diff have no meaning.",
        ),
        (["diff", "runs/one"], 2, "Missing argument 'B'."),
        (["diff", "runs/one", "runs/to"], 1, "runs/to: not a run (there is no such folder)."),
        (["plot"], 2, "Missing argument 'RUN"),
        (
            ["plot", "runs/one", "--out", "a.pdf"],
            2,
            "--out a.pdf: expected a name that ends in .png or .svg.",
        ),
        (["plot", "runs/one", "--out", "no/a.png"], 1, "no/a.png: the folder no does not exist"),
        (["plot", "runs/one", "elsewhere"], 1, "elsewhere: not a run"),
    ],
)
def test_a_mistake_is_one_error(call, arguments, code, message):
    result = call("runs", *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"error: {message}")


def test_a_run_without_an_epoch_cannot_be_drawn(call, runs):
    (runs / "one" / METRICS).unlink()
    result = call("runs", "plot", "runs/two", "runs/one")
    assert result.code == 1
    assert result.stderr == "error: runs/one: nothing to draw, as no epoch of this run has ended yet.\n"


def test_help_shows_the_list_and_the_commands(call):
    text = call("runs", "--help").stdout
    for word in ("--sort", "--in", "diff", "plot"):
        assert word in text
