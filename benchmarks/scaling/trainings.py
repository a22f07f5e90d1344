"""Steps of real trainings, `convcli train` alone and with mpiexec, each case in turn, again and again.

`python -m benchmarks.scaling.trainings` (root, for the slow link; MPICH) writes them to docs/scaling.json.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks.machine import Watch
from benchmarks.measuring import seconds_per_call
from benchmarks.scaling.stored import DELAY, LOOPBACK, RATE, store
from benchmarks.two_machines import TwoMachines
from convcli.engine.pairs import add_in_pairs
from convcli.engine.workspace import Workspace

HERE = Path(__file__).parent
STEPS, EPOCHS = 2, 5
"""Steps of an epoch, and epochs of a run; the first is not counted."""

err = Console(stderr=True, markup=False, highlight=False)


@dataclass(frozen=True)
class Case:
    """A training whose steps are timed. `way` is "shared memory", "loopback" or "slow link"."""

    network: str
    batch: int
    ranks: int = 1
    threads: int = 1
    way: str = "shared memory"
    plain: bool = False

    @property
    def name(self) -> str:
        """What it is called on a terminal."""
        how = f"{self.ranks} × {self.threads}, {self.way}{', plain' * self.plain}"
        return f"{self.network}, batch {self.batch}, {how}"

    def command(self, folder: Path) -> list[str]:
        """Return the training of random images in `folder` that writes its run there."""
        chosen = {
            "data.source": folder / f"{STEPS * self.batch}.npz",
            "training.batch_size": self.batch,
            "training.epochs": EPOCHS,
        }
        return [
            *(sys.executable, "-m", "convcli", "train", str(HERE / f"{self.network}.toml")),
            *(part for key, value in chosen.items() for part in ("--set", f"{key}={value}")),
            *("--run-dir", str(folder / "run"), "--threads", str(self.threads)),
            *(["--allreduce", "plain"] if self.plain else []),
        ]


CASES = (
    *(Case("seed", batch) for batch in (32, 128, 256, 512, 1024)),
    *(Case("seed", batch, threads=2) for batch in (256, 1024)),
    *(Case("seed", batch, ranks=2) for batch in (256, 512, 1024)),
    Case("seed", 256, ranks=2, plain=True),
    Case("seed", 256, ranks=2, way="loopback"),
    *(Case("seed", batch, ranks=2, way="slow link") for batch in (256, 1024)),
    Case("seed", 256, ranks=2, way="slow link", plain=True),
    Case("seed", 256, ranks=4),
    *(Case("large", batch) for batch in (13, 104, 208)),
    *(Case("large", batch, ranks=2) for batch in (104, 208)),
    Case("large", 104, ranks=2, plain=True),
    Case("large", 104, ranks=2, way="slow link"),
)


def seconds(case: Case, folder: Path, machines: TwoMachines) -> list[float]:
    """Run a training; return the seconds of a step of each of its epochs but the first."""
    command, quiet = case.command(folder), {"capture_output": True, "text": True, "check": False}
    if case.way == "slow link":
        done = machines.run(command, **quiet)
    else:
        ranks = [] if case.ranks == 1 else ["mpiexec", "-n", str(case.ranks)]
        environment = os.environ | (LOOPBACK if case.way == "loopback" else {})
        done = subprocess.run([*ranks, *command], env=environment, **quiet)  # type: ignore[call-overload]
    if done.returncode:
        raise RuntimeError(f"{case.name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    (run,) = folder.glob("run*")
    with (run / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for path in sorted(run.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run.rmdir()
    return [case.batch / float(row["images_per_second"]) for row in rows[1:]]


def trainings(
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each case, in turn.")] = 5,
    only: Annotated[str, typer.Option(help="Cases that have this in their name.")] = "",
    pause: Annotated[float, typer.Option(min=0, help="Seconds after each run, for others.")] = 0.0,
) -> None:
    """Time the steps of trainings, and put the medians into docs/scaling.json."""
    cases = [case for case in CASES if only in case.name]
    times: dict[Case, list[float]] = {case: [] for case in cases}
    adding: list[float] = []
    with tempfile.TemporaryDirectory() as place, TwoMachines(DELAY, RATE) as machines:
        folder, watch = Path(place), Watch()
        for count in {STEPS * case.batch for case in cases}:
            _write_images(folder / f"{count}.npz", count)
        for number in range(rounds):
            adding.append(_adding())
            for case in cases:
                times[case] += (found := seconds(case, folder, machines))
                time.sleep(pause)
                err.print(f"round {number + 1}: {case.name}: {1e3 * min(found):.1f} ms")
            rows: list[dict[str, Any]] = [
                asdict(case) | {"seconds": [round(second, 5) for second in found]}
                for case, found in times.items()
            ]
            busy, add = round(watch.others(), 3), min(adding)
            store("trainings", {"rounds": number + 1, "busy": busy, "add": add, "cases": rows})


def _adding() -> float:
    """Return the seconds it takes to add one float of a lane's gradient to another."""
    lanes, total, scratch = np.ones((8, 876_618), np.float32), np.empty(876_618, np.float32), Workspace()
    return seconds_per_call(lambda: add_in_pairs(lanes, total, scratch)) / (7 * total.size)


def _write_images(path: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    np.savez(path, images=rng.integers(0, 256, (count, 28, 28), np.uint8), labels=np.arange(count) % 10)


if __name__ == "__main__":
    typer.run(trainings)
