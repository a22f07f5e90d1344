"""`filter --cluster`: what it cannot do, its results as they come, and its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from convcli.cli.batch import print_done
from convcli.cli.interruption import interruptions
from convcli.cli.output import note, own_words_only, print_json, say
from convcli.errors import ConvcliError, UsageError
from convcli.files import path_of, protocol_of
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.cluster.batch import ClusterBatch
    from convcli.cluster.dask import Cluster

WITHOUT = {
    "output": ("-o", "each worker writes its results; give --out-dir."),
    "show": ("--show", "results are printed as they come, and not drawn."),
    "protocol": ("--protocol", "results are printed as they come, and not drawn."),
    "repeat": ("--from", "it makes results again on this machine, and holds them against the manifest."),
    "dry_run": (
        "--dry-run",
        "leave out --cluster to see what would be written: nothing is filtered for that.",
    ),
}
"""Options that do not go with --cluster, and why."""

HINT = (
    "  Workers open files by their names: have a shared file system show them the folders at the same places."
)


def check_cluster(
    cluster: str | None, given: Collection[str], images: Sequence[str], out_dir: Path | None
) -> None:
    """Raise `UsageError` of an address that is none, and of what does not go with a cluster."""
    if cluster is None:
        return
    from convcli.cluster import LOCAL  # of which plain filtering imports nothing

    if cluster != LOCAL and "://" not in cluster:
        likely = f"tcp://{cluster}" if ":" in cluster else "tcp://host:8786"
        raise UsageError(
            f"--cluster: expected local or the address of a Dask scheduler such as {shown(likely)}, found "
            f"{shown(cluster)!r}."
        )
    for name, (option, why) in WITHOUT.items():
        if name in given:
            raise UsageError(f"{option} does not go with --cluster: {why}")
    if "jobs" in given and cluster != LOCAL:
        raise UsageError(
            "--jobs goes with --cluster local, where it starts so many processes; a scheduler's workers have "
            "the threads that they were started with."
        )
    if "-" in images:
        raise UsageError("Standard input (-) does not go with --cluster: workers read files.")
    if "out_dir" not in given:
        raise UsageError("--cluster needs --out-dir, a folder or an address for all results.")
    for name in (*images, str(path_of(out_dir or ""))):
        if protocol_of(name) == "memory":
            raise UsageError(
                f"{shown(name)}: is in the memory of one process, which workers do not share; name a store."
            )


def spread_out(batch: ClusterBatch, address: str, *, processes: int | None, json: bool) -> None:
    """Have a batch made by the workers at an address, print each result, and end as a batch ends."""
    from convcli.cluster.dask import connected

    with own_words_only(), connected(address, processes=processes, tell=note) as cluster:
        try:
            signal = _print_all(batch, cluster, json=json)
        except ConvcliError as error:
            error.args = (*error.args, *_hint(batch))
            raise
    _conclude(batch, signal)


def _print_all(batch: ClusterBatch, cluster: Cluster, *, json: bool) -> int:
    """Print what comes of a batch, and return the number of the signal that asked for an end, or 0."""
    from convcli.filtering.notes import Said
    from convcli.filtering.outcomes import Done
    from convcli.render.progress import steps

    said = Said()
    with (
        interruptions() as asked,
        steps(None, "filtering", "images") as advance,
        closing(batch.run(cluster, lambda: bool(asked))) as outcomes,
    ):
        for outcome in outcomes:
            if isinstance(outcome, Done):
                print_done(outcome, said.new(outcome.notes, outcome.job.source), json=json)
            elif json:
                print_json({"input": outcome.job.source, "error": str(outcome.error)})
            advance()
    note(said.counted())
    return asked[0] if asked else 0


def _conclude(batch: ClusterBatch, signal: int) -> None:
    """Say how many were finished already, which failed, and whether there is more to do."""
    count = batch.done + batch.finished + batch.failed
    if batch.finished:
        note(f"{batch.finished:,} of {count:,} results were finished already")
    summary = f"{batch.failed:,} of {count:,} results could not be made"
    lines = [f"  {line}" for error in batch.failures for line in error.lines]
    if more := batch.failed - len(batch.failures):
        place = "" if batch.journal is None else f", in {shown(batch.journal.path)}"
        lines.append(f"  and {more:,} more{place}")
    lines += _hint(batch)
    if signal and batch.is_left:
        if batch.failed:
            say(f"error: {summary}.", *lines)
        say(f"Interrupted: {batch.done:,} results are done. With --resume the same call goes on.")
        raise typer.Exit(128 + signal)
    if batch.failed:
        raise ConvcliError(f"{summary}; the others are done.", *lines)


def _hint(batch: ClusterBatch) -> list[str]:
    """Return what helps where workers have not found what is there on this machine."""
    return [HINT] if batch.is_elsewhere else []
