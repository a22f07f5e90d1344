"""Images as arrays, filtered: all that a policy decides is done here, block by block.

What a photo needs in memory is its pixels, its result, and a few blocks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli import kernels
from convcli.engine.arguments import real
from convcli.engine.plane.plan import checked_anchor
from convcli.errors import ShapeError
from convcli.filtering.chain import Laying, apply
from convcli.filtering.policy import Policy
from convcli.kernels import Kernel
from convcli.shapes import IntOrPair, Padding, Pair

Pixels: TypeAlias = NDArray[Any]


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
    steps = (Laying(chosen, policy),)
    array = real(image, "an image")
    if array.dtype.kind == "b":
        array = array.astype(np.float32)
    count = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or array.size == 0 or count not in (1, 2, 3, 4):
        raise ShapeError(
            f"Expected an image (H, W) or (H, W, 1 to 4), found an array of shape {array.shape}."
        )
    if count in (1, 3):
        return apply(array, steps, policy, threads=threads).pixels
    colour = array[:, :, 0] if count == 2 else array[:, :, :3]
    result = apply(colour, steps, policy, opacity=array[:, :, -1], threads=threads)
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
