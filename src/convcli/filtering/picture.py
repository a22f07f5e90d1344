"""A picture that is computed where it is looked at: what steps make of each other, and none keeps.

A chain of steps is pulled: whoever wants rows and columns of the last picture asks it (`read`), which asks
the one that it is made of, down to the image. So between steps there are floats, never pixels, and of each no
more than what one block's windows see.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from convcli.engine.arguments import computing_dtype
from convcli.engine.plane.blocks import Effort
from convcli.engine.plane.planes import ArrayPlane, Plane
from convcli.engine.workspace import FreeList, Workspace
from convcli.filtering.ranges import limits_of
from convcli.filtering.shares import Progress, scaled
from convcli.filtering.visibility import LastBlock, Veil
from convcli.shapes import Pair, Window

Pixels: TypeAlias = NDArray[Any]
Kind: TypeAlias = Literal["pixels", "signed", "magnitude", "angle", "hue"]
Result = TypeVar("Result")

POINT_COST = 1.0  # nanoseconds that a sample of a point step takes


@dataclass(frozen=True)
class Setting:
    """What a command says to each of its steps."""

    border: str = "reflect"  # of steps that name none
    fill: float = 0
    alpha: str = "keep"  # what a kernel does with it: "keep", "filter" or "ignore"
    threads: int | None = None
    progress: Progress | None = None  # hears of the passes over a picture that a step makes before it

    def pass_of(self, count: int) -> Progress | None:
        """Return what hears of one of so many passes that a step makes."""
        return scaled(self.progress, 1 / count)


class Picture(ABC):
    """A picture of (rows, columns), in floats.

    Attributes
    ----------
    shape
        Rows and columns.
    channels
        How many: 1, 3 for RGB, or any number.
    dtype
        float32 or float64: what it is computed in.
    levels
        The image's dtype, whose black and white are its units' (see `white`).
    kind
        What its values are, by which range "auto" makes pixels of them: "pixels"; "signed", whose size
        counts; "magnitude", which is never negative; "angle", radians; "hue", a direction as a colour, whose
        channels are too bright together.
    veil
        What hides parts of it, alpha and pixels of no data; None if nothing does.
    planes
        Its channels one by one, where that is no more work than all at once: of an image in memory.
    effort, halo, block
        What it takes to compute all of it; how many rows and columns of it beyond a block are computed for
        the block; and the block that is best where nothing is computed twice, None for any.
    """

    planes: Sequence[Plane] | None = None

    def __init__(
        self,
        shape: Pair,
        channels: int,
        dtype: np.dtype[Any],
        levels: np.dtype[Any],
        *,
        kind: Kind = "pixels",
        veil: Veil | None = None,
        effort: Effort | None = None,
        halo: tuple[float, float] = (0, 0),
        block: Pair | None = None,
    ) -> None:
        self.shape, self.channels, self.dtype, self.levels = shape, channels, dtype, levels
        self.kind, self.veil = kind, veil
        self.effort, self.halo, self.block = effort or Effort(), halo, block

    @property
    def white(self) -> float:
        """What is white in the image's units: 255, 65535, 1.0."""
        return limits_of(self.levels)[1]

    @property
    def black(self) -> float:
        """What is black in the image's units: 0 but for signed integers."""
        return limits_of(self.levels)[0]

    @abstractmethod
    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Put `rows` and `columns` of all channels into `out` (c, h, w); several threads may at once."""

    def read_seen(self, rows: slice, columns: slice, out: Pixels, sees: Pixels) -> None:
        """Do the same, and put into `sees` (h, w) where anything stands behind the values."""
        self.read(rows, columns, out)
        assert self.veil is not None
        self.veil.sees(rows, columns, sees)


class Stored(Picture):
    """An image in memory: its planes, in whatever dtype."""

    def __init__(
        self,
        planes: Sequence[Plane],
        levels: np.dtype[Any],
        *,
        kind: Kind = "pixels",
        veil: Veil | None = None,
    ) -> None:
        super().__init__(
            planes[0].shape, len(planes), computing_dtype(planes[0].dtype), levels, kind=kind, veil=veil
        )
        self.planes: Sequence[Plane] = planes

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Copy them."""
        for plane, own in zip(self.planes, out, strict=True):
            plane.read(rows, columns, own)


