"""Runs one command and says what it took: `python -I -S launcher.py RESULT.json THREADS COMMAND...`.

It imports next to nothing, because a process begins its life with the peak memory of the one that started it.
Where the command ends with an error, so does it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

WATCH_S = 0.05
"""How often to look what a process and those it forked take together."""


def pin(threads: int) -> None:
    """Keep this process, and those it starts, on the first `threads` of its processors, if possible."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def proportional(process: int) -> int:
    """Return the memory of `process` in bytes, shared pages counted in parts; 0 if it is gone."""
    try:
        with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123
            return next((1024 * int(line.split()[1]) for line in file if line.startswith("Pss:")), 0)
    except OSError:
        return 0


def children(process: int) -> list[int]:
    """Return the processes that `process` has forked and not yet waited for; none where nobody says."""
    try:
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:  # noqa: PTH123
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


class Family(threading.Thread):
    """Looks, as long as it is open, what `process` and its children take together."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.peak = process, 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(WATCH_S):
            if forked := children(self.process):
                self.peak = max(self.peak, sum(map(proportional, (self.process, *forked))))

    def __enter__(self) -> Family:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def launch(command: list[str]) -> tuple[int, dict[str, float]]:
    """Run `command` to its end; return its exit code, and its wall time, processor time and peak memory.

    The time and the memory are those of the process and of those it forks.
    """
    started = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    with Family(process) as family:
        _, status, usage = os.wait4(process, 0)
        seconds = time.perf_counter() - started
    alone = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    took = {"seconds": seconds, "peak MB": max(alone, family.peak) / 1e6}
    took["processor seconds"] = usage.ru_utime + usage.ru_stime
    return os.waitstatus_to_exitcode(status), took


if __name__ == "__main__":
    pin(int(sys.argv[2]))
    code, took = launch(sys.argv[3:])
    with open(sys.argv[1], "w", encoding="ascii") as file:  # noqa: PTH123  (pathlib would weigh more)
        json.dump(took, file)
    sys.exit(code != 0)
