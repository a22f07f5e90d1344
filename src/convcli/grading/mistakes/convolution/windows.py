"""Mistakes of the windows: how many there are, and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcli.engine.workspace import Array
from convcli.grading.mistakes.convolution.forward import biases, forward, in_the_corner
from convcli.grading.mistakes.mistake import Mistake
from convcli.grading.mistakes.plain import Slid, slid
from convcli.shapes import Pair

if TYPE_CHECKING:
    from convcli.grading.cases import Case


STRIDE_NOT_IN_SIZE = Mistake(
    "stride-not-in-size",
    "an output as large as at stride 1: the stride is left out of the output's size",
    "The size is ⌊(n + 2p − f) / s⌋ + 1: divide by the stride.",
)


@STRIDE_NOT_IN_SIZE.made_in("conv_forward")
def _(case: Case) -> Array:
    return in_the_corner(forward(case), slid(case).strides_past)


@STRIDE_NOT_IN_SIZE.made_in("conv_forward")
def _(case: Case) -> Array:
    right = forward(case, bias=0)
    return in_the_corner(right, slid(case).strides_past) + biases(case)


@STRIDE_NOT_IN_SIZE.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, output=slid(case).strides_past)  # windows beyond the end are cut there


SIZE_OF_INPUT = Mistake(
    "size-of-the-input",
    "an output as large as the input, zeros in its last rows and columns",
    "The size is ⌊(n + 2p − f) / s⌋ + 1: np.zeros of that, not np.zeros_like(x).",
)


@SIZE_OF_INPUT.made_in("conv_forward")
def _(case: Case) -> Array:
    return in_the_corner(forward(case), slid(case).x.shape[1:3])


@SIZE_OF_INPUT.made_in("conv_forward")
def _(case: Case) -> Array:
    return in_the_corner(forward(case, bias=0), slid(case).x.shape[1:3]) + biases(case)


STRIDE_IGNORED = Mistake(
    "stride-ignored",
    "windows one cell apart whatever the stride, and all of their results returned",
    "Neighbouring windows lie `stride` cells apart: output (i, j) sees the rows from i·stride on.",
)


@STRIDE_IGNORED.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, stride=(1, 1), output=slid(case).strides_past)


STRIDE_NOT_IN_POSITION = Mistake(
    "stride-not-in-position",
    "an output of the right size whose windows lie one cell apart: the stride is left out of their position",
    "The window of output (i, j) begins in row i·stride and column j·stride, not in i and j.",
)


@STRIDE_NOT_IN_POSITION.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, stride=(1, 1))


STRIDES_SWAPPED = Mistake(
    "stride-of-the-other-axis",
    "the stride of the rows used for the columns, and the other way round",
    "Rows move by the first stride, columns by the second.",
)


@STRIDES_SWAPPED.made_in("conv_forward")
def _(case: Case) -> Array:
    at = slid(case)
    stride = at.window.stride[::-1]
    (height, width), (f_h, f_w) = at.plane, at.window.size
    output = (height - f_h) // stride[0] + 1, (width - f_w) // stride[1] + 1
    return forward(case, stride=stride, output=output)


ROUNDED_UP = Mistake(
    "size-rounded-up",
    "an output's size that is rounded up: the last windows hang over the end",
    "Round down: ⌊(n + 2p − f) / s⌋ + 1, in Python (n + 2 * p - f) // s + 1.",
)


@ROUNDED_UP.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, output=rounded_up(slid(case)))


def rounded_up(at: Slid) -> Pair:
    """Return the output's size where a division that leaves a rest is rounded up."""
    (height, width), (f_h, f_w), (s_h, s_w) = at.plane, at.window.size, at.window.stride
    return -(-(height - f_h) // s_h) + 1, -(-(width - f_w) // s_w) + 1


ONE_SHORT = Mistake(
    "last-row-and-column-missing",
    "an output that lacks its last row and column: the + 1 of its size is left out",
    "The size is ⌊(n + 2p − f) / s⌋ + 1: the first window counts, too.",
)


@ONE_SHORT.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case)[:, :-1, :-1]


@ONE_SHORT.made_in("conv_forward")
def _(case: Case) -> Array:
    z = forward(case)
    z[:, -1:], z[:, :, -1:] = 0, 0  # the size is right, the loop ends before
    return z
