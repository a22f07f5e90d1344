"""Mistakes of dense layers, of activations and of softmax; and of number types, which are made everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.convolution.sums import BIAS_REPEATED, FIRST_BIAS, FIRST_IMAGE, NO_BIAS
from convcli.grading.mistakes.convolution_backward import DB_AXES, MEAN_OVER_BATCH
from convcli.grading.mistakes.mistake import Mistake, Results

if TYPE_CHECKING:
    from convcli.grading.cases import Case

TRANSPOSED = Mistake(
    "weights-transposed",
    "the weights of a dense layer the wrong way round",
    "Z = A_prev @ W + b with W (in, out); dW = A_prev.T @ dZ, dA_prev = dZ @ W.T.",
)


@TRANSPOSED.made_in("dense")
def _(case: Case) -> Array:
    x, w = case.arrays["x"], case.arrays["w"]
    return x @ (w.T if w.shape[0] == w.shape[1] else w.reshape(w.shape)) + _biases(case)


@TRANSPOSED.made_in("dense")
def _(case: Case) -> Array:  # (out, in) reshaped in place of transposed
    x, w = case.arrays["x"], case.arrays["w"]
    made: Array = x @ np.ascontiguousarray(w.T).reshape(w.shape) + _biases(case)
    return made


@TRANSPOSED.made_in("dense")
def _(case: Case) -> Array:
    return (case.arrays["x"] @ case.arrays["w"] + _biases(case)).T


@TRANSPOSED.made_in("dense_backward")
def _(case: Case) -> Results:
    return {"dw": case.arrays["dz"].T @ case.arrays["x"]}


@TRANSPOSED.made_in("dense_backward")
def _(case: Case) -> Results:
    w = case.arrays["w"]
    return {"dx": case.arrays["dz"] @ (w if w.shape[0] == w.shape[1] else w.T)}


@TRANSPOSED.made_in("dense_backward")
def _(case: Case) -> Results:
    return {"dx": (case.arrays["dz"] @ case.arrays["w"].T).T}


def _biases(case: Case) -> Array:
    b = case.arrays.get("b")
    return np.zeros(case.arrays["w"].shape[1]) if b is None else b.reshape(-1)


@NO_BIAS.made_in("dense")
def _(case: Case) -> Array:
    return case.arrays["x"] @ case.arrays["w"]


@BIAS_REPEATED.made_in("dense")
def _(case: Case) -> Array:
    made: Array = case.arrays["x"] @ case.arrays["w"] + len(case.arrays["w"]) * _biases(case)
    return made


@FIRST_BIAS.made_in("dense")
def _(case: Case) -> Array:
    made: Array = case.arrays["x"] @ case.arrays["w"] + _biases(case)[0]
    return made


def _gradients(case: Case, dz: Array) -> dict[str, Array]:
    x, w = case.arrays["x"], case.arrays["w"]
    return {"dx": dz @ w.T, "dw": x.T @ dz, "db": dz.sum(0)}


@MEAN_OVER_BATCH.made_in("dense_backward")
def _(case: Case) -> Results:
    dz = case.arrays["dz"]
    return {name: array / len(dz) for name, array in _gradients(case, dz).items()}


@FIRST_IMAGE.made_in("dense_backward")
def _(case: Case) -> Results:
    return _gradients(case, np.where(np.arange(len(case.arrays["dz"]))[:, None] == 0, case.arrays["dz"], 0))


@FIRST_IMAGE.made_in("dense_backward")
def _(case: Case) -> Results:
    last = len(case.arrays["dz"]) - 1
    return _gradients(case, np.where(np.arange(last + 1)[:, None] == last, case.arrays["dz"], 0))


@DB_AXES.made_in("dense_backward")
def _(case: Case) -> Results:
    return {"db": case.arrays["dz"].sum(1)}


@DB_AXES.made_in("dense_backward")
def _(case: Case) -> Results:
    return {"db": case.arrays["dz"].sum()}


@DB_AXES.made_in("dense_backward")
def _(case: Case) -> Results:
    return {"db": case.arrays["dz"]}


AT_ZERO = Mistake(
    "relu-derivative-at-zero",
    "a derivative of 1 (or ½) where the input is 0",
    "Here relu has the derivative 0 at 0: x > 0, not x >= 0.",
)


@AT_ZERO.made_in("relu_backward")
def _(case: Case) -> Array:
    return np.where(case.arrays["x"] >= 0, case.arrays["dz"], 0)


@AT_ZERO.made_in("relu_backward")
def _(case: Case) -> Array:
    return case.arrays["dz"] * np.heaviside(case.arrays["x"], 0.5)


BY_GRADIENT = Mistake(
    "relu-by-the-gradient",
    "the gradient's own sign deciding what passes, not that of the input",
    "Let the gradient pass where the input of the forward pass was above 0: keep it in the cache.",
)


@BY_GRADIENT.made_in("relu_backward")
def _(case: Case) -> Array:
    return np.maximum(case.arrays["dz"], 0)


@BY_GRADIENT.made_in("relu_backward")
def _(case: Case) -> Array:
    return np.maximum(case.arrays["dz"], 0) * (case.arrays["x"] > 0)


NOT_CHAINED = Mistake(
    "derivative-without-the-gradient",
    "relu's own derivative, 1 or 0, without the gradient that comes from above",
    "Multiply by it: dZ = dA · (Z > 0).",
)


@NOT_CHAINED.made_in("relu_backward")
def _(case: Case) -> Array:
    return (case.arrays["x"] > 0).astype(float)


@NOT_CHAINED.made_in("relu_backward")
def _(case: Case) -> Array:
    return case.arrays["dz"] * np.maximum(case.arrays["x"], 0)


PASSED_ON = Mistake(
    "relu-ignored-in-backward",
    "the gradient passed on as it is",
    "Where the input was not above 0 the gradient is 0: dZ = dA · (Z > 0).",
)


@PASSED_ON.made_in("relu_backward")
def _(case: Case) -> Array:
    return case.arrays["dz"]


NOT_RELU = Mistake(
    "another-activation",
    "another function: a leaky relu, the absolute value, a mask, or a relu that is bounded above",
    "relu(x) = max(x, 0).",
)


@NOT_RELU.made_in("relu")
def _(case: Case) -> Array:
    return np.abs(case.arrays["x"])


@NOT_RELU.made_in("relu")
def _(case: Case) -> Array:
    return (case.arrays["x"] > 0).astype(float)


@NOT_RELU.made_in("relu")
def _(case: Case) -> Array:
    return np.minimum(case.arrays["x"], 0)


for _slope, _top in ((0.01, np.inf), (0.1, np.inf), (0.2, np.inf), (0.3, np.inf), (0.0, 1.0), (0.0, 6.0)):

    @NOT_RELU.made_in("relu")
    def _(case: Case, slope: float = _slope, top: float = _top) -> Array:
        x = case.arrays["x"]
        return np.where(x > 0, np.minimum(x, top), slope * x)


OVERFLOW = Mistake(
    "softmax-overflows",
    "exp of large numbers, which is infinite: inf / inf is no number",
    "Subtract the largest score of each row first; the result is the same: exp(z − max z) / Σ.",
)


@OVERFLOW.made_in("softmax")
def _(case: Case) -> Array:
    with np.errstate(all="ignore"):
        e = np.exp(case.arrays["x"])
        made: Array = e / e.sum(-1, keepdims=True)
    return made


SOFTMAX_AXIS = Mistake(
    "softmax-over-the-wrong-axis",
    "a softmax over all rows in place of each: a column, or the whole array, sums to 1",
    "Each row is an example: sum along the classes, axis=-1 with keepdims=True.",
)


@SOFTMAX_AXIS.made_in("softmax")
def _(case: Case) -> Array:
    return _softmax(case.arrays["x"], 0)


@SOFTMAX_AXIS.made_in("softmax")
def _(case: Case) -> Array:
    return _softmax(case.arrays["x"], None)


@SOFTMAX_AXIS.made_in("softmax")
def _(case: Case) -> Array:
    """Return rows less the maximum of their column, each divided by its own sum: exp may fall to nought."""
    x = case.arrays["x"]
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(-1, keepdims=True))
        made: Array = e / e.sum()
    return made


NOT_NORMALISED = Mistake(
    "softmax-not-normalised",
    "exponentials that are not divided by their sum",
    "Divide by the sum of the row, so that it sums to 1.",
)


@NOT_NORMALISED.made_in("softmax")
def _(case: Case) -> Array:
    with np.errstate(all="ignore"):
        made: Array = np.exp(case.arrays["x"])
    return made


@NOT_NORMALISED.made_in("softmax")
def _(case: Case) -> Array:
    x = case.arrays["x"]
    made: Array = np.exp(x - x.max(-1, keepdims=True))
    return made


@NOT_NORMALISED.made_in("softmax")
def _(case: Case) -> Array:
    x = case.arrays["x"]
    return x / np.where(x.sum(-1, keepdims=True) == 0, 1, x.sum(-1, keepdims=True))


LOGARITHM = Mistake(
    "logarithm-of-softmax",
    "the logarithm of softmax",
    "Return the probabilities themselves; the logarithm belongs to the loss.",
)


@LOGARITHM.made_in("softmax")
def _(case: Case) -> Array:
    x = case.arrays["x"]
    shifted = x - x.max(-1, keepdims=True)
    made: Array = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return made


def _softmax(x: Array, axis: int | None) -> Array:
    e = np.exp(x - x.max(axis, keepdims=True))
    made: Array = e / e.sum(axis, keepdims=True)
    return made
