"""Programs started by the mpiexec that lies beside this Python: MPICH's or Open MPI's."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from convcli.formats.safetensors import read_arrays

OPEN_MPI = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]


@cache
def mpiexec():
    """Return the command that starts programs, without how many; the test is skipped where there is none."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    program = Path(sys.executable).with_name("mpiexec")
    if not program.exists():
        pytest.skip(f"no mpiexec beside {sys.executable}")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60)
    return [str(program), *(OPEN_MPI if "Open MPI" in said.stdout else [])]


def run(ranks, *program, folder, timeout=120):
    """Return exit code, stdout and stderr of so many ranks of a Python program."""
    done = subprocess.run(
        [*mpiexec(), "-n", str(ranks), sys.executable, *map(str, program)],
        cwd=folder,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    return done.returncode, done.stdout, done.stderr


def arrays_of(path):
    """Return what a checkpoint holds, as bytes by name."""
    with path.open("rb") as file:
        arrays, _ = read_arrays(file)
    return {name: array.tobytes() for name, array in arrays.items()}
