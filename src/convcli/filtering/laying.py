"""A kernel laid on a picture: the picture of its responses, and what hides parts of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convcli.engine.hue import put_directions
from convcli.engine.plane.blocks import WORKSPACES, Effort, blocks_of, responses
from convcli.engine.plane.plan import Plan
from convcli.engine.plane.planes import Block, Plane
from convcli.engine.workspace import Workspace
from convcli.errors import ShapeError
from convcli.filtering.luma import gray
from convcli.filtering.picture import Derived, Picture, Stored, pointwise
from convcli.filtering.policy import Policy
from convcli.filtering.reading_ahead import read_ahead, veil_ahead
from convcli.filtering.visibility import DerivedVeil, Sight, Veil, opaque_of, places_under
from convcli.kernels import Kernel
from convcli.shapes import Pair

Pixels: TypeAlias = NDArray[Any]

BAND = 2**16  # pixels that a magnitude is made of at a time

COMBINE = {"magnitude": np.hypot, "maximum": np.maximum, "volume": np.add}


def laid(kernel: Kernel, policy: Policy, picture: Picture) -> Picture:
    """Return the picture of a kernel's responses, on what of `picture` the policy says.

    Raises `ShapeError` if they do not fit each other.
    """
    if kernel.combine == "angle":
        return pointwise(
            laid_apart(kernel, policy, picture),
            _put_angles,
            channels=_looked_at(kernel, policy, picture).channels,
            kind="angle",
        )
    if kernel.combine == "hsv":
        return pointwise(laid_apart(kernel, policy, picture), _put_colours, channels=3, kind="hue")
    picture = _looked_at(kernel, policy, picture)
    volume = policy.channels_for(kernel) == "volume" and picture.channels > 1
    if volume and picture.channels != len(kernel.parts):
        raise ShapeError(
            f"{kernel.name} is for images of {len(kernel.parts)} channels; this one has {picture.channels}."
        )
    return _Laid(kernel, policy, picture, volume=volume)


def laid_apart(kernel: Kernel, policy: Policy, picture: Picture) -> Picture:
    """Return the picture of the responses to each part of a kernel, not combined: gx and gy of a gradient.

    Of each channel that is looked at (`laid`), one for each part.
    """
    return _Laid(kernel, policy, _looked_at(kernel, policy, picture), apart=True)


def _looked_at(kernel: Kernel, policy: Policy, picture: Picture) -> Picture:
    """Return what of a picture a kernel is laid on: its brightness, or all channels."""
    return gray(picture) if policy.channels_for(kernel) == "gray" else picture


def _put_angles(cells: Pixels, out: Pixels) -> None:
    for number, own in enumerate(out):
        x, y = cells[2 * number : 2 * number + 2]
        y += 0  # of a −0 that is −π to the left, and not π
        np.arctan2(y, x, out=own)


def _put_colours(cells: Pixels, out: Pixels) -> None:
    put_directions(cells[0], cells[1], out)


class _Laid(Derived):
    """A kernel's responses: as many channels as the picture has, one of a volume, or one for each part."""

    def __init__(
        self, kernel: Kernel, policy: Policy, source: Picture, *, volume: bool = False, apart: bool = False
    ) -> None:
        self.kernel, self.offset, self.volume, self.apart = kernel, policy.offset, volume, apart
        veil = source.veil
        self.sight = None
        if veil is not None and veil.limits:
            self.sight = Sight.of(source.shape, kernel, policy)
            plan = self.sight.colours
        else:
            plan = policy.plan(source.shape, source.dtype, kernel.parts, kernel.anchor)
        self.plan = plan
        signed = kernel.sums_to_zero or source.kind == "signed"  # as the blur of what is signed is
        super().__init__(
            source,
            shape=plan.output_shape,
            channels=1 if volume else source.channels * (len(kernel.parts) if apart else 1),
            dtype=plan.dtype,
            kind="signed" if signed and not policy.offset else "pixels",
            veil=None if veil is None else _LaidVeil(veil, kernel, policy, plan, self.sight),
            window=plan.window,
            effort=Effort.of(plan),
            block=plan.block if source.planes is not None else None,
        )

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Respond, block by block."""
        self._put(rows, columns, out, None)

    def read_seen(self, rows: slice, columns: slice, out: Pixels, sees: Pixels) -> None:
        """Do the same, and say where anything is seen."""
        self._put(rows, columns, out, sees)

    def _put(self, rows: slice, columns: slice, out: Pixels, sees: Pixels | None) -> None:
        plan, whole = self.plan, Block(rows, columns)
        with WORKSPACES.lent() as workspace, self.kept.lent() as ahead:
            planes = read_ahead(self.source, plan.frame, plan.window, whole, ahead)
            veil = None
            if self.sight is not None and self.source.veil is not None:
                veil = veil_ahead(self.source.veil, plan.frame, plan.window, whole, ahead)
            for block, at in pieces(whole, plan.block):
                some = out[(slice(None), *at)]
                if veil is None:
                    self._respond(planes, block, workspace, some)
                else:
                    found = self._respond_to_seen(planes, veil, block, workspace, some)
                    if sees is not None:
                        sees[at] = found
                if self.offset:
                    some += self.offset

    def _sources(self, planes: Sequence[Plane]) -> list[Sequence[Plane]]:
        """Return for each channel its source, or a source for each part of a volume."""
        return [planes] if self.volume else [[plane] for plane in planes]

    def _respond(self, planes: Sequence[Plane], block: Block, workspace: Workspace, out: Pixels) -> None:
        """Put a block of responses into `out`: the parts', combined as the kernel says."""
        others = [
            workspace.array(f"response {number}", block.shape, self.plan.dtype)
            for number in range(1, len(self.kernel.parts))
        ]
        if self.apart:
            for number, plane in enumerate(planes):
                parts = list(out[number * len(self.kernel.parts) :][: len(self.kernel.parts)])
                responses(self.plan, plane, block, parts, workspace)
            return
        for sources, own in zip(self._sources(planes), out, strict=True):
            parts = [own, *others]
            if len(sources) == 1:
                responses(self.plan, sources[0], block, parts, workspace)
            else:
                for number, (source, part) in enumerate(zip(sources, parts, strict=True)):
                    responses(self.plan.part(number), source, block, [part], workspace)
            if self.kernel.combine == "magnitude":
                _put_magnitude(parts, workspace, any_size=sources[0].dtype.kind == "f")
            elif (combine := COMBINE.get(self.kernel.combine)) is not None:
                for part in others:
                    combine(own, part, out=own)

    def _respond_to_seen(
        self, planes: Sequence[Plane], veil: Plane, block: Block, workspace: Workspace, out: Pixels
    ) -> Pixels:
        """Do the same for a picture that is not seen everywhere; return where anything is seen.

        Part by part, so that what is seen is weighted once for all channels.
        """
        assert self.sight is not None
        combine = COMBINE.get(self.kernel.combine)
        others = [workspace.array(f"other {n}", block.shape, np.float64) for n in range(len(out))]
        sees = np.zeros(block.shape, bool)
        for number in range(len(self.kernel.parts)):
            # A volume has a source for each part, all other planes one for all.
            sources = [own[number] if len(own) > 1 else own[0] for own in self._sources(planes)]
            outs = others if number else list(out)
            if self.apart:
                outs = list(out[number :: len(self.kernel.parts)])
            found = self.sight.respond(number, sources, veil, block, workspace, outs)
            sees |= found
            if number and combine is not None and not self.apart:
                for own, other in zip(out, others, strict=True):
                    combine(own, other, out=own)
        if self.kernel.combine == "magnitude" and len(self.kernel.parts) == 1 and not self.apart:
            np.abs(out, out=out)
        return sees


