"""The tables of docs/scaling.md that are about ten million photos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.scaling.fitting import undisturbed
from benchmarks.scaling.photos import DAY, Cluster, Work, group_of, limits, machines
from benchmarks.scaling.training_tables import table

PHOTOS = 1e7


def works(document: Mapping[str, Any]) -> dict[str, Work]:
    """Return what a photo takes, each way and kernel that was measured."""
    read = document["photos"]["read"]
    return {
        f"{case['way']}, {case['kernel']}": Work(
            f"{case['way']}, {case['kernel']}", undisturbed(case), read, case["written"]
        )
        for case in document["photos"]["cases"]
    }


def cluster(document: Mapping[str, Any]) -> Cluster:
    """Return the machines that are assumed, with a scheduler as it was measured."""
    return Cluster(tasks=document["tasks"]["groups"], group=group_of(document["photos"]["read"]))


def photos(document: Mapping[str, Any]) -> str:
    """Return what ten million photos take."""
    rows = []
    for name, work in works(document).items():
        found = {limit.name: limit for limit in limits(work, cluster(document))}
        count = machines(work, cluster(document), PHOTOS)
        rows.append(
            (
                name,
                f"{work.core:.2f} s",
                f"{PHOTOS * work.core / 3600:,.0f} h",
                f"{PHOTOS * work.read / 1e12:.0f} TB",
                f"{PHOTOS * work.written / 1e12:.0f} TB",
                *(f"{found[limit].rate:,.0f}" for limit in ("cores", "disk", "network")),
                f"{count:,.0f}",
            )
        )
    return table(
        "way, kernel | a photo, one core | all, one core | read | written | photos/s: 16 cores | disk | "
        "network | machines for a day",
        rows,
    )


def shared(document: Mapping[str, Any]) -> str:
    """Return what all machines share: the scheduler and the store."""
    work = next(iter(works(document).values()))
    found = {limit.name: limit for limit in limits(work, cluster(document))}
    rows = [
        ("ten million in a day", f"{PHOTOS / DAY:,.0f}"),
        (f"scheduler and client, groups of {cluster(document).group}", f"{found['scheduler'].rate:,.0f}"),
        ("scheduler and client, one photo a task", f"{cluster(document).tasks:,.0f}"),
        ("a prefix of S3: 5,500 reads and 3,500 writes a second", f"{found['requests'].rate:,.0f}"),
    ]
    return table("at most, all machines together | photos/s", rows)


def photo_of(document: Mapping[str, Any]) -> str:
    """Return which photo it was."""
    told = document["photos"]
    return (
        f"{told['size'][0]:,} × {told['size'][1]:,} pixels, {told['read'] / 1e6:.2f} MB ({told['source']}); "
        f"to decode it takes {told['decoding']:.2f} s of the figures.\n"
    )
