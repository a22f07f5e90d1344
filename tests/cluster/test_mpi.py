"""Ranks that a real mpiexec has started come to the bytes of one process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import mpi
from convcli.cluster import mpi as cluster_mpi
from convcli.cluster.launched import launched
from convcli.errors import ConvcliError, MissingExtraError

PROGRAM = Path(__file__).with_name("mpi_trainings.py")


def trainings(ranks, word, *ways, folder):
    """Return what ranks come to, by the network's name and the way they trained it."""
    code, out, errors = mpi.run(ranks, PROGRAM, PROGRAM.parent.parent, word, *ways, folder=folder)
    assert code == 0, errors
    return {told["name"]: told["results"] for told in map(json.loads, out.splitlines())}


def same(results, way):
    return all(results[way][key] == results["alone"][key] for key in ("digest", "epochs"))


@pytest.mark.long
def test_ranks_come_to_the_bytes_of_one_process_and_plainly_to_its_numbers(tmp_path):
    found = trainings(4, "", "2", "3", "4", "2x2", "3 plain", folder=tmp_path)
    assert len(found) == 4
    for name, results in found.items():
        assert [way for way in ("2", "3", "4", "2x2") if not same(results, way)] == [], name
        plain, alone = results["3 plain"], results["alone"]
        np.testing.assert_allclose(plain["weights"], alone["weights"], rtol=0, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(plain["epochs"], alone["epochs"], rtol=1e-6, err_msg=name)


@pytest.mark.long
def test_eight_ranks_come_to_the_bytes_of_one_process(tmp_path):
    found = trainings(8, "mixup", "8", folder=tmp_path)
    assert [same(results, "8") for results in found.values()] == [True]


RECIPE = """
[data]
source = "digits"

[[layers]]
type = "conv"
filters = 4

[[layers]]
type = "batch_norm"

[[layers]]
type = "max_pool"

[[layers]]
type = "flatten"

[[layers]]
type = "dense"

[training]
epochs = 1
batch_size = 80
ema = { decay = 0.9 }
"""


@pytest.mark.long
def test_the_command_writes_the_same_weights_with_more_ranks_than_have_work(call, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    call("train", recipe, "--run-dir", "alone", "--threads", "1")
    command = ("-m", "convcli", "train", recipe, "--run-dir", "three", "--threads", "1")
    code, out, errors = mpi.run(3, *command, folder=tmp_path)
    assert (code, out.splitlines()[-1]) == (0, "run written to three"), errors
    assert out.count("best epoch") == errors.count("epoch 1/1") == 1
    said = "note: 3 ranks: a batch has work for 2; a larger training.batch_size has for more\n"
    assert errors.count(said) == 1
    for name in ("best.safetensors", "last.safetensors"):
        assert mpi.arrays_of(tmp_path / "three" / name) == mpi.arrays_of(tmp_path / "alone" / name)


def test_what_has_started_this_process_is_known_by_what_it_left_in_the_environment():
    assert launched({}) == launched({"PMI_SIZE": "1"}) == launched({"PMI_SIZE": "many"}) == 1
    assert launched({"OMPI_COMM_WORLD_SIZE": "4"}) == launched({"PMI_SIZE": "4"}) == 4
    assert launched({"PMIX_RANK": "0", "SLURM_NTASKS": "8"}) == 8
    assert launched({"SLURM_NTASKS": "8"}) == 1  # of a script that has not called srun


def test_an_mpi_other_than_mpiexecs_is_named(monkeypatch):
    pytest.importorskip("mpi4py")
    monkeypatch.setattr(cluster_mpi, "launched", lambda: 4)
    with pytest.raises(
        ConvcliError, match=r"^4 processes were started together, each of which sees itself alone, but mpi4py"
    ):
        cluster_mpi.world()


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)
    with pytest.raises(MissingExtraError, match=r"needs the package mpi4py.*pip install 'convcli\[mpi\]'"):
        cluster_mpi.world()


def test_allreduce_is_for_ranks(call):
    result = call("train", "recipe.toml", "--allreduce", "plain")
    assert result.code == 2
    assert "--allreduce is for several ranks: mpiexec -n 4 convcli train CONFIG." in result.stderr


@pytest.mark.parametrize(("given", "kept"), [(None, "0"), ("65536", "65536")])
def test_mpich_is_told_to_gather_in_whole_messages_before_it_begins_unless_the_user_has_told_it(
    monkeypatch, given, kept
):
    name = "MPIR_CVAR_ALLGATHERV_PIPELINE_MSG_SIZE"
    monkeypatch.setenv(name, given or "")
    if given is None:
        monkeypatch.delenv(name)
    found = []

    def importing(*_):
        found.append(os.environ[name])
        raise MissingExtraError("not here")

    monkeypatch.setattr(cluster_mpi, "extra", importing)
    with pytest.raises(MissingExtraError):
        cluster_mpi.world()
    assert found == [kept]
