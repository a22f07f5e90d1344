"""Ranks in two network namespaces, with a slow link between them, come to the bytes of one process."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

import mpi

sys.path.insert(0, str(Path(__file__).parents[2]))  # the package is not installed with convcli

from benchmarks.two_machines import TwoMachines

RECIPE = """
[data]
source = "digits"

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
epochs = 1
batch_size = 256
"""

NEEDED = ("ip", "tc", "unshare", "taskset")


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="namespaces are made by root")
def test_two_machines_with_a_millisecond_between_them_come_to_the_bytes_of_one_process(call, tmp_path):
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        pytest.skip(f"needs {', '.join(missing)}")
    if len(mpi.mpiexec()) > 1:
        pytest.skip("is made of MPICH's mpiexec")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    call("train", recipe, "--run-dir", "alone", "--threads", "1")
    command = [sys.executable, "-m", "convcli", "train", str(recipe), "--run-dir", str(tmp_path / "both")]
    with ExitStack() as opened:
        try:
            machines = opened.enter_context(TwoMachines(0.001))
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no namespaces here: {error}")
        assert machines.round_trip() >= 0.002
        done = machines.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in ("best.safetensors", "last.safetensors"):
        assert mpi.arrays_of(tmp_path / "both" / name) == mpi.arrays_of(tmp_path / "alone" / name)