class StoredImage(Stored):
    """An image in memory as one array: `pixels` (h, w) or (h, w, c)."""

    def __init__(self, pixels: Pixels, veil: Veil | None = None) -> None:
        self.pixels = pixels
        channels = [pixels] if pixels.ndim == 2 else [pixels[:, :, c] for c in range(pixels.shape[2])]
        super().__init__([ArrayPlane(one) for one in channels], pixels.dtype, veil=veil)


class Derived(Picture):
    """A picture made of another: as that, but for what is said otherwise.

    `window` is what it looks through at `source`, `cost` what a sample takes, in nanoseconds.
    """

    def __init__(
        self,
        source: Picture,
        *,
        shape: Pair | None = None,
        channels: int | None = None,
        dtype: np.dtype[Any] | None = None,
        kind: Kind | None = None,
        veil: Veil | None = None,
        window: Window | None = None,
        effort: Effort | None = None,
        block: Pair | None = None,
        cost: float = POINT_COST,
    ) -> None:
        self.source = source
        self.kept = FreeList(Workspace)  # its own, as what it reads ahead is larger than a block's scratch
        shape, channels = shape or source.shape, channels or source.channels
        halo = source.halo
        if window is not None:
            down, across = (
                (own + span - 1) / stride
                for own, span, stride in zip(source.halo, window.span, window.stride, strict=True)
            )
            halo = down, across
        super().__init__(
            shape,
            channels,
            dtype or source.dtype,
            source.levels,
            kind=kind or source.kind,
            veil=source.veil if veil is None else veil,
            effort=source.effort + (effort or Effort(cost * channels * math.prod(shape))),
            halo=halo,
            block=block,
        )


class _Pointwise(Derived):
    """What a function makes of each pixel."""

    def __init__(
        self,
        source: Picture,
        function: Callable[[Pixels, Pixels], None],
        channels: int | None,
        kind: Kind | None,
    ) -> None:
        super().__init__(source, channels=channels, kind=kind)
        self.function = function

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        self._put(self.source.read, rows, columns, out)

    def read_seen(self, rows: slice, columns: slice, out: Pixels, sees: Pixels) -> None:
        def read(rows: slice, columns: slice, cells: Pixels) -> None:
            self.source.read_seen(rows, columns, cells, sees)

        self._put(read, rows, columns, out)

    def _put(
        self, read: Callable[[slice, slice, Pixels], None], rows: slice, columns: slice, out: Pixels
    ) -> None:
        with self.kept.lent() as workspace:
            cells = workspace.array("points", (self.source.channels, *out.shape[1:]), self.source.dtype)
            read(rows, columns, cells)
            self.function(cells, out)


def pointwise(
    picture: Picture,
    function: Callable[[Pixels, Pixels], None],
    *,
    channels: int | None = None,
    kind: Kind | None = None,
) -> Picture:
    """Return the picture that a function makes of each pixel by itself.

    Parameters
    ----------
    picture
        What it is made of.
    function
        Called with ``cells`` (c, h, w), which it may overwrite, and ``out`` (channels, h, w), both of the
        picture's dtype: any block, by any thread.
    channels, kind
        Of the result, if they differ.
    """
    return _Pointwise(picture, function, channels, kind)


class _Remembered(Derived):
    """A picture of which each thread remembers the block that it has read last."""

    def __init__(self, source: Picture) -> None:
        super().__init__(source, effort=Effort())
        self._last = LastBlock()

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        if not self._last.recall(rows, columns, out):
            self.source.read(rows, columns, out)
            self._last.remember(rows, columns, out)


def remembered(picture: Picture) -> Picture:
    """Return the same picture for a step that looks at it twice, through a window and without.

    Whoever reads the wider first has the other for a copy; without, all that is before the step would be
    computed twice, and a row of such steps doubles it each time.
    """
    return picture if picture.planes is not None else _Remembered(picture)


class _Exact(Derived):
    """A picture in double precision."""

    def __init__(self, source: Picture) -> None:
        super().__init__(source, dtype=np.dtype(np.float64))

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        with self.kept.lent() as workspace:
            cells = workspace.array("single", out.shape, self.source.dtype)
            self.source.read(rows, columns, cells)
            np.copyto(out, cells)


def exact(picture: Picture) -> Picture:
    """Return a picture in float64: of an image, its own values; of a step's result, what it computes."""
    if picture.dtype == np.float64:
        return picture
    if isinstance(picture, Stored):
        same = Stored(picture.planes, picture.levels, kind=picture.kind, veil=picture.veil)
        same.dtype = np.dtype(np.float64)
        return same
    return _Exact(picture)
