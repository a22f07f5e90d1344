"""Mistakes of pools, forward and backward, and of the two steps that their backward pass is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.mistakes.convolution.axes import ROWS_AND_COLUMNS
from convcli.grading.mistakes.convolution.forward import in_the_corner
from convcli.grading.mistakes.convolution.sums import FIRST_IMAGE
from convcli.grading.mistakes.convolution.windows import (
    ONE_SHORT,
    ROUNDED_UP,
    SIZE_OF_INPUT,
    STRIDE_IGNORED,
    STRIDE_NOT_IN_POSITION,
    STRIDE_NOT_IN_SIZE,
    rounded_up,
)
from convcli.grading.mistakes.convolution_backward import OVERWRITTEN, UNSTRIDED_BACK, gradient
from convcli.grading.mistakes.mistake import Mistake
from convcli.grading.mistakes.plain import (
    cropped,
    every_tie,
    overwritten,
    scattered,
    share,
    slid,
    windows,
    written_by_cell,
)
from convcli.shapes import Pair

if TYPE_CHECKING:
    from convcli.grading.cases import Case

Reduce = Callable[..., Array]
FORWARD: dict[str, Reduce] = {"max_pool": np.nanmax, "avg_pool": np.nanmean}
"""Each pool's function; NaN stands for what is no cell of the input."""

OVER_CELLS = (-2, -1)


def seen_by(case: Case, stride: Pair | None = None, output: Pair | None = None) -> Array:
    """Return the windows of a pool, (n, out_h, out_w, c, f_h, f_w); NaN where there is no cell.

    A mean counts padding as zeros, a maximum leaves it out.
    """
    at = slid(case)
    outside = 0.0 if case.operation.startswith("avg") else np.nan
    x = np.pad(at.x.astype(float), ((0, 0), *at.window.padding, (0, 0)), constant_values=outside)
    return windows(x, at.window.size, stride or at.window.stride, output or at.output, np.nan)


def pooled(case: Case, seen: Array, reduce: Reduce | None = None) -> Array:
    """Return what comes out of windows, 0 where one holds no cell at all."""
    function = reduce or FORWARD[case.operation]
    empty = np.isnan(seen).all(OVER_CELLS, keepdims=True)
    made: Array = function(np.where(empty, 0.0, seen), axis=OVER_CELLS)
    return made


POOLS = tuple(FORWARD)

OTHER_POOL = Mistake(
    "another-pool",
    "another function of the window: the mean for the maximum, or the other way round, the minimum, the sum",
    "A max pool takes the largest cell of each window, an average pool their mean.",
)

for _reduce in (np.nanmax, np.nanmean, np.nanmin, np.nansum, np.nanmedian):

    @OTHER_POOL.made_in(*POOLS)
    def _(case: Case, reduce: Reduce = _reduce) -> Array:
        return pooled(case, seen_by(case), reduce)


@STRIDE_NOT_IN_SIZE.made_in(*POOLS)
def _(case: Case) -> Array:
    right, (rows, columns) = pooled(case, seen_by(case)), slid(case).strides_past
    y = np.zeros((right.shape[0], rows, columns, right.shape[3]))
    y[:, : right.shape[1], : right.shape[2]] = right
    return y


@STRIDE_IGNORED.made_in(*POOLS)
def _(case: Case) -> Array:
    return pooled(case, seen_by(case, (1, 1), slid(case).strides_past))


STRIDE_IS_SIZE = Mistake(
    "stride-taken-for-the-size",
    "windows side by side whatever the stride: they move by their own size",
    "Neighbouring windows lie `stride` cells apart, and may overlap.",
)


