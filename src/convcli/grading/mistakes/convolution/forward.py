"""A convolution's forward pass, with every part that learners get wrong to be given in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.plain import correlate, padded, slid, windows
from convcli.shapes import Pair, Sides

if TYPE_CHECKING:
    from convcli.grading.cases import Case


def forward(
    case: Case,
    *,
    w: Array | None = None,
    sides: Sides | None = None,
    stride: Pair | None = None,
    output: Pair | None = None,
    bias: float = 1.0,
) -> Array:
    """Return Z of a case with what is given in the place of its own."""
    at = slid(case)
    seen = windows(
        padded(at.x, at.window.padding if sides is None else sides),
        at.window.size,
        at.window.stride if stride is None else stride,
        at.output if output is None else output,
    )
    return correlate(seen, case.arrays["w"] if w is None else w) + bias * biases(case)


def biases(case: Case) -> Array:
    """Return b (k,), zeros where the case has none."""
    b = case.arrays.get("b")
    return np.zeros(case.arrays["w"].shape[-1]) if b is None else b.reshape(-1)


def in_the_corner(right: Array, size: Pair) -> Array:
    """Return results in the first rows and columns of an array of zeros that is too large."""
    z = np.zeros((right.shape[0], *size, right.shape[3]))
    z[:, : right.shape[1], : right.shape[2]] = right
    return z
