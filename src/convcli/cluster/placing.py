"""How the ranks of a job lie on machines, and how many threads each may take there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from convcli.cluster.launched import launcher
from convcli.engine.threads import cgroup_cores, threads_each


class Place(NamedTuple):
    """Where a rank is: its machine, the threads that it takes there, and what there is for all of them."""

    host: str
    threads: int
    cores: int
    """Processors that the ranks of the machine may use, all together."""
    kept: bool
    """Whether Open MPI's mpiexec keeps each on processors of its own, and some are nobody's."""


def placed(host: str, place: int, sets: Sequence[frozenset[int]], wanted: int | None) -> Place:
    """Return where the rank is that is the `place`-th of its machine.

    Parameters
    ----------
    sets
        The processors that each rank of the machine may be put on.
    wanted
        The threads that it is to take; its share of the processors if not given.
    """
    together, limit = len(frozenset[int]().union(*sets)), cgroup_cores()
    cores = together if limit is None else max(1, min(together, round(limit)))
    # By itself, that is; what a scheduler gives each rank is what was asked for.
    apart = launcher() == "Open MPI" and len(sets) > 1 and sum(map(len, sets)) == together
    kept = apart and together < (os.cpu_count() or 1)
    return Place(host, wanted or threads_each(sets, limit)[place], cores, kept)


def notes_on(places: Sequence[Place]) -> list[str]:
    """Return what to say of machines whose processors are too few for their ranks, or are left out."""
    found = []
    hosts = list(dict.fromkeys(place.host for place in places))
    for host in hosts:
        here = [place for place in places if place.host == host]
        cores, threads = here[0].cores, sum(place.threads for place in here)
        where = f"{host}: " if len(hosts) > 1 else ""
        if threads > cores:
            each = f" of {here[0].threads} threads" if threads > len(here) else ""
            found.append(
                f"{where}{len(here)} rank(s){each} take turns on {cores} processor(s), no faster than fewer"
            )
        elif here[0].kept:
            found.append(
                f"{where}mpiexec keeps {len(here)} ranks on {cores} of the machine's processors; with "
                "--bind-to none they use all"
            )
    return found
