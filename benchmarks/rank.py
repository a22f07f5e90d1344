"""One process, or one of several ranks, that trains: `python -m benchmarks.rank JOB`, JOB a list in JSON.

That is a network, the sizes of a batch and of a pass, threads, and how gradients are added: "fixed", "plain",
or "alone" where there is one process. The first rank prints a line of JSON: the steps a second of one pass
over the images, after one that does not count, and how many MB others send a rank for each.
"""

from __future__ import annotations

import json
import os
import sys
import time

from benchmarks.training import Job, random_images


def main(network: str, batch: int, images: int, threads: int, adding: str) -> None:
    """Train, and print how fast that was."""
    from convcli.cli import blas

    blas.prepare()  # as the command line does, before NumPy is imported
    from benchmarks.networks import CLASSES, convcli_config
    from convcli import build
    from convcli.data import Dataset, Splits
    from convcli.nn.ranks import ALONE, Ranks
    from convcli.training import BatchDone

    ranks: Ranks = ALONE
    if adding != "alone":
        from convcli.cluster.mpi import world

        ranks = world(plain=adding == "plain")
    pixels, labels = random_images(Job(network, batch, images, threads))
    data = Splits(Dataset(pixels, labels, tuple(map(str, range(CLASSES)))), None, None, ())
    model = build.new_model(convcli_config(network, batch), data, threads)
    training = build.training_of(model, data, threads, ranks)
    steps = (event for event in training.run() if isinstance(event, BatchDone))
    for _ in range(training.batches):
        next(steps)
    ranks.same(None)
    started = time.perf_counter()
    for _ in range(training.batches):
        next(steps)
    took = time.perf_counter() - started
    reading = {"steps": training.batches / took}
    with model.workers(threads, ranks) as workers:
        if received := workers.received(batch):
            reading["MB"] = received / 1e6
    if ranks.rank == 0:
        sys.stdout.write(json.dumps(reading))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main(*json.loads(sys.argv[1]))
