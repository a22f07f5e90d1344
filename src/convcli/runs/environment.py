"""What figures may depend on besides the configuration (versions, processor, BLAS), and when a run began."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from convcli.engine.blas import blas_libraries
from convcli.errors import InputError
from convcli.runs.folder import ENVIRONMENT, Run

CAME_FROM = "weights_from"
"""The key of what is known of the runs whose weights a training began with."""


def write_environment(
    run: Run, *, seed: int, threads: int, ranks: int = 1, came_from: Sequence[Any] = ()
) -> None:
    """Write down this environment as that in which the run begins, and whose weights it begins with."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    others = {CAME_FROM: list(came_from)} if came_from else {}
    run.write_document(ENVIRONMENT, {"began": began, **_environment(seed, threads, ranks), **others})


def add_environment(run: Run, *, seed: int, threads: int, epoch: int, ranks: int = 1) -> bool:
    """Note that the run goes on from `epoch` in another environment, if it is another.

    Returns whether figures may differ by it in their last digits, as they do not by the number of threads or
    of ranks.
    """
    now = _environment(seed, threads, ranks)
    try:
        document = run.read_document(ENVIRONMENT)
        resumed = document.get("resumed", [])
        latest = {"ranks": 1, **[document, *resumed][-1]}
        other = {key for key in now if now[key] != latest[key]}
    except (InputError, TypeError, LookupError):  # what counts is in the checkpoint
        run.write_document(ENVIRONMENT, now)
        return False
    if other:
        run.write_document(ENVIRONMENT, {**document, "resumed": [*resumed, {"epoch": epoch, **now}]})
    return not other.isdisjoint(("versions", "cpu", "blas"))


def _environment(seed: int, threads: int, ranks: int) -> dict[str, Any]:
    blas = blas_libraries()
    return {
        "versions": {"python": platform.python_version(), "convcli": version("convcli")}
        | {name: version(name) for name in ("numpy", "pillow", "pydantic")},
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "blas": [
            {key: info.get(key) for key in ("internal_api", "version", "architecture")} for info in blas
        ],
        "threads": threads,  # of each rank
        "ranks": ranks,
        "seed": seed,
    }


def cpu_name() -> str:
    """Return the processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
