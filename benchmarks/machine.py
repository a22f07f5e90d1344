"""What the figures depend on besides the code: processor, memory, BLAS, versions."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.setting import ROOT
from benchmarks.sides import Call, answering

PACKAGES = {
    "NumPy": "numpy",
    "Pillow": "pillow",
    "PyTorch": "torch",
    "onnxruntime": "onnxruntime",
    "SciPy": "scipy",
    "OpenCV": "opencv-python-headless",
    "scikit-image": "scikit-image",
}

PROGRAMS = {"vips": ["vips", "--version"], "ImageMagick": ["convert", "-version"]}


def machine(threads: int) -> dict[str, str]:
    """Return the facts, by name, as text."""
    facts = {
        "Processor": _processor(),
        "Cores": str(os.cpu_count()),
        "Memory": _memory(),
        "System": f"{platform.system()} {platform.release()}",
        "BLAS of `convcli`": _blas(threads, as_convcli=True),
        "BLAS of `import numpy`": _blas(threads, as_convcli=False),
        "Python": platform.python_version(),
        "convcli": f"{version('convcli')}{_commit()}",
    }
    for name, package in PACKAGES.items():
        try:
            facts[name] = version(package)
        except PackageNotFoundError:
            facts[name] = "not installed"
    for name, command in PROGRAMS.items():
        facts[name] = _first_line(command) or "not installed"
    return facts


class Watch:
    """Tells how much of our processors others have used since it was made; 0 where no system says."""

    def __init__(self) -> None:
        self._before = self._now()

    def others(self) -> float:
        """Return their share, 0 to 1: all that was used, less what we and our ended children have used."""
        total, used, ours = (after - before for before, after in zip(self._before, self._now(), strict=True))
        return max(0.0, (used - ours) / total) if total else 0.0

    def _now(self) -> tuple[float, float, float]:
        """Return the seconds that our processors have had, have worked, and have worked for us."""
        if not hasattr(os, "sched_getaffinity"):
            return 0.0, 0.0, 0.0
        names = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        total = idle = 0.0
        for line in _lines(Path("/proc/stat")):
            name, *ticks = line.split()
            if name in names:
                counts = [int(tick) / os.sysconf("SC_CLK_TCK") for tick in ticks[:8]]
                total, idle = total + sum(counts), idle + counts[3] + counts[4]
        times = os.times()
        return total, total - idle, sum(times[:4])


def _processor() -> str:
    lines = _lines(Path("/proc/cpuinfo"))
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    vectors = next((kind for kind in ("avx512f", "avx2", "avx") if kind in flags), "")
    return ", ".join(filter(None, [names[0] if names else platform.machine(), vectors]))


def _memory() -> str:
    total = next(
        (line.split()[1] for line in _lines(Path("/proc/meminfo")) if line.startswith("MemTotal")), ""
    )
    return f"{int(total) / 2**20:.0f} GiB" if total else "unknown"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def _blas(threads: int, *, as_convcli: bool) -> str:
    with answering("BLAS", Call(blas_side, as_convcli), threads) as ask:
        return ", ".join(ask())


def blas_side() -> Callable[[], list[str]]:
    """Return what tells which BLAS NumPy has loaded in this process, with which kernels."""
    import numpy  # noqa: F401  (loads it)

    from convcli.engine.blas import blas_libraries

    return lambda: [
        f"{info['internal_api']} {info['version']} ({info.get('architecture', 'unknown kernels')})"
        for info in blas_libraries()
    ]


def _commit() -> str:
    """Return the checkout's commit, with a plus where files differ from it."""
    commit = _first_line(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"])
    changed = _first_line(["git", "-C", str(ROOT), "status", "--porcelain", "--", "src"])
    return f", commit {commit}{'+' if changed else ''}" if commit else ""


def _first_line(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return lines[0].partition(" http")[0].removeprefix("Version: ") if lines else ""
