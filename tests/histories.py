"""Epochs of trainings that never took place."""

from __future__ import annotations

from convcli.training import Metrics


def history(losses, validation=None):
    """Return an epoch for each loss; an accuracy is what is left of its loss to 1."""

    def rest(loss):
        return None if loss is None else max(0.0, 1 - loss)

    pairs = zip(losses, validation or [None] * len(losses), strict=True)
    return [
        Metrics(epoch, loss, rest(loss), judged, rest(judged), 0.001, 0.5, 1000.0 * epoch)
        for epoch, (loss, judged) in enumerate(pairs, 1)
    ]
