"""A program for several ranks: the first few of them train small networks together, and print the outcome.

Its arguments are the folder of the tests, a word in the names of the networks, and ways to train them: "3"
with so many ranks, "2x2" with two threads each, "3 plain" with MPI's own Allreduce. For each network it
prints, by way, what the last checkpoint holds; as "alone" what one process comes to.
"""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])  # the folder of the tests

import stripes
from convcli import build
from convcli.cluster.mpi import world
from convcli.nn import cutting
from convcli.nn.ranks import ALONE
from convcli.runs.checkpoints import last_checkpoint

SGD = {"optimizer": {"type": "sgd", "momentum": 0.9, "learning_rate": 0.05}}
NORM, DROP = {"type": "batch_norm"}, {"type": "dropout", "rate": 0.2}
CONV, POOL, FLAT, DENSE = stripes.LAYERS
NETWORKS = {
    "plain": ([CONV, POOL, FLAT, DENSE], SGD),
    "dropout, ema, clip_norm": ([CONV, POOL, DROP, FLAT, DENSE], {"ema": {"decay": 0.8}, "clip_norm": 1.0}),
    "batch_norm": ([CONV, NORM, POOL, FLAT, DENSE], SGD),
    "batch_norm, mixup, flips": (
        [CONV, NORM, POOL, FLAT, {"type": "dense", "units": 8}, NORM, DENSE],
        SGD | {"augmentation": {"mixup": 0.4, "flip": "horizontal"}, "evaluation": {"flips": True}},
    ),
}


def trained(layers, options, ranks, threads):
    """Return a training of batches of 8 lanes and, the last one of an epoch, of 2."""
    config = stripes.config(layers, batch_size=40, epochs=2, **options)
    data = stripes.data()
    model = build.new_model(config, data, threads)
    return stripes.ended(build.training_of(model, data, threads, ranks))


def found(training):
    """Return a digest of all that is kept, the figures of the epochs, and the first weights."""
    arrays = last_checkpoint(training).arrays
    digest = hashlib.sha256(b"".join(name.encode() + arrays[name].tobytes() for name in sorted(arrays)))
    losses = [(row.train_loss, row.train_accuracy, row.validation_loss) for row in training.progress.history]
    return {
        "digest": digest.hexdigest(),
        "epochs": losses,
        "weights": training.model.weights.trained.tolist(),
    }


def main():
    cutting.SMALL_PIECE = 5
    _, _, word, *ways = sys.argv
    everybody, plainly = world(), world(plain=True)
    for name, (layers, options) in NETWORKS.items():
        if word not in name:
            continue
        results = {}
        for way in ways:
            number, _, adding = way.partition(" ")
            count, _, threads = number.partition("x")
            if everybody.rank < int(count):
                ranks = (plainly if adding else everybody).first(int(count))
                results[way] = found(trained(layers, options, ranks, int(threads or 1)))
        each = everybody.same({key: value["digest"] for key, value in results.items()})
        assert all(each.get(key) == value["digest"] for key, value in results.items())
        if everybody.rank == 0:
            results["alone"] = found(trained(layers, options, ALONE, 1))
            sys.stdout.write(json.dumps({"name": name, "results": results}) + "\n")


if __name__ == "__main__":
    np.seterr(all="raise")
    main()
