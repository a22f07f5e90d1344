"""Mistakes of the padding: of its sides, its axes, its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.convolution.forward import biases, forward
from convcli.grading.mistakes.mistake import Mistake
from convcli.grading.mistakes.plain import NONE, Slid, correlate, padded, slid, windows
from convcli.shapes import Pair, Sides, Window

if TYPE_CHECKING:
    from convcli.grading.cases import Case


PADDING_FORGOTTEN = Mistake(
    "padding-forgotten",
    "a convolution without padding: that of the case is left out",
    "Surround the input with `padding` rows and columns of zeros before the first window.",
)


@PADDING_FORGOTTEN.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, sides=NONE, output=_output_with(slid(case), NONE))


@PADDING_FORGOTTEN.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, sides=NONE)  # of the padded size, windows cut at the end


def _output_with(at: Slid, sides: Sides) -> Pair:
    """Return the output's size with other padding; 0 where no window fits."""
    (s_h, s_w), (f_h, f_w) = at.window.stride, at.window.size
    height, width = (n + sum(side) for n, side in zip(at.x.shape[1:3], sides, strict=True))
    return max(0, (height - f_h) // s_h + 1), max(0, (width - f_w) // s_w + 1)


ONE_SIDED = Mistake(
    "padding-on-one-side",
    "zeros on one side alone",
    "Zeros stand on all four sides: `padding` rows above and below, as many columns left and right.",
)


def one_sided(sides: Sides) -> list[Sides]:
    """Return the paddings that stand on one side of each axis: half of it, or all of it moved there."""
    (top, bottom), (left, right) = sides
    return [
        ((top + bottom, 0), (left + right, 0)),
        ((0, top + bottom), (0, left + right)),
        ((top, 0), (left, 0)),
        ((0, bottom), (0, right)),
    ]


for _which in range(4):

    @ONE_SIDED.made_in("conv_forward")
    def _(case: Case, which: int = _which) -> Array:
        at = slid(case)
        sides = one_sided(at.window.padding)[which]
        return forward(case, sides=sides, output=_output_with(at, sides))

    @ONE_SIDED.made_in("zero_pad")
    def _(case: Case, which: int = _which) -> Array:
        return padded(case.arrays["x"], one_sided(pad_sides(case))[which])


def pad_sides(case: Case) -> Sides:
    """Return the padding of a case that pads."""
    return Window.of(1, padding=case.options["padding"]).padding


def _around(case: Case, axes: str) -> Array:
    """Return the input with the padding of the rows (r) or of the columns (c) on each of its axes."""
    rows, columns = pad_sides(case)
    return np.pad(case.arrays["x"], [{"r": rows, "c": columns, "-": (0, 0)}[axis] for axis in axes])


EVERY_AXIS = Mistake(
    "padding-on-every-axis",
    "zeros around every axis: there are images or channels more of nothing but zeros",
    "Pad rows and columns alone: np.pad(x, ((0, 0), (p, p), (p, p), (0, 0))) for (n, h, w, c).",
)

for _axes in ("rrcc", "-rcc", "rrc-"):

    @EVERY_AXIS.made_in("zero_pad")
    def _(case: Case, axes: str = _axes) -> Array:
        return _around(case, axes)


@EVERY_AXIS.made_in("conv_forward")
def _(case: Case) -> Array:
    (top, bottom), _columns = slid(case).window.padding
    z = forward(case, bias=0)
    return np.pad(z, ((top, bottom), (0, 0), (0, 0), (0, 0))) + biases(case)


WRONG_AXES = Mistake(
    "padding-on-the-wrong-axes",
    "zeros along other axes than rows and columns",
    "Pad the axes of height and width: which they are depends on whether channels come first or last.",
)

for _axes in ("--rc", "-r-c", "rc--", "-r--", "--c-"):

    @WRONG_AXES.made_in("zero_pad")
    def _(case: Case, axes: str = _axes) -> Array:
        return _around(case, axes)


NOT_ZEROS = Mistake(
    "padding-not-zeros",
    "something else than zeros around the image: its border repeated, its mirror, or ones",
    "Fill with zeros: np.pad(x, …, mode='constant').",
)


for _mode in ("edge", "reflect", "symmetric", "wrap", "ones"):

    @NOT_ZEROS.made_in("zero_pad")
    def _(case: Case, mode: str = _mode) -> Array:
        return _filled(case.arrays["x"], pad_sides(case), mode)

    @NOT_ZEROS.made_in("conv_forward")
    def _(case: Case, mode: str = _mode) -> Array:
        at = slid(case)
        seen = windows(_filled(at.x, at.window.padding, mode), at.window.size, at.window.stride, at.output)
        return correlate(seen, case.arrays["w"]) + biases(case)


def _filled(x: Array, sides: Sides, mode: str) -> Array:
    if mode == "ones":
        return np.pad(x, ((0, 0), *sides, (0, 0)), constant_values=1)
    return np.pad(x, ((0, 0), *sides, (0, 0)), mode=mode)  # type: ignore[call-overload,no-any-return]


DOUBLED = Mistake(
    "padding-twice",
    "twice as many zeros as asked for on each side",
    "`padding` rows on each side make 2·padding rows more in all.",
)


@DOUBLED.made_in("zero_pad")
def _(case: Case) -> Array:
    rows, columns = (tuple(2 * side for side in sides) for sides in pad_sides(case))
    return padded(case.arrays["x"], (rows, columns))  # type: ignore[arg-type]
