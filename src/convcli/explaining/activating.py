"""g as topics show it, cell by cell, and its kinks, which a numeric check has to leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.notation import number
from convcli.wording import counted

if TYPE_CHECKING:
    from convcli.nn.activations import Activation

NEAR_KINK = 1e-4  # where central differences would straddle it


def activation_of(function: str | Activation) -> Activation:
    """Return g by its name, with its usual options, or UsageError if it joins cells."""
    from convcli.nn.activations import ACTIVATIONS

    g = ACTIVATIONS[function]() if isinstance(function, str) else function
    if not g.elementwise:
        own = " It has a topic of its own: explain softmax." if g.name() == "softmax" else ""
        raise UsageError(
            f"{g} makes each cell of A of several of Z; this topic shows g(Z) cell by cell.{own}"
        )
    return g


def on_kinks(g: Activation, z: Array) -> Array:
    """Return in which cells of Z g has no derivative, of the shape of Z."""
    found = np.zeros(z.shape, bool)
    for kink in g.kinks:
        found |= np.abs(z - kink) <= NEAR_KINK
    return found


def left_out(g: Activation, z: Array) -> tuple[str, ...]:
    """Return a line that says what a numeric check leaves out, if it leaves out any cell of Z."""
    count = int(on_kinks(g, z).sum())
    where = " or ".join(map(number, g.kinks))
    return (
        (f"left out: {counted(count, 'cell')} with Z = {where}, where {g} has no derivative",)
        if count
        else ()
    )
