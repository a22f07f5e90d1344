"""What a kernel is, and how one is built from its name and parameters."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from convcli.errors import KernelError, UnknownNameError
from convcli.registry import Registry, plain
from convcli.shapes import Pair
from convcli.wording import shortened

Combine: TypeAlias = Literal["single", "magnitude", "maximum", "volume"]
Number: TypeAlias = int | float
Weights: TypeAlias = NDArray[np.float64]
Build = TypeVar("Build", bound=Callable[..., Any])

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
        of squares), "maximum" (the strongest), "volume" (their sum, each part on a channel of its own).
    parameters
        The values it was built with.
    source
        Where the weights come from.
    anchor
        The cell (row, column), from 0, that lies on the pixel whose result it gives; None for the middle, and
        of even sizes the cell before it: (f − 1) // 2.
    scale, normalized
        What the weights as named were multiplied by, and whether they were divided to a sum of 1 before.
    """

    name: str
    parts: tuple[Weights, ...]
    combine: Combine = "single"
    parameters: Mapping[str, Number] = field(default_factory=dict)
    source: str = ""
    anchor: Pair | None = None
    scale: float = 1.0
    normalized: bool = False

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

    @property
    def sums_to_zero(self) -> bool:
        """Whether a flat area gives zero: such kernels find edges, and their results are signed."""
        return all(abs(part.sum()) <= 1e-6 * np.abs(part).sum() for part in self.parts)


def _is_rounding(part: Weights) -> bool:
    """Whether a part's sum is no larger than what adding up its weights may leave of a zero."""
    return bool(abs(part.sum()) <= 4e-16 * part.size**0.5 * np.abs(part).sum())


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
    >>> float(np.abs(adjusted(named("sobel"), normalize=True).parts[0]).sum())
    1.0
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
        size = float(sum(np.abs(part).sum() for part in parts))
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
    """Return `weights` as a read-only float64 matrix.

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
    array = _as_array(array, np.float64, where).copy()
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


@dataclass(frozen=True)
class Parameter:
    """One parameter: what it means, and what it may be. It means the same for every kernel that has it."""

    kind: type[int] | type[float]
    least: float
    most: float
    meaning: str

    def checked(self, value: object, where: str) -> Number:
        """Return `value` as this parameter's kind, or raise `KernelError` naming `where` it was given."""
        try:
            number = operator.index(value) if self.kind is int else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if isinstance(value, bool) or not self.least <= number <= self.most:
            expected = (
                f"{'an integer' if self.kind is int else 'a number'} from {self.least:g} to {self.most:g}"
            )
            found = shortened(repr(value))
            raise KernelError(f"{where}: expected {expected} ({self.meaning}), found {found}.")
        return number


PARAMETERS: dict[str, Parameter] = {
    "size": Parameter(int, 1, MAX_SIDE, "cells per side"),
    "sigma": Parameter(float, 0.1, 500, "standard deviation in pixels"),
    "sigma_x": Parameter(float, 0.1, 500, "standard deviation across, in pixels"),
    "sigma_y": Parameter(float, 0.1, 500, "standard deviation down, in pixels"),
    "sigma1": Parameter(float, 0.1, 500, "standard deviation of the narrow Gaussian in pixels"),
    "sigma2": Parameter(float, 0.1, 500, "standard deviation of the wide Gaussian in pixels"),
    "amount": Parameter(float, -100, 100, "how much of the detail is added"),
    "angle": Parameter(float, -360, 360, "degrees, counter-clockwise from the right"),
    "theta": Parameter(float, -360, 360, "degrees, counter-clockwise from the right"),
    "wavelength": Parameter(float, 2, MAX_SIDE, "pixels from wave to wave"),
    "gamma": Parameter(float, 0.01, 100, "aspect ratio: below 1 the stripes are long"),
}


@dataclass(frozen=True)
class Definition:
    """A registered kernel; the parameters of `build`, all with defaults, are the kernel's parameters.

    `build` returns the weights, or the weights of each part where `combine` is not "single". A default of
    None means that it derives the value from the others. `sides` takes the same parameters and returns the
    parts' rows and columns without building them; a kernel without parameters needs none.
    """

    build: Callable[..., Any]
    group: str
    summary: str
    source: str
    combine: Combine = "single"
    sides: Callable[..., Pair] | None = None

    @property
    def defaults(self) -> dict[str, Number | None]:
        """The parameters with the values they have unless given."""
        return {name: item.default for name, item in inspect.signature(self.build).parameters.items()}

    def shape(self, **values: Number | None) -> Pair:
        """Return rows and columns of each part, before anything is built."""
        if self.sides is not None:
            return self.sides(**values)
        rows, columns = np.shape(self.build())[-2:]
        return rows, columns


