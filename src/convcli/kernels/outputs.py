"""What is wanted of a gradient: its size, one of its parts, its direction, or both as a colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convcli.errors import KernelError, UnknownNameError
from convcli.kernels.weights import Kernel

GRADIENTS = ("magnitude", "x", "y", "angle", "hsv")
"""magnitude: √(gx² + gy²); x, y: a part, signed; angle: atan2(gy, gx), radians from −π to π, 0 where
brightness rises to the right and π/2 where it rises downward; hsv: that as hue, red to the right, and the
magnitude as value."""


def gradient(kernel: Kernel, output: str) -> Kernel:
    """Return the kernel that gives one of `GRADIENTS` of a gradient, such as sobel.

    x and y are the parts as the kernels NAME-x and NAME-y have them. The direction is that of the image's
    rows and columns, also where the parts lie along the diagonals, as those of roberts.

    Raises
    ------
    UnknownNameError
        If there is no such output.
    KernelError
        If the kernel is no gradient of two parts.

    Examples
    --------
    >>> pair = np.array([[-1.0, 1.0]]), np.array([[-1.0, 1.0]])
    >>> gradient(Kernel("own", pair, "magnitude"), "x").combine
    'single'
    """
    if output not in GRADIENTS:
        raise UnknownNameError("value for gradient", output, GRADIENTS)
    if kernel.combine != "magnitude" or len(kernel.parts) != 2:
        raise KernelError(
            f"gradient {output}: {kernel.name} is no gradient of two parts, as sobel, prewitt, scharr, "
            "roberts, frei-chen and farid are."
        )
    if output == "magnitude":
        return kernel
    named = replace(kernel, name=f"{kernel.name}-{output}", gradient=output)
    if output in ("x", "y"):
        part = kernel.parts[("x", "y").index(output)]
        return replace(named, parts=(part,), combine="single")
    return replace(named, parts=_along_axes(kernel), combine="angle" if output == "angle" else "hsv")


def _along_axes(kernel: Kernel) -> tuple[np.ndarray, np.ndarray]:
    """Return two parts turned so that they answer to slopes to the right and downward, equally large."""
    rows, columns = np.indices(kernel.shape)
    # What each part answers to a slope of 1 to the right, and of 1 downward.
    slopes = np.array([[float((part * axis).sum()) for axis in (columns, rows)] for part in kernel.parts])
    area = abs(float(np.linalg.det(slopes)))
    if area <= 1e-9 * float(np.abs(slopes).max()) ** 2:
        raise KernelError(f"{kernel.name}: both parts look along one line; they have no direction.")
    turn = np.linalg.inv(slopes / area**0.5)
    turn[np.abs(turn) < 1e-12] = 0
    made = [turn[axis, 0] * kernel.parts[0] + turn[axis, 1] * kernel.parts[1] for axis in (0, 1)]
    for part in made:
        part.flags.writeable = False
    return made[0], made[1]
