"""Mistakes that can be made in any operation: of types, of signs, of axes."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.mistake import Mistake

EMPTY = Mistake(
    "nothing-computed",
    "an array of zeros: nothing was written into it",
    "See that the loop runs, and writes into the array that is returned.",
)


@EMPTY.made_anywhere
def _(right: Array) -> Array:
    return np.zeros(right.shape)


TRUNCATED = Mistake(
    "cut-to-integers",
    "results without their fractions: they are stored in an array of integers",
    "Make the array for results with np.zeros(shape), of floats: zeros_like(x) takes the type of x.",
)


@TRUNCATED.made_anywhere
def _(right: Array) -> Array:
    return np.trunc(right)


@TRUNCATED.made_anywhere
def _(right: Array) -> Array:
    return np.floor(right)


@TRUNCATED.made_anywhere
def _(right: Array) -> Array:
    return np.rint(right)


CLIPPED = Mistake(
    "cut-to-bytes",
    "results that are wrapped or clipped to 0 … 255: they are stored as bytes",
    "Compute with floats: np.asarray(image, dtype=float); bytes are for showing a picture.",
)


@CLIPPED.made_anywhere
def _(right: Array) -> Array:
    return np.clip(np.trunc(right), 0, 255)


@CLIPPED.made_anywhere
def _(right: Array) -> Array:
    return np.mod(np.trunc(right), 256)


NEGATED = Mistake(
    "sign-turned",
    "the right numbers with the opposite sign",
    "Look for a minus sign too many, or one that is missing: a step is W -= rate · dW.",
)


@NEGATED.made_anywhere
def _(right: Array) -> Array:
    return -right


NOT_NEGATIVE = Mistake(
    "clipped-at-zero",
    "the right numbers without those below 0: an activation is applied that does not belong there",
    "Return the result itself, without relu: Z, not A = relu(Z).",
)


@NOT_NEGATIVE.made_anywhere
def _(right: Array) -> Array:
    return np.maximum(right, 0)


SCALED = Mistake(
    "doubled",
    "twice the right numbers: something is added twice",
    "Look for a sum that is made twice, or an array that is not set back to zeros.",
)


@SCALED.made_anywhere
def _(right: Array) -> Array:
    return 2 * right


TRANSPOSED_RESULT = Mistake(
    "result-transposed",
    "the right numbers with two axes swapped",
    "Move the axes back before returning: the shape tells which.",
)


@TRANSPOSED_RESULT.made_anywhere
def _(right: Array) -> Array:
    return right.swapaxes(-1, -2) if right.ndim > 1 else right


@TRANSPOSED_RESULT.made_anywhere
def _(right: Array) -> Array:
    return np.moveaxis(right, -1, 1) if right.ndim == 4 else right


@TRANSPOSED_RESULT.made_anywhere
def _(right: Array) -> Array:
    return np.moveaxis(right, 1, -1) if right.ndim == 4 else right


NOT_ACTIVATED = Mistake(
    "activation-left-out", "Z itself: the activation is left out", "Apply g to the sum: A = g(Z)."
)
"""It is told of A alone, whose activation comes after the operation (`arrays`)."""
