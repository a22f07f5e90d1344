"""Sizes in integers alone: what slides over a plane, how large the result is, what it sees, what it costs.

`window` holds the formula that everything uses, and `formulas` writes it out; beside them stand `volume`
(parameters, multiply-adds, memory), `transposed`, `solving` (the formula turned round), `claims` (a size that
somebody claims), `conventions` (other libraries' formulas) and `chain` (windows one after the other).
"""

from convcli.shapes.window import (
    AXES,
    NAMED_PADDINGS,
    IntOrPair,
    Padding,
    Pair,
    ReceptiveField,
    Sides,
    Window,
    axis_padding,
    checked_count,
    joined,
    output_size,
    pair,
)

__all__ = [
    "AXES",
    "NAMED_PADDINGS",
    "IntOrPair",
    "Padding",
    "Pair",
    "ReceptiveField",
    "Sides",
    "Window",
    "axis_padding",
    "checked_count",
    "joined",
    "output_size",
    "pair",
]
