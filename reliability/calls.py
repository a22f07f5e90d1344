"""`kill -9` at each system call of a checkpoint write, with strace's help."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reliability.checkpoint import BEGIN, END, Scene
from reliability.states import expect

_CALL = re.compile(r"^(\w+)\(")


@dataclass(frozen=True)
class Call:
    """A system call of the write: its name, and the how many-th of that name in the whole process it is."""

    name: str
    number: int


def calls(home: Path) -> Iterator[tuple[Call, bool]]:
    """Kill the write at each of its system calls; yield each, and whether the process was killed there.

    Raises
    ------
    BrokenError
        If the run is then neither as before nor as after, or does not go on to the same end.
    """
    scene = Scene(home)
    scene.set()
    for call in _traced(scene.run):
        scene.set()
        injected = f"inject={call.name}:signal=KILL:when={call.number}"
        code = _strace(["-e", f"trace={call.name}", "-e", injected, "-o", os.devnull], scene.run).returncode
        expect(code in (0, -signal.SIGKILL, 128 + signal.SIGKILL), f"{call}: ended with {code}")
        scene.check()
        yield call, code != 0


def _traced(run: Path) -> Iterator[Call]:
    """Return the system calls of a write that nobody disturbs."""
    log = run.parent / "calls.log"
    done = _strace(["-o", str(log)], run)
    expect(done.returncode == 0, f"the undisturbed write ended with {done.returncode}: {done.stderr}")
    seen: Counter[str] = Counter()
    inside = False
    for line in log.read_text(errors="replace").splitlines():
        match = _CALL.match(line)
        if match is None:
            continue
        seen[match[1]] += 1
        if END in line:
            return
        if inside:
            yield Call(match[1], seen[match[1]])
        inside = inside or BEGIN in line


def _strace(options: list[str], run: Path) -> subprocess.CompletedProcess[str]:
    command = ["strace", *options, sys.executable, "-m", "reliability.checkpoint", str(run)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
