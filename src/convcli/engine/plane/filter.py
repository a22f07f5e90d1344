"""Slides a kernel over one plane: `filter2d`, a plan (what to do, and how) and its run, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcli.engine.arguments import real
from convcli.engine.plane.blocks import each_block, responses
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.planes import ArrayPlane, Block
from convcli.engine.workspace import Array, Workspace
from convcli.errors import ShapeError
from convcli.shapes import IntOrPair, Padding, Pair


def filter2d(
    plane: ArrayLike,
    kernel: ArrayLike,
    *,
    padding: Padding = "same",
    border: str = "reflect",
    fill: float = 0,
    stride: IntOrPair = 1,
    dilation: IntOrPair = 1,
    op: str = "correlate",
    anchor: Pair | None = None,
    threads: int | None = None,
) -> Array:
    """Return the responses of a kernel at every position on a plane.

    Parameters
    ----------
    plane
        (H, W), of any real dtype.
    kernel
        (f_h, f_w) finite weights.
    padding
        "same" (at stride 1 the output is as large as the plane), "valid", "full", an int, (rows, columns), or
        ((top, bottom), (left, right)). "same" pads d(f−1) in all, the smaller half before.
    border
        What stands around the plane: "reflect" (``dcb|abcd|cba``), "symmetric" (``cba|abcd|dcb``), "edge"
        (``aaa|abcd|ddd``), "wrap" (``bcd|abcd|abc``), "zero", or "constant" (`fill`); or what other tools
        call them, such as "mirror", "nearest", "replicate", "reflect101", "circular".
    fill
        The value that "constant" stands for.
    stride, dilation
        An int or (rows, columns): step between positions; distance between the cells of the kernel.
    op
        "correlate" lays the kernel on as it is, as CNNs do; "convolve" turns it by 180° first.
    anchor
        The kernel's cell (row, column), from 0, that lies on the pixel whose response it is, where padding is
        "same"; it is turned with the kernel. Without it the middle; of even sizes the window's (f − 1) // 2.
    threads
        How many to compute with; all cores that the process may use, if not given. The result is the same.

    Returns
    -------
    ndarray (H', W')
        float32 for planes of at most 16 bits and of float32, float64 for the rest.

    Raises
    ------
    ShapeError
        If the plane or the kernel is not a matrix, sizes are out of range, or not one window fits.
    UsageError
        If a border or operation is unknown, or values are not real and finite where they must be.

    Notes
    -----
    At an odd kernel, "same" and stride 1 this is ``scipy.ndimage.correlate`` with mode "mirror" (reflect),
    "reflect" (symmetric), "nearest" (edge), "grid-wrap" (wrap) or "constant".

    The middle of an even size is PyTorch's, Keras', MATLAB's and ImageMagick's; `scipy.ndimage.correlate` and
    OpenCV take the next cell, f // 2: ``anchor=(f_h // 2, f_w // 2)``.

    Examples
    --------
    >>> import numpy as np
    >>> step = np.array([[0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9]])
    >>> filter2d(step, [[-1, 0, 1]])
    array([[0., 9., 9., 0.],
           [0., 9., 9., 0.],
           [0., 9., 9., 0.]])
    >>> filter2d(step, [[-1, 0, 1]], padding="valid", stride=2).shape
    (2, 1)
    """
    array = real(plane, "a plane")
    plan = Plan.of(
        array.shape,
        array.dtype,
        [kernel],
        padding=padding,
        border=border,
        fill=fill,
        stride=stride,
        dilation=dilation,
        op=op,
        anchor=anchor,
    )
    output = allocated(plan.output_shape, plan.dtype)

    def respond(block: Block, workspace: Workspace) -> None:
        responses(plan, ArrayPlane(array), block, [output[block.rows, block.columns]], workspace)

    each_block(plan, respond, threads)
    return output


def allocated(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return a new array for the output, or say that it does not fit the memory."""
    try:
        return np.empty(shape, dtype)
    except MemoryError as error:
        size = " × ".join(map(str, shape))
        raise ShapeError(
            f"An output of {size} does not fit the memory; take a smaller image or pad less."
        ) from error
