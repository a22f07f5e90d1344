"""Averages of the weights over the steps of a training: they are judged and kept instead of the weights."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from convcli.config import Options
from convcli.engine.workspace import Array


class Averaging(Options):
    """[training.ema]: averages of weights and running figures, every so many steps: a ← d · a + (1 − d) · w.

    d is `decay`, or less at the beginning, where the first weights are to be forgotten: at most u / (u + 9)
    at the update number u, from 1. With `lookahead` the training goes on from the averages each time: w ← a.
    Sources: Polyak and Juditsky, 1992, "Acceleration of stochastic approximation by averaging"; Zhang, Lucas,
    Hinton and Ba, 2019, arXiv:1907.08610 (lookahead); d at the beginning as in TensorFlow's
    ExponentialMovingAverage.
    """

    decay: Annotated[float, Field(gt=0, lt=1)] = 0.99
    every: PositiveInt = 1
    lookahead: bool = False

    def share(self, step: int) -> float:
        """Return 1 − d after step number `step`, from 1: what the weights' part in the averages is; or 0."""
        update, between = divmod(step, self.every)
        return 0.0 if between else 1 - min(self.decay, update / (update + 9))

    def update(self, averages: Array, weights: Array, step: int) -> None:
        """Let the weights after step number `step` into their averages; both (size,), in place."""
        share = self.share(step)
        if share:
            averages += share * (weights - averages)  # nothing at all where both are the same
            if self.lookahead:
                weights[...] = averages