def pieces(whole: Block, size: Pair) -> Iterator[tuple[Block, tuple[slice, slice]]]:
    """Yield the blocks of `size` that a larger one is made of, and where in it each stands."""
    top, left = whole.rows.start, whole.columns.start
    for at in blocks_of(whole.shape, size):
        rows, columns = at.rows, at.columns
        block = Block(
            slice(rows.start + top, rows.stop + top), slice(columns.start + left, columns.stop + left)
        )
        yield block, (rows, columns)


class _LaidVeil(DerivedVeil):
    """What hides parts of a kernel's responses: alpha moved with the pixels, or the kernel laid on it.

    Where nothing is seen, kernels that sum to zero tell the truth: there is no edge.
    """

    def __init__(self, source: Veil, kernel: Kernel, policy: Policy, plan: Plan, sight: Sight | None) -> None:
        filtered = None
        if policy.alpha == "filter" and source.alpha_dtype is not None:
            filtered = _filtered(source, source.alpha_dtype, kernel, policy).read
        super().__init__(plan.output_shape, source, filtered)
        self.sight, self.zeroing = sight, not kernel.sums_to_zero
        self.rows, self.columns = places_under(plan, source.shape)
        self.usual = plan.block

    def put_seen(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Lay the weights' sizes on what is seen."""
        assert self.sight is not None
        plan, whole = self.sight.shares, Block(rows, columns)
        with WORKSPACES.lent() as workspace:
            veil = veil_ahead(self.source, plan.frame, plan.window, whole, workspace)
            for block, at in pieces(whole, self.usual):
                self.sight.sees(veil, block, workspace, out[at])

    def put_moved(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Take it from under the kernel's centre."""
        down, across = self.rows[rows], self.columns[columns]
        reached = slice(int(down[0]), int(down[-1]) + 1), slice(int(across[0]), int(across[-1]) + 1)
        shape = reached[0].stop - reached[0].start, reached[1].stop - reached[1].start
        if shape == out.shape:
            self.source.alpha(*reached, out)
        else:
            alpha = np.empty(shape, out.dtype)
            self.source.alpha(*reached, alpha)
            out[...] = alpha[np.ix_(down - down[0], across - across[0])]


class AlphaPlane:
    """Alpha as a plane of numbers as large as they are stored."""

    def __init__(self, veil: Veil, dtype: np.dtype[Any]) -> None:
        self.veil, self.shape, self.dtype = veil, veil.shape, dtype

    def read(self, rows: slice, columns: slice, out: Pixels) -> None:
        """Put those of `rows` and `columns` into `out`."""
        self.veil.alpha(rows, columns, out)


def _filtered(source: Veil, dtype: np.dtype[Any], kernel: Kernel, policy: Policy) -> Picture:
    """Return the picture of a kernel's responses to alpha, as large as it is stored."""
    opaque = opaque_of(dtype)
    own = replace(policy, channels="gray", offset=0, alpha="keep", nodata=())
    if kernel.combine in ("angle", "hsv"):  # of alpha there is no direction
        kernel = replace(kernel, combine="magnitude")
    if policy.border in ("zero", "constant"):  # what stands around an image without a cell is opaque
        own = replace(own, border="constant", fill=opaque)
    picture = laid(kernel, own, Stored([AlphaPlane(source, dtype)], dtype))
    absolute = kernel.sums_to_zero

    def limited(cells: Pixels, out: Pixels) -> None:
        np.clip(np.abs(cells, out=cells) if absolute else cells, 0, opaque, out=out)

    return pointwise(picture, limited)


def _put_magnitude(parts: list[Pixels], workspace: Workspace, *, any_size: bool) -> None:
    """Put √(Σ part²) into the first of `parts`, some rows at a time, which a cache holds.

    With `any_size` squares may be too large or too small for the dtype: where they are, it takes longer.
    """
    dtype = parts[0].dtype
    least, most = np.finfo(dtype).smallest_normal / np.finfo(dtype).eps, np.finfo(dtype).max
    step = max(BAND // parts[0].shape[1], 1)
    for start in range(0, len(parts[0]), step):
        rows = [part[start : start + step] for part in parts]
        total, square = (workspace.array(name, rows[0].shape, dtype) for name in ("squares", "square"))
        np.multiply(rows[0], rows[0], out=total)
        for part in rows[1:]:
            np.add(total, np.multiply(part, part, out=square), out=total)
        if not any_size or (total.min() >= least and total.max() <= most):
            np.sqrt(total, out=rows[0])
            continue
        odd = ~((total >= least) & (total <= most)) & reduce(np.logical_or, (part != 0 for part in rows))
        sizes = reduce(np.hypot, (np.abs(part[odd]) for part in rows))
        np.sqrt(total, out=rows[0])
        rows[0][odd] = sizes
