"""What a kernel is: checked weights with a name, and what may be done to them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from convcli.errors import KernelError
from convcli.shapes import Pair

Combine: TypeAlias = Literal["single", "magnitude", "maximum", "volume", "angle", "hsv"]
Number: TypeAlias = int | float
Weights: TypeAlias = NDArray[np.float64]

MAX_SIDE = 4096
"""The longest side of a kernel. Longer ones are mistakes, and would only fail later, by memory or time."""

LARGEST = float(np.finfo(np.float32).max)
"""The largest weight: images are computed in float32."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """Weights with a name, ready to be laid on an image.

    Attributes
    ----------
    name
        As registered; "custom" for weights typed in; a file's stem for weights read from it.
    parts
        One array (f_h, f_w) of float64, or several of the same shape.
    combine
        How the parts' responses become one plane: "single" (there is one), "magnitude" (the root of the sum
        of squares), "maximum" (the strongest), "volume" (their sum, each part on a channel of its own);
        "angle" and "hsv", the direction of a gradient (`outputs`).
    parameters
        The values it was built with.
    source
        Where the weights come from.
    anchor
        The cell (row, column), from 0, that lies on the pixel whose result it gives; None for the middle, and
        of even sizes the cell before it: (f − 1) // 2.
    scale, normalized
        What the weights as named were multiplied by, and whether they were divided to a sum of 1 before.
    gradient
        What of a gradient it gives, which its name ends in; "" for its magnitude, and of other kernels.
    """

    name: str
    parts: tuple[Weights, ...]
    combine: Combine = "single"
    parameters: Mapping[str, Number] = field(default_factory=dict)
    source: str = ""
    anchor: Pair | None = None
    scale: float = 1.0
    normalized: bool = False
    gradient: str = ""

    @property
    def shape(self) -> Pair:
        """Rows and columns."""
        rows, columns = self.parts[0].shape
        return rows, columns

    @property
    def sums(self) -> tuple[float, ...]:
        """The sum of each part's weights; what rounding leaves of a zero is 0."""
        return tuple(0.0 if _is_rounding(part) else float(part.sum()) for part in self.parts)

    @property
    def weights(self) -> Weights:
        """A copy of the weights: (f_h, f_w), or (m, f_h, f_w) for m parts."""
        return self.parts[0].copy() if len(self.parts) == 1 else np.stack(self.parts)

    @cached_property
    def sums_to_zero(self) -> bool:
        """Whether a flat area gives zero: such kernels find edges, and their results are signed."""
        return all(abs(part.sum()) <= 1e-6 * _size(part) for part in self.parts)


def _is_rounding(part: Weights) -> bool:
    """Whether a part's sum is no larger than what adding up its weights may leave of a zero."""
    return bool(abs(part.sum()) <= 4e-16 * part.size**0.5 * _size(part))


def _size(part: Weights) -> float:
    """Return the sum of a part's absolute weights, row by row: another array of 4096 × 4096 is much."""
    return math.fsum(float(np.abs(row).sum()) for row in part)


def adjusted(kernel: Kernel, *, scale: float = 1, normalize: bool = False) -> Kernel:
    """Return a kernel with its weights divided to a sum of 1, if asked for, and then multiplied by `scale`.

    Where the sum is zero, as of kernels that find edges, the absolute values are brought to a sum of 1; so
    are those of each part of a gradient. The parts of a volume, whose responses are added, are brought to a
    sum of 1 together.

    Raises
    ------
    KernelError
        If `scale` is 0 or not finite, all weights are zero, or the result is beyond float32.

    Examples
    --------
    >>> box = Kernel("custom", (np.ones((3, 3)),))
    >>> adjusted(box, normalize=True).sums, adjusted(box, scale=1 / 18).sums
    ((1.0,), (0.5,))
    >>> edge = Kernel("custom", (np.array([[-1.0, 0, 1]]),))
    >>> adjusted(edge, normalize=True).parts[0].tolist()
    [[-0.5, 0.0, 0.5]]
    """
    if not math.isfinite(scale) or scale == 0:
        raise KernelError(f"scale: expected a number other than 0, such as 1/16 or 0.5, found {scale:g}.")
    if scale == 1 and not normalize:
        return kernel
    divisors = _divisors(kernel) if normalize else (1.0,) * len(kernel.parts)
    with np.errstate(over="ignore"):  # what is infinite is refused by its name
        parts = tuple(
            checked_weights(part / divisor * scale, f"{kernel.name}, scaled")
            for part, divisor in zip(kernel.parts, divisors, strict=True)
        )
    return replace(kernel, parts=parts, scale=kernel.scale * scale, normalized=kernel.normalized or normalize)


