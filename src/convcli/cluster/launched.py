"""Whether a launcher of MPI, mpiexec or srun, has started this process as one of several."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

_SIZES = (
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "MV2_COMM_WORLD_SIZE",
)  # Open MPI; MPICH, Intel MPI, srun; MVAPICH
_PLACES = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID")
_OF_SLURM = "SLURM_NTASKS"  # with PMIX_RANK: srun --mpi=pmix says no size of its own


def launched(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many processes were started together; 1 where this one was started by itself.

    >>> launched({"PMI_SIZE": "4"}), launched({"SLURM_NTASKS": "4"})
    (4, 1)
    """
    names = [*_SIZES, *([_OF_SLURM] if "PMIX_RANK" in environment else [])]
    sizes = [environment.get(name, "") for name in names]
    return max([1, *(int(size) for size in sizes if size.isascii() and size.isdigit())])


def place(environment: Mapping[str, str] = os.environ) -> int:
    """Return which of them this process is, from 0.

    >>> place({"PMI_SIZE": "4", "PMI_RANK": "3"}), place({})
    (3, 0)
    """
    found = [environment.get(name, "") for name in _PLACES]
    return next((int(place) for place in found if place.isascii() and place.isdigit()), 0)


def follows(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether another one of several processes speaks for this one."""
    return launched(environment) > 1 and place(environment) > 0


def launcher(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return whose launcher has started this process, as mpi4py names vendors; None if that is not known."""
    if "OMPI_COMM_WORLD_SIZE" in environment:
        return "Open MPI"
    return "MPICH" if "PMI_FD" in environment else None  # as Hydra has it, MPICH's and Intel's mpiexec


def command(size: int, *words: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the command line that starts a command as so many processes, as these were started.

    >>> command(4, "convcli", "train", "my data.toml", environment={})
    "mpiexec -n 4 convcli train 'my data.toml'"
    """
    by_slurm = launcher(environment) is None and "SLURM_STEP_ID" in environment
    launch = [] if size == 1 else ["srun" if by_slurm else "mpiexec", "-n", str(size)]
    return shlex.join([*launch, *words])
