"""Asks OpenBLAS for its AVX-512 kernels on processors that have them and that its table does not know."""

from __future__ import annotations

import os
import sys
from pathlib import Path

NEEDED = {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}
SETTING, WANTED = "OPENBLAS_CORETYPE", "SkylakeX"

# Kernels that OpenBLAS falls back to, all without AVX-512.
OLDER = {"Prescott", "Nehalem", "Sandybridge", "Haswell", "Zen", "Excavator"}


def prepare() -> None:
    """Start the program over with `OPENBLAS_CORETYPE=SkylakeX` where that makes matrix products faster.

    OpenBLAS recognises processors from a table and reads the variable once, when NumPy is imported. On a
    newer processor with AVX-512 that is not in the table it took its AVX2 kernels, and a 1024³ float32
    product ran at 230 instead of 430 GFLOP/s. Starting over costs a tenth of a second. What the user has
    set is left alone.
    """
    if SETTING in os.environ or not has_avx512() or not falls_back():
        return
    os.environ[SETTING] = WANTED
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def has_avx512(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the processor has the instructions that the kernels need; False where nothing tells."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.partition(":")[2].split()) >= NEEDED


def falls_back() -> bool:
    """Return whether OpenBLAS has taken older kernels."""
    import numpy  # noqa: F401 - loads the library that is asked about

    from convcli.engine.blas import blas_libraries

    return any(library.get("architecture") in OLDER for library in blas_libraries())
