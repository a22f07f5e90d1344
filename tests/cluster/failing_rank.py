"""The command line, as ranks of which some meet something in the middle of a training.

Arguments: what they meet, the ranks that do, as 0,2, the batch before which, and what the command is told.
"""

from __future__ import annotations

import os
import signal
import sys

import convcli.data
from convcli.cli.app import main
from convcli.cluster.launched import place
from convcli.errors import InputError
from convcli.training import Training


def lack_memory():
    raise MemoryError("Unable to allocate 4 GiB")


def lack_file():
    raise InputError("Data source 'photos' not found.")


MEETINGS = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "memory": lack_memory,
    "file": lack_file,
    "nothing": lambda: None,
}


def meet(does, batch):
    """Have it met before a batch, or in the place of the images being loaded."""
    step, batches = Training._step, iter(range(1 << 30))

    def met(training, *given):
        if next(batches) == batch:
            does()
        return step(training, *given)

    if batch < 0:
        convcli.data.load_data = lambda *_: does()
    setattr(Training, "_step", met)  # noqa: B010


if __name__ == "__main__":
    what, ranks, batch = sys.argv[1:4]
    del sys.argv[1:4]
    if str(place()) in ranks.split(","):
        meet(MEETINGS[what], int(batch))
    main()
