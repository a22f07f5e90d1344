"""Tables of runs: what they say where they are wide, and what they leave out where they are narrow."""

from __future__ import annotations

import io
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

import stripes
from convcli.render.runs import (
    comparison_document,
    comparison_tables,
    network_words,
    runs_document,
    runs_table,
)
from convcli.runs.comparing import Comparison
from convcli.runs.history import Outcome, State, Summary
from histories import history

FINISHED = Summary(
    Path("runs/digits-001"),
    State.FINISHED,
    began=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    config=stripes.config(),
    history=tuple(history([0.9, 0.5, 0.3], [0.8, 0.25, 0.3])),
    test=Outcome(30, 0.875, 0.4),
)
EMPTY = Summary(Path("runs/digits-002"), State.EMPTY)
DAMAGED = Summary(Path("runs/[bold]x\x1b[31m"), State.DAMAGED, "why")


def printed(renderable_of, width):
    told = io.StringIO()
    console = Console(file=told, width=width, markup=False, highlight=False)
    console.print(renderable_of(console))
    return told.getvalue()


def table(*runs, width=140):
    return printed(lambda console: runs_table(runs, console), width)


def test_a_row_has_the_figures_of_the_best_epoch():
    heads, _, row = table(FINISHED).strip("\n ").splitlines()[:3]
    names = "run began network epochs best accuracy loss test images/s state"
    assert heads.split() == names.split()
    began = f"{FINISHED.began.astimezone():%Y-%m-%d %H:%M}"
    expected = f"runs/digits-001 {began} conv 4, dense 3/3 2 75.00% 0.2500 87.50% 2,000 finished"
    assert row.split() == expected.split()


@pytest.mark.parametrize(
    ("width", "missing"),
    [
        (140, []),
        (110, ["network"]),
        (90, ["network", "began"]),
        (80, ["network", "began", "images/s"]),
        (50, ["network", "began", "images/s", "loss", "best", "test"]),
    ],
)
def test_a_narrow_table_leaves_columns_out_but_breaks_no_line(width, missing):
    text = table(FINISHED, EMPTY, width=width)
    heads = text.strip("\n ").splitlines()[0].split()
    assert not set(missing) & set(heads)
    assert len(heads) == 10 - len(missing)
    assert len(text.rstrip().splitlines()) == 5
    assert "runs/digits-001" in text
    assert max(map(len, text.splitlines())) <= width


def test_what_is_not_known_stays_empty_and_names_have_no_markup():
    lines = table(EMPTY, DAMAGED).rstrip().splitlines()
    assert lines[-2].split() == ["runs/digits-002", "empty"]
    assert lines[-1].split() == ["runs/[bold]x\\x1b[31m", "damaged"]


def test_the_document_has_all_there_is():
    document = json.loads(json.dumps(runs_document([FINISHED, DAMAGED]), allow_nan=False))
    finished, damaged = document["runs"]
    assert finished["run"] == "runs/digits-001"
    assert (finished["epochs"], finished["planned"], finished["best"]["epoch"]) == (3, 3, 2)
    assert finished["test"] == {"samples": 30, "accuracy": 0.875, "loss": 0.4}
    assert datetime.fromisoformat(finished["began"]) == FINISHED.began
    assert finished["data"] == "stripes.npz"
    assert finished.keys() == damaged.keys()
    assert {key for key, value in damaged.items() if value is not None} == {"run", "state", "reason"}


def test_a_network_is_told_by_the_layers_that_have_a_size():
    layers = [{"type": "conv", "filters": 4}, {"type": "max_pool"}, {"type": "flatten"}]
    layers += [{"type": "dense", "units": 5}, {"type": "dropout", "rate": 0.5}, {"type": "dense"}]
    assert network_words(stripes.config(layers)) == "conv 4, dense 5, dense"


def test_repeated_layers_and_branches_in_words():
    conv = {"type": "conv", "filters": 4}
    branches = [{"layers": [{**conv, "repeat": 3}, {"type": "max_pool"}]}, conv]
    layers = [
        {"type": "parallel", "branches": branches, "repeat": 2},
        {"type": "residual", "repeat": 2, "layers": [conv]},
        {"type": "flatten", "repeat": 2},
    ]
    assert network_words(stripes.config(layers)) == "2 × (3 × conv 4, conv 4), 2 × conv 4"


COMPARISON = Comparison(
    {"layers.1.filters": (4, 8), "training.patience": (None, 3), "data.source": ("digits", "a\x1bb")},
    {},
    {
        "epochs": (3, 1200),
        "validation accuracy": (0.75, 0.7125),
        "validation loss": (0.25, 0.375),
        "test loss": (None, 0.5),
    },
)
NAMES = ("one", "two")


def test_differences_are_listed_with_both_values():
    lines = printed(lambda _: comparison_tables(COMPARISON, NAMES), 80).splitlines()
    rows = [line.split() for line in lines]
    assert ["layers.1.filters", "4", "8"] in rows
    assert ["training.patience", "–", "3"] in rows
    assert ["data.source", "digits", "a\\x1bb"] in rows
    assert "environment: no difference" in lines


def test_figures_stand_beside_each_other_with_their_difference():
    lines = printed(lambda _: comparison_tables(COMPARISON, NAMES), 80).splitlines()
    rows = [line.split() for line in lines]
    assert ["epochs", "3", "1,200", "+1,197"] in rows
    assert ["validation", "accuracy", "75.00%", "71.25%", "-3.75", "points"] in rows
    assert ["validation", "loss", "0.2500", "0.3750", "+0.1250"] in rows
    assert ["test", "loss", "–", "0.5000"] in rows


def test_the_comparison_is_plain_json():
    document = json.loads(json.dumps(comparison_document(COMPARISON, NAMES), allow_nan=False))
    assert document["runs"] == ["one", "two"]
    assert document["config"]["training.patience"] == [None, 3]
    one, other, difference = document["figures"]["validation accuracy"]
    assert (one, other) == (0.75, 0.7125)
    assert math.isclose(difference, -0.0375)
    assert document["figures"]["test loss"] == [None, 0.5, None]
