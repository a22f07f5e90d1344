"""How a command's results get to where they go: into a run's folder, or to a place of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple


class Placing(NamedTuple):
    """How to check that a file may be written, to make a folder, and to write a file."""

    check: Callable[[Path], object]
    make: Callable[[Path], None]
    write: Callable[[Path, bytes], None]


def into_run() -> Placing:
    """Return how files get into a run's folder: they replace older ones, and no link is followed."""
    from convcli import files

    return Placing(files.judge_inside, files.make_inside, files.write_inside)


def out_of_run(*, force: bool) -> Placing:
    """Return how they get elsewhere: links are the user's own, and nothing is overwritten without `force`."""
    from convcli import files

    check = partial(files.judge, force=force, made=True)
    return Placing(check, files.make_folder, partial(files.write, force=force))
