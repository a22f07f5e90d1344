"""Several ranks end together, say once why, and go on in any number."""

from __future__ import annotations

import csv
import json
import re
import socket
from pathlib import Path
from unittest.mock import Mock

import pytest
import typer

import convcli.data
import mpi
import stripes
from convcli.cli import ranks as cli_ranks
from convcli.cli.ranks import Member
from convcli.data import Splits
from convcli.errors import ConvcliError
from threaded_ranks import on_ranks

PROGRAM = Path(__file__).parents[1] / "cluster" / "failing_rank.py"
HOST = socket.gethostname()
RECIPE = """
[data]
source = "digits"
validation = 0.1

[[layers]]
type = "conv"
filters = 4

[[layers]]
type = "batch_norm"

[[layers]]
type = "flatten"

[[layers]]
type = "dense"

[training]
epochs = 2
batch_size = 256
checkpoint_every = 1
"""


@pytest.fixture
def train(tmp_path):
    """Run ranks of `train`, of which some meet something: exit code, results, and what was said."""
    (tmp_path / "recipe.toml").write_text(RECIPE)

    def run(ranks, *words, meets="nothing", who="", batch=0):
        command = (PROGRAM, meets, who, batch, "train", *words, "--threads", "1")
        code, out, errors = mpi.run(ranks, *command, folder=tmp_path)
        return code, out, [line for line in errors.splitlines() if not line.startswith(("epoch", "note: "))]

    return run


def said(lines):
    """Return what convcli says, without what launchers do."""
    return [
        line for line in lines if line.startswith(("error:", "The last", "Go on", "Interrupted", "Nothing"))
    ]


GO_ON = "Go on with: mpiexec -n 2 convcli train --resume a"


def is_kept(line):
    """Whether a line names the checkpoint of the second batch; of the first, if its writer was too late."""
    return re.fullmatch(
        r"The last good checkpoint: a/last\.safetensors holds the start and [12] batches of epoch 1\.", line
    )


@pytest.mark.parametrize("who", [0, 1])
def test_a_rank_that_is_killed_is_named_with_what_is_kept(train, who):
    code, _, errors = train(2, "recipe.toml", "--run-dir", "a", meets="kill", who=str(who), batch=2)
    assert code in (9, 137)
    why = "ended without a word, as by kill -9 or for want of memory, and with it all others."
    end, kept, then = said(errors)
    assert (end, then) == (f"error: rank {who} of 2 on {HOST} {why}", GO_ON)
    assert is_kept(kept)


def test_what_one_rank_fails_at_is_said_once_and_ends_all(train):
    code, _, errors = train(2, "recipe.toml", "--run-dir", "a", meets="memory", who="1", batch=2)
    assert code == 1
    end, kept, then = said(errors)
    memory = "out of memory (Unable to allocate 4 GiB). Try a smaller input."
    assert (end, then) == (f"error: rank 1 on {HOST}: {memory}", GO_ON)
    assert is_kept(kept)


def test_what_all_ranks_fail_at_the_first_one_says(train):
    code, _, errors = train(2, "recipe.toml", "--run-dir", "a", meets="file", who="0,1", batch=1)
    assert code == 1
    assert said(errors) == [
        "error: Data source 'photos' not found.",
        "The last good checkpoint: a/last.safetensors holds the start and 1 batches of epoch 1.",
    ]


def test_images_that_one_rank_cannot_load_are_named_before_there_is_a_run(train, tmp_path):
    code, _, errors = train(2, "recipe.toml", "--run-dir", "a", meets="file", who="1", batch=-1)
    assert code == 1
    assert said(errors) == [f"error: rank 1 on {HOST}: Data source 'photos' not found."]
    assert not (tmp_path / "a").exists()


def test_a_mistake_in_the_command_is_said_once(train):
    code, out, errors = train(2, "recipe.toml", "--nonsense")
    assert (code, out) == (2, "")
    assert said(errors) == ["error: No such option: --nonsense. See `convcli train --help`."]


def figures(path):
    with path.open() as lines:
        return [{name: row[name] for name in row if "second" not in name} for row in csv.DictReader(lines)]


def test_a_run_that_is_stopped_and_goes_on_in_other_numbers_ends_with_the_same_bytes(train, tmp_path, call):
    code, _, errors = train(2, "recipe.toml", "--run-dir", "a", meets="stop", who="1", batch=2)
    assert said(errors) == ["Interrupted. Go on with: mpiexec -n 2 convcli train --resume a"]
    assert code == 143
    code, _, errors = train(1, "--resume", "a", meets="stop", who="0", batch=4)
    assert said(errors) == ["Interrupted. Go on with: convcli train --resume a"]
    assert train(4, "--resume", "a")[0] == 0
    assert call("train", tmp_path / "recipe.toml", "--run-dir", tmp_path / "b", "--threads", "1").code == 0
    for name in ("best.safetensors", "last.safetensors"):
        assert mpi.arrays_of(tmp_path / "a" / name) == mpi.arrays_of(tmp_path / "b" / name)
    environment = json.loads((tmp_path / "a" / "environment.json").read_text())
    assert [begun["ranks"] for begun in (environment, *environment["resumed"])] == [2, 1, 4]
    assert figures(tmp_path / "a" / "metrics.csv") == figures(tmp_path / "b" / "metrics.csv")


class Machines:
    """Ranks that are threads, as if each were on a machine of its own."""

    def __init__(self, ranks):
        self.ranks, self.host, self.place, self.count = ranks, f"node-{ranks.rank}", 0, 1

    def tell(self, value, seconds=None):
        return self.ranks.all(value)

    def tell_machine(self, value):
        return [value]


def ends(file):
    """Return how each of two ranks ends, of which the first loads the images that a file names."""

    def end(ranks):
        try:
            member = Member(Machines(ranks), 1)
            with member.fate():
                member.follow() if ranks.rank else member.load(file)
        except (ConvcliError, typer.Exit) as end:
            return end
        return None

    return on_ranks(2, end)


def test_a_machine_whose_images_are_others_is_named(monkeypatch, capsys):
    parts = {True: stripes.dataset(90), False: stripes.dataset(60)}
    monkeypatch.setattr(cli_ranks, "Watch", Mock())
    monkeypatch.setattr(
        convcli.data, "load_data", lambda *given: Splits(parts[given[3].scans], None, None, ())
    )
    file = Mock(base=Path(), config=stripes.config())

    error, left = ends(file)
    assert str(error).startswith(
        "Rank 1 on node-1 has other images than rank 0 on node-0: training 60 images of 8×8×1, labels "
    )
    assert str(error).endswith("The same files have to lie at the same path on every machine.")
    assert left.exit_code == 0
    assert capsys.readouterr().err == ""


def test_ranks_that_are_told_different_things_do_none_of_them(monkeypatch):
    words = iter([("train", "a.toml"), ("train", "b.toml")])
    monkeypatch.setattr(cli_ranks, "Watch", Mock())
    monkeypatch.setattr(cli_ranks, "_words", lambda: next(words))
    error, left = ends(None)
    assert re.match(r"Rank 1 was told something else than rank 0: `train [ab]\.toml`, not `train", str(error))
    assert (error.exit_code, left.exit_code) == (2, 0)
