"""Images as arrays, filtered: all that a policy decides is done here, block by block.

What a photo needs in memory is its pixels, its result, and a few blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli import kernels
from convcli.engine.arguments import real
from convcli.engine.plane.plan import Plan, checked_anchor
from convcli.engine.plane.planes import ArrayPlane, Plane
from convcli.errors import ShapeError, UsageError
from convcli.filtering.luma import LumaPlane
from convcli.filtering.policy import Policy
from convcli.filtering.ranges import Range
from convcli.filtering.visibility import (
    Sight,
    Visibility,
    check_alpha,
    has_data,
    in_eight_bits,
    moved,
    opaque_of,
    standing_for,
)
from convcli.filtering.work import Work
from convcli.kernels import Kernel
from convcli.shapes import IntOrPair, Padding, Pair

Pixels: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Findings:
    """What there is to say of a filtered image."""

    shape: tuple[int, ...]  # the result's, as the dtype is
    dtype: np.dtype[Any]
    minimum: float  # of the responses that are seen and finite, before `range`; NaN if there are none
    maximum: float
    clipped: float  # share of the samples that were cut to what the dtype holds
    odd: int  # how many responses are NaN or infinite
    missing: int  # how many pixels of the image hold no data
    blank: int  # how many pixels of the result have no data in their window, and stand for none
    channels: str  # as the range: what "auto" comes to
    range: str
    kernel: Kernel
    policy: Policy


@dataclass(frozen=True, eq=False)
class FilterResult:
    """A filtered image and how it came about."""

    pixels: Pixels  # (H', W') or (H', W', 3), of the image's dtype, or floats if `range` is "raw"
    alpha: Pixels | None  # (H', W') of the dtype that it had, moved with the pixels or filtered
    found: Findings


def filter_image(
    image: ArrayLike,
    kernel: str | Kernel | ArrayLike,
    *,
    padding: Padding = "same",
    border: str = "reflect",
    fill: float = 0,
    stride: IntOrPair = 1,
    dilation: IntOrPair = 1,
    op: str = "correlate",
    anchor: Pair | None = None,
    scale: float = 1,
    normalize: bool = False,
    offset: float = 0,
    channels: str = "auto",
    range: str = "auto",  # noqa: A002  (the option's name)
    alpha: str = "keep",
    nodata: ArrayLike = (),
    threads: int | None = None,
) -> Pixels:
    """Return an image filtered as ``convcli filter`` does it.

    Parameters
    ----------
    image
        (H, W), (H, W, 1) or (H, W, 3); with an alpha channel (H, W, 2) or (H, W, 4), whose largest
        value is opaque: 255 of uint8, 65535 of uint16, 1 of floats. Values of bool count as floats 0 and 1.
    kernel
        A name with optional parameters ("gaussian:sigma=2"), a `Kernel`, or weights (f_h, f_w).
    padding, border, fill, stride, dilation, op, anchor
        As in `filter2d`.
    scale, normalize
        What the weights are multiplied by, and whether they are divided to a sum of 1 before; where they sum
        to zero, the absolute values are.
    offset
        Added to every response, before `range` makes it a pixel, in the image's own units.
    channels
        "gray" filters luma (ITU-R BT.601) and gives (H', W'), "each" filters every channel, "auto" (the
        default) takes "gray" for kernels that sum to zero.
    range
        How responses become pixels: "auto" (the default), "clip", "abs", "stretch", "offset" or "raw". "auto"
        is "abs" for kernels that sum to zero, unless there is an `offset`, which keeps the sign.
    alpha
        "keep" (the default) and "filter" weight each colour by its alpha, so that what is transparent has no
        say: see `convcli.filtering.visibility`. "keep" takes the alpha of the pixel under the kernel's
        centre, 0 where the window sees nothing; "filter" lays the kernel on alpha as well, as the blur of a
        cut-out needs. "ignore" filters colours as if all were opaque.
    nodata
        One value or several that stand for no data, NaN among them if it is named: such pixels are left out
        of every sum, and the weights that remain count for them. Pixels of colours hold no data if all of
        their channels have that value, or any is NaN. Where a window has no data at all, the result is the
        first value.
    threads
        How many to compute with; all cores that the process may use, if not given. The result is the same.

    Returns
    -------
    ndarray
        Of the image's dtype, or floats if `range` is "raw" (then without alpha).

    Raises
    ------
    UsageError
        If an argument is out of range, unknown, or does not fit the image (`ShapeError`, `KernelError`,
        `UnknownNameError`).

    Examples
    --------
    >>> import numpy as np
    >>> step = np.array([[0, 0, 200, 200]] * 3, dtype=np.uint8)
    >>> filter_image(step, "sobel")[0]
    array([  0, 255, 255,   0], dtype=uint8)
    >>> filter_image(step, "sobel", range="raw")[0]
    array([  0., 800., 800.,   0.], dtype=float32)
    """
    policy = Policy(
        padding=padding,
        border=border,
        fill=fill,
        stride=stride,
        dilation=dilation,
        channels=channels,
        range=range,
        op=op,
        offset=offset,
        alpha=alpha,
        nodata=real(nodata, "values for no data").ravel().tolist(),
    )
    chosen = as_kernel(kernel, scale=scale, normalize=normalize, anchor=anchor)
    array = real(image, "an image")
    if array.dtype.kind == "b":
        array = array.astype(np.float32)
    count = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or array.size == 0 or count not in (1, 2, 3, 4):
        raise ShapeError(
            f"Expected an image (H, W) or (H, W, 1 to 4), found an array of shape {array.shape}."
        )
    if count in (1, 3):
        return apply(array, chosen, policy, threads=threads).pixels
    colour = array[:, :, 0] if count == 2 else array[:, :, :3]
    result = apply(colour, chosen, policy, opacity=array[:, :, -1], threads=threads)
    if result.alpha is None:
        return result.pixels
    return np.dstack((result.pixels, result.alpha)).astype(result.pixels.dtype, copy=False)  # its byte order


def as_kernel(
    kernel: str | Kernel | ArrayLike,
    *,
    scale: float = 1,
    normalize: bool = False,
    anchor: Pair | None = None,
) -> Kernel:
    """Return the kernel that a name or weights stand for, changed as `filter_image` says."""
    if isinstance(kernel, str):
        kernel = kernels.parse(kernel)
    elif not isinstance(kernel, Kernel):
        kernel = Kernel("custom", (kernels.checked_weights(kernel, "kernel"),))
    kernel = kernels.adjusted(kernel, scale=scale, normalize=normalize)
    return kernel if anchor is None else replace(kernel, anchor=checked_anchor(anchor, kernel.shape))


def apply(
    pixels: Pixels,
    kernel: Kernel,
    policy: Policy,
    *,
    opacity: Pixels | None = None,
    whole: bool = False,
    max_pixels: int | None = None,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> FilterResult:
    """Filter `pixels`, (H, W) or (H, W, 1 or 3), with alpha `opacity`, (H, W), if there is any.

    A `whole` result is of uint8, for files that hold nothing else: white is 255 for 1 of floats. `progress`
    is called by any thread with the share of the work that has been done since. Errors are `filter_image`'s.
    """
    if pixels.dtype.kind not in "uif":
        raise UsageError(f"Expected an image of integers or floats, found {pixels.dtype}.")
    if opacity is not None:
        check_alpha(opacity)
    work = _work(pixels, kernel, policy, opacity, whole=whole)
    _check_output(work.plan.output_shape, max_pixels)
    result, seen, summary = work.run(threads, progress)
    visibility = None if work.sight is None else work.sight.visibility
    name = work.range.name
    if not summary.fits(name, work.plan.dtype) and _all_finite(pixels, visibility):
        raise UsageError(
            f"{kernel.name} gives values beyond {work.plan.dtype} on this image; scale one of the two down."
        )
    if pixels.ndim == 2 or len(work.planes) < pixels.shape[2]:
        result = result[:, :, 0]
    alpha = None
    if opacity is not None and name != "raw":
        alpha = _alpha(opacity, kernel, policy, work.plan, seen, threads)
        alpha = in_eight_bits(alpha) if whole else alpha
    data = None if visibility is None else visibility.data
    minimum, maximum = summary.extremes or (math.nan, math.nan)
    found = Findings(
        shape=result.shape,
        dtype=result.dtype,
        minimum=minimum,
        maximum=maximum,
        clipped=summary.clipped / result.size,
        odd=summary.odd,
        missing=0 if data is None else data.size - int(np.count_nonzero(data)),
        blank=0 if data is None or seen is None else seen.size - int(np.count_nonzero(seen)),
        channels=policy.channels_for(kernel),
        range=name,
        kernel=kernel,
        policy=policy,
    )
    return FilterResult(result, alpha, found)


def _work(pixels: Pixels, kernel: Kernel, policy: Policy, opacity: Pixels | None, *, whole: bool) -> Work:
    """Return what is to be done to `pixels`, as `apply` has it."""
    planes = _planes(pixels, policy.channels_for(kernel), kernel)
    plan = policy.plan(pixels.shape[:2], pixels.dtype, kernel.parts, kernel.anchor)
    nodata = [float(value) for value in policy.nodata]
    data = has_data(pixels, nodata) if nodata else None
    visibility = Visibility.of(None if policy.alpha == "ignore" else opacity, data)
    sight = None if visibility is None else Sight.of(visibility, kernel, policy)
    name = policy.range_for(kernel, pixels.dtype, whole=whole)
    dtype = plan.dtype if policy.range == "raw" else np.dtype(np.uint8) if whole else pixels.dtype
    levels = dtype if name == "stretch" else pixels.dtype
    missing = 0.0 if data is None else standing_for(nodata[0], dtype)
    return Work(plan, sight, kernel, planes, Range(name, dtype, levels, missing), policy.offset)


def _check_output(shape: Pair, most: int | None) -> None:
    """Raise `ShapeError` before a result of more pixels than `most` is begun."""
    if most is not None and shape[0] * shape[1] > most:
        raise ShapeError(
            f"The result would have {shape[0]:,} × {shape[1]:,} pixels, more than the {most:,} that are "
            "allowed. Pad less, or allow more (--max-pixels)."
        )


def _all_finite(pixels: Pixels, visibility: Visibility | None) -> bool:
    """Return whether all pixels that are seen are finite: then what is not, comes of the sums."""
    finite: Pixels = np.isfinite(pixels)
    if pixels.ndim == 3:
        finite = np.logical_and.reduce(finite, axis=2)
    if visibility is not None:
        share = np.empty(visibility.shape)
        visibility.read(slice(0, share.shape[0]), slice(0, share.shape[1]), share)
        finite |= share == 0
    return bool(finite.all())


def _alpha(
    opacity: Pixels, kernel: Kernel, policy: Policy, plan: Plan, seen: Pixels | None, threads: int | None
) -> Pixels:
    """Return the result's alpha: filtered, or moved and 0 where nothing is seen that could be shown.

    Where nothing is seen, kernels that sum to zero tell the truth: there is no edge.
    """
    if policy.alpha == "filter":
        name = "abs" if kernel.sums_to_zero else "clip"
        own = replace(policy, channels="gray", range=name, offset=0, alpha="keep", nodata=())
        if policy.border in ("zero", "constant"):  # what stands around an image without a cell is opaque
            own = replace(own, border="constant", fill=opaque_of(opacity.dtype))
        pixels = apply(opacity, kernel, own, threads=threads).pixels
        return np.clip(pixels, 0, 1) if pixels.dtype.kind == "f" else pixels
    alpha = moved(opacity, plan)
    if seen is not None and not kernel.sums_to_zero and not seen.all():
        alpha = np.where(seen, alpha, alpha.dtype.type(0))
    return alpha


def _planes(pixels: Pixels, channels: str, kernel: Kernel) -> list[list[Plane]]:
    """Return for each plane of the result its source, or a source for each part of a volume."""
    if pixels.ndim == 2:
        return [[ArrayPlane(pixels)]]
    if channels == "gray" and pixels.shape[2] == 3:
        return [[LumaPlane(pixels)]]
    sources: list[Plane] = [ArrayPlane(pixels[:, :, c]) for c in range(pixels.shape[2])]
    if channels != "volume":
        return [[source] for source in sources]
    if len(sources) not in (1, len(kernel.parts)):
        raise ShapeError(
            f"{kernel.name} is for images of {len(kernel.parts)} channels; this one has {len(sources)}."
        )
    return [sources]
