"""Memory that is freed: kept for the next image where the system's library can."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from convcli.engine.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
np.ones(1 << 20, np.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    np.ones(1 << 20, np.uint8), np.ones(1 << 21, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the switch")
def test_pages_are_not_asked_for_again_and_again():
    words = [sys.executable, "-c", FAULTS]
    kept, given_back = (
        int(subprocess.run([*words, how], capture_output=True, check=True).stdout) for how in ("keep", "not")
    )
    assert kept < 2000
    assert kept < given_back
