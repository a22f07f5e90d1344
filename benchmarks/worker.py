"""A side's own process: sets up what a `Call` names, then measures once for every line on standard input.

It answers with a line of JSON each time. What libraries print goes to standard error. With "once" in the job
it measures a single time and ends, for whoever wants to know what such a process takes.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from typing import Any

from benchmarks.launcher import pin


def serve(job: dict[str, Any]) -> None:
    """Set up, say so, then answer until nobody asks any more."""
    pin(job["threads"])
    if job["as_convcli"]:
        # The command line chooses the kernels of the BLAS before NumPy is imported. An import of the library
        # leaves them alone, so without this the engine would not run as in `convcli train`.
        from convcli.cli import blas

        blas.prepare()
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    measure = pickle.loads(bytes.fromhex(job["set_up"]))()
    if job["once"]:
        measure()
        return
    print("ready", file=replies, flush=True)
    for _ in sys.stdin:
        print(json.dumps(measure()), file=replies, flush=True)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
