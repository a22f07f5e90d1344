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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli import kernels
from convcli.engine.arguments import real
from convcli.engine.borders import ArraySource, Source
from convcli.engine.filter import Block, Plan, allocated, each_block, plan, responses
from convcli.engine.workspace import Workspace
from convcli.errors import ShapeError, UnknownNameError, UsageError
from convcli.filtering.luma import LumaSource
from convcli.filtering.ranges import RANGES, finish
from convcli.kernels import Kernel
from convcli.shapes import IntOrPair, Padding, Pair

Pixels: TypeAlias = NDArray[Any]

CHANNELS = ("auto", "gray", "each")


@dataclass(frozen=True, eq=False)
class FilterResult:
    """A filtered image and how it came about.

    Attributes
    ----------
    pixels
        (H', W') or (H', W', 3), of the image's dtype, or floats if `range` is "raw".
    alpha
        (H', W') of uint8, moved with the pixels but never filtered; or None.
    minimum, maximum
        Of the responses, before `range` was applied.
    clipped
        Share of the samples that were cut to what the dtype holds.
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


class Options(Policy, total=False):
    """All options of `filter_image`."""

    scale: float
    normalize: bool
    threads: int | None


def filter_image(image: ArrayLike, kernel: str | Kernel | ArrayLike, **options: Unpack[Options]) -> Pixels:
    """Return an image filtered as ``convcli filter`` does it.

    Parameters
    ----------
    image
        (H, W), (H, W, 1) or (H, W, 3); with an alpha channel (H, W, 2) or (H, W, 4) of uint8.
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
    threads
        How many to compute with; all cores that the process may use, if not given. The result is the same.

    Returns
    -------
    ndarray
        Of the image's dtype, or floats if `range` is "raw" (then without alpha). Alpha is never filtered; it
        is cropped or thinned like the pixels.

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
    count = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or array.size == 0 or count not in (1, 2, 3, 4):
        raise ShapeError(
            f"Expected an image (H, W) or (H, W, 1 to 4), found an array of shape {array.shape}."
        )
    if count in (1, 3):
        return apply(array, kernel, **options).pixels
    if array.dtype != np.uint8:
        raise UsageError(f"Expected alpha in uint8, found {array.dtype}; pass the colour channels alone.")
    colour = array[:, :, 0] if count == 2 else array[:, :, :3]
    result = apply(colour, kernel, alpha=array[:, :, -1], **options)
    return result.pixels if result.alpha is None else np.dstack((result.pixels, result.alpha))


def apply(
    pixels: Pixels,
    kernel: str | Kernel | ArrayLike,
    *,
    alpha: Pixels | None = None,
    channels: str = "auto",
    range: str = "auto",  # noqa: A002  (the option's name)
    offset: float = 0,
    scale: float = 1,
    normalize: bool = False,
    threads: int | None = None,
    **geometry: Unpack[Geometry],
) -> FilterResult:
    """Filter `pixels`, (H, W) or (H, W, 1 or 3), and return all there is to say about it.

    `alpha` (H, W) follows the pixels: each output pixel takes the alpha under its kernel's centre, or the
    nearest where padding puts the centre outside. The other arguments and the errors are `filter_image`'s.
    """
    if pixels.dtype.kind not in "uif":
        raise UsageError(f"Expected an image of integers or floats, found {pixels.dtype}.")
    if range not in RANGES:
        raise UnknownNameError("value for range", range, RANGES)
    if not math.isfinite(offset):
        raise UsageError(f"offset must be a finite number, not {offset!r}.")
    chosen = kernels.adjusted(as_kernel(kernel), scale=scale, normalize=normalize)
    if geometry.get("anchor") is None:
        geometry["anchor"] = chosen.anchor
    channels = channels_for(chosen, channels)
    policy = _auto_range(chosen, pixels.dtype, offset) if range == "auto" else range

    planes = _planes(pixels, channels, chosen)
    steps = plan(pixels.shape[:2], pixels.dtype, chosen.parts, **geometry)
    result = allocated((*steps.output_shape, len(planes)), steps.dtype if range == "raw" else pixels.dtype)
    work = _Work(steps, chosen, planes, policy, pixels.dtype, offset)
    # Stretch needs the whole image's range first. Responding twice costs time; keeping floats, memory.
    summary = work.run(result, threads) if policy != "stretch" else work.run(None, threads)
    if not summary.reach(policy) <= float(np.finfo(steps.dtype).max) and np.isfinite(pixels).all():
        raise UsageError(
            f"{chosen.name} gives values beyond {steps.dtype} on this image; scale one of the two down."
        )
    if policy == "stretch":
        summary = work.run(result, threads, (summary.minimum, summary.maximum))
    if pixels.ndim == 2 or len(planes) < pixels.shape[2]:
        result = result[:, :, 0]
    moved = None if alpha is None or policy == "raw" else _moved(alpha, steps)
    op = geometry.get("op", "correlate")
    share = summary.clipped / result.size
    return FilterResult(result, moved, summary.minimum, summary.maximum, share, channels, policy, op, chosen)


