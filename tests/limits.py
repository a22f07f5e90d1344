"""The command line under the limits that no file may bring it to: 2 GiB of memory, 20 s of a processor."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import Result

MOST_BYTES, MOST_SECONDS = 2 << 30, 20

# Set by the process itself: between a fork and an exec nothing of Python should run.
_PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({bytes}, {bytes}))
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
from convcli.__main__ import main
main()
"""


def limited(*args, cwd):
    """Return what `convcli args` came to; it is an error if it came to the limits."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(bytes=MOST_BYTES, seconds=MOST_SECONDS), *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Haswell", "COLUMNS": "100"},
        timeout=300,  # of a busy machine
        check=False,
    )
    result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert result.code >= 0, f"ended by signal {-result.code}, as a limit does"
    assert "memory" not in result.stderr.replace("of memory, this machine", ""), result.stderr
    assert "Traceback" not in result.stderr
    assert "defect" not in result.stderr
    return result