def _divisors(kernel: Kernel) -> tuple[float, ...]:
    """Return what each part is divided by to be normalised."""
    groups = [kernel.parts] if kernel.combine == "volume" else [(part,) for part in kernel.parts]
    divisors: list[float] = []
    for parts in groups:
        total = float(sum(part.sum() for part in parts))
        size = sum(map(_size, parts))
        if size == 0:
            raise KernelError(f"{kernel.name}: weights that are all 0 cannot be brought to a sum of 1.")
        divisors += [size if abs(total) <= 1e-6 * size else total] * len(parts)
    return tuple(divisors)


def centred(weights: Weights, size: tuple[int, int]) -> Weights:
    """Return weights (f_h, f_w) in the middle of a window of `size`, which is no smaller, with zeros around.

    The middle is where "same" padding puts it, so that there the window's result is the kernel's own.

    >>> centred(np.array([[1.0, 2.0], [3.0, 4.0]]), (3, 3))
    array([[0., 0., 0.],
           [0., 1., 2.],
           [0., 3., 4.]])
    """
    before = [(side - 1) // 2 - (cells - 1) // 2 for side, cells in zip(size, weights.shape, strict=True)]
    after = [side - cells - n for side, cells, n in zip(size, weights.shape, before, strict=True)]
    return np.pad(weights, list(zip(before, after, strict=True)))


def check_sides(shape: tuple[int, ...], where: str) -> None:
    """Raise `KernelError` if a matrix of this shape is too large for a kernel."""
    if max(shape, default=0) > MAX_SIDE:
        sides = " × ".join(map(str, shape))
        raise KernelError(f"{where}: {sides} cells; a kernel has at most {MAX_SIDE} per side.")


def checked_weights(weights: ArrayLike, where: str) -> Weights:
    """Return `weights` as a read-only float64 matrix; the very same, if it is one.

    Raises
    ------
    KernelError
        If they are empty, no matrix, not finite in float32, or more than 4096 cells long; names `where` they
        came from.
    """
    array = _as_array(weights, None, where)
    if array.ndim != 2:
        raise KernelError(f"{where}: expected a matrix of rows and columns, found an array of {array.shape}.")
    if array.size == 0:
        raise KernelError(f"{where}: the kernel is empty; give at least one number.")
    check_sides(array.shape, where)
    if array.dtype.kind not in "buifO":  # O: integers beyond 64 bits
        raise KernelError(f"{where}: expected a matrix of real numbers, found {array.dtype}.")
    array = _as_array(array, np.float64, where)
    if array.flags.writeable:
        array = array.copy()
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        found = array[row, column]
        raise KernelError(
            f"{where}: row {row + 1}, column {column + 1}: expected a finite number, found {found}."
        )
    if (largest := max(array.max(), -array.min())) > LARGEST:
        raise KernelError(f"{where}: expected weights of at most {LARGEST:.2g}, found {largest:.2g}.")
    array.flags.writeable = False
    return array


def _as_array(weights: ArrayLike, dtype: DTypeLike | None, where: str) -> NDArray[Any]:
    try:
        with np.errstate(invalid="ignore"):  # a NaN is looked for later, and then said where
            return np.asarray(weights, dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise KernelError(f"{where}: expected a matrix of real numbers ({error}).") from error
