"""The policy of the `filter` command, on arrays: which channels are filtered, how responses become pixels.

    channels  gray: luma; each: every channel;
              auto: gray for kernels that sum to zero (edges), each for the others
    range     clip: v; abs: |v|; offset: v + mid-grey; raw: v as floats;
              stretch: minimum … maximum to black … white;
              auto: abs for kernels that sum to zero, clip for the others

Integers are rounded, and clipped to what their dtype holds. Floats have no white: auto, abs and raw do not
clip them, the others take white for 1. Only stretch depends on what is in the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli import kernels
from convcli.engine.filter import computing_dtype, filter2d
from convcli.errors import ShapeError, UnknownNameError, UsageError
from convcli.kernels import Kernel
from convcli.shapes import IntOrPair, Padding, Window

Pixels: TypeAlias = NDArray[Any]

CHANNELS = ("auto", "gray", "each")
RANGES = ("auto", "clip", "abs", "stretch", "offset", "raw")

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness. Source: ITU-R BT.601-7, section 2.5.1."""


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


class Options(Geometry, total=False):
    """All options of `filter_image`."""

    channels: str
    range: str


def filter_image(image: ArrayLike, kernel: str | Kernel | ArrayLike, **options: Unpack[Options]) -> Pixels:
    """Return an image filtered as ``convcli filter`` does it.

    Parameters
    ----------
    image
        (H, W), (H, W, 1) or (H, W, 3); with an alpha channel (H, W, 2) or (H, W, 4) of uint8.
    kernel
        A name with optional parameters ("gaussian:sigma=2"), a `Kernel`, or weights (f_h, f_w).
    padding, border, fill, stride, dilation, op
        As in `filter2d`.
    channels
        "gray" filters luma (ITU-R BT.601) and gives (H', W'), "each" filters every channel, "auto" (the
        default) takes "gray" for kernels that sum to zero.
    range
        How responses become pixels: "auto" (the default), "clip", "abs", "stretch", "offset" or "raw".

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
    array = np.asarray(image)
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
    **geometry: Unpack[Geometry],
) -> FilterResult:
    """Filter `pixels`, (H, W) or (H, W, 1 or 3), and return all there is to say about it.

    `alpha` (H, W) follows the pixels: each output pixel takes the alpha under its kernel's centre, or the
    nearest where padding puts the centre outside. The other arguments and the errors are `filter_image`'s.
    """
    if pixels.dtype.kind not in "uif":
        raise UsageError(f"Expected an image of integers or floats, found {pixels.dtype}.")
    for name, value, known in (("channels", channels, CHANNELS), ("range", range, RANGES)):
        if value not in known:
            raise UnknownNameError(f"value for {name}", value, known)
    chosen = _kernel(kernel)
    if channels == "auto":
        channels = "gray" if chosen.sums_to_zero else "each"
    policy = _auto_range(chosen, pixels.dtype) if range == "auto" else range

    with np.errstate(over="ignore", invalid="ignore"):  # floats near their limits may become infinite
        planes = [respond(plane, chosen, **geometry) for plane in _planes(pixels, channels)]
    minimum, maximum = min(float(p.min()) for p in planes), max(float(p.max()) for p in planes)
    finished = [_finish(plane, pixels.dtype, policy, minimum, maximum) for plane in planes]
    clipped = sum(cut for _, cut in finished) / sum(plane.size for plane in planes)
    result = np.stack([plane for plane, _ in finished], axis=2)
    if range != "raw":
        result = result.astype(pixels.dtype, copy=False)
    if pixels.ndim == 2 or len(planes) < pixels.shape[2]:
        result = result[:, :, 0]
    moved = None if alpha is None or policy == "raw" else _moved(alpha, chosen, geometry)
    op = geometry.get("op", "correlate")
    return FilterResult(result, moved, minimum, maximum, clipped, channels, policy, op, chosen)


def respond(plane: Pixels, kernel: Kernel, **geometry: Unpack[Geometry]) -> Pixels:
    """Return the kernel's response to one plane: its parts' responses, combined as the kernel says."""
    parts = [filter2d(plane, part, **geometry) for part in kernel.parts]
    if kernel.combine == "magnitude":
        return np.asarray(np.sqrt(sum(np.square(part) for part in parts)))
    return np.asarray(np.maximum.reduce(parts)) if kernel.combine == "maximum" else parts[0]


def luma(pixels: Pixels) -> Pixels:
    """Return the brightness (H, W) of an RGB image (H, W, 3), as floats and not rounded.

    Source: ITU-R BT.601-7, section 2.5.1: 0.299 R + 0.587 G + 0.114 B.

    >>> luma(np.array([[[255, 0, 0], [255, 255, 255]]], dtype=np.uint8)).round(2).tolist()
    [[76.23999786376953, 255.0]]
    """
    dtype = computing_dtype(pixels.dtype)
    brightness = np.zeros(pixels.shape[:2], dtype)
    for c, weight in enumerate(LUMA):
        brightness += pixels[:, :, c] * dtype.type(weight)
    return brightness


def _kernel(kernel: str | Kernel | ArrayLike) -> Kernel:
    if isinstance(kernel, Kernel):
        return kernel
    if isinstance(kernel, str):
        return kernels.parse(kernel)
    return Kernel("custom", (kernels.checked_weights(kernel, "kernel"),))


def _auto_range(kernel: Kernel, dtype: np.dtype[Any]) -> str:
    if kernel.sums_to_zero:
        return "abs"
    return "raw" if dtype.kind == "f" else "clip"


def _planes(pixels: Pixels, channels: str) -> list[Pixels]:
    """Return the planes to be filtered."""
    if pixels.ndim == 2:
        return [pixels]
    if channels == "gray" and pixels.shape[2] == 3:
        return [luma(pixels)]
    return [pixels[:, :, c] for c in range(pixels.shape[2])]


def _finish(
    plane: Pixels, dtype: np.dtype[Any], policy: str, minimum: float, maximum: float
) -> tuple[Pixels, int]:
    """Return responses as pixels of `dtype`, and how many of them had to be cut."""
    black, white = _limits(dtype)
    if policy == "raw":
        return plane, 0
    if policy == "abs":
        plane = np.abs(plane)
        if dtype.kind == "f":
            return plane.astype(dtype), 0
    elif policy == "offset":
        plane = plane + (0.5 if dtype.kind == "f" else (white + black + 1) // 2)
    elif policy == "stretch":
        low, high = max(black, 0), white
        spread = maximum - minimum
        plane = (plane - minimum) * ((high - low) / spread if spread else 0) + low
    if dtype.kind != "f":
        plane = np.rint(plane)
    cut = int(np.count_nonzero((plane < black) | (plane > white)))
    return np.clip(plane, black, white).astype(dtype), cut


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return black and white: what an integer dtype holds, or 0 and 1 for floats."""
    if dtype.kind == "f":
        return 0.0, 1.0
    limits = np.iinfo(dtype)
    white = float(limits.max)
    if int(white) > limits.max:  # 2⁶³ − 1 is no float64; the float above it would not fit back
        white = float(np.nextafter(white, 0))
    return float(limits.min), white


def _moved(alpha: Pixels, kernel: Kernel, geometry: Geometry) -> Pixels:
    """Return the alpha under the kernel's centre at each position, or the nearest to it."""
    window = Window.of(
        kernel.shape,
        stride=geometry.get("stride", 1),
        padding=geometry.get("padding", "same"),
        dilation=geometry.get("dilation", 1),
    )
    size = (alpha.shape[0], alpha.shape[1])
    rows, columns = (
        np.clip(np.arange(out) * stride - before + (span - 1) // 2, 0, n - 1)
        for n, out, stride, (before, _), span in zip(
            size, window.output_shape(size), window.stride, window.padding, window.span, strict=True
        )
    )
    return alpha[np.ix_(rows, columns)]
