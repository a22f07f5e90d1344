"""What MPI's collectives take between two ranks: in one memory, over loopback, across a slow link.

`python -m benchmarks.scaling.collectives` (root, for the slow link; MPICH) writes it to docs/scaling.json.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks.machine import Watch
from benchmarks.scaling.stored import DELAY, LOOPBACK, RATE, store
from benchmarks.two_machines import TwoMachines

SIZES = tuple(8**power for power in range(1, 9))
"""Bytes of the vector that is exchanged: 8 bytes to 17 MB."""

ROUNDS, SECONDS, MOST_CALLS = 7, 0.03, 300

err = Console(stderr=True, markup=False, highlight=False)


def collectives(
    here: Annotated[bool, typer.Option("--here", hidden=True, help="Be one of the ranks.")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="Of all links, in turn.")] = 3,
) -> None:
    """Measure all links, in turn, and put the medians into docs/scaling.json."""
    if here:
        measure()
        return
    command = [sys.executable, "-m", "benchmarks.scaling.collectives", "--here"]
    found: dict[str, list[Any]] = {"shared memory": [], "loopback": [], "slow link": []}
    watch = Watch()
    with TwoMachines(DELAY, RATE) as machines:
        for number in range(rounds):
            for way, results in found.items():
                err.print(f"round {number + 1}: {way}")
                if way == "slow link":
                    done = machines.run(command, capture_output=True, text=True, check=True)
                else:
                    environment = os.environ | (LOOPBACK if way == "loopback" else {})
                    done = subprocess.run(
                        ["mpiexec", "-n", "2", *command],
                        env=environment,
                        capture_output=True,
                        text=True,
                        check=True,
                    )
                results.append(json.loads(done.stdout))
    store(
        "links",
        {
            "rounds": rounds,
            "busy": round(watch.others(), 3),
            "library": found["loopback"][0]["library"],
            "seconds": {way: _medians(results) for way, results in found.items()},
        },
    )


def _medians(results: list[Any]) -> dict[str, dict[str, float]]:
    return {
        name: {
            size: statistics.median(result["seconds"][name][size] for result in results) for size in of_sizes
        }
        for name, of_sizes in results[0]["seconds"].items()
    }


def measure() -> None:
    """Be one of the ranks: time each operation at each size, in turn; rank 0 prints the medians as JSON."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    found: dict[str, dict[int, float]] = {}
    for size in SIZES:
        operations = _operations(world, size // 4)
        calls = {name: _calls(world, operation) for name, operation in operations.items()}
        times: dict[str, list[float]] = {name: [] for name in operations}
        for _ in range(ROUNDS):
            for name, operation in operations.items():
                world.Barrier()
                started = time.perf_counter()
                for _ in range(calls[name]):
                    operation()
                mine = (time.perf_counter() - started) / calls[name]
                times[name].append(world.allreduce(mine, MPI.MAX))
        for name, series in times.items():
            found.setdefault(name, {})[size] = statistics.median(series)
    if world.rank == 0:
        library = " ".join(MPI.Get_library_version().replace("\0", "").split("\n")[0].split())
        sys.stdout.write(json.dumps({"library": library, "seconds": found}) + "\n")


def _calls(world: Any, operation: Callable[[], None]) -> int:
    """Return how many calls fill `SECONDS`, the same number on all ranks."""
    operation()
    started = time.perf_counter()
    operation()
    once: float = world.allreduce(time.perf_counter() - started) / world.size
    return max(1, min(MOST_CALLS, round(SECONDS / once)))


def _operations(world: Any, count: int) -> dict[str, Callable[[], None]]:
    """Return what is done with `count` floats, of which each of two ranks has one half: as in training."""
    whole, sums = np.ones(count, np.float32), np.empty(count, np.float32)
    half, received = np.ones(count // 2, np.float32), np.empty(count, np.float32)
    counts = [count // 2] * 2

    def there_and_back() -> None:
        if world.rank == 0:
            world.Send(half, 1)
            world.Recv(sums[: count // 2], 1)
        else:
            world.Recv(sums[: count // 2], 0)
            world.Send(half, 0)

    return {
        "there and back": there_and_back,
        "Alltoallv": lambda: world.Alltoallv([whole, counts], [received, counts]),
        "Allgather": lambda: world.Allgather(half, sums),
        "Allgatherv": lambda: world.Allgatherv(half, [sums, counts]),
        "Allreduce": lambda: world.Allreduce(whole, sums),
    }


if __name__ == "__main__":
    typer.run(collectives)
