"""How long many photos take on a cluster: the least of what cores, network, store and scheduler can do.

`python -m benchmarks.scaling.photos --photos 1e7 --cores 16 …` prints the table. Each limit counts as if it
were alone; what is shared (a store, the scheduler) does not grow with machines.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from convcli.cluster.groups import MOST_BYTES, MOST_IMAGES

DAY = 86_400.0


@dataclass(frozen=True)
class Work:
    """What a photo takes.

    Attributes
    ----------
    core
        Seconds of a core: decoded, filtered, encoded.
    read, written
        Bytes of its file and of the result's.
    """

    name: str
    core: float
    read: float
    written: float


@dataclass(frozen=True)
class Cluster:
    """What there is.

    Attributes
    ----------
    cores, network
        Of a machine: cores, and bytes a second that come in, and go out at the same time.
    disk
        Bytes a second that a machine's temporary folder takes, where remote files are staged; 0 if in memory.
    gets, puts
        Requests a second that the store answers.
    get_requests, put_requests
        Requests a photo takes: to read it; to see that its result is not there yet, and to write it.
    store
        Bytes a second that the store gives, and takes; infinity where it grows with the machines.
    tasks, group
        Groups a second that the scheduler and the client can do, and photos in a group.
    """

    cores: int = 16
    network: float = 10e9 / 8
    disk: float = 500e6
    gets: float = 5500.0
    puts: float = 3500.0
    get_requests: float = 2.0
    put_requests: float = 1.0
    store: float = math.inf
    tasks: float = 41.0
    group: int = 8


@dataclass(frozen=True)
class Limit:
    """One of the limits: photos a second, of one machine or of all together."""

    name: str
    rate: float
    each: bool

    def machines(self, photos: float, seconds: float) -> float:
        """Return how many machines do so many photos in time; infinity if no number of them does."""
        if self.each:
            return math.ceil(photos / seconds / self.rate)
        return 1 if photos / seconds <= self.rate else math.inf


def limits(work: Work, cluster: Cluster) -> list[Limit]:
    """Return how many photos a second each part does, the slowest part of a machine first.

    >>> work = Work("", core=0.5, read=4e6, written=10e6)
    >>> cluster = Cluster(8, network=1e9, disk=1.4e9, gets=5000, puts=3000, tasks=50, group=60)
    >>> found = limits(work, cluster)
    >>> [f"{limit.name} {limit.rate:.0f}" for limit in found]
    ['cores 16', 'network 100', 'disk 100', 'requests 2500', 'scheduler 3000', 'store inf']
    """
    machine = [
        Limit("cores", cluster.cores / work.core, each=True),
        Limit("network", cluster.network / max(work.read, work.written), each=True),
    ]
    if cluster.disk:
        machine.append(Limit("disk", cluster.disk / (work.read + work.written), each=True))
    shared = [
        Limit(
            "requests",
            min(cluster.gets / cluster.get_requests, cluster.puts / cluster.put_requests),
            each=False,
        ),
        Limit("scheduler", cluster.tasks * cluster.group, each=False),
        Limit("store", cluster.store / max(work.read, work.written), each=False),
    ]
    return [*sorted(machine, key=lambda limit: limit.rate), *shared]


def group_of(read: float) -> int:
    """Return how many photos of so many bytes convcli hands out together.

    >>> group_of(1000), group_of(3.75e6), group_of(1e9)
    (64, 8, 1)
    """
    return max(1, min(MOST_IMAGES, int(MOST_BYTES // read)))


def machines(work: Work, cluster: Cluster, photos: float, seconds: float = DAY) -> float:
    """Return how many machines it takes; infinity where something they share is too slow.

    >>> work, cluster = Work("", core=0.5, read=4e6, written=1e6), Cluster(cores=8)
    >>> machines(work, cluster, photos=16 * DAY), machines(work, cluster, photos=16 * DAY + 1)
    (1, 2)
    >>> machines(work, cluster, photos=1e9)
    inf
    """
    return max(limit.machines(photos, seconds) for limit in limits(work, cluster))


def table(work: Work, cluster: Cluster, photos: float, seconds: float = DAY) -> list[tuple[str, ...]]:
    """Return the rows of a table: each limit, photos a second, machines for all photos in time."""
    return [
        (
            limit.name,
            f"{limit.rate:,.1f}" if math.isfinite(limit.rate) else "as many as asked",
            "a machine" if limit.each else "all together",
            _count(limit.machines(photos, seconds)),
        )
        for limit in limits(work, cluster)
    ]


def _count(number: float) -> str:
    return f"{number:,.0f}" if math.isfinite(number) else "none is enough"


def print_photos(
    photos: Annotated[float, typer.Option(min=1, help="How many.")] = 1e7,
    core: Annotated[float, typer.Option(min=1e-6, help="Seconds of a core for one.")] = 0.6,
    read: Annotated[float, typer.Option(min=1, help="Bytes of a photo.")] = 3.75e6,
    written: Annotated[float, typer.Option(min=1, help="Bytes of a result.")] = 9e6,
    hours: Annotated[float, typer.Option(min=1e-3, help="In which all are to be done.")] = 24.0,
    cores: Annotated[int, typer.Option(min=1, help="Of a machine.")] = Cluster.cores,
    network: Annotated[float, typer.Option(min=1, help="Bits a second of a machine.")] = Cluster.network * 8,
    disk: Annotated[float, typer.Option(min=0, help="Bytes a second; 0: in memory.")] = Cluster.disk,
    gets: Annotated[float, typer.Option(min=1, help="The store's reads a second.")] = Cluster.gets,
    puts: Annotated[float, typer.Option(min=1, help="The store's writes a second.")] = Cluster.puts,
    store: Annotated[float, typer.Option(min=1, help="The store's bytes a second.")] = Cluster.store,
    tasks: Annotated[float, typer.Option(min=1e-3, help="The scheduler's groups a second.")] = Cluster.tasks,
    group: Annotated[
        int | None, typer.Option(min=1, help="Photos in a group; as many as convcli takes if not given.")
    ] = None,
) -> None:
    """Print what limits filtering many photos, and how many machines it takes."""
    cluster = Cluster(
        cores, network / 8, disk, gets, puts, store=store, tasks=tasks, group=group or group_of(read)
    )
    work = Work("", core, read, written)
    out = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    rows = Table("limit", "photos/s", "of", f"machines for {hours:g} h")
    for row in table(work, cluster, photos, hours * 3600):
        rows.add_row(*row)
    out.print(rows)
    out.print(
        f"{photos:,.0f} photos: {photos * read / 1e12:,.1f} TB read, "
        f"{photos * written / 1e12:,.1f} TB written, "
        f"{photos * core / 3600:,.0f} core hours; machines: "
        f"{_count(machines(work, cluster, photos, hours * 3600))}"
    )


if __name__ == "__main__":
    typer.run(print_photos)
