"""Runs one command and says what it took: `python -I -S launcher.py JOB.json`.

It imports next to nothing, because a process begins its life with the peak memory of the one that started it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any


def pin(threads: int) -> None:
    """Keep this process, and those it starts, on the first `threads` of its processors, if possible."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def peak(usage: resource.struct_rusage) -> int:
    """Return the peak memory that `usage` holds, in bytes."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def launch(job: dict[str, Any]) -> dict[str, float]:
    """Run `job["command"]` to its end and return its exit code, wall time in s and peak memory in bytes."""
    os.chdir(job["folder"])
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, job["stdout"], write, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, job["stderr"], write, 0o600),
    ]
    started = time.perf_counter()
    process = os.posix_spawnp(job["command"][0], job["command"], os.environ, file_actions=files)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - started
    return {"code": os.waitstatus_to_exitcode(status), "seconds": seconds, "peak": peak(usage)}


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123  (pathlib would weigh more)
        job = json.load(file)
    pin(job["threads"])
    sys.stdout.write(json.dumps(launch(job)))