@dataclass(frozen=True)
class _Summary:
    """Extremes of the responses and how many were cut, of a block or of all."""

    minimum: float
    maximum: float
    clipped: int

    def reach(self, policy: str) -> float:
        """Return the largest value on the way from responses to pixels; NaN if they are none."""
        if policy == "stretch":
            return self.maximum - self.minimum
        return max(-self.minimum, self.maximum)

    @classmethod
    def of(cls, parts: Sequence[_Summary]) -> _Summary:
        # NumPy's extremes, unlike Python's, pass a NaN on wherever it stands.
        minimum = float(np.min([part.minimum for part in parts]))
        maximum = float(np.max([part.maximum for part in parts]))
        return cls(minimum, maximum, sum(part.clipped for part in parts))


@dataclass(frozen=True, eq=False)
class _Work:
    """From the sources of each plane of the result to its pixels, block by block."""

    steps: Plan
    kernel: Kernel
    planes: list[list[Source]]
    policy: str
    dtype: np.dtype[Any]
    offset: float

    def run(
        self, result: Pixels | None, threads: int | None, limits: tuple[float, float] = (0, 0)
    ) -> _Summary:
        """Filter into every channel of `result`, or only look at the responses if it is None.

        `limits` are what "stretch" takes for black and white.
        """

        def filter_block(block: Block, workspace: Workspace) -> _Summary:
            parts = []
            for channel, sources in enumerate(self.planes):
                plane = self._respond(sources, block, workspace)
                low, high = float(plane.min()), float(plane.max())
                cut = 0
                if result is not None:
                    out = result[block.rows, block.columns, channel]
                    cut = finish(plane, out, self.dtype, self.policy, (low, high), limits)
                parts.append(_Summary(low, high, cut))
            return _Summary.of(parts)

        return _Summary.of(each_block(self.steps, filter_block, threads))

    def _respond(self, sources: list[Source], block: Block, workspace: Workspace) -> Pixels:
        """Return a block of the kernel's responses: its parts' responses, combined as the kernel says."""
        parts = [
            workspace.array(f"response {number}", block.shape, self.steps.dtype)
            for number in range(len(self.kernel.parts))
        ]
        if len(sources) == 1:
            responses(self.steps, sources[0], block, parts, workspace)
        else:
            for number, (source, part) in enumerate(zip(sources, parts, strict=True)):
                responses(self.steps.part(number), source, block, [part], workspace)
        combined = parts[0]
        if self.kernel.combine == "magnitude":
            _put_magnitude(parts, any_size=self.dtype.kind == "f")
        elif self.kernel.combine == "maximum":
            for part in parts[1:]:
                np.maximum(combined, part, out=combined)
        elif self.kernel.combine == "volume":
            for part in parts[1:]:
                np.add(combined, part, out=combined)
        if self.offset:
            combined += self.offset
        return combined


def _put_magnitude(parts: list[Pixels], *, any_size: bool) -> None:
    """Put √(Σ part²) into the first of `parts`; the others are used up.

    With `any_size` their squares may be too large or too small for the dtype. It takes four times as long.
    """
    first, *others = parts
    if any_size:
        np.abs(first, out=first)
        for part in others:
            np.hypot(first, part, out=first)
        return
    np.square(first, out=first)
    for part in others:
        np.add(first, np.square(part, out=part), out=first)
    np.sqrt(first, out=first)


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


def _planes(pixels: Pixels, channels: str, kernel: Kernel) -> list[list[Source]]:
    """Return for each plane of the result its source, or a source for each part of a volume."""
    if pixels.ndim == 2:
        return [[ArraySource(pixels)]]
    if channels == "gray" and pixels.shape[2] == 3:
        return [[LumaSource(pixels)]]
    sources: list[Source] = [ArraySource(pixels[:, :, c]) for c in range(pixels.shape[2])]
    if channels != "volume":
        return [[source] for source in sources]
    if len(sources) not in (1, len(kernel.parts)):
        raise ShapeError(
            f"{kernel.name} is for images of {len(kernel.parts)} channels; this one has {len(sources)}."
        )
    return [sources]


def _moved(alpha: Pixels, steps: Plan) -> Pixels:
    """Return the alpha under the kernel's centre at each position, or the nearest to it."""
    size = (alpha.shape[0], alpha.shape[1])
    rows, columns = (
        np.clip(np.arange(out) * stride - before + centre, 0, n - 1)
        for n, out, stride, (before, _), centre in zip(
            size, steps.output_shape, steps.window.stride, steps.window.padding, steps.centre, strict=True
        )
    )
    if all(np.array_equal(places, np.arange(n)) for places, n in zip((rows, columns), size, strict=True)):
        return alpha
    return alpha[np.ix_(rows, columns)]
