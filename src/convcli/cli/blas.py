"""Asks OpenBLAS for its AVX-512 kernels on processors that have them and that its table does not know."""

from __future__ import annotations

import os
from pathlib import Path

NEEDED = {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}
SETTING, WANTED = "OPENBLAS_CORETYPE", "SkylakeX"


def prepare() -> None:
    """Set `OPENBLAS_CORETYPE=SkylakeX` where the processor has AVX-512; call it before NumPy is imported.

    OpenBLAS recognises processors from a table and reads the variable once, when NumPy is imported. On a
    newer processor with AVX-512 that is not in the table it takes its AVX2 kernels, which multiply about half
    as fast. On those that it knows nothing changes: its later kernels for AVX-512 (Cooperlake,
    SapphireRapids) are SkylakeX's in float32 and float64. What the user has set is left alone.

    Source: OpenBLAS, driver/others/dynamic.c, kernel/x86_64/KERNEL.COOPERLAKE and KERNEL.SAPPHIRERAPIDS.
    """
    if SETTING not in os.environ and has_avx512():
        os.environ[SETTING] = WANTED


def has_avx512(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the processor has the instructions that the kernels need; False where nothing tells."""
    try:
        with cpuinfo.open(encoding="utf-8", errors="replace") as lines:  # long, where processors are many
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return False
    return set(flags.partition(":")[2].split()) >= NEEDED
