"""How a kernel is defined, and built from its name and parameters."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from convcli.errors import KernelError, UnknownNameError
from convcli.kernels.weights import MAX_SIDE, Combine, Kernel, Number, Weights, check_sides, checked_weights
from convcli.registry import Registry, plain
from convcli.shapes import Pair
from convcli.wording import shortened

Build = TypeVar("Build", bound=Callable[..., Any])


@dataclass(frozen=True)
class Parameter:
    """One parameter: what it means, and what it may be. It means the same for every kernel that has it."""

    kind: type[int] | type[float]
    least: float
    most: float
    meaning: str

    def checked(self, value: object, where: str = "") -> Number:
        """Return `value` as this parameter's kind, or raise `KernelError` naming `where` it was given."""
        try:
            number = operator.index(value) if self.kind is int else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if isinstance(value, bool) or not self.least <= number <= self.most:
            kind, found = "an integer" if self.kind is int else "a number", shortened(repr(value))
            allowed = f"{kind} from {self.least:g} to {self.most:g}"
            place = f"{where}: " if where else ""
            raise KernelError(f"{place}expected {allowed} ({self.meaning}), found {found}.")
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


_STEPS = {
    "median": ("median", "median-blur", "medianblur"),
    "rank": ("rank", "percentile"),
    "erode": ("erode", "erosion", "min", "minimum"),
    "dilate": ("dilate", "dilation", "max", "maximum"),
    "open": ("open", "opening"),
    "close": ("close", "closing"),
    "top_hat": ("top-hat", "tophat", "white-tophat"),
    "black_hat": ("black-hat", "blackhat", "black-tophat"),
    "morphological_gradient": ("morphological-gradient",),
    "bilateral": ("bilateral", "bilateral-filter"),
    "local_binary_pattern": ("local-binary-pattern", "lbp"),
}
"""Steps that no weights do, and what people call them."""
_HINTS = {
    **{word: f"Did you mean '{meant}'?" for meant, words in USUAL_WORDS.items() for word in words},
    **{
        word: f"It is no convolution but a step: --step {step}."
        for step, words in _STEPS.items()
        for word in words
    },
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


def constant(
    name: str, group: str, summary: str, source: str, weights: ArrayLike, combine: Combine = "single"
) -> None:
    """Register a kernel that takes no parameters."""
    KERNELS.register(name)(Definition(lambda: weights, group, summary, source, combine))


def named(name: str, **parameters: object) -> Kernel:
    """Return the registered kernel `name`, built with `parameters`; errors as of `kernel`.

    >>> named("gaussian", sigma=2).shape
    (17, 17)
    >>> named("sobel").combine
    'magnitude'
    """
    definition, values = KERNELS[name], checked_parameters(name, parameters)
    check_sides(definition.shape(**values), name)
    built = definition.build(**values)
    parts = [np.asarray(part) for part in ((built,) if definition.combine == "single" else built)]
    for part in parts:
        part.flags.writeable = False  # nobody else has them: no copy is made
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
