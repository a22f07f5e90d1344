"""How much of each pixel there is to see: alpha, and pixels of no data. What is not seen has no say.

A response is a sum over a window, Σ w c. Where cells have shares a of their own, alpha from 0 to 1 or 0 for
no data, each colour counts as much as it is seen, and what is missing as the mean m of what is seen:

    m = Σ |w| a c / Σ |w| a        m Σ w + (Σ w a (c − m)) · Σ |w| / Σ |w| a

For kernels without negative weights that is normalised convolution, (Σ w a c / Σ w a) · Σ w. Source: H.
Knutsson and C.-F. Westin, Normalized and differential convolution, CVPR 1993. For kernels with them, whose
Σ w a may be 0, it says that a cut-out's outline is no edge, and that half the alpha everywhere changes
nothing.

Its limit: what is missing is a level, not a slope. Beside a hole in a ramp a gradient across the outline is
too small, and a second derivative is that of the ramp's end. Fitting a plane to what is seen (normalised
differential convolution, in the same paper) would go on with the ramp, but makes up values beyond any that
are there, and needs six sums for each one here.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import responses
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.planes import Block, Plane
from convcli.engine.workspace import Workspace
from convcli.errors import UsageError
from convcli.filtering.policy import Policy
from convcli.kernels import Kernel
from convcli.shapes import Pair

Pixels: TypeAlias = NDArray[Any]

BEYOND = 1e-3  # of opaque, which resampled alpha may be above 1 or below 0
BARELY = 1e-9  # share of a kernel that a strategy's rounding may leave where nothing is seen


def opaque_of(dtype: np.dtype[Any]) -> float:
    """Return what alpha of this dtype is where nothing shines through.

    >>> opaque_of(np.dtype(np.uint16)), opaque_of(np.dtype(np.float32))
    (65535.0, 1.0)
    """
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def check_alpha(alpha: Pixels) -> None:
    """Raise `UsageError` unless `alpha` is uint8, uint16 or floats from 0 to 1."""
    if alpha.dtype not in (np.uint8, np.uint16) and alpha.dtype.kind != "f":
        raise UsageError(
            f"Expected alpha in uint8, uint16 or floats, found {alpha.dtype}; pass the colour channels alone."
        )
    if alpha.dtype.kind == "f" and not (alpha.min() >= -BEYOND and alpha.max() <= 1 + BEYOND):
        raise UsageError(
            f"Expected alpha from 0 to 1, as floats have it, found {alpha.min():g} … {alpha.max():g}; "
            "scale it, or pass the colour channels alone."
        )


def places_under(plan: Plan, size: Pair) -> tuple[Pixels, Pixels]:
    """Return which row and which column of a plane of `size` lies under the kernel's centre at each position.

    Or the nearest to it.
    """
    rows, columns = (
        np.clip(np.arange(out) * stride - before + centre, 0, n - 1)
        for n, out, stride, (before, _), centre in zip(
            size, plan.output_shape, plan.window.stride, plan.window.padding, plan.centre, strict=True
        )
    )
    return rows, columns


def in_eight_bits(alpha: Pixels) -> Pixels:
    """Return alpha as uint8."""
    if alpha.dtype == np.uint8:
        return alpha
    shares = alpha / (opaque_of(alpha.dtype) / 255)
    return np.rint(np.clip(shares, 0, 255)).astype(np.uint8)


def has_data(pixels: Pixels, nodata: Sequence[float]) -> Pixels | None:
    """Return which pixels (H, W) hold data, or None if all do.

    A pixel of several channels holds none if all of them have one of the values, or any is NaN where NaN is
    one.
    """
    missing = np.zeros(pixels.shape[:2], bool)
    for value in nodata:
        if math.isnan(value):
            if pixels.dtype.kind == "f":
                found = np.isnan(pixels)
                missing |= found if pixels.ndim == 2 else found.any(axis=2)
        elif (own := _as_stored(value, pixels.dtype)) is not None:
            found = pixels == own
            missing |= found if pixels.ndim == 2 else found.all(axis=2)
    return ~missing if missing.any() else None


def _as_stored(value: float, dtype: np.dtype[Any]) -> Any:
    """Return `value` as pixels of `dtype` hold it, None if none can."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return dtype.type(value)
    limits = np.iinfo(dtype)
    return dtype.type(int(value)) if limits.min <= value <= limits.max and value == int(value) else None


def standing_for(value: float, dtype: np.dtype[Any]) -> float:
    """Return what stands for no data in a result of this dtype: `value`, or 0 where it holds none such."""
    if dtype.kind == "f" or float(np.iinfo(dtype).min) <= value <= float(np.iinfo(dtype).max):
        return value
    return 0.0


