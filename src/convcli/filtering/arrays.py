"""Images as arrays, filtered: all that a policy decides is done here, block by block.

What a photo needs in memory is its pixels, its result, and a few blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli import kernels
from convcli.engine.arguments import real
from convcli.engine.plane.plan import checked_anchor
from convcli.errors import ConvcliError, ShapeError, UsageError
from convcli.filtering.chain import Doing, Laying, apply
from convcli.filtering.policy import Policy
from convcli.images.curves import SRGB
from convcli.kernels import Kernel
from convcli.shapes import IntOrPair, Padding, Pair

Pixels: TypeAlias = NDArray[Any]


def filter_image(
    image: ArrayLike,
    kernel: str | Kernel | ArrayLike | Sequence[str | Kernel | Doing],
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
    gradient: str = "magnitude",
    offset: float = 0,
    channels: str = "auto",
    range: str = "auto",  # noqa: A002  (the option's name)
    alpha: str = "keep",
    nodata: ArrayLike = (),
    linear: bool = False,
    depth: int | None = None,
    background: str | None = None,
    threads: int | None = None,
) -> Pixels:
    """Return an image filtered as ``convcli filter`` does it.

    Parameters
    ----------
    image
        (H, W), (H, W, 1) or (H, W, 3); with an alpha channel (H, W, 2) or (H, W, 4), whose largest
        value is opaque: 255 of uint8, 65535 of uint16, 1 of floats. Values of bool count as floats 0 and 1.
    kernel
        A name with optional parameters ("gaussian:sigma=2"), a `Kernel`, or weights (f_h, f_w). Or several
        steps, which are done one after the other with floats in between: each as ``--step`` takes it
        ("threshold:value=otsu"; see docs/steps.md), or a `Kernel`. `border` and `fill` are those of steps
        that name none; `range`, `alpha`, `nodata` and `linear` hold for all; other options belong to a step.
    padding, border, fill, stride, dilation, op, anchor
        As in `filter2d`.
    scale, normalize
        What the weights are multiplied by, and whether they are divided to a sum of 1 before; where they sum
        to zero, the absolute values are.
    gradient
        Of a gradient (sobel, prewitt, scharr, roberts, …): "magnitude"; "x" or "y", a part, signed; "angle",
        its direction atan2(gy, gx), from −π to π, 0 where brightness rises to the right and π/2 where it
        rises downward, of which range "auto" makes 0 … 2π from black to white of integers; "hsv", the
        direction as hue (red to the right) and the magnitude as value: (H', W', 3).
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
    linear
        Whether integers are taken for sRGB's, and the light that they stand for is filtered; the result is
        stored as they are. Floats are light as they are.
    depth
        8 or 16: the result is of uint8 or uint16, with the image's white (1 of floats) as its own; nothing is
        rounded before, and what is below 0 is cut.
    background
        A colour, as CSS has them ("white", "#f80"), that the result is laid on where its alpha lets that
        through; the result has no alpha then. A grey one on a colour becomes RGB.
    threads
        How many to compute with; all cores that the process may use, if not given. The result is the same.

    Returns
    -------
    ndarray
        Of the image's dtype or the `depth`'s, or floats if `range` is "raw" (then without alpha).

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
    >>> filter_image(step, ["box:size=3", "sobel-x", "invert"])[0]
    array([255,   0,   0, 255], dtype=uint8)
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
        linear=linear,
        depth=depth,
        background=background,
    )
    steps: Sequence[Doing]
    if is_chain(kernel):
        steps = _chain(kernel, policy, scale=scale, normalize=normalize, gradient=gradient, anchor=anchor)
    else:
        one = cast("str | Kernel | ArrayLike", kernel)
        chosen = as_kernel(one, scale=scale, normalize=normalize, gradient=gradient, anchor=anchor)
        steps = (Laying(chosen, policy),)
    array = real(image, "an image")
    if array.dtype.kind == "b":
        array = array.astype(np.float32)
    count = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or array.size == 0 or count not in (1, 2, 3, 4):
        raise ShapeError(
            f"Expected an image (H, W) or (H, W, 1 to 4), found an array of shape {array.shape}."
        )
    curves = (SRGB,) if linear and array.dtype.kind != "f" else ()
    if count in (1, 3):
        return apply(array, steps, policy, depth=depth, threads=threads, curves=curves).pixels
    colour = array[:, :, 0] if count == 2 else array[:, :, :3]
    opacity = array[:, :, -1]
    result = apply(colour, steps, policy, opacity=opacity, depth=depth, threads=threads, curves=curves)
    if result.alpha is None:
        return result.pixels
    return np.dstack((result.pixels, result.alpha)).astype(result.pixels.dtype, copy=False)  # its byte order


def is_chain(kernel: object) -> TypeGuard[Sequence[str | Kernel | Doing]]:
    """Whether it is a sequence of steps, and no weights."""
    return isinstance(kernel, list | tuple) and any(
        isinstance(one, str | Kernel) or hasattr(one, "on") for one in kernel
    )


def _chain(given: Sequence[str | Kernel | Doing], policy: Policy, **own: Any) -> list[Doing]:
    """Return the steps that are given; options of one kernel (`own`, and the policy's) are refused."""
    from convcli.filtering.steps.parsing import step_of  # which brings pydantic

    usual = {"scale": 1, "normalize": False, "gradient": "magnitude", "anchor": None, **Policy().laying()}
    for name, value in {**own, **policy.laying()}.items():
        if name not in ("border", "fill") and value != usual[name]:
            raise UsageError(f"{name} belongs to one step: write it there, such as 'gaussian:{name}=…'.")
    laying = Policy(border=policy.border, fill=policy.fill, alpha=policy.alpha)
    steps: list[Doing] = []
    for number, one in enumerate(given, 1):
        try:
            if isinstance(one, str):
                steps.append(step_of(one))
            elif isinstance(one, Kernel) or not hasattr(one, "on"):  # or weights
                steps.append(Laying(as_kernel(cast("ArrayLike", one)), laying))
            else:
                steps.append(one)
        except ConvcliError as error:
            raise error.placed(f"step {number}") from None
    return steps


def as_kernel(
    kernel: str | Kernel | ArrayLike,
    *,
    scale: float = 1,
    normalize: bool = False,
    gradient: str = "magnitude",
    anchor: Pair | None = None,
) -> Kernel:
    """Return the kernel that a name or weights stand for, changed as `filter_image` says."""
    if isinstance(kernel, str):
        kernel = kernels.parse(kernel)
    elif not isinstance(kernel, Kernel):
        kernel = Kernel("custom", (kernels.checked_weights(kernel, "kernel"),))
    kernel = kernels.adjusted(kernel, scale=scale, normalize=normalize)
    if gradient != "magnitude":
        kernel = kernels.gradient(kernel, gradient)
    return kernel if anchor is None else replace(kernel, anchor=checked_anchor(anchor, kernel.shape))
