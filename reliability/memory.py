"""The memory of a training over very many steps: it must be at the end what it was at the start."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reliability.kills import start
from reliability.states import expect, write_config

_TRAINING = (
    'epochs = {epochs}, batch_size = 2, optimizer = {{ type = "sgd", momentum = 0.9, learning_rate = 1e-4 }}'
)
BATCHES = 647  # of two images an epoch


@dataclass(frozen=True)
class Sample:
    """How much memory a training holds, over all its processes."""

    seconds: float
    steps: int
    mebibytes: float


def samples(home: Path, steps: int, every: float) -> Iterator[Sample]:
    """Train for so many steps, and measure every so many seconds."""
    config, run = home / "training.toml", home / "run"
    write_config(config, units=4, training=_TRAINING.format(epochs=-(-steps // BATCHES)))
    started = time.monotonic()
    process = start(["train", str(config), "--run-dir", str(run)])
    while True:
        try:
            process.communicate(timeout=every)
        except subprocess.TimeoutExpired:
            rows = (run / "metrics.csv").read_text().count("\n") if (run / "metrics.csv").exists() else 1
            if rows > 1:
                yield Sample(time.monotonic() - started, (rows - 1) * BATCHES, mebibytes(process.pid))
        else:
            expect(process.returncode == 0, f"the training ended with {process.returncode}")
            return


def mebibytes(group: int) -> float:
    """Return the proportional set size of a process and its helpers: shared pages count once in all."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[2]) != group:
                continue
            lines = status.with_name("smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended in the meantime
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def figure(found: list[Sample], path: Path) -> None:
    """Draw memory over steps."""
    from matplotlib.figure import Figure

    picture = Figure((7, 2.6), layout="constrained")
    axes = picture.subplots()
    axes.plot([sample.steps / 1e6 for sample in found], [sample.mebibytes for sample in found])
    axes.set(xlabel="million steps", ylabel="MiB", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    picture.savefig(path, metadata={"Date": None})
