"""Training as one of several ranks of MPI: the first leads, writes and prints, the others follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from convcli.cli.interruption import interruptions
from convcli.cli.output import note
from convcli.errors import TrainingError, UsageError

if TYPE_CHECKING:
    from convcli.config_file import ConfigFile
    from convcli.nn.ranks import Ranks
    from convcli.training import Training

Allreduce = Literal["fixed", "plain"]


def ranks_of(allreduce: Allreduce | None) -> Ranks:
    """Return those who were started together with this process, or it alone."""
    from convcli.cluster.launched import launched

    if launched() > 1:
        from convcli.cluster.mpi import world

        return world(plain=allreduce == "plain")
    if allreduce is not None:
        raise UsageError("--allreduce is for several ranks: mpiexec -n 4 convcli train CONFIG.")
    from convcli.nn.ranks import ALONE

    return ALONE


@contextmanager
def leading(ranks: Ranks) -> Iterator[Callable[[Training, ConfigFile], None]]:
    """Give what hands a training to the others, who are told if it does not come to that."""
    from convcli.runs.checkpoints import last_checkpoint

    handed = ranks.size == 1

    def hand(training: Training, file: ConfigFile) -> None:
        nonlocal handed
        training.ranks = ranks
        if ranks.size > 1:
            lanes = training.lanes
            if lanes < ranks.size:
                note(f"{ranks.size:,} ranks: a batch has work for {lanes}")
            handed = True
            ranks.same((file, b"".join(last_checkpoint(training).parts())))

    try:
        yield hand
    finally:
        if not handed:
            ranks.same(None)


def follow(ranks: Ranks, threads: int) -> None:
    """Do what the first rank does, and say nothing."""
    from convcli.data import load_data
    from convcli.runs.checkpoints import restore_training
    from convcli.runs.folder import Checkpoint

    told: tuple[ConfigFile, bytes] | None = ranks.same(None)
    if told is None:
        return
    file, last = told
    data = load_data(file.config.data, file.base, file.config.training.seed)
    training = restore_training(Checkpoint.of(last), Path("the first rank"), data, threads, ranks)
    with interruptions() as asked:
        try:
            for event in training.run(asked):
                if event.stop:
                    raise typer.Exit(128 + event.stop)
        except TrainingError as error:  # which the first one says
            raise typer.Exit(error.exit_code) from None
