"""The policy of the `filter` command, on arrays: which channels are filtered, how responses become pixels.

    channels  gray: luma; each: every channel;
              auto: gray for kernels that sum to zero (edges), each for the others; a kernel with a part for
              each channel (volume) gives the sum of their responses, and takes a grey image for all of them
    range     clip: v; abs: |v|; offset: v + mid-grey; raw: v as floats;
              stretch: minimum … maximum to black … white;
              auto: abs for kernels that sum to zero, clip for the others

An offset is added to the responses before that, in the image's own units (0 … 255, 0 … 65535, 0 … 1): abs
takes the absolute value of the sum, stretch makes nothing of it, raw writes it; auto is then never abs.

Integers are rounded, and clipped to what their dtype holds. Floats have no white: auto, abs and raw do not
clip them, the others take white for 1. Only stretch depends on what is in the image.

All of it happens block by block: what a photo needs in memory is its pixels, its result, and a few blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli import kernels
from convcli.engine.arguments import real
from convcli.engine.plane.borders import border_named
from convcli.engine.plane.filter import allocated
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.planes import ArrayPlane, Plane
from convcli.errors import ShapeError, UnknownNameError, UsageError
from convcli.filtering.luma import LumaPlane
from convcli.filtering.ranges import RANGES
from convcli.filtering.visibility import Sight, Visibility, check_alpha, has_data, opaque_of
from convcli.filtering.work import Work
from convcli.kernels import Kernel
from convcli.shapes import IntOrPair, Padding, Pair

Pixels: TypeAlias = NDArray[Any]

CHANNELS = ("auto", "gray", "each")
ALPHAS = ("keep", "filter", "ignore")


@dataclass(frozen=True, eq=False)
class FilterResult:
    """A filtered image and how it came about.

    Attributes
    ----------
    pixels
        (H', W') or (H', W', 3), of the image's dtype, or floats if `range` is "raw".
    alpha
        (H', W') of the dtype that it had, moved with the pixels or filtered; or None.
    minimum, maximum
        Of the responses that are seen and finite, before `range` was applied; NaN if there are none.
    clipped
        Share of the samples that were cut to what the dtype holds.
    odd
        How many responses are NaN or infinite.
    missing
        How many pixels of the image hold no data.
    blank
        How many pixels of the result have no data in their window, and stand for none.
    channels, range, op
        The policies in force: "auto" is resolved.
    kernel
        The kernel that was laid on.
    """

    pixels: Pixels
    alpha: Pixels | None
    minimum: float
    maximum: float
    clipped: float
    odd: int
    missing: int
    blank: int
    channels: str
    range: str
    op: str
    kernel: Kernel


class Geometry(TypedDict, total=False):
    """Where the kernel is laid, and which way round: the options that `filter2d` documents."""

    padding: Padding
    border: str
    fill: float
    stride: IntOrPair
    dilation: IntOrPair
    op: str
    anchor: Pair | None


class Policy(Geometry, total=False):
    """What decides on the result."""

    channels: str
    range: str
    offset: float
    alpha: str


class Options(Policy, total=False):
    """All options of `filter_image`."""

    nodata: Sequence[float]
    scale: float
    normalize: bool
    threads: int | None


def filter_image(image: ArrayLike, kernel: str | Kernel | ArrayLike, **options: Unpack[Options]) -> Pixels:
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
        Values that stand for no data, NaN among them if it is named: such pixels are left out of every sum,
        and the weights that remain count for them. Pixels of colours hold no data if all of their channels
        have that value, or any is NaN. Where a window has no data at all, the result is the first value.
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
    array = real(image, "an image")
    if array.dtype.kind == "b":
        array = array.astype(np.float32)
    count = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or array.size == 0 or count not in (1, 2, 3, 4):
        raise ShapeError(
            f"Expected an image (H, W) or (H, W, 1 to 4), found an array of shape {array.shape}."
        )
    if count in (1, 3):
        return apply(array, kernel, **options).pixels
    colour = array[:, :, 0] if count == 2 else array[:, :, :3]
    result = apply(colour, kernel, opacity=array[:, :, -1], **options)
    if result.alpha is None:
        return result.pixels
    return np.dstack((result.pixels, result.alpha)).astype(result.pixels.dtype, copy=False)  # its byte order


def apply(
    pixels: Pixels,
    kernel: str | Kernel | ArrayLike,
    *,
    opacity: Pixels | None = None,
    alpha: str = "keep",
    nodata: Sequence[float] = (),
    channels: str = "auto",
    range: str = "auto",  # noqa: A002  (the option's name)
    offset: float = 0,
    scale: float = 1,
    normalize: bool = False,
    threads: int | None = None,
    whole: bool = False,
    max_pixels: int | None = None,
    progress: Callable[[float], None] | None = None,
    **geometry: Unpack[Geometry],
) -> FilterResult:
    """Filter `pixels`, (H, W) or (H, W, 1 or 3), and return all there is to say about it.

    Parameters
    ----------
    opacity
        (H, W), the image's alpha, if it has any.
    whole
        Whether the result is to be of uint8 for files that hold nothing else: white is 255 for 1 of floats.
    max_pixels
        How many the result may have.
    progress
        Called again and again, by any thread, with the share of the work that has been done since.

    The other arguments and the errors are `filter_image`'s.
    """
    if pixels.dtype.kind not in "uif":
        raise UsageError(f"Expected an image of integers or floats, found {pixels.dtype}.")
    if range not in RANGES:
        raise UnknownNameError("value for range", range, RANGES)
    if alpha not in ALPHAS:
        raise UnknownNameError("value for alpha", alpha, ALPHAS)
    if not math.isfinite(offset):
        raise UsageError(f"offset must be a finite number, not {offset!r}.")
    chosen = kernels.adjusted(as_kernel(kernel), scale=scale, normalize=normalize)
    if geometry.get("anchor") is None:
        geometry["anchor"] = chosen.anchor
    channels = channels_for(chosen, channels)
    policy = _auto_range(chosen, pixels.dtype, offset) if range == "auto" else range
    if whole and policy == "raw" and range == "auto":
        policy = "clip"
    if opacity is not None:
        check_alpha(opacity)

    planes = _planes(pixels, channels, chosen)
    plan = Plan.of(pixels.shape[:2], pixels.dtype, chosen.parts, **geometry)
    _check_output(plan.output_shape, max_pixels)
    data = has_data(pixels, nodata) if len(nodata) else None
    visibility = Visibility.of(None if alpha == "ignore" else opacity, data)
    sight = None if visibility is None else Sight.of(visibility, chosen.parts, **geometry)
    dtype = plan.dtype if range == "raw" else np.dtype(np.uint8) if whole else pixels.dtype
    result = allocated((*plan.output_shape, len(planes)), dtype)
    seen = None if sight is None else np.empty(plan.output_shape, bool)
    levels = np.dtype(np.uint8) if whole and policy == "stretch" else pixels.dtype
    missing = float(nodata[0]) if data is not None and _holds(dtype, float(nodata[0])) else 0.0
    work = Work(plan, sight, chosen, planes, policy, offset, levels, missing)
    # Stretch needs the whole image's range first. Responding twice costs time; keeping floats, memory.
    halves = None if progress is None else lambda share: progress(share / 2)
    if policy == "stretch":
        summary = work.run(None, None, threads, progress=halves)
    else:
        summary = work.run(result, seen, threads, progress=progress)
    too_large = summary.odd or not summary.reach(policy) <= float(np.finfo(plan.dtype).max)
    if too_large and _all_finite(pixels, visibility):
        raise UsageError(
            f"{chosen.name} gives values beyond {plan.dtype} on this image; scale one of the two down."
        )
    if policy == "stretch":
        limits = (summary.minimum, summary.maximum) if summary.minimum <= summary.maximum else (0.0, 0.0)
        summary = replace(work.run(result, seen, threads, limits, halves), odd=summary.odd)
    if pixels.ndim == 2 or len(planes) < pixels.shape[2]:
        result = result[:, :, 0]
    return FilterResult(
        pixels=result,
        alpha=_alpha(opacity, alpha, plan, seen, chosen, whole, threads, geometry)
        if policy != "raw"
        else None,
        minimum=summary.minimum if summary.minimum <= summary.maximum else math.nan,
        maximum=summary.maximum if summary.minimum <= summary.maximum else math.nan,
        clipped=summary.clipped / result.size,
        odd=summary.odd,
        missing=0 if data is None else data.size - int(np.count_nonzero(data)),
        blank=0 if data is None or seen is None else seen.size - int(np.count_nonzero(seen)),
        channels=channels,
        range=policy,
        op=geometry.get("op", "correlate"),
        kernel=chosen,
    )


def _check_output(shape: Pair, most: int | None) -> None:
    """Raise `ShapeError` before a result of more pixels than `most` is begun."""
    if most is not None and shape[0] * shape[1] > most:
        raise ShapeError(
            f"The result would have {shape[0]:,} × {shape[1]:,} pixels, more than the {most:,} that are "
            "allowed. Pad less, or allow more (--max-pixels)."
        )


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    """Return whether pixels of this dtype can have the value."""
    if dtype.kind == "f":
        return True
    return float(np.iinfo(dtype).min) <= value <= float(np.iinfo(dtype).max)


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
    opacity: Pixels | None,
    alpha: str,
    plan: Plan,
    seen: Pixels | None,
    kernel: Kernel,
    whole: bool,
    threads: int | None,
    geometry: Geometry,
) -> Pixels | None:
    """Return the result's alpha: filtered, or moved and 0 where nothing is seen that could be shown.

    Where nothing is seen, kernels that sum to zero tell the truth: there is no edge.
    """
    if opacity is None:
        return None
    if alpha == "filter":
        result = _filtered(opacity, kernel, threads, geometry)
    else:
        result = _moved(opacity, plan)
        if seen is not None and not kernel.sums_to_zero and not seen.all():
            result = np.where(seen, result, result.dtype.type(0))
    if whole and result.dtype != np.uint8:
        shares = result / (opaque_of(result.dtype) / 255)
        result = np.rint(np.clip(shares, 0, 255)).astype(np.uint8)
    return result


def _filtered(opacity: Pixels, kernel: Kernel, threads: int | None, geometry: Geometry) -> Pixels:
    """Return alpha as the kernel gives it; what stands around an image without a cell of it is opaque."""
    around: Geometry = {**geometry}
    if border_named(geometry.get("border", "reflect")) in ("zero", "constant"):
        around |= {"border": "constant", "fill": opaque_of(opacity.dtype)}
    policy = "abs" if kernel.sums_to_zero else "clip"
    pixels = apply(opacity, kernel, channels="gray", range=policy, threads=threads, **around).pixels
    return np.clip(pixels, 0, 1) if pixels.dtype.kind == "f" else pixels


def as_kernel(kernel: str | Kernel | ArrayLike) -> Kernel:
    """Return the kernel that a name with parameters, or weights, stand for."""
    if isinstance(kernel, Kernel):
        return kernel
    if isinstance(kernel, str):
        return kernels.parse(kernel)
    return Kernel("custom", (kernels.checked_weights(kernel, "kernel"),))


def channels_for(kernel: Kernel, channels: str) -> str:
    """Return "gray", "each" or "volume": what `channels`, perhaps "auto", means for this kernel."""
    if channels not in CHANNELS:
        raise UnknownNameError("value for channels", channels, CHANNELS)
    if kernel.combine == "volume":
        if channels == "each":
            raise UsageError(
                f"{kernel.name} sums up the channels of an image; each cannot be had, only auto or gray."
            )
        return "gray" if channels == "gray" else "volume"
    if channels != "auto":
        return channels
    return "gray" if kernel.sums_to_zero else "each"


def _auto_range(kernel: Kernel, dtype: np.dtype[Any], offset: float) -> str:
    if kernel.sums_to_zero and not offset:
        return "abs"
    return "raw" if dtype.kind == "f" else "clip"


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


def _moved(alpha: Pixels, plan: Plan) -> Pixels:
    """Return the alpha under the kernel's centre at each position, or the nearest to it."""
    size = (alpha.shape[0], alpha.shape[1])
    rows, columns = (
        np.clip(np.arange(out) * stride - before + centre, 0, n - 1)
        for n, out, stride, (before, _), centre in zip(
            size, plan.output_shape, plan.window.stride, plan.window.padding, plan.centre, strict=True
        )
    )
    if all(np.array_equal(places, np.arange(n)) for places, n in zip((rows, columns), size, strict=True)):
        return alpha
    return alpha[np.ix_(rows, columns)]
