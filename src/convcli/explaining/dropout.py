"""Dropout: a mask drawn by a seed, what is kept scaled up, the same mask back, nothing while predicting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import ValidationError

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.alone import Alone
from convcli.explaining.checking import check_step
from convcli.explaining.elements import Arrow, Explanation, Grid, Role, Step, Words, every, exact
from convcli.explaining.notation import cell_name, factor, number
from convcli.explaining.reading import read_gradient
from convcli.explaining.request import Request
from convcli.explaining.topics import topic
from convcli.nn.config import complaints
from convcli.nn.layers import Dropout

INPUT, RATE, SEED = "4 2 6 8; 2 4 8 6; 6 8 2 4", 0.5, 3
MANY = 10_000  # masks, of which the mean is taken
MOST_SEED = 2**63


@topic(
    "dropout",
    "dropout: the mask of a seed, what is kept by 1 / (1 − p), the same mask back, nothing while predicting",
    *("input", "rate", "seed", "gradient"),
)
def dropout(ask: Request) -> Explanation:
    """Return the steps. Without `--gradient` dY is 1 everywhere."""
    dropped = _posed(ask)
    errors = dropped.layer.check(dropped.dy[None, :, :, None], {"x": "dX"})
    steps = (
        _mask(dropped),
        _forward(dropped),
        _backward(dropped),
        _evaluation(dropped),
        _mean(dropped),
        check_step(errors),
    )
    return Explanation(
        topic="dropout",
        title=f"Dropout with rate {number(dropped.rate)}: {dropped.kept} of {dropped.x.size} are kept, "
        f"times {number(dropped.factor)}",
        steps=steps,
        data={
            "input": exact(dropped.x),
            "rate": dropped.rate,
            "seed": dropped.seed,
            "mask": exact(dropped.mask),
            "factor": exact(dropped.factor),
            "output": exact(dropped.y),
            "dY": exact(dropped.dy),
            "dX": exact(dropped.dx),
            "while_predicting": exact(dropped.predicted),
            "mean_of_many": exact(dropped.mean_of_many),
            "relative_errors": errors,
        },
        still=tuple(range(len(steps))),
    )


@dataclass(frozen=True, eq=False)
class _Dropped:
    """A plane x, the gradient of what comes out, and the layer."""

    x: Array
    dy: Array
    rule: Dropout
    seed: int

    @property
    def rate(self) -> float:
        return self.rule.rate

    def _alone(self, x: Array, *, training: bool = True) -> Alone:
        return Alone(self.rule, x, training=training, seed=self.seed)

    @cached_property
    def layer(self) -> Alone:
        """The layer while training."""
        return self._alone(self.x[None, :, :, None].copy())

    @cached_property
    def scales(self) -> Array:
        """What each number is multiplied by: what the layer makes of ones."""
        return np.asarray(self._alone(np.ones((1, *self.x.shape, 1))).y[0, :, :, 0])

    @property
    def mask(self) -> Array:
        """1 where a number is kept, 0 where it is dropped."""
        return (self.scales > 0).astype(np.float64)

    @property
    def kept(self) -> int:
        """How many are kept."""
        return int(self.mask.sum())

    @property
    def factor(self) -> float:
        """What those that are kept are multiplied by: 1 / (1 − p), p in steps of 1/65536."""
        return float(self.scales.max()) if self.kept else 1 / (1 - self.rate)

    @property
    def y(self) -> Array:
        """What comes out while training."""
        return np.asarray(self.layer.y[0, :, :, 0])

    @property
    def predicted(self) -> Array:
        """What comes out while predicting."""
        return np.asarray(self._alone(self.x[None, :, :, None], training=False).y[0, :, :, 0])

    @cached_property
    def dx(self) -> Array:
        """dL/dx."""
        return np.asarray(self.layer.gradients(self.dy[None, :, :, None])["x"][0, :, :, 0])

    @cached_property
    def mean_of_many(self) -> Array:
        """The mean of what comes out, over many masks."""
        many = np.broadcast_to(self.x[None, :, :, None], (MANY, *self.x.shape, 1))
        return np.asarray(self._alone(np.ascontiguousarray(many)).y.mean(0)[:, :, 0])

    @property
    def roles(self) -> dict[tuple[int, int], Role]:
        """Which cells are crossed out."""
        return {cell: "unused" for cell in every(self.x) if not self.mask[cell]}


def _posed(ask: Request) -> _Dropped:
    x = ask.numbers(INPUT, channels=1).volume[:, :, 0]
    seed = SEED if ask.seed is None else ask.seed
    if not 0 <= seed < MOST_SEED:
        raise UsageError(f"--seed: expected a whole number from 0 to below 2^63, not {seed}.")
    try:
        rule = Dropout(rate=RATE if ask.rate is None else ask.rate)
    except ValidationError as error:
        raise UsageError(f"dropout: {'; '.join(complaints(error))}.") from None
    dy = np.ones(x.shape) if ask.gradient is None else read_gradient(ask.gradient, (*x.shape, 1))[:, :, 0]
    return _Dropped(x, dy, rule, seed)


def _mask(dropped: _Dropped) -> Step:
    row = (
        Grid.of(dropped.x, "x"),
        Arrow("→", f"a draw for each, seed {dropped.seed}"),
        Grid.of(dropped.mask, "mask: 0 with probability p", dropped.roles),
    )
    share = f"{dropped.x.size - dropped.kept} of {dropped.x.size}"
    lines = (
        Words(f"p = {number(dropped.rate)}: each is dropped by a draw of its own; here {share} are"),
        Words("another seed, another batch, another epoch: another mask"),
    )
    data = {"mask": exact(dropped.mask), "kept": dropped.kept}
    return Step.of("The mask", (row, *((line,) for line in lines)), data)


def _first(dropped: _Dropped) -> tuple[int, int]:
    """Return the first cell that is kept, or the first one."""
    kept = np.argwhere(dropped.mask)
    return (int(kept[0][0]), int(kept[0][1])) if len(kept) else (0, 0)


def _forward(dropped: _Dropped) -> Step:
    cell = _first(dropped)
    row = (
        Grid.of(dropped.x, "x", dropped.roles),
        Arrow("·"),
        Grid.of(dropped.mask, "mask", dropped.roles),
        Arrow("·", f"1 / (1 − p) = {number(dropped.factor)}"),
        Arrow("="),
        Grid.of(dropped.y, "y", {**dict.fromkeys(every(dropped.x), "done"), **dropped.roles}),
    )
    lines = (
        (
            f"{cell_name('y', cell)} = {factor(dropped.x[cell])}·{number(dropped.mask[cell])}"
            f"·{number(dropped.factor)} = {number(dropped.y[cell])}"
        ),
        f"mean of x: {number(dropped.x.mean())}, mean of this y: {number(dropped.y.mean())}",
    )
    return Step.of("Forward, while training", (row, *lines), {"output": exact(dropped.y)})


def _backward(dropped: _Dropped) -> Step:
    cell = _first(dropped)
    row = (
        Grid.of(dropped.dy, "dY"),
        Arrow("·"),
        Grid.of(dropped.mask, "the same mask", dropped.roles),
        Arrow("·", number(dropped.factor)),
        Arrow("="),
        Grid.of(dropped.dx, "dX", {**dict.fromkeys(every(dropped.x), "done"), **dropped.roles}),
    )
    line = (
        f"{cell_name('dX', cell)} = {factor(dropped.dy[cell])}·{number(dropped.mask[cell])}"
        f"·{number(dropped.factor)} = {number(dropped.dx[cell])}"
    )
    words = Words("what was dropped learns nothing from this batch")
    return Step.of("Backward", (row, line, (words,)), {"dX": exact(dropped.dx)})


def _evaluation(dropped: _Dropped) -> Step:
    row = (
        Grid.of(dropped.x, "x"),
        Arrow("→", "as it is"),
        Grid.of(dropped.predicted, "y while predicting", "done"),
    )
    words = Words("nothing is dropped and nothing scaled: that is why training scales by 1 / (1 − p)")
    return Step.of("While predicting", (row, (words,)), {"while_predicting": exact(dropped.predicted)})


def _mean(dropped: _Dropped) -> Step:
    row = (
        Grid.of(dropped.x, "x"),
        Arrow("≈"),
        Grid.of(dropped.mean_of_many.round(3), f"mean of y over {MANY:,} masks"),
    )
    off = float(np.abs(dropped.mean_of_many - dropped.x).max())
    lines = (f"mean of y = (1 − p)·x / (1 − p) + p·0 = x; at most {number(round(off, 4))} off here",)
    return Step.of("The mean stays", (row, *lines), {"mean_of_many": exact(dropped.mean_of_many)})
