"""Mistakes of a convolution's forward pass, of one step of it, and of the padding before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.mistake import Mistake
from convcli.grading.mistakes.plain import NONE, Slid, correlate, padded, slid, windows
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


FLIPPED = Mistake(
    "kernel-flipped",
    "the kernel turned by 180° before it is laid on the window",
    "Multiply the window with the kernel as it is: in networks a convolution is a cross-correlation.",
)


@FLIPPED.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, w=case.arrays["w"][::-1, ::-1])


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


def in_the_corner(right: Array, size: Pair) -> Array:
    """Return results in the first rows and columns of an array of zeros that is too large."""
    z = np.zeros((right.shape[0], *size, right.shape[3]))
    z[:, : right.shape[1], : right.shape[2]] = right
    return z


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
    from convcli.shapes import Window

    return Window.of(1, padding=case.options["padding"]).padding


EVERY_AXIS = Mistake(
    "padding-on-every-axis",
    "zeros around every axis: there are images or channels more of nothing but zeros",
    "Pad rows and columns alone: np.pad(x, ((0, 0), (p, p), (p, p), (0, 0))) for (n, h, w, c).",
)


@EVERY_AXIS.made_in("zero_pad")
def _(case: Case) -> Array:
    (rows, columns), x = pad_sides(case), case.arrays["x"]
    return np.pad(x, (rows, rows, columns, columns))


@EVERY_AXIS.made_in("zero_pad")
def _(case: Case) -> Array:
    (rows, columns), x = pad_sides(case), case.arrays["x"]
    return np.pad(x, ((0, 0), rows, columns, columns))


@EVERY_AXIS.made_in("zero_pad")
def _(case: Case) -> Array:
    (rows, columns), x = pad_sides(case), case.arrays["x"]
    return np.pad(x, (rows, rows, columns, (0, 0)))


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


@WRONG_AXES.made_in("zero_pad")
def _(case: Case) -> Array:
    (rows, columns), x = pad_sides(case), case.arrays["x"]
    return np.pad(x, ((0, 0), (0, 0), rows, columns))


@WRONG_AXES.made_in("zero_pad")
def _(case: Case) -> Array:
    (rows, columns), x = pad_sides(case), case.arrays["x"]
    return np.pad(x, ((0, 0), rows, (0, 0), columns))


@WRONG_AXES.made_in("zero_pad")
def _(case: Case) -> Array:
    (rows, columns), x = pad_sides(case), case.arrays["x"]
    return np.pad(x, (rows, columns, (0, 0), (0, 0)))


@WRONG_AXES.made_in("zero_pad")
def _(case: Case) -> Array:
    return padded(case.arrays["x"], (pad_sides(case)[0], (0, 0)))


@WRONG_AXES.made_in("zero_pad")
def _(case: Case) -> Array:
    return padded(case.arrays["x"], ((0, 0), pad_sides(case)[1]))


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


NO_BIAS = Mistake(
    "bias-left-out",
    "Σ window · kernel without the bias",
    "Add the filter's bias once to each sum.",
)


@NO_BIAS.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, bias=0)


BIAS_REPEATED = Mistake(
    "bias-in-every-sum",
    "the bias added inside the sum: once for each channel or cell in place of once for each output",
    "Add the bias after the sum over the window's rows, columns and channels.",
)


@BIAS_REPEATED.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, bias=case.arrays["w"].shape[2])


@BIAS_REPEATED.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, bias=float(np.prod(case.arrays["w"].shape[:3])))


@BIAS_REPEATED.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, bias=float(np.prod(case.arrays["w"].shape[:2])))


FIRST_BIAS = Mistake(
    "bias-of-the-first-filter",
    "one bias for all filters: the first one's",
    "Each filter has a bias of its own: b[k] for output channel k.",
)


@FIRST_BIAS.made_in("conv_forward")
def _(case: Case) -> Array:
    made: Array = forward(case, bias=0) + biases(case)[0]
    return made


FIRST_CHANNEL = Mistake(
    "one-channel-of-many",
    "one channel of the input only: the sum stops after the first, or keeps the last",
    "Sum the products over all channels; look for a `return` or an `=` inside the loop over them.",
)


for _channel in (0, -1):

    @FIRST_CHANNEL.made_in("conv_forward")
    def _(case: Case, channel: int = _channel) -> Array:
        w = np.zeros(case.arrays["w"].shape)
        w[:, :, channel] = case.arrays["w"][:, :, channel]
        return forward(case, w=w)


FIRST_FILTER = Mistake(
    "one-filter-for-all",
    "the same filter for every output channel",
    "Output channel k is that of filter k: W[:, :, :, k].",
)


@FIRST_FILTER.made_in("conv_forward")
def _(case: Case) -> Array:
    w = case.arrays["w"]
    return forward(case, w=np.repeat(w[..., :1], w.shape[-1], -1))


@FIRST_FILTER.made_in("conv_forward")
def _(case: Case) -> Array:
    w, b = case.arrays["w"], biases(case)
    made: Array = forward(case, w=np.repeat(w[..., :1], w.shape[-1], -1), bias=0) + b[0]
    return made


FIRST_IMAGE = Mistake(
    "one-image-of-the-batch",
    "one image of the batch for all, or the others never reached",
    "Go through the batch: output i comes of image i; look for a `return` inside the loop.",
)


@FIRST_IMAGE.made_in("conv_forward")
def _(case: Case) -> Array:
    z = forward(case)
    return np.repeat(z[:1], len(z), 0)


for _image in (0, -1):

    @FIRST_IMAGE.made_in("conv_forward")
    def _(case: Case, image: int = _image) -> Array:
        z = forward(case)
        alone = np.zeros(z.shape)
        alone[image] = z[image]
        return alone


MATRIX_PRODUCT = Mistake(
    "matrix-product",
    "the matrix product of window and kernel in place of the product of cells",
    "Multiply cell by cell: (window * kernel).sum(), not window @ kernel or np.dot.",
)


@MATRIX_PRODUCT.made_in("conv_forward")
def _(case: Case) -> Array:
    at, w = slid(case), case.arrays["w"]
    seen = windows(padded(at.x, at.window.padding), at.window.size, at.window.stride, at.output)
    if w.shape[0] != w.shape[1]:
        return forward(case)  # NumPy refuses it: nothing to compare
    made: Array = np.einsum("nhwcij,jlck->nhwk", seen, w) + biases(case)
    return made


MEAN_FOR_SUM = Mistake(
    "mean-in-place-of-sum",
    "the mean of the products in place of their sum",
    "Sum the products: nothing is divided by the number of cells.",
)


@MEAN_FOR_SUM.made_in("conv_forward")
def _(case: Case) -> Array:
    w = case.arrays["w"]
    return forward(case, w=w / np.prod(w.shape[:3]))


@MEAN_FOR_SUM.made_in("conv_forward")
def _(case: Case) -> Array:
    w = case.arrays["w"]
    return forward(case, w=w / w.shape[2])


@MEAN_FOR_SUM.made_in("conv_forward")
def _(case: Case) -> Array:
    w = case.arrays["w"]
    return forward(case, w=w / np.prod(w.shape[:2]))


ROWS_AND_COLUMNS = Mistake(
    "rows-and-columns-swapped",
    "rows taken for columns: the output, or the kernel, is transposed",
    "The first axis of a plane counts rows: x[i, j] is row i, column j.",
)


@ROWS_AND_COLUMNS.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case).transpose(0, 2, 1, 3)


@ROWS_AND_COLUMNS.made_in("conv_forward")
def _(case: Case) -> Array:
    w = case.arrays["w"]
    return forward(case, w=w.transpose(1, 0, 2, 3)) if w.shape[0] == w.shape[1] else forward(case)


AXIS_ORDER = Mistake(
    "axis-order",
    "axes in the wrong order: an array reshaped where its axes had to be moved",
    "reshape keeps the order of the numbers; use transpose to move an axis, then reshape.",
)


def _reordered(
    w: Array, first: tuple[int, ...], move: tuple[int, ...] | None, back: tuple[int, ...]
) -> Array:
    """Return filters that lie as `first` says, read as though they lay otherwise."""
    lies = w.transpose(first)
    shape = [w.shape[axis] for axis in first]
    read = shape if move is None else [shape[axis] for axis in move]
    return lies.reshape(read).transpose(back)


# How filters lie, as which axes they are read, and how that becomes (i, j, c, k) again.
_TO_KCIJ, _TO_KIJC, _OWN = (3, 2, 0, 1), (3, 0, 1, 2), (0, 1, 2, 3)
_READINGS = (
    (_TO_KCIJ, (1, 2, 3, 0), (1, 2, 0, 3)),  # (k, c, i, j) reshaped (c·i·j, k), columns (c, i, j)
    (_TO_KIJC, (1, 2, 3, 0), (0, 1, 2, 3)),  # (k, i, j, c) reshaped (i·j·c, k)
    (_TO_KCIJ, (0, 2, 3, 1), (1, 2, 3, 0)),  # (k, c, i, j) beside columns (i, j, c)
    (_TO_KIJC, (0, 3, 1, 2), (2, 3, 1, 0)),  # (k, i, j, c) beside columns (c, i, j)
    (_OWN, (3, 0, 1, 2), (1, 2, 3, 0)),  # (i, j, c, k) reshaped (k, i·j·c)
    (_OWN, (3, 2, 0, 1), (2, 3, 1, 0)),  # (i, j, c, k) reshaped (k, c·i·j)
    (_OWN, (2, 0, 1, 3), (1, 2, 0, 3)),  # (i, j, c, k) beside columns (c, i, j)
)

for _reading in _READINGS:

    @AXIS_ORDER.made_in("conv_forward")
    def _(case: Case, reading: tuple[tuple[int, ...], ...] = _reading) -> Array:
        return forward(case, w=_reordered(case.arrays["w"], *reading))


@AXIS_ORDER.made_in("conv_forward")
def _(case: Case) -> Array:  # results (positions, k) reshaped (n, k, out_h, out_w)
    z = forward(case)
    n, rows, columns, k = z.shape
    return z.reshape(n, k, rows, columns).transpose(0, 2, 3, 1)


@AXIS_ORDER.made_in("conv_forward")
def _(case: Case) -> Array:  # results (k, positions) reshaped (n, k, out_h, out_w)
    z = forward(case)
    n, rows, columns, k = z.shape
    return np.ascontiguousarray(z.transpose(3, 0, 1, 2)).reshape(n, k, rows, columns).transpose(0, 2, 3, 1)


@AXIS_ORDER.made_in("conv_forward")
def _(case: Case) -> Array:  # results (k, positions) reshaped (n, out_h, out_w, k)
    z = forward(case)
    return np.ascontiguousarray(z.transpose(3, 0, 1, 2)).reshape(z.shape)


@AXIS_ORDER.made_in("conv_forward")
def _(case: Case) -> Array:  # images (n, c, h, w) reshaped (n, h, w, c)
    from dataclasses import replace

    x = case.arrays["x"]
    read = np.ascontiguousarray(x.transpose(0, 3, 1, 2)).reshape(x.shape)
    return forward(replace(case, arrays={**case.arrays, "x": read}))


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


# One step: a window, a kernel, a bias → a number.


@FLIPPED.made_in("conv_single_step")
def _(case: Case) -> Array:
    return _step(case, case.arrays["w"][::-1, ::-1])


@NO_BIAS.made_in("conv_single_step")
def _(case: Case) -> Array:
    return _step(case, case.arrays["w"], 0)


@BIAS_REPEATED.made_in("conv_single_step")
def _(case: Case) -> Array:
    return _step(case, case.arrays["w"], case.arrays["w"].size)


@BIAS_REPEATED.made_in("conv_single_step")
def _(case: Case) -> Array:
    return _step(case, case.arrays["w"], case.arrays["w"].shape[-1])


@MEAN_FOR_SUM.made_in("conv_single_step")
def _(case: Case) -> Array:
    return _step(case, case.arrays["w"] / case.arrays["w"].size)


@FIRST_CHANNEL.made_in("conv_single_step")
def _(case: Case) -> Array:
    w = np.zeros(case.arrays["w"].shape)
    w[..., 0] = case.arrays["w"][..., 0]
    return _step(case, w)


@MATRIX_PRODUCT.made_in("conv_single_step")
def _(case: Case) -> Array:
    x, w = case.arrays["x"], case.arrays["w"]
    if w.shape[0] != w.shape[1]:
        return _step(case, w)
    return np.asarray(np.einsum("ijc,jlc->", x, w) + _bias(case))


def _step(case: Case, w: Array, bias: float = 1.0) -> Array:
    return np.asarray((case.arrays["x"] * w).sum() + bias * _bias(case))


def _bias(case: Case) -> float:
    b = case.arrays.get("b")
    return 0.0 if b is None else float(b.reshape(-1)[0])
