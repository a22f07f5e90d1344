"""A side's own process: sets up what a `Call` names, then measures once for every line on standard input.

It answers with a line of JSON each time. What libraries print goes to standard error. With "once" in the job
it measures a single time and ends, for whoever wants to know what such a process takes.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.launcher import pin


def begin_as_convcli() -> None:
    """Do what the command line does before NumPy is imported: choose the kernels of the BLAS.

    An import of the library leaves them alone, so without this the engine would not run as in
    `convcli train`.
    """
    if find_spec("convcli.cli.blas") is not None:
        import_module("convcli.cli.blas").prepare()


def set_up(target: str, arguments: dict[str, Any]) -> Any:
    """Return what the function `target`, written as "module:name", returns."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)(**arguments)


def serve(job: dict[str, Any]) -> None:
    """Set up, say so, then answer until nobody asks any more."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    pin(job["threads"])
    if job["as_convcli"]:
        begin_as_convcli()
    measure = set_up(job["target"], job["arguments"])
    if job["once"]:
        measure()
        return
    print("ready", file=replies, flush=True)
    for _ in sys.stdin:
        print(json.dumps(measure()), file=replies, flush=True)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