class Veil(ABC):
    """What hides parts of a picture: how much is seen of each pixel, from 0 to 1.

    It is read as a plane of that: alpha, and 0 where there are no data.

    Attributes
    ----------
    shape
        The picture's rows and columns.
    alpha_dtype
        What alpha is stored in, whose `opaque_of` is opaque; None if there is none.
    weighs
        Whether colours count as much as alpha says; if not, it is only carried along.
    has_data
        Whether there are pixels of no data.
    """

    dtype: np.dtype[Any] = np.dtype(np.uint8)  # of finite numbers
    at_hand = False  # whether it lies in memory, so that to read it is no work

    def __init__(
        self, shape: Pair, alpha_dtype: np.dtype[Any] | None, *, weighs: bool, has_data: bool
    ) -> None:
        self.shape, self.alpha_dtype, self.weighs, self.has_data = shape, alpha_dtype, weighs, has_data

    @property
    def limits(self) -> bool:
        """Whether not all is seen."""
        return self.weighs or self.has_data

    @abstractmethod
    def sees(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Put into `out` (h, w) of bool where anything stands behind the picture's values."""

    @abstractmethod
    def alpha(self, rows: slice, columns: slice, out: Pixels, sees: Pixels | None = None) -> None:
        """Put alpha, as large as it is stored, into the floats `out`; `sees` is what that says, if known."""

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Put how much is seen of `rows` and `columns` into `out`."""
        sees = np.empty(out.shape, bool)
        self.sees(rows, columns, sees)
        if self.weighs:
            assert self.alpha_dtype is not None
            self.alpha(rows, columns, out, sees)
            np.divide(out, opaque_of(self.alpha_dtype), out=out)
            if self.alpha_dtype.kind == "f":
                np.clip(out, 0, 1, out=out)
        else:
            out[...] = 1
        if self.has_data:
            out[~sees] = 0


class LastBlock:
    """What a thread has computed last, (…, h, w), for whoever asks for a part of it.

    A veil is asked for what is seen and for alpha, and alpha may depend on what is seen: without this each
    step of a chain would ask the one before twice, and that one four times the one before it.
    """

    def __init__(self) -> None:
        self._local = threading.local()

    def remember(self, rows: slice, columns: slice, block: Pixels) -> None:
        """Keep a copy of what was computed for `rows` and `columns`."""
        self._local.last = rows, columns, block.copy()

    def recall(self, rows: slice, columns: slice, out: Pixels) -> bool:
        """Put `rows` and `columns` into `out` if they are part of it, and say whether they are."""
        down, across, block = getattr(self._local, "last", (slice(0, 0), slice(0, 0), out))
        inside = down.start <= rows.start and rows.stop <= down.stop
        if not (inside and across.start <= columns.start and columns.stop <= across.stop):
            return False
        top, left = rows.start - down.start, columns.start - across.start
        height, width = out.shape[-2:]
        np.copyto(out, block[..., top : top + height, left : left + width], casting="same_kind")
        return True


class DerivedVeil(Veil):
    """A veil that a step makes of another's: alpha as that moves it, or what the step makes of alpha itself.

    Alpha is 0 where nothing is seen, unless the step tells the truth there, too (`zeroing` is False). What
    was computed last is remembered.
    """

    zeroing = True

    def __init__(
        self, shape: Pair, source: Veil, filtered: Callable[[slice, slice, Pixels], None] | None
    ) -> None:
        super().__init__(shape, source.alpha_dtype, weighs=source.weighs, has_data=source.has_data)
        self.source, self.filtered = source, filtered
        self._seen, self._alpha = LastBlock(), LastBlock()

    @abstractmethod
    def put_seen(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Do what `sees` does, where not all is seen."""

    @abstractmethod
    def put_moved(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Put the source's alpha as it comes to lie into `out`."""

    def sees(self, rows: slice, columns: slice, out: Pixels) -> None:
        if not self.limits:
            out[...] = True
        elif not self._seen.recall(rows, columns, out):
            self.put_seen(rows, columns, out)
            self._seen.remember(rows, columns, out)

    def alpha(self, rows: slice, columns: slice, out: Pixels, sees: Pixels | None = None) -> None:
        if self._alpha.recall(rows, columns, out):
            return
        if self.filtered is not None:
            self.filtered(rows, columns, out[None])
        else:
            self.put_moved(rows, columns, out)
            if self.zeroing and self.limits:
                if sees is None:
                    sees = np.empty(out.shape, bool)
                    self.sees(rows, columns, sees)
                out[~sees] = 0
        self._alpha.remember(rows, columns, out)


class StoredVeil(Veil):
    """The veil of an image in memory: its alpha (h, w), and which pixels (h, w) hold data."""

    at_hand = True

    def __init__(self, alpha: Pixels | None, data: Pixels | None, *, ignored: bool = False) -> None:
        first = alpha if data is None else data
        assert first is not None
        weighs = alpha is not None and not ignored and bool(alpha.min() < opaque_of(alpha.dtype))
        shape = first.shape[0], first.shape[1]
        super().__init__(
            shape, None if alpha is None else alpha.dtype, weighs=weighs, has_data=data is not None
        )
        self._alpha, self.data = alpha, data

    @classmethod
    def of(cls, alpha: Pixels | None, data: Pixels | None, *, ignored: bool = False) -> StoredVeil | None:
        """Return what hides parts of an image, or None if it has neither alpha nor pixels of no data."""
        return None if alpha is None and data is None else cls(alpha, data, ignored=ignored)

    def sees(self, rows: slice, columns: slice, out: Pixels) -> None:
        if self.weighs and self._alpha is not None:
            np.greater(self._alpha[rows, columns], 0, out=out)
        else:
            out[...] = True
        if self.data is not None:
            out &= self.data[rows, columns]

    def alpha(self, rows: slice, columns: slice, out: Pixels, sees: Pixels | None = None) -> None:
        assert self._alpha is not None
        np.copyto(out, self._alpha[rows, columns], casting="same_kind")


class Seen:
    """A plane of colours times how much of them is seen; whatever stands where nothing is, gives 0."""

    def __init__(self, plane: Plane, shares: Plane) -> None:
        self.plane, self.shares = plane, shares
        self.shape, self.dtype = plane.shape, plane.dtype

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Put the products of `rows` and `columns` into `out`."""
        self.plane.read(rows, columns, out)
        share = np.empty(out.shape, out.dtype)
        self.shares.read(rows, columns, share)
        np.multiply(out, share, out=out)
        out[share == 0] = 0


@dataclass(frozen=True, eq=False)
class Sight:
    """How kernels are laid on planes that are not seen everywhere: each beside its weights' sizes.

    The plans' kernels are the parts', then, if any has a sign, the same without signs.
    """

    colours: Plan
    shares: Plan  # of how much is seen: all, around an image whose border is of a constant
    parts: int  # how many the kernel has

    @classmethod
    def of(cls, shape: Pair, kernel: Kernel, policy: Policy) -> Sight:
        """Return the sight on planes of `shape`."""
        parts, dtype = kernel.parts, np.dtype(np.float64)
        sizes = [np.abs(part) for part in parts] if any(part.min() < 0 for part in parts) else []
        colours = policy.plan(shape, dtype, [*parts, *sizes], kernel.anchor)
        shares = replace(colours, frame=replace(colours.frame, fill=1.0))
        return cls(colours, shares, len(parts))

    @property
    def signed(self) -> bool:
        """Whether a part has weights of both signs, perhaps."""
        return len(self.colours.kernels) > self.parts

    def sees(self, veil: Plane, block: Block, workspace: Workspace, out: Pixels) -> None:
        """Put into `out` where any part of the kernel sees anything."""
        out[...] = False
        share = workspace.array("shares, sizes", block.shape, np.float64)
        for number in range(self.parts):
            plan = self.shares.part(number + self.parts if self.signed else number)
            responses(plan, veil, block, [share], workspace)
            out |= share > self._least(number, plan)

    def _least(self, number: int, plan: Plan) -> float:
        """Return what part `number`'s weights have to add up to, if anything is seen."""
        if any(strategy.rounds for strategy in plan.strategies):
            return BARELY * float(np.abs(self.colours.kernels[number]).sum())
        return 0.0

    def respond(
        self,
        number: int,
        planes: Sequence[Plane],
        veil: Plane,
        block: Block,
        workspace: Workspace,
        outs: Sequence[Pixels],
    ) -> Pixels:
        """Put part `number`'s responses to each of `planes` into `outs`; return where it sees anything."""
        numbers = (number, number + self.parts) if self.signed else (number,)
        names = ["own", "sizes"][: len(numbers)]
        shares = [workspace.array(f"shares, {name}", block.shape, np.float64) for name in names]
        colours = [workspace.array(f"colours, {name}", block.shape, np.float64) for name in names]
        plans = self.colours.part(*numbers), self.shares.part(*numbers)
        responses(plans[1], veil, block, shares, workspace)
        sees: Pixels = shares[-1] > self._least(number, plans[1])
        weights = self.colours.kernels[number]
        level = float(weights.sum())
        for plane, out in zip(planes, outs, strict=True):
            responses(plans[0], Seen(plane, veil), block, colours, workspace)
            mean = np.divide(colours[-1], shares[-1], out=np.zeros(block.shape), where=sees)
            np.multiply(mean, level, out=out)
            if self.signed:
                apart = colours[0] - shares[0] * mean
                apart *= float(np.abs(weights).sum())
                np.divide(apart, shares[-1], out=apart, where=sees)
                out += apart
            out[~sees] = 0
        return sees
