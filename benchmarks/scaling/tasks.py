"""What a group of images takes of Dask's scheduler and of the client: `filter --cluster` on tiny ones.

`python -m benchmarks.scaling.tasks` writes it to docs/scaling.json: processor time, which leaves out what
others had of the cores; what a group takes is the difference of many images and few. Linux only.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.machine import Watch
from benchmarks.scaling.stored import store

GROUP = 64
FEW, MANY = 10 * GROUP, 110 * GROUP


def tasks() -> None:
    """Measure, and put it into docs/scaling.json."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _write_images(folder)
        dask = [sys.executable, "-m", "dask"]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        address = folder / "scheduler.json"
        scheduler = subprocess.Popen(
            [*dask, "scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(address)], **quiet
        )
        workers = subprocess.Popen(
            [*dask, "worker", "--scheduler-file", str(address), "--nworkers", "2", "--nthreads", "1"], **quiet
        )
        try:
            while not address.exists() or not address.read_text():
                time.sleep(0.1)
            where = json.loads(address.read_text())["address"]
            taken = []
            for count in (FEW, MANY):
                before = _used(scheduler.pid), _children()
                _filter(folder, count, where)
                taken.append((_used(scheduler.pid) - before[0], _children() - before[1]))
        finally:
            scheduler.terminate()
            scheduler.wait()
            workers.wait(60)
    groups = (MANY - FEW) / GROUP
    of_scheduler, of_client = ((many - few) / groups for few, many in zip(*taken, strict=True))
    store(
        "tasks",
        {
            "busy": round(watch.others(), 3),
            "group": GROUP,
            "scheduler": round(of_scheduler, 6),
            "client": round(of_client, 6),
            "groups": round(1 / max(of_scheduler, of_client), 1),
        },
    )


def _write_images(folder: Path) -> None:
    for count in (FEW, MANY):
        (folder / str(count)).mkdir()
        first = folder / str(count) / "0.png"
        Image.new("L", (8, 8)).save(first)
        for number in range(1, count):
            shutil.copy(first, folder / str(count) / f"{number}.png")


def _filter(folder: Path, count: int, where: str) -> None:
    command = [sys.executable, "-m", "convcli", "filter", str(folder / str(count)), "--kernel", "sobel"]
    command += ["--out-dir", str(folder / f"out{count}"), "--manifest", str(folder / f"{count}.jsonl")]
    subprocess.run([*command, "--cluster", where], check=True, capture_output=True)


def _used(process: int) -> float:
    """Return the processor seconds that a process has had so far."""
    fields = Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    tasks()
