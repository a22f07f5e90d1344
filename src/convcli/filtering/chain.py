"""A chain of steps, from an image to an image: floats between them, and one policy at the end.

Each step makes a lazy picture of the one before (`picture.py`), and the last one is computed block by block
(`developing.py`). `filter -k KERNEL` is a chain of one kernel.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.errors import ConvcliError, ShapeError, UsageError
from convcli.filtering.developing import developed
from convcli.filtering.flattening import flattened
from convcli.filtering.laying import laid
from convcli.filtering.linear import as_stored, in_light
from convcli.filtering.picture import Picture, Setting, StoredImage
from convcli.filtering.policy import Policy
from convcli.filtering.ranges import Range
from convcli.filtering.shares import part_of, scaled
from convcli.filtering.visibility import StoredVeil, Veil, check_alpha, has_data, standing_for
from convcli.images.curves import Curve
from convcli.kernels import Kernel
from convcli.shapes import Pair

Pixels: TypeAlias = NDArray[Any]

MOST_STEPS = 100  # of a chain: each asks the one before within its own call
DIGITS = 16  # of a digest: nobody will meet two that are alike by chance


class Doing(Protocol):
    """Whatever stands in a chain: it makes a picture of a picture."""

    @property
    def label(self) -> str:
        """What it is called in messages and in names of files: `gaussian`."""

    @property
    def text(self) -> str:
        """What it is, as one writes it: `gaussian:sigma=1.4`."""

    @property
    def luma(self) -> bool:
        """Whether it looks at nothing but an image's brightness."""

    @property
    def measures(self) -> bool:
        """Whether what it makes of a pixel depends on all of them."""

    @property
    def goes_over(self) -> bool:
        """Whether `on` goes over all of a picture."""

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Return the picture that it makes, or raise `UsageError` if it does not fit."""

    def document(self) -> dict[str, Any]:
        """Return it as it stands in a file: `type`, and the options that are not as usual."""

    def record(self) -> dict[str, Any]:
        """Return what tells it from all others, as JSON has it: weights of a file or a run by a digest."""


@dataclass(frozen=True, eq=False)
class Laying:
    """A kernel, and how it is laid: the step that needs no options read from a table.

    `written` is the text that the kernel was read from, if it is none of the registered ones.
    """

    kernel: Kernel
    policy: Policy
    written: str = ""
    measures: ClassVar[bool] = False
    goes_over: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.policy.check(self.kernel)

    @property
    def label(self) -> str:
        """The kernel's name."""
        return self.kernel.name

    @property
    def text(self) -> str:
        """Its name and parameters."""
        own = ",".join(f"{key}={value:g}" for key, value in self.kernel.parameters.items())
        return f"{self.kernel.name}:{own}" if own else self.kernel.name

    @property
    def luma(self) -> bool:
        """Whether it is laid on brightness."""
        return self.policy.channels_for(self.kernel) == "gray"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Lay it on."""
        return laid(self.kernel, self.policy, picture)

    def document(self) -> dict[str, Any]:
        """Return the kernel as it is named, and its options that are not as usual, as a step has them."""
        kernel, usual = self.kernel, Policy()
        own: dict[str, Any] = {"type": kernel.name.removesuffix(f"-{kernel.gradient}"), **kernel.parameters}
        if self.written:
            own = {"type": "kernel", "kernel": self.written}
        options = {
            name: value for name, value in self.policy.laying().items() if name not in ("border", "fill")
        }
        own |= {name: _listed(value) for name, value in options.items() if value != getattr(usual, name)}
        if kernel.anchor is not None:
            own["anchor"] = list(kernel.anchor)
        if kernel.gradient:
            own["gradient"] = kernel.gradient
        if kernel.scale != 1:
            own["scale"] = kernel.scale
        if kernel.normalized:
            own["normalize"] = True
        return own

    def record(self) -> dict[str, Any]:
        """Return the kernel, of its weights a digest, and its options."""
        return {**kernel_record(self.kernel), **self.policy.laying()}


def _listed(value: Any) -> Any:
    """Return a size, or sides, as lists."""
    return [_listed(one) for one in value] if isinstance(value, tuple) else value


def kernel_record(kernel: Kernel) -> dict[str, Any]:
    """Return what tells a kernel from all others; of its weights a digest."""
    digest = hashlib.sha256(kernel.combine.encode())
    for part in kernel.parts:
        digest.update(repr(part.shape).encode() + part.tobytes())
    return {
        "kernel": kernel.name,
        "parameters": dict(kernel.parameters),
        "scale": kernel.scale,
        "normalize": kernel.normalized,
        "anchor": kernel.anchor,
        "weights": digest.hexdigest()[:DIGITS],
    }


@dataclass(frozen=True, eq=False)
class Findings:
    """What there is to say of a filtered image."""

    shape: tuple[int, ...]  # the result's, as the dtype is
    dtype: np.dtype[Any]
    minimum: float  # of the values that are seen and finite, before `range`; NaN if there are none
    maximum: float
    clipped: float  # share of the samples that were cut to what the dtype holds
    odd: int  # how many values are NaN or infinite
    missing: int  # how many pixels of the image hold no data
    blank: int  # how many pixels of the result have no data in their window, and stand for none
    range: str  # what "auto" comes to
    kind: str  # what the values are: see `Picture`
    steps: Sequence[Doing]
    policy: Policy

    @property
    def laying(self) -> Laying | None:
        """The kernel and how it was laid, where that is the only step."""
        only = self.steps[0]
        return only if len(self.steps) == 1 and isinstance(only, Laying) else None

    @property
    def kernel(self) -> Kernel | None:
        """The kernel, where that is the only step."""
        return None if self.laying is None else self.laying.kernel


@dataclass(frozen=True, eq=False)
class FilterResult:
    """A filtered image and how it came about."""

    pixels: Pixels  # (H', W') or (H', W', c), of the image's dtype, or floats if `range` is "raw"
    alpha: Pixels | None  # (H', W') of the dtype that it had, moved with the pixels or filtered
    found: Findings
    coloured: bool = False  # whether grey pixels became RGB on a background


def apply(
    pixels: Pixels,
    steps: Sequence[Doing],
    policy: Policy,
    *,
    opacity: Pixels | None = None,
    depth: int | None = None,
    max_pixels: int | None = None,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    extremes: tuple[float, float] | None = None,
    curves: Sequence[Curve] = (),
) -> FilterResult:
    """Filter `pixels`, (H, W) or (H, W, c), with alpha `opacity`, (H, W), if there is any.

    A result of a `depth` is of integers of so many bits, the policy's, or for files that hold nothing else:
    the image's white, 1 of floats, is the largest of them. `progress` is called by any thread with the share
    of the work that has been done since. `extremes` are the responses that range "stretch" takes for black
    and white, if not the image's own. With `curves`, the channels' tone curves, all steps work on linear
    light.

    Raises `UsageError` if a step does not fit what comes to it: with its number, if there are several.
    """
    if pixels.dtype.kind not in "uif":
        raise UsageError(f"Expected an image of integers or floats, found {pixels.dtype}.")
    if opacity is not None:
        check_alpha(opacity)
    nodata = [float(value) for value in policy.nodata]
    data = has_data(pixels, nodata) if nodata else None
    image = StoredImage(pixels, StoredVeil.of(opacity, data, ignored=policy.alpha == "ignore"))
    passes = 1 if policy.range != "stretch" or extremes is not None else 2
    total = passes + sum(step.goes_over for step in steps)
    setting = Setting(policy.border, policy.fill, policy.alpha, threads, scaled(progress, 1 / total))
    first = in_light(image, curves) if curves else image
    picture = chained(first, steps, setting, max_pixels)
    if curves:
        picture = as_stored(picture, curves)
    name = policy.range_for(picture.kind, pixels.dtype, whole=depth is not None)
    floats = image.dtype
    dtype = floats if policy.range == "raw" else np.dtype(f"u{depth // 8}") if depth else pixels.dtype
    levels = dtype if name == "stretch" else pixels.dtype
    missing = 0.0 if data is None else standing_for(nodata[0], dtype)
    how = Range(name, dtype, levels, missing)
    result = developed(
        picture,
        how,
        alpha=name != "raw" or policy.background is not None,
        whole=depth is not None,
        threads=threads,
        progress=scaled(progress, passes / total),
        extremes=extremes,
    )
    summary = result.summary
    if not summary.fits(name, floats) and _all_finite(pixels, image.veil):
        raise UsageError(
            f"{steps[-1].label} gives values beyond {floats} on this image; scale one of the two down."
        )
    made = result.pixels
    if made.shape[2] == 1 and (pixels.ndim == 2 or pixels.shape[2] > 1):
        made = made[:, :, 0]
    alpha, clipped, channels = result.alpha, summary.clipped / made.size, made.ndim
    if policy.background is not None and alpha is not None:
        made, alpha = flattened(made, alpha, policy.background), None
    minimum, maximum = summary.extremes or (math.nan, math.nan)
    found = Findings(
        shape=made.shape,
        dtype=made.dtype,
        minimum=minimum,
        maximum=maximum,
        clipped=clipped,
        odd=summary.odd,
        missing=0 if data is None else data.size - int(np.count_nonzero(data)),
        blank=0 if data is None else result.blank,
        range=name,
        kind=picture.kind,
        steps=steps,
        policy=policy,
    )
    return FilterResult(made, alpha, found, coloured=made.ndim > channels)


def chained(image: Picture, steps: Sequence[Doing], setting: Setting, max_pixels: int | None) -> Picture:
    """Return the picture that steps make, one after the other, none of more pixels than `max_pixels`.

    An error of one of several names it.
    """
    if not 1 <= len(steps) <= MOST_STEPS:
        raise UsageError(f"Expected 1 to {MOST_STEPS} steps, found {len(steps):,}.")
    picture = image
    for number, step in enumerate(steps, 1):
        try:
            if step.goes_over:
                with part_of(setting.progress, 1) as progress:
                    picture = step.on(picture, replace(setting, progress=progress))
            else:
                picture = step.on(picture, setting)
            _check_size(picture.shape, max_pixels)
        except ConvcliError as error:
            if len(steps) == 1:
                raise
            raise error.placed(f"step {number} ({step.label})") from error.__cause__
    return picture


def _check_size(shape: Pair, most: int | None) -> None:
    """Raise `ShapeError` before a result of more pixels than `most` is begun."""
    if most is not None and shape[0] * shape[1] > most:
        raise ShapeError(
            f"The result would have {shape[0]:,} × {shape[1]:,} pixels, more than the {most:,} that are "
            "allowed. Pad or enlarge less, or allow more (--max-pixels)."
        )


def _all_finite(pixels: Pixels, veil: Veil | None) -> bool:
    """Return whether all pixels that are seen are finite: then what is not, comes of the sums."""
    finite: Pixels = np.isfinite(pixels)
    if pixels.ndim == 3:
        finite = np.logical_and.reduce(finite, axis=2)
    if veil is not None:
        sees = np.empty(veil.shape, bool)
        veil.sees(slice(0, veil.shape[0]), slice(0, veil.shape[1]), sees)
        finite |= ~sees
    return bool(finite.all())