@STRIDE_IS_SIZE.made_in(*POOLS)
def _(case: Case) -> Array:
    at = slid(case)
    (height, width), (f_h, f_w) = at.plane, at.window.size
    return pooled(case, seen_by(case, at.window.size, (height // f_h, width // f_w)))


@STRIDE_NOT_IN_POSITION.made_in(*POOLS)
def _(case: Case) -> Array:
    return pooled(case, seen_by(case, (1, 1)))


@ROUNDED_UP.made_in(*POOLS)
def _(case: Case) -> Array:
    return pooled(case, seen_by(case, output=rounded_up(slid(case))))


@ONE_SHORT.made_in(*POOLS)
def _(case: Case) -> Array:
    return pooled(case, seen_by(case))[:, :-1, :-1]


@ROWS_AND_COLUMNS.made_in(*POOLS)
def _(case: Case) -> Array:
    return pooled(case, seen_by(case)).transpose(0, 2, 1, 3)


@SIZE_OF_INPUT.made_in(*POOLS)
def _(case: Case) -> Array:
    return in_the_corner(pooled(case, seen_by(case)), slid(case).x.shape[1:3])


FROM_ZERO = Mistake(
    "maximum-begun-at-zero",
    "a maximum that is looked for from 0 on: windows of numbers below 0 alone give 0",
    "Begin with -np.inf, or with the window's first cell; or take window.max().",
)


@FROM_ZERO.made_in("max_pool")
def _(case: Case) -> Array:
    return np.maximum(pooled(case, seen_by(case)), 0)


ACROSS_CHANNELS = Mistake(
    "pooled-across-channels",
    "one value for all channels: the window is reduced over its channels, too",
    "Each channel is pooled by itself: reduce rows and columns alone.",
)


@ACROSS_CHANNELS.made_in(*POOLS)
def _(case: Case) -> Array:
    y: Array = FORWARD[case.operation](seen_by(case), axis=(-3, -2, -1), keepdims=False)
    return np.repeat(y[..., None], case.arrays["x"].shape[-1], -1)


@FIRST_IMAGE.made_in(*POOLS)
def _(case: Case) -> Array:
    y = pooled(case, seen_by(case))
    return np.repeat(y[:1], len(y), 0)


# Backward: a weight for each cell of a window, times the gradient of its output.


def _shares(case: Case, stride: Pair | None = None) -> Array:
    """Return the weight of each cell as it should be."""
    if case.operation == "avg_pool_backward":
        return _seen_back(case, stride)[1]
    return share(_seen_back(case, stride)[0])


def _seen_back(case: Case, stride: Pair | None = None) -> tuple[Array, Array]:
    """Return the windows, −∞ where there is no cell, and the share of each cell in a mean."""
    rows, columns = gradient(case).shape[1:3]
    seen = seen_by(case, stride, (rows, columns))
    there = ~np.isnan(seen)
    share_of_mean = there / np.maximum(there.sum(OVER_CELLS, keepdims=True), 1)
    return np.where(there, seen, -np.inf), share_of_mean


def _back(
    case: Case, weights: Array, *, stride: Pair | None = None, put: Callable[..., Array] = scattered
) -> Array:
    at = slid(case)
    pieces = weights * gradient(case)[..., None, None]
    dx = put(pieces, stride or at.window.stride, at.plane)
    return cropped(dx, at.window.padding, (at.x.shape[1], at.x.shape[2]))


EVERY_TIE = Mistake(
    "every-tie-counted",
    "every cell that equals the maximum counted: where several tie, each gets the whole gradient",
    "One cell of a window gets the gradient, the first maximum in row order: use argmax, not ==. "
    "Where a course marks every maximum, --ties any takes that for right.",
)


@EVERY_TIE.made_in("max_pool_backward")
def _(case: Case) -> Array:
    return _back(case, every_tie(_seen_back(case)[0]))


@EVERY_TIE.made_in("create_mask_from_window")
def _(case: Case) -> Array:
    return every_tie(case.arrays["x"])


TIES_SHARE = Mistake(
    "ties-share",
    "the gradient shared among all cells that equal the maximum",
    "One cell of a window gets the gradient, the first maximum in row order: use argmax, not ==.",
)


@TIES_SHARE.made_in("max_pool_backward")
def _(case: Case) -> Array:
    mask = every_tie(_seen_back(case)[0])
    return _back(case, mask / mask.sum(OVER_CELLS, keepdims=True))


LAST_TIE = Mistake(
    "last-tie",
    "the last of several equal maxima in place of the first",
    "Keep the first maximum in row order: argmax does, a loop with >= keeps the last.",
)


@LAST_TIE.made_in("max_pool_backward")
def _(case: Case) -> Array:
    return _back(case, share(_seen_back(case)[0], first=False))


@LAST_TIE.made_in("create_mask_from_window")
def _(case: Case) -> Array:
    return share(case.arrays["x"], first=False)


ALL_CELLS = Mistake(
    "gradient-to-the-whole-window",
    "the gradient of a maximum given to every cell of its window",
    "Only the cell that was the maximum changes the output: the others get 0.",
)


@ALL_CELLS.made_in("max_pool_backward")
def _(case: Case) -> Array:
    return _back(case, np.isfinite(_seen_back(case)[0]).astype(float))


@ALL_CELLS.made_in("max_pool_backward")
def _(case: Case) -> Array:
    return _back(case, _seen_back(case)[1])


UNDIVIDED = Mistake(
    "average-not-divided",
    "the whole gradient of a mean given to each cell of its window",
    "Each of the f_h·f_w cells gets its share: divide by the size of the window.",
)


@UNDIVIDED.made_in("avg_pool_backward")
def _(case: Case) -> Array:
    return _back(case, (_seen_back(case)[1] > 0).astype(float))


@UNDIVIDED.made_in("distribute_value")
def _(case: Case) -> Array:
    return _distributed(case, 1)


HALF_DIVIDED = Mistake(
    "average-divided-by-one-side",
    "a mean's gradient divided by one side of the window, not by its area",
    "Divide by the number of cells, rows times columns.",
)

for _axis in (0, 1):

    @HALF_DIVIDED.made_in("avg_pool_backward")
    def _(case: Case, axis: int = _axis) -> Array:
        return _back(case, (_seen_back(case)[1] > 0) / slid(case).window.size[axis])

    @HALF_DIVIDED.made_in("distribute_value")
    def _(case: Case, axis: int = _axis) -> Array:
        return _distributed(case, case.options["shape"][axis])


def _distributed(case: Case, divisor: float) -> Array:
    return np.full(case.options["shape"], float(case.arrays["dz"].reshape(-1)[0]) / divisor)


OTHER_GRADIENT = Mistake(
    "another-pools-gradient",
    "the gradient of a maximum in the backward pass of a mean",
    "In a mean every cell has its share: 1 / (f_h·f_w) of the gradient.",
)


@OTHER_GRADIENT.made_in("avg_pool_backward")
def _(case: Case) -> Array:
    return _back(case, share(_seen_back(case)[0]))


@OVERWRITTEN.made_in("max_pool_backward", "avg_pool_backward")
def _(case: Case) -> Array:
    return _back(case, _shares(case), put=overwritten)


@OVERWRITTEN.made_in("max_pool_backward", "avg_pool_backward")
def _(case: Case) -> Array:
    return _back(case, _shares(case), put=written_by_cell)


@OVERWRITTEN.made_in("max_pool_backward")
def _(case: Case) -> Array:
    """Return the gradient where only the winner's cell is written, in place of its whole window."""
    at, weights = slid(case), _shares(case)
    n, rows, columns, c, _, f_w = weights.shape
    dx, (s_h, s_w) = np.zeros((n, *at.plane, c)), at.window.stride
    for image, row, column, channel in np.ndindex(n, rows, columns, c):
        i, j = divmod(int(weights[image, row, column, channel].argmax()), f_w)
        dx[image, row * s_h + i, column * s_w + j, channel] = gradient(case)[image, row, column, channel]
    return cropped(dx, at.window.padding, (at.x.shape[1], at.x.shape[2]))


TIES_WRITTEN = Mistake(
    "ties-and-overlaps-overwritten",
    "every cell that equals the maximum counted, and = in place of += where windows overlap",
    "Give the gradient to one cell of a window, the first maximum (argmax), and add it there: +=.",
)


@TIES_WRITTEN.made_in("max_pool_backward")
def _(case: Case) -> Array:
    at, mask = slid(case), every_tie(_seen_back(case)[0])
    n, rows, columns, c, _, _ = mask.shape
    dx, (s_h, s_w) = np.zeros((n, *at.plane, c)), at.window.stride
    for image, row, column, channel in np.ndindex(n, rows, columns, c):
        for i, j in np.argwhere(mask[image, row, column, channel]):
            dx[image, row * s_h + i, column * s_w + j, channel] = gradient(case)[image, row, column, channel]
    return cropped(dx, at.window.padding, (at.x.shape[1], at.x.shape[2]))


@UNSTRIDED_BACK.made_in("max_pool_backward", "avg_pool_backward")
def _(case: Case) -> Array:
    return _back(case, _shares(case, (1, 1)), stride=(1, 1))


@UNSTRIDED_BACK.made_in("max_pool_backward")
def _(case: Case) -> Array:
    return _back(case, _shares(case, (1, 1)))  # taken one cell apart, put where it belongs


MASKED_VALUES = Mistake(
    "mask-of-values",
    "the maximum itself in the mask, or the gradient times it",
    "A mask is 1 (true) at the maximum and 0 elsewhere, whatever the values are.",
)


@MASKED_VALUES.made_in("create_mask_from_window")
def _(case: Case) -> Array:
    return share(case.arrays["x"]) * case.arrays["x"]


@MASKED_VALUES.made_in("max_pool_backward")
def _(case: Case) -> Array:
    seen = _seen_back(case)[0]
    return _back(case, share(seen) * np.where(np.isfinite(seen), seen, 0))


OTHER_EXTREME = Mistake(
    "minimum-masked",
    "the mask of the minimum",
    "The gradient goes to the largest cell of the window: argmax.",
)


@OTHER_EXTREME.made_in("create_mask_from_window")
def _(case: Case) -> Array:
    return share(-case.arrays["x"])
