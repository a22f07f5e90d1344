"""Whether a launcher of MPI, mpiexec or srun, has started this process as one of several."""

from __future__ import annotations

import os
from collections.abc import Mapping

_SIZES = (
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "MV2_COMM_WORLD_SIZE",
)  # Open MPI; MPICH, Intel MPI, srun; MVAPICH
_OF_SLURM = "SLURM_NTASKS"  # with PMIX_RANK: srun --mpi=pmix says no size of its own


def launched(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many processes were started together; 1 where this one was started by itself.

    >>> launched({"PMI_SIZE": "4"}), launched({"SLURM_NTASKS": "4"})
    (4, 1)
    """
    names = [*_SIZES, *([_OF_SLURM] if "PMIX_RANK" in environment else [])]
    sizes = [environment.get(name, "") for name in names]
    return max([1, *(int(size) for size in sizes if size.isascii() and size.isdigit())])
