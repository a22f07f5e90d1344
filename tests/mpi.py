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


def start(ranks, *program, folder):
    """Return the process of so many ranks of a Python program, which goes on; its output is piped."""
    command = [*mpiexec(), "-n", str(ranks), sys.executable, *map(str, program)]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(ranks, *program, folder, timeout=120):
    """Return exit code, stdout and stderr of so many ranks of a Python program."""
    with start(ranks, *program, folder=folder) as process:
        try:
            out, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, out, errors


def arrays_of(path):
    """Return what a checkpoint holds, as bytes by name."""
    with path.open("rb") as file:
        arrays, _ = read_arrays(file)
    return {name: array.tobytes() for name, array in arrays.items()}
