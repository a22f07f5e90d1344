"""What decides on a filtered image: where its kernel is laid, on what of it, and how responses become pixels.

    channels  gray: luma; each: every channel;
              auto: gray for kernels that sum to zero (edges), each for the others; a kernel with a part for
              each channel (volume) gives the sum of their responses, and takes a grey image for all of them
    range     clip: v; abs: |v|; offset: v + mid-grey; raw: v as floats;
              stretch: minimum … maximum to black … white;
              auto: abs for kernels that sum to zero, clip for the others; of a chain, as what its last step
              gives is signed or not (`Picture.kind`); a turn from black to white for angles

An offset is added to the responses before that, in the image's own units (0 … 255, 0 … 65535, 0 … 1): abs
takes the absolute value of the sum, stretch makes nothing of it, raw writes it; auto is then never abs.

Integers are rounded, and clipped to what their dtype holds. Floats have no white: auto, abs and raw do not
clip them, the others take white for 1. Only stretch depends on what is in the image.

A depth makes them integers of so many bits, with the image's white as their own: nothing is rounded before,
and what signed ones have below 0 is cut. A background is what results are laid on that have alpha.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcli.engine.arguments import finite
from convcli.engine.plane.borders import border_named
from convcli.engine.plane.plan import OPERATIONS, Plan
from convcli.errors import UnknownNameError, UsageError
from convcli.kernels import Kernel
from convcli.shapes import IntOrPair, Padding, Pair, Window, pair

MOST_KEPT_CELLS = 4096
"""Weights of a kernel up to which a plan for it is kept, for the next image of the same size."""

CHANNELS = ("auto", "gray", "each")
RANGES = ("auto", "clip", "abs", "stretch", "offset", "raw")
ALPHAS = ("keep", "filter", "ignore")
DEPTHS = (8, 16)
AT_THE_END = ("range", "alpha", "nodata", "linear", "depth", "background")
"""The options that are a whole chain's, and not one kernel's."""
_OF_PIXELS = ("depth", "background")
_LAID = ("padding", "border", "fill", "stride", "dilation", "op")
FROM_FILE = "auto"
"""Among the values for no data: the one that the image's file names, if it names one."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The options of a filter but its kernel; `filter_image` documents them.

    Raises `UsageError` if one is unknown or not finite; what has to fit a kernel is checked by `check`.
    """

    padding: Padding = "same"
    border: str = "reflect"
    fill: float = 0
    stride: IntOrPair = 1
    dilation: IntOrPair = 1
    channels: str = "auto"
    range: str = "auto"
    op: str = "correlate"
    offset: float = 0
    alpha: str = "keep"
    nodata: Sequence[float | str] = ()  # values, `FROM_FILE` among them
    linear: bool = False  # in linear light, from the first step to the last
    depth: int | None = None  # bits of a result's samples; None for the image's own
    background: str | None = None  # a colour that results of some alpha are laid on; None to keep alpha

    def __post_init__(self) -> None:
        object.__setattr__(self, "border", border_named(self.border))
        finite(self.fill, "fill")
        for option in ("stride", "dilation"):
            object.__setattr__(self, option, pair(getattr(self, option), option))
        for option, known in (("channels", CHANNELS), ("range", RANGES), ("alpha", ALPHAS)):
            if (found := getattr(self, option)) not in known:
                raise UnknownNameError(f"value for {option}", found, known)
        if self.op not in OPERATIONS:
            raise UnknownNameError("op", self.op, OPERATIONS)
        if not math.isfinite(self.offset):
            raise UsageError(f"offset must be a finite number, not {self.offset!r}.")
        if self.depth is not None and self.depth not in DEPTHS:
            raise UsageError(f"depth is 8 or 16 bits, not {self.depth!r}.")
        if self.background is not None:
            from convcli.images.colours import colour_code  # which few results need

            object.__setattr__(self, "background", colour_code(self.background))
        if self.range == "raw" and (
            given := [name for name in _OF_PIXELS if getattr(self, name) is not None]
        ):
            raise UsageError(f"range raw gives floats, not pixels, which have no {given[0]}; leave one out.")

    def check(self, kernel: Kernel) -> None:
        """Raise `UsageError` if no image could be filtered like this with `kernel`."""
        Window.of(kernel.shape, stride=self.stride, padding=self.padding, dilation=self.dilation)
        self.channels_for(kernel)
        if self.offset and kernel.combine in ("angle", "hsv"):
            raise UsageError(f"{kernel.name} gives directions, to which no offset can be added.")

    def plan(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], weights: Sequence[ArrayLike], anchor: Pair | None
    ) -> Plan:
        """Return how to lay weights on planes of `shape` and `dtype`."""
        options = {name: getattr(self, name) for name in _LAID} | {"anchor": anchor}
        parts = [np.asarray(part) for part in weights]
        small = sum(part.size for part in parts) <= MOST_KEPT_CELLS
        if small and all(part.dtype == np.float64 and part.ndim == 2 for part in parts):
            with suppress(TypeError):  # of a list among the options
                content = tuple((part.shape, part.tobytes()) for part in parts)
                return _plan(tuple(shape), dtype, content, tuple(options.items()))
        return Plan.of(shape, dtype, weights, **options)

    def channels_for(self, kernel: Kernel) -> str:
        """Return "gray", "each" or "volume": what `channels`, perhaps "auto", means for this kernel."""
        if kernel.combine == "volume":
            if self.channels == "each":
                raise UsageError(
                    f"{kernel.name} sums up the channels of an image; each cannot be had, only auto or gray."
                )
            return "gray" if self.channels == "gray" else "volume"
        if kernel.combine == "hsv" and self.channels == "each":
            raise UsageError(
                f"{kernel.name} makes three channels of one; each cannot be had, only auto or gray."
            )
        if self.channels != "auto":
            return self.channels
        return "gray" if kernel.sums_to_zero else "each"

    def range_for(self, kind: str, dtype: np.dtype[Any], *, whole: bool = False) -> str:
        """Return what `range`, perhaps "auto", means for values of a kind (`Picture.kind`), and pixels.

        `whole` says that the result has to be integers.
        """
        floats = dtype.kind == "f" and not whole
        if kind == "angle" and self.range in ("clip", "abs", "offset"):
            raise UsageError(
                f"range {self.range}: the result is an angle in radians; auto makes a turn black to white, "
                "stretch its least to its largest, raw keeps the radians."
            )
        if self.range != "auto":
            return self.range
        if kind in ("signed", "magnitude", "hue"):
            return "abs"
        return "raw" if floats else "angle" if kind == "angle" else "clip"

    @property
    def pixel_record(self) -> dict[str, Any]:
        """The options of pixels that are given: records from before there were any hold as they are."""
        return {name: value for name in _OF_PIXELS if (value := getattr(self, name)) is not None}

    def document(self) -> dict[str, Any]:
        """Return the options by name, but for what stands for no data: as plain as they were given."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "nodata"}

    def laying(self) -> dict[str, Any]:
        """Return the options that say how a kernel is laid."""
        return {name: value for name, value in self.document().items() if name not in AT_THE_END}

    def naming(self, value: float | None) -> Policy:
        """Return the policy for an image whose file names this value for no data, or none."""
        if FROM_FILE not in self.nodata:
            return self
        values = [value if one == FROM_FILE else one for one in self.nodata]
        return replace(self, nodata=tuple(one for one in values if one is not None))


@lru_cache(maxsize=8)
def _plan(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    weights: tuple[tuple[tuple[int, ...], bytes], ...],
    options: tuple[tuple[str, Any], ...],
) -> Plan:
    """Return the plan of weights by their content: for small images to make it takes as long as to run it."""
    parts = [np.frombuffer(content, np.float64).reshape(size) for size, content in weights]
    return Plan.of(shape, dtype, parts, **dict(options))