USUAL_WORDS = {
    "gaussian": ("gauss", "gaussian-blur", "gaussianblur", "gausian-blur", "normal"),
    "gaussian' or 'box": ("blur", "smooth", "smoothing", "soften", "denoise", "lowpass", "low-pass"),
    "box": ("mean", "average", "avg", "uniform", "boxblur", "box-blur", "boxfilter", "ones"),
    "motion": ("motion-blur", "motionblur", "directional-blur"),
    "sobel": ("edge", "edges", "edge-detect", "edge-detection", "find-edges", "gradient", "canny"),
    "sobel-x": ("vertical", "vertical-edges", "vertical-edge", "dx", "gradient-x"),
    "sobel-y": ("horizontal", "horizontal-edge", "dy", "gradient-y"),
    "laplacian8": ("outline", "outlines", "contour", "contours", "ridge", "highpass", "high-pass"),
    "laplacian": ("laplace", "second-derivative"),
    "sharpen' or 'unsharp": ("sharp", "sharpening", "sharpness", "detail", "edge-enhance", "enhance"),
    "unsharp": ("unsharp-mask", "unsharpmask", "usm"),
    "emboss": ("embossing", "relief", "bump", "bevel"),
    "log": ("mexican-hat", "marr-hildreth", "laplacian-of-gaussian", "blob"),
    "dog": ("difference-of-gaussians", "difference-of-gaussian", "bandpass"),
    "identity": ("none", "unit", "delta", "original"),
}
"""Kernels, and what people call them: the names that are suggested in an error."""


_NO_CONVOLUTION = ("median", "bilateral", "dilate", "erode", "max", "min", "opening", "closing")
_HINTS = {
    **{word: f"Did you mean '{meant}'?" for meant, words in USUAL_WORDS.items() for word in words},
    **dict.fromkeys(_NO_CONVOLUTION, "It is no convolution: no weights do that. To smooth, take 'gaussian'."),
}
KERNELS: Registry[Definition] = Registry("kernel", {plain(word): hint for word, hint in _HINTS.items()})


def define(
    name: str, *, group: str, source: str, sides: Callable[..., Pair] | None = None
) -> Callable[[Build], Build]:
    """Return a decorator that registers a function as the kernel `name`; its first line is the summary."""

    def add(build: Build) -> Build:
        summary = (inspect.getdoc(build) or "").partition("\n")[0]
        KERNELS.register(name)(Definition(build, group, summary, source, sides=sides))
        return build

    return add


def named(name: str, **parameters: object) -> Kernel:
    """Return the registered kernel `name`, built with `parameters`.

    Raises
    ------
    UnknownNameError
        If there is no such kernel, or it has no such parameter.
    KernelError
        If a parameter's value has the wrong kind or is out of range.

    Examples
    --------
    >>> named("gaussian", sigma=2).shape
    (17, 17)
    >>> named("sobel").combine
    'magnitude'
    """
    definition, values = KERNELS[name], checked_parameters(name, parameters)
    check_sides(definition.shape(**values), name)
    built = definition.build(**values)
    parts = (built,) if definition.combine == "single" else built
    return Kernel(
        name=name,
        parts=tuple(checked_weights(part, name) for part in parts),
        combine=definition.combine,
        parameters={key: value for key, value in values.items() if value is not None},
        source=definition.source,
    )


def named_shape(name: str, **parameters: object) -> Pair:
    """Return rows and columns of the kernel that `named` would build, and its errors, without building it.

    >>> named_shape("gaussian", sigma=500)
    (4001, 4001)
    """
    shape = KERNELS[name].shape(**checked_parameters(name, parameters))
    check_sides(shape, name)
    return shape


def takes_size(name: str, size: int) -> bool:
    """Whether a registered kernel can be had with so many cells a side.

    >>> takes_size("box", 4), takes_size("sobel", 4), takes_size("emboss", 3)
    (True, False, False)
    """
    if "size" not in KERNELS[name].defaults:
        return False
    try:
        return named_shape(name, size=size) == (size, size)
    except KernelError:
        return False


def checked_parameters(name: str, parameters: Mapping[str, object]) -> dict[str, Number | None]:
    """Return all parameters of a registered kernel: those given, checked, and the defaults of the others."""
    values = KERNELS[name].defaults
    for key, value in parameters.items():
        if not values:
            raise KernelError(f"{name} takes no parameters; found {shortened(repr(key))}.")
        if key not in values:
            raise UnknownNameError(f"{name} parameter", key, values)
        values[key] = PARAMETERS[key].checked(value, f"{name}: {key}")
    return values


def kernel(name: str, **parameters: object) -> Weights:
    """Return the weights of a named kernel.

    Parameters
    ----------
    name
        One of `kernel_names()`.
    **parameters
        The kernel's own, such as ``sigma=1.5``.

    Returns
    -------
    ndarray of float64
        (f_h, f_w); or (m, f_h, f_w) for a kernel of m parts, such as the two of ``sobel``.

    Raises
    ------
    UnknownNameError
        If there is no such kernel, or it has no such parameter.
    KernelError
        If a parameter's value has the wrong kind or is out of range.

    Examples
    --------
    >>> kernel("sobel-x")
    array([[-1.,  0.,  1.],
           [-2.,  0.,  2.],
           [-1.,  0.,  1.]])
    >>> kernel("sobel").shape
    (2, 3, 3)
    """
    return named(name, **parameters).weights


def kernel_names() -> list[str]:
    """Return the names of all kernels, grouped as the command line lists them.

    >>> "gaussian" in kernel_names()
    True
    """
    return list(KERNELS)
