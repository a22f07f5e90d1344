"""Mistakes of the loss, and of a dense layer with its softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.convolution.sums import NO_BIAS
from convcli.grading.mistakes.dense import OVERFLOW, SOFTMAX_AXIS
from convcli.grading.mistakes.mistake import Mistake, Results

if TYPE_CHECKING:
    from convcli.grading.cases import Case


def _logs(case: Case) -> Array:
    """Return log p of every class."""
    x = case.arrays["x"]
    shifted = x - x.max(-1, keepdims=True)
    made: Array = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return made


def _own(case: Case, values: Array) -> Array:
    """Return the column of each row's class."""
    made: Array = values[np.arange(len(values)), case.arrays["labels"].astype(int)]
    return made


def _hot(case: Case) -> Array:
    hot = np.zeros(case.arrays["x"].shape)
    hot[np.arange(len(hot)), case.arrays["labels"].astype(int)] = 1
    return hot


LOG_BASE = Mistake(
    "logarithm-of-another-base",
    "a logarithm of base 2 or 10",
    "Cross-entropy takes the natural logarithm, np.log: its derivative is 1/p.",
)

for _base in (2.0, 10.0):

    @LOG_BASE.made_in("cross_entropy", "softmax_loss")
    def _(case: Case, base: float = _base) -> Results:
        return {"loss": np.asarray(-_own(case, _logs(case)).mean() / np.log(base))}


NOT_AVERAGED = Mistake(
    "loss-not-averaged",
    "a sum over the batch in place of its mean",
    "Divide by the number of examples: the loss, and its gradient with it.",
)


@NOT_AVERAGED.made_in("cross_entropy", "softmax_loss")
def _(case: Case) -> Results:
    gradient = np.exp(_logs(case)) - _hot(case)
    return {"loss": np.asarray(-_own(case, _logs(case)).sum()), "dx": gradient}


AVERAGED_TWICE = Mistake(
    "averaged-over-classes",
    "a mean over examples and classes",
    "Divide by the number of examples alone.",
)


@AVERAGED_TWICE.made_in("cross_entropy", "softmax_loss")
def _(case: Case) -> Results:
    count = case.arrays["x"].size
    gradient = (np.exp(_logs(case)) - _hot(case)) / count
    return {"loss": np.asarray(-_own(case, _logs(case)).sum() / count), "dx": gradient}


EPSILON = Mistake(
    "logarithm-with-epsilon",
    "a small number added inside the logarithm, which shows where a probability is near 0",
    "Subtract the largest score and compute log p = z − log Σ eᶻ: it needs no epsilon.",
)

for _power in (5, 6, 7, 8, 9, 10, 12, 15):

    @EPSILON.made_in("cross_entropy", "softmax_loss")
    def _(case: Case, power: int = _power) -> Results:
        return {"loss": np.asarray(-np.log(_own(case, np.exp(_logs(case))) + 10.0**-power).mean())}

    @EPSILON.made_in("cross_entropy", "softmax_loss")
    def _(case: Case, power: int = _power) -> Results:
        least = 10.0**-power
        p = np.clip(np.exp(_logs(case)), least, 1 - least)
        return {"loss": np.asarray(-np.log(_own(case, p)).mean())}


@OVERFLOW.made_in("cross_entropy", "softmax_loss")
def _(case: Case) -> Results:
    e = np.exp(case.arrays["x"])
    p = e / e.sum(-1, keepdims=True)
    gradient = (p - _hot(case)) / len(p)
    return {"loss": np.asarray(-np.log(_own(case, p)).mean()), "dx": gradient}


@OVERFLOW.made_in("cross_entropy", "softmax_loss")
def _(case: Case) -> Results:
    x = case.arrays["x"]
    e = np.exp(x)
    loss = (np.log(e.sum(-1)) - _own(case, x)).mean()
    return {"loss": np.asarray(loss), "dx": (e / e.sum(-1, keepdims=True) - _hot(case)) / len(e)}


NOT_LESS_TARGET = Mistake(
    "target-not-subtracted",
    "the probabilities themselves as the gradient of the scores",
    "The gradient of softmax and cross-entropy is p − y: subtract 1 at the right class.",
)


@NOT_LESS_TARGET.made_in("softmax_loss")
def _(case: Case) -> Results:
    p = np.exp(_logs(case))
    return {"dx": p / len(p)}


@NOT_LESS_TARGET.made_in("softmax_loss")
def _(case: Case) -> Results:
    return {"dx": np.exp(_logs(case))}


TARGET_LESS = Mistake(
    "target-less-probability",
    "y − p as the gradient: its sign is turned",
    "The gradient of softmax and cross-entropy is p − y.",
)


@TARGET_LESS.made_in("softmax_loss")
def _(case: Case) -> Results:
    return {"dx": (_hot(case) - np.exp(_logs(case))) / len(case.arrays["x"])}


NO_MINUS = Mistake(
    "loss-without-minus",
    "Σ y · log p without its minus sign: a loss below 0",
    "The loss is −Σ y · log p: log p is never above 0.",
)


@NO_MINUS.made_in("cross_entropy", "softmax_loss")
def _(case: Case) -> Results:
    return {"loss": np.asarray(_own(case, _logs(case)).mean())}


def _softmax(z: Array, axis: int | None = -1) -> Array:
    e = np.exp(z - z.max(axis, keepdims=True))
    made: Array = e / e.sum(axis, keepdims=True)
    return made


@NO_BIAS.made_in("dense_softmax")
def _(case: Case) -> Array:
    return _softmax(case.arrays["x"] @ case.arrays["w"])


@SOFTMAX_AXIS.made_in("dense_softmax")
def _(case: Case) -> Array:
    z = case.arrays["x"] @ case.arrays["w"]
    return _softmax(z if "b" not in case.arrays else z + case.arrays["b"], 0)
