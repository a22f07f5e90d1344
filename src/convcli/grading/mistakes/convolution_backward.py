"""Mistakes of a convolution's backward pass: gradients of the input, of the weights and of the bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.convolution.axes import AXIS_ORDER, ROWS_AND_COLUMNS
from convcli.grading.mistakes.convolution.sums import FIRST_IMAGE
from convcli.grading.mistakes.mistake import Mistake, Results
from convcli.grading.mistakes.plain import (
    Slid,
    cropped,
    kernel_gradient,
    overwritten,
    padded,
    scattered,
    slid,
    windows,
    written_by_cell,
)
from convcli.shapes import Pair

if TYPE_CHECKING:
    from convcli.grading.cases import Case


def gradient(case: Case) -> Array:
    """Return dZ of a case, (n, out_h, out_w, k)."""
    return case.arrays["dz"]


def seen_by(case: Case, stride: Pair | None = None) -> Array:
    """Return the windows of the padded input."""
    at = slid(case)
    rows, columns = gradient(case).shape[1:3]
    return windows(
        padded(at.x, at.window.padding), at.window.size, stride or at.window.stride, (rows, columns)
    )


def pieces(case: Case, w: Array | None = None) -> Array:
    """Return what each output hands back to its window: (n, out_h, out_w, c, f_h, f_w)."""
    made: Array = np.einsum("nhwk,ijck->nhwcij", gradient(case), case.arrays["w"] if w is None else w)
    return made


def padded_dx(case: Case, w: Array | None = None, stride: Pair | None = None) -> Array:
    """Return the gradient of the padded input."""
    at = slid(case)
    return scattered(pieces(case, w), stride or at.window.stride, at.plane)


def dx_of(case: Case, dx: Array) -> Array:
    """Return a padded gradient cropped to the image."""
    at = slid(case)
    return cropped(dx, at.window.padding, (at.x.shape[1], at.x.shape[2]))


def right(case: Case) -> dict[str, Array]:
    """Return the gradients as they should be."""
    dz = gradient(case)
    return {
        "dx": dx_of(case, padded_dx(case)),
        "dw": kernel_gradient(seen_by(case), dz),
        "db": dz.sum((0, 1, 2)),
    }


UNCROPPED = Mistake(
    "gradient-not-cropped",
    "the padding forgotten in the backward pass: dA_prev is as large as the padded input",
    "Cut the padding off again: dA_prev = dA_prev_pad[:, p : p + n_h, p : p + n_w, :].",
)


@UNCROPPED.made_in("conv_backward")
def _(case: Case) -> Results:
    return {"dx": padded_dx(case)}


CROPPED_AT_THE_END = Mistake(
    "gradient-cropped-wrongly",
    "a gradient that is cropped on the wrong side: its first rows and columns are kept, not its middle",
    "Begin behind the padding: dA_prev_pad[:, p : p + n_h, p : p + n_w, :].",
)


@CROPPED_AT_THE_END.made_in("conv_backward")
def _(case: Case) -> Results:
    x = slid(case).x
    return {"dx": padded_dx(case)[:, : x.shape[1], : x.shape[2]]}


MINUS_NOUGHT = Mistake(
    "cropped-to-minus-zero",
    "a crop that leaves nothing without padding: [p:-p] is [0:0] where p is 0",
    "Name the end: dA_prev_pad[:, p : p + n_h, p : p + n_w, :], or crop only where p > 0.",
)


@MINUS_NOUGHT.made_in("conv_backward")
def _(case: Case) -> Results:
    (top, bottom), (left, right_) = slid(case).window.padding
    return {"dx": padded_dx(case)[:, top:-bottom, left:-right_]}


NOT_ROTATED = Mistake(
    "kernel-not-rotated",
    "dA_prev made with the kernel as it is: in the full convolution of dZ it has to be turned by 180°",
    "Use w[::-1, ::-1] in the correlation of the padded dZ, or scipy.signal.convolve2d(…, 'full').",
)


@NOT_ROTATED.made_in("conv_backward")
def _(case: Case) -> Results:
    return {"dx": dx_of(case, padded_dx(case, case.arrays["w"][::-1, ::-1]))}


TURNED_DW = Mistake(
    "weight-gradient-rotated",
    "dW turned by 180°: a convolution of input and dZ in place of their correlation",
    "dW is the correlation of the input with dZ: nothing is flipped.",
)


@TURNED_DW.made_in("conv_backward")
def _(case: Case) -> Results:
    return {"dw": right(case)["dw"][::-1, ::-1]}


OVERWRITTEN = Mistake(
    "overlapping-windows-overwritten",
    "the gradient of one window alone where several overlap, the last one written: = in place of +=",
    "A cell that several windows see gets the sum of their gradients: use +=, on zeros.",
)


@OVERWRITTEN.made_in("conv_backward")
def _(case: Case) -> Results:
    at = slid(case)
    return {"dx": dx_of(case, overwritten(pieces(case), at.window.stride, at.plane))}


@OVERWRITTEN.made_in("conv_backward")
def _(case: Case) -> Results:
    at, w = slid(case), case.arrays["w"]
    last = np.einsum("nhw,ijc->nhwcij", gradient(case)[..., -1], w[..., -1])
    return {"dx": dx_of(case, overwritten(last, at.window.stride, at.plane))}


@OVERWRITTEN.made_in("conv_backward")
def _(case: Case) -> Results:
    at = slid(case)
    return {"dx": dx_of(case, written_by_cell(pieces(case), at.window.stride, at.plane))}  # in col2im


LAST_POSITION = Mistake(
    "weight-gradient-overwritten",
    "dW of the last position alone: = in place of +=",
    "Every position adds to dW: dW += window · dZ[…], on zeros.",
)


@LAST_POSITION.made_in("conv_backward")
def _(case: Case) -> Results:
    return {"dw": kernel_gradient(seen_by(case)[-1:, -1:, -1:], gradient(case)[-1:, -1:, -1:])}


@LAST_POSITION.made_in("conv_backward")
def _(case: Case) -> Results:
    return {"dw": kernel_gradient(seen_by(case)[:, -1:, -1:], gradient(case)[:, -1:, -1:])}


LAST_DB = Mistake(
    "bias-gradient-overwritten",
    "db of the last position alone: = in place of +=",
    "Every position adds to db: it is the sum of dZ over images, rows and columns.",
)


@LAST_DB.made_in("conv_backward")
def _(case: Case) -> Results:
    return {"db": gradient(case)[-1, -1, -1]}


@LAST_DB.made_in("conv_backward")
def _(case: Case) -> Results:
    return {"db": gradient(case)[:, -1, -1].sum(0)}


@FIRST_IMAGE.made_in("conv_backward")
def _(case: Case) -> Results:
    return _of_images(case, slice(-1, None))


@FIRST_IMAGE.made_in("conv_backward")
def _(case: Case) -> Results:
    return _of_images(case, slice(0, 1))


def _of_images(case: Case, which: slice) -> Results:
    """Return the gradients where the other images of the batch have no say."""
    dz = np.zeros(gradient(case).shape)
    dz[which] = gradient(case)[which]
    alone = {**case.arrays, "dz": dz}
    from dataclasses import replace

    return right(replace(case, arrays=alone))


MEAN_OVER_BATCH = Mistake(
    "mean-over-the-batch",
    "gradients divided by the number of images",
    "Sum over the batch: where the loss is a mean, dZ is divided already.",
)


@MEAN_OVER_BATCH.made_in("conv_backward")
def _(case: Case) -> Results:
    return {name: array / len(gradient(case)) for name, array in right(case).items()}


MEAN_OVER_POSITIONS = Mistake(
    "mean-over-positions",
    "gradients divided by the number of positions: a mean in place of a sum",
    "Each output adds its share to dW and db: sum, do not average.",
)


@MEAN_OVER_POSITIONS.made_in("conv_backward")
def _(case: Case) -> Results:
    n, rows, columns, _ = gradient(case).shape
    return {name: array / (n * rows * columns) for name, array in right(case).items() if name != "dx"}


@MEAN_OVER_POSITIONS.made_in("conv_backward")
def _(case: Case) -> Results:
    _, rows, columns, _ = gradient(case).shape
    return {name: array / (rows * columns) for name, array in right(case).items() if name != "dx"}


DB_AXES = Mistake(
    "bias-gradient-over-the-wrong-axes",
    "db summed over the wrong axes",
    "db has one number a filter: the sum of dZ over images, rows and columns.",
)

for _axes in ((0,), (1, 2), (0, 1), (0, 2), (0, 3), (0, 1, 2, 3), (1, 2, 3), (2, 3), (0, 1, 3), (0, 2, 3)):

    @DB_AXES.made_in("conv_backward")
    def _(case: Case, axes: tuple[int, ...] = _axes) -> Results:
        return {"db": gradient(case).sum(axes)}


UNSTRIDED_BACK = Mistake(
    "stride-not-in-backward",
    "windows one cell apart in the backward pass: the stride is left out there",
    "The window of output (i, j) begins in row i·stride and column j·stride, backward as forward.",
)


@UNSTRIDED_BACK.made_in("conv_backward")
def _(case: Case) -> Results:
    return {
        "dx": dx_of(case, padded_dx(case, stride=(1, 1))),
        "dw": kernel_gradient(seen_by(case, stride=(1, 1)), gradient(case)),
    }


UNDILATED = Mistake(
    "gradient-not-dilated",
    "a full convolution of dZ as it is: at a stride above 1 zeros have to stand between its cells",
    "Put stride − 1 zeros between the rows and columns of dZ before the full convolution.",
)


@UNDILATED.made_in("conv_backward")
def _(case: Case) -> Results:
    at = slid(case)
    dz, (f_h, f_w) = gradient(case), at.window.size
    full = scattered(pieces(case), (1, 1), (dz.shape[1] + f_h - 1, dz.shape[2] + f_w - 1))
    (top, bottom), (left, right_) = at.window.padding
    return {"dx": full[:, top : full.shape[1] - bottom, left : full.shape[2] - right_]}


UNPADDED_BACK = Mistake(
    "padding-forgotten-in-backward",
    "dW made of the input without its padding",
    "Pad the input in the backward pass as in the forward one; dW takes its windows there.",
)


@UNPADDED_BACK.made_in("conv_backward")
def _(case: Case) -> Results:
    at, dz = slid(case), gradient(case)
    seen = windows(at.x, at.window.size, at.window.stride, (dz.shape[1], dz.shape[2]))
    return {"dw": kernel_gradient(seen, dz)}


@UNPADDED_BACK.made_in("conv_backward")
def _(case: Case) -> Results:
    """Return the valid correlation of the plain input with dZ, which is smaller than the kernel."""
    at, dz = slid(case), gradient(case)
    if at.window.stride != (1, 1):
        return right(case)
    size = _valid(at, (dz.shape[1], dz.shape[2]))
    seen = windows(at.x, (dz.shape[1], dz.shape[2]), (1, 1), size)
    return {"dw": np.einsum("nijchw,nhwk->ijck", seen, dz)} if min(size) > 0 else right(case)


def _valid(at: Slid, size: Pair) -> Pair:
    return max(0, at.x.shape[1] - size[0] + 1), max(0, at.x.shape[2] - size[1] + 1)


@ROWS_AND_COLUMNS.made_in("conv_backward")
def _(case: Case) -> Results:
    gradients = right(case)
    return {"dx": gradients["dx"].transpose(0, 2, 1, 3), "dw": gradients["dw"].transpose(1, 0, 2, 3)}


@AXIS_ORDER.made_in("conv_backward")
def _(case: Case) -> Results:
    dw = right(case)["dw"]
    return {"dw": dw.transpose(0, 1, 3, 2)}


@AXIS_ORDER.made_in("conv_backward")
def _(case: Case) -> Results:  # (k, c, i, j) made by reshape of (c·i·j, k)
    dw = right(case)["dw"]
    i, j, c, k = dw.shape
    return {"dw": dw.transpose(2, 0, 1, 3).reshape(k, c, i, j).transpose(2, 3, 1, 0)}


@AXIS_ORDER.made_in("conv_backward")
def _(case: Case) -> Results:  # (i, j, c, k) made by reshape of (k, i·j·c)
    dw = right(case)["dw"]
    return {"dw": np.ascontiguousarray(dw.transpose(3, 0, 1, 2)).reshape(dw.shape)}


ONE_FILTERS_GRADIENT = Mistake(
    "input-gradient-of-one-filter",
    "dA_prev of one filter alone: the others' shares are missing",
    "dA_prev is the sum over all filters: each saw the same input.",
)

for _filter in (0, -1):

    @ONE_FILTERS_GRADIENT.made_in("conv_backward")
    def _(case: Case, which: int = _filter) -> Results:
        w = np.zeros(case.arrays["w"].shape)
        w[..., which] = case.arrays["w"][..., which]
        return {"dx": dx_of(case, padded_dx(case, w))}
