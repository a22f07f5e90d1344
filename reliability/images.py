"""`python -m reliability.images FORMAT [N]` reads every N-th malformed file in little memory, and counts."""
# ruff: noqa: T201 - what it says is its result

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from convcli.errors import InputError
from convcli.images import read
from reliability.malformed import corpus

BOMBS = 20  # stand at the end, and are all read
MOST_PIXELS = 2**20
MOST_BYTES = 2**28
"""What a reader may ask for, beyond what the process has before. The largest image allowed takes 2²⁴."""


def read_all(kind: str, step: int = 1) -> dict[str, Any]:
    """Read malformed files of a format; return how many came to what, and what must not have come."""
    files = list(corpus(kind))
    files = [*files[:-BOMBS:step], *files[-BOMBS:]]
    images, refused = Counter[str](), Counter[str]()
    findings, slowest = [], 0.0
    before = _limit_memory()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"image.{kind}"
        for number, (sort, data) in enumerate(files):
            path.write_bytes(data)
            began = time.perf_counter()
            try:
                read(path, threads=1 + number % 2, max_pixels=MOST_PIXELS)
                images[sort] += 1
            except InputError as error:
                refused[sort] += 1
                if not str(error).startswith(str(path)) or len(str(error).splitlines()) > 1:
                    findings.append(f"{sort}, file {number}: not a message: {error}")
            except Exception as error:  # what must not come
                findings.append(f"{sort}, file {number}: {type(error).__name__}: {error}")
            slowest = max(slowest, time.perf_counter() - began)
    return {
        "format": kind,
        "files": len(files),
        "images": images,
        "refused": refused,
        "findings": findings,
        "grown_mib": round((_peak() - before) / 2**20, 1),
        "slowest_seconds": round(slowest, 2),
    }


def read_in_little_memory(kind: str) -> dict[str, Any]:
    """Return what `read_all` does, from a process of its own."""
    command = [sys.executable, "-m", "reliability.images", kind]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    came: dict[str, Any] = json.loads(done.stdout)
    return came


def _limit_memory() -> int:
    """Allow this process `MOST_BYTES` more than it has; return how much it has held at most."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    return _peak()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps(read_all(sys.argv[1], *map(int, sys.argv[2:]))))
