"""Ranks of MPI on this machine beside one process: steps a second, and what each rank is sent."""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import Quantity
from benchmarks.networks import BATCHES
from benchmarks.setting import ROOT, Setting
from benchmarks.sides import Command, Match, Side

NETWORKS = ("SEED", "SMALL", "CIFAR with batch_norm")

SIDES = {
    "convcli, 2 ranks": (2, 1, "fixed"),
    "convcli, 2 ranks, plain": (2, 1, "plain"),
    "convcli, 2 threads": (1, 2, "alone"),
    "convcli, 1 thread": (1, 1, "alone"),
}
"""How many processes, with how many threads each, and how they add gradients."""


def ranks(setting: Setting) -> Iterator[Match]:
    """Compare steps a second on some networks, and what a rank is sent for each."""
    ours = next(iter(SIDES))
    for network in NETWORKS:
        sides = [Side(name, _command(network, name, setting), _needs(name), threads=2) for name in SIDES]
        training = f"{network}, training, batch {BATCHES[network]}"
        yield Match(
            sides,
            [
                Quantity(training, "steps/s", "steps", ours),
                Quantity(f"{network}, sent to each rank for a step", "MB", "MB", ours),
            ],
        )


def _needs(name: str) -> tuple[str, ...]:
    return ("mpi4py", "mpiexec") if SIDES[name][0] > 1 else ()


def _command(network: str, name: str, setting: Setting) -> Command:
    processes, threads, adding = SIDES[name]
    start = [_mpiexec(), "-n", processes] if processes > 1 else []
    job = [network, BATCHES[network], setting.sizes.images[network], threads, adding]
    return Command([*start, sys.executable, "-m", "benchmarks.rank", json.dumps(job)], ROOT, read=json.loads)


def _mpiexec() -> str:
    """Return the mpiexec beside this Python, whose MPI is that of mpi4py, or the one on the path."""
    beside = Path(sysconfig.get_path("scripts")) / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec") or "mpiexec"
