"""Mistakes of the sum of a window's products: of its kernel, its channels, its bias; and of one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.convolution.forward import biases, forward
from convcli.grading.mistakes.mistake import Mistake
from convcli.grading.mistakes.plain import padded, slid, windows

if TYPE_CHECKING:
    from convcli.grading.cases import Case


FLIPPED = Mistake(
    "kernel-flipped",
    "the kernel turned by 180° before it is laid on the window",
    "Multiply the window with the kernel as it is: in networks a convolution is a cross-correlation.",
)


@FLIPPED.made_in("conv_forward")
def _(case: Case) -> Array:
    return forward(case, w=case.arrays["w"][::-1, ::-1])


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


MEAN_FOR_SUM = Mistake(
    "mean-in-place-of-sum",
    "the mean of the products in place of their sum",
    "Sum the products: nothing is divided by the number of cells.",
)

for _axes in slice(3), slice(2, 3), slice(2):  # for each cell, channel, cell of a channel

    @BIAS_REPEATED.made_in("conv_forward")
    def _(case: Case, axes: slice = _axes) -> Array:
        return forward(case, bias=float(np.prod(case.arrays["w"].shape[axes])))

    @MEAN_FOR_SUM.made_in("conv_forward")
    def _(case: Case, axes: slice = _axes) -> Array:
        w = case.arrays["w"]
        return forward(case, w=w / np.prod(w.shape[axes]))


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
