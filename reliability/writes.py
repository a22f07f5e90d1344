"""A checkpoint write that ends at each of its steps in Python: as `calls`, in seconds and without strace."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from reliability.checkpoint import Scene, epoch_to_write
from reliability.states import expect

_STEPS = ("open", "writelines", "flush", "fsync", "lockf", "replace", "close")
_ENDED = 9


def writes(home: Path) -> Iterator[str]:
    """End a process at each step of the write; yield the step.

    Raises
    ------
    BrokenError
        If the run is then neither as before nor as after, or does not go on to the same end.
    """
    scene = Scene(home)
    scene.set()
    write = epoch_to_write(scene.run)
    for number in count(1):
        scene.set()
        step = _ending_at(number, write)
        scene.check()
        if step is None:
            return
        yield step


def _ending_at(number: int, write: Callable[[], None]) -> str | None:
    """Run `write` in a process that ends at its step of that number; return that, or None if it has fewer."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        steps = count(1)

        def end(_frame: Any, event: str, function: Any) -> None:
            name = getattr(function, "__name__", "")
            if event in ("c_call", "c_return") and name in _STEPS and next(steps) == number:
                sys.setprofile(None)
                when = "before" if event == "c_call" else "after"
                os.write(writing, f"{when} {name}".encode())
                os._exit(_ENDED)  # without a last flush of what is buffered, as if it had been killed

        sys.setprofile(end)
        write()
        sys.setprofile(None)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        step = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    expect(code in (0, _ENDED), f"the write that was to end {step} ended with {code}")
    return step or None
