"""What two images differ by: squares, the largest difference and its place, how many pixels are equal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.comparing.pairing import Channel, Pair
from convcli.comparing.similarity import similarity, window_named

BAND = 2**18  # pixels that are compared at a time: no copy of an image is made


@dataclass(frozen=True)
class Largest:
    """The largest difference of two images, the first in the order of rows, columns and channels."""

    difference: float  # |second − first|
    row: int  # from 0, as the column
    column: int
    channel: str
    first: float
    second: float


@dataclass(frozen=True)
class Figures:
    """What a channel, or all of them together, differ by, in the units of the values.

    Attributes
    ----------
    mse
        The mean of the squared differences; NaN where no value is finite in both.
    mean, mean_absolute
        Of second − first, and of its size.
    largest
        The largest size of a difference.
    ssim
        None where the images are smaller than its window, or not finite.
    """

    name: str
    mse: float
    mean: float
    mean_absolute: float
    largest: float
    ssim: float | None

    def psnr(self, white: float) -> float:
        """Peak signal-to-noise ratio in dB, 10 log₁₀(white² / MSE): infinite where nothing differs."""
        if self.mse == 0:
            return math.inf
        return 20 * math.log10(white) - 10 * math.log10(self.mse) if self.mse > 0 else math.nan


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two images compared.

    Attributes
    ----------
    channels, together
        Of each channel, and of all, alpha among them.
    largest
        None where all finite values are equal.
    equal
        Share of the pixels that are equal in all channels.
    odd
        How many values are NaN or infinite in one image and not the same in the other; no figure has them.
    odd_and_equal
        How many are so in both; no figure has them either, and their pixels count as equal.
    """

    pair: Pair
    window: str
    channels: tuple[Figures, ...]
    together: Figures
    largest: Largest | None
    equal: float
    odd: int
    odd_and_equal: int

    @property
    def identical(self) -> bool:
        """Whether every value is the same."""
        return self.largest is None and not self.odd

    @property
    def psnr(self) -> float:
        """Of all channels together, in dB."""
        return self.together.psnr(self.pair.white)


class _Sums:
    """What is added up of one channel, band by band."""

    def __init__(self) -> None:
        self.squares, self.differences, self.sizes = list[float](), list[float](), list[float]()
        self.count = self.odd = self.odd_and_equal = 0
        self.largest, self.place = 0.0, (0, 0)

    def add(self, first: NDArray[Any], second: NDArray[Any], row: int) -> NDArray[np.bool_]:
        """Take a band whose first row is `row`; return where its values are equal."""
        equal: NDArray[np.bool_] = first == second
        a, b = first.astype(np.float64), second.astype(np.float64)
        if first.dtype.kind == "f":
            finite = np.isfinite(a) & np.isfinite(b)
            equal |= np.isnan(a) & np.isnan(b)
            self.odd += int(np.count_nonzero(~finite & ~equal))
            self.odd_and_equal += int(np.count_nonzero(~finite & equal))
            a[~finite] = b[~finite] = 0
            self.count += int(np.count_nonzero(finite))
        else:
            self.count += a.size
        difference = np.subtract(b, a, out=b)
        if first.dtype.kind in "iu" and first.dtype.itemsize == 8:  # more digits than a float has
            difference = _exact_difference(first, second)
        self.differences.append(float(difference.sum()))
        self.squares.append(float(np.vdot(difference, difference)))  # ∞ where that is no float any more
        size = np.abs(difference, out=difference)
        self.sizes.append(float(size.sum()))
        at = int(size.argmax())
        if (most := float(size.flat[at])) > self.largest:
            self.largest, self.place = most, (row + at // size.shape[1], at % size.shape[1])
        return equal


def _exact_difference(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Return second − first of 64-bit integers, rounded once: modulo 2⁶⁴ it is exact."""
    with np.errstate(over="ignore"):
        up = second.astype(np.uint64) - first.astype(np.uint64)
        down = first.astype(np.uint64) - second.astype(np.uint64)
    return np.where(second >= first, up.astype(np.float64), -down.astype(np.float64))


def compare(pair: Pair, *, window: str = "uniform", threads: int | None = None) -> Comparison:
    """Return what two images differ by; `window` is that of SSIM, "uniform" or "gaussian".

    Raises
    ------
    UnknownNameError
        If there is no such window.
    """
    seen = window_named(window)
    sums = [_Sums() for _ in pair.channels]
    rows, columns = pair.shape
    step, equal = max(BAND // columns, 1), 0
    for row in range(0, rows, step):
        band = slice(row, row + step)
        alike = np.ones((min(step, rows - row), columns), bool)
        with np.errstate(over="ignore", invalid="ignore"):
            for channel, found in zip(pair.channels, sums, strict=True):
                alike &= found.add(channel.first[band], channel.second[band], row)
        equal += int(np.count_nonzero(alike))
    odd = sum(found.odd for found in sums)
    odd_and_equal = sum(found.odd_and_equal for found in sums)
    ssims: list[float | None] = [None] * len(sums)
    if min(rows, columns) >= seen.side and not odd + odd_and_equal:
        ssims = [similarity(c.first, c.second, seen, pair.white, threads) for c in pair.channels]
    figures = [
        _figures(channel.name, [found], ssim)
        for channel, found, ssim in zip(pair.channels, sums, ssims, strict=True)
    ]
    known = [ssim for ssim in ssims if ssim is not None]
    return Comparison(
        pair,
        window,
        tuple(figures),
        _figures("all", sums, math.fsum(known) / len(known) if known else None),
        _largest(pair.channels, sums),
        equal / (rows * columns),
        odd,
        odd_and_equal,
    )


def doubts(found: Comparison, *, given: bool) -> list[str]:
    """Return what the user should know of the figures; `given` says that the data range is the user's own."""
    notes, window = [], window_named(found.window).side
    if found.odd or found.odd_and_equal:
        count = found.odd + found.odd_and_equal
        notes.append(
            f"{count:,} values are NaN or infinite, {found.odd:,} of them in one image alone; they are in no "
            "figure, and SSIM is left out"
        )
    elif min(found.pair.shape) < window:
        notes.append(f"SSIM needs images of at least {window} × {window} pixels; it is left out")
    if found.pair.dtype.kind == "f" and not given:
        span = max((_span(plane) for c in found.pair.channels for plane in (c.first, c.second)), default=0.0)
        if span > found.pair.white:
            notes.append(
                f"values span {span:.6g}; the data range of floats is 1 unless --data-range is given"
            )
    return notes


def _span(plane: NDArray[Any]) -> float:
    """Return how far the finite values of a plane are from 0 and from each other, at most."""
    finite = plane[np.isfinite(plane)].astype(np.float64)
    return float(max(finite.max(), 0) - min(finite.min(), 0)) if finite.size else 0.0


def _figures(name: str, sums: list[_Sums], ssim: float | None) -> Figures:
    count = sum(found.count for found in sums)

    def mean(kind: str) -> float:
        return math.fsum(one for found in sums for one in getattr(found, kind)) / count if count else math.nan

    largest = max(found.largest for found in sums)
    return Figures(name, mean("squares"), mean("differences"), mean("sizes"), largest, ssim)


def _largest(channels: tuple[Channel, ...], sums: list[_Sums]) -> Largest | None:
    most = max(found.largest for found in sums)
    if most == 0:
        return None
    n = min((n for n, found in enumerate(sums) if found.largest == most), key=lambda n: (sums[n].place, n))
    channel, (row, column) = channels[n], sums[n].place
    return Largest(
        most, row, column, channel.name, channel.first[row, column].item(), channel.second[row, column].item()
    )
