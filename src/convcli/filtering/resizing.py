"""Pictures of another size, band by band: a band is made of the rows that its filter reaches."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.plane.blocks import WORKSPACES
from convcli.engine.resampling import Taps
from convcli.engine.workspace import Workspace
from convcli.filtering.picture import Derived, Picture
from convcli.filtering.visibility import Veil, opaque_of
from convcli.shapes import Pair

Pixels: TypeAlias = NDArray[Any]

COST = 2.0  # nanoseconds that a tap of a sample takes, roughly
BARELY = 1e-6  # share of a pixel's weight that rounding may leave where nothing is seen


class _Resampling:
    """How a block of the result is made of the source."""

    def __init__(self, source: Pair, shape: Pair, name: str) -> None:
        self.shape = shape
        self.down, self.across = (
            Taps.of(length, result, name) for length, result in zip(source, shape, strict=True)
        )

    def reached(self, rows: slice, columns: slice) -> tuple[slice, slice]:
        """Return the rows and columns of the source that some of the result are made of."""
        return self.down.reached(rows), self.across.reached(columns)

    def put(self, cells: Pixels, rows: slice, columns: slice, out: Pixels, workspace: Workspace) -> None:
        """Put `rows` and `columns` of the result into `out`, made of the cells that they reach."""
        lying = np.ascontiguousarray(cells.T)
        across = workspace.array("resized across", (out.shape[1], len(cells)), out.dtype)
        self.across.put(lying, columns, across)
        self.down.put(np.ascontiguousarray(across.T), rows, out)


def resized(picture: Picture, shape: Pair, name: str) -> Picture:
    """Return a picture resized to `shape` by a filter of `engine.resampling`.

    Colours count as much as they are seen, where alpha or pixels of no data limit that.
    """
    return picture if picture.shape == shape else _Resized(picture, shape, name)


class _Resized(Derived):
    """A picture of another size."""

    def __init__(self, source: Picture, shape: Pair, name: str) -> None:
        self.how = how = _Resampling(source.shape, shape, name)
        veil = None if source.veil is None else _ResizedVeil(source.veil, how)
        super().__init__(source, shape=shape, veil=veil, cost=COST * (how.down.count + how.across.count))
        down, across = (
            (own + taps.count) * result / length
            for own, taps, result, length in zip(
                source.halo, (how.down, how.across), shape, source.shape, strict=True
            )
        )
        self.halo = down, across

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        reached = self.how.reached(rows, columns)
        veil = self.source.veil
        with WORKSPACES.lent() as workspace:
            cells = workspace.array("to resize", (self.channels, *_lengths(reached)), self.source.dtype)
            self.source.read(*reached, cells)
            seen = None
            if veil is not None and veil.limits:
                shares = workspace.array("shares to resize", _lengths(reached), out.dtype)
                veil.read(*reached, shares)
                cells *= shares
                cells[:, shares == 0] = 0  # whatever stands there
                seen = workspace.array("resized shares", out.shape[1:], out.dtype)
                self.how.put(shares, rows, columns, seen, workspace)
            for own, made in zip(cells, out, strict=True):
                self.how.put(own, rows, columns, made, workspace)
                if seen is not None:
                    there = seen > BARELY
                    np.divide(made, seen, out=made, where=there)
                    made[~there] = 0

    def read_seen(self, rows: slice, columns: slice, out: Pixels, sees: Pixels) -> None:
        self.read(rows, columns, out)
        assert self.veil is not None
        self.veil.sees(rows, columns, sees)


class _ResizedVeil(Veil):
    """A veil of another size."""

    def __init__(self, source: Veil, how: _Resampling) -> None:
        super().__init__(how.shape, source.alpha_dtype, weighs=source.weighs, has_data=source.has_data)
        self.source, self.how = source, how

    def sees(self, rows: slice, columns: slice, out: Pixels) -> None:
        if not self.limits:
            out[...] = True
            return
        reached = self.how.reached(rows, columns)
        shares, made = np.empty(_lengths(reached)), np.empty(out.shape)
        self.source.read(*reached, shares)
        with WORKSPACES.lent() as workspace:
            self.how.put(shares, rows, columns, made, workspace)
        np.greater(made, BARELY, out=out)

    def alpha(self, rows: slice, columns: slice, out: Pixels, sees: Pixels | None = None) -> None:
        assert self.alpha_dtype is not None
        reached = self.how.reached(rows, columns)
        cells = np.empty(_lengths(reached), out.dtype)
        self.source.alpha(*reached, cells)
        with WORKSPACES.lent() as workspace:
            self.how.put(cells, rows, columns, out, workspace)
        np.clip(out, 0, opaque_of(self.alpha_dtype), out=out)


def _lengths(reached: tuple[slice, slice]) -> Pair:
    down, across = reached
    return down.stop - down.start, across.stop - across.start
