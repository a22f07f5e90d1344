"""How many threads to use, and tasks spread over them; NumPy lets other threads run while it computes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


@cache
def available_cores() -> int:
    """Return how many processors this process may use: its affinity, or less where a cgroup limits its time.

    A container that may use half a processor's time still gets 1.
    """
    limit = cgroup_cores()
    cores = affinity_cores()
    return cores if limit is None else max(1, min(cores, round(limit)))


def affinity_cores() -> int:
    """Return how many processors the system's scheduler may put this process on."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13; honours PYTHON_CPU_COUNT too
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cgroup_cores(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """Return the processors' time a second that this process's control groups grant; None if they do not say.

    Version 2 writes `cpu.max` as "quota period", version 1 two files; the smallest limit from the process's
    group up to the root holds.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    limits = []
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / controllers if controllers and (root / controllers).is_dir() else root
        if controllers and top == root:
            top = root / "cpu"
        group = top / place.lstrip("/")
        for folder in (group, *group.parents):
            limits.append(_limit_of(folder))
            if folder == top:
                break
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _limit_of(folder: Path) -> float | None:
    """Return the limit that one control group sets, of either version."""
    with suppress(OSError, ValueError):
        quota, _, period = (folder / "cpu.max").read_text().partition(" ")
        return None if quota.strip() == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota = (folder / "cpu.cfs_quota_us").read_text()
        return None if int(quota) <= 0 else int(quota) / int((folder / "cpu.cfs_period_us").read_text())
    return None


def share(count: int, number: int, of: int) -> range:
    """Return which of `count` things are for one of some who share them, which is `number`, from 0.

    >>> [share(7, number, of=3) for number in range(3)]
    [range(0, 2), range(2, 4), range(4, 7)]
    """
    return range(count * number // of, count * (number + 1) // of)


def threads_each(sets: Sequence[Collection[int]], limit: float | None = None) -> list[int]:
    """Return how many threads each of some processes of one machine has processors for, at least 1.

    Parameters
    ----------
    sets
        The processors that each may be put on. One that several may be put on is shared by them.
    limit
        How many processors' time all of them may take together.

    Examples
    --------
    >>> threads_each([range(16)] * 3), threads_each([{0}, {1}]), threads_each([range(16)] * 4, limit=6)
    ([5, 5, 6], [1, 1], [1, 2, 1, 2])
    """
    owners = Counter(core for cores in sets for core in set(cores))
    found = [0] * len(sets)
    for cores in {frozenset(cores) for cores in sets}:
        alike = [place for place, own in enumerate(sets) if frozenset(own) == cores]
        whole = int(sum(len(alike) / owners[core] for core in cores) + 1e-9)
        for number, place in enumerate(alike):
            found[place] = len(share(whole, number, len(alike)))
    if limit is not None and sum(found) > limit:
        whole, count = round(limit), len(sets)
        found = [min(own, len(share(whole, place, count))) for place, own in enumerate(found)]
    return [max(1, own) for own in found]


def affinity() -> frozenset[int]:
    """Return the processors that the system may put this process on; numbers from 0 where it does not say."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(affinity_cores()))


def spread(task: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """Return what `task` makes of every item, in their order, computed by up to `threads` threads.

    The calling thread is one of them: one more that only waits would be woken after every item, and take the
    busy ones' time. If a task fails, nothing more is begun and the error raised.

    >>> spread(abs, [-1, 2, -3], threads=2)
    [1, 2, 3]
    """
    results: dict[int, Result] = {}
    errors: list[BaseException] = []
    numbers = iter(range(len(items)))

    def work() -> None:
        try:
            for number in numbers:  # each number goes to the thread that asks first
                if errors:
                    return
                results[number] = task(items[number])
        except BaseException as error:
            errors.append(error)

    helpers = [Thread(target=work, daemon=True) for _ in range(min(threads, len(items)) - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(items))]
