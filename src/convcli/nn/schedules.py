"""How the learning rate changes over a run: a factor for each step, after an optional linear warm-up."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from convcli.config import Part
from convcli.registry import Registry

SCHEDULES: Registry[type[Schedule]] = Registry("schedule")


class Schedule(Part):
    """The rate of a step is the optimizer's `learning_rate` times `factor`.

    For the first `warmup` epochs the factor grows linearly from near 0 to where the schedule begins.

    Attributes
    ----------
    spans_run
        Whether a factor depends on how many epochs there will be, so that more of them change all.
    """

    spans_run: ClassVar[bool] = True

    warmup: Annotated[float, Field(ge=0, le=1e6)] = 0.0

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        SCHEDULES.register(cls.name())(cls)

    def factor(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the factor of step number `step`, counted from 0 over the whole run."""
        warm = self.warm_up(steps_per_epoch)
        steps = steps_per_epoch * epochs - warm
        if step >= warm:
            return self.shape(step - warm, steps_per_epoch, steps)
        return (step + 1) / (warm + 1) * (self.shape(0, steps_per_epoch, steps) if steps > 0 else self.begins)

    def warm_up(self, steps_per_epoch: int) -> int:
        """Return how many steps the warm-up takes."""
        return round(self.warmup * steps_per_epoch)

    @property
    def begins(self) -> float:
        """The factor of the first step, where there are steps enough for all that the schedule does."""
        return 1.0

    @abstractmethod
    def shape(self, step: int, steps_per_epoch: int, steps: int) -> float:
        """Return the factor of `step` (from 0) of `steps` after the warm-up."""


class Constant(Schedule):
    """The same rate throughout."""

    spans_run = False
    type: Literal["constant"] = "constant"

    def shape(self, step: int, steps_per_epoch: int, steps: int) -> float:
        return 1.0


class Step(Schedule):
    """Multiply the rate by `gamma` after every `every` epochs."""

    spans_run = False
    type: Literal["step"] = "step"
    every: PositiveInt = 10
    gamma: PositiveFloat = 0.1

    def shape(self, step: int, steps_per_epoch: int, steps: int) -> float:
        try:
            return float(self.gamma ** (step // (self.every * steps_per_epoch)))
        except OverflowError:
            return math.inf


class Cosine(Schedule):
    """Fall along half a cosine from the full rate, at the first step, to `final` of it, after the last one.

    Source: Loshchilov and Hutter, 2017, arXiv:1608.03983, without restarts.
    """

    type: Literal["cosine"] = "cosine"
    final: Annotated[float, Field(ge=0, le=1)] = 0.0

    def shape(self, step: int, steps_per_epoch: int, steps: int) -> float:
        return _anneal(1.0, self.final, step / steps)


class OneCycle(Schedule):
    """Rise along a cosine from 1/`start` of the rate to all of it, then fall to 1/`end` of where it began.

    With `anneal` = "linear" both ways are straight lines, a triangle.
    `rise` is the share of the steps that it takes to rise: the rate is whole at step `rise` · steps, counted
    from 1. Where that is before the first step it begins on the fall; the last step always has the end.
    Source: Smith and Topin, 2018, arXiv:1708.07120, in PyTorch's form.
    """

    type: Literal["one_cycle"] = "one_cycle"
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    start: PositiveFloat = 25.0
    end: PositiveFloat = 1e4
    anneal: Literal["cosine", "linear"] = "cosine"

    @property
    def begins(self) -> float:
        return 1 / self.start

    def shape(self, step: int, steps_per_epoch: int, steps: int) -> float:
        peak = self.rise * steps - 1
        low, final = self.begins, self.begins / self.end
        between = _anneal if self.anneal == "cosine" else _line
        if step < peak:
            return between(low, 1.0, step / peak)
        return between(1.0, final, (step - peak) / (steps - 1 - peak))


def _anneal(begin: float, end: float, progress: float) -> float:
    return end + (begin - end) * (1 + math.cos(math.pi * progress)) / 2


def _line(begin: float, end: float, progress: float) -> float:
    return begin + (end - begin) * progress
